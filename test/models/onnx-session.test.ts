import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../config/package-root.js';
import { ModelUnreadable, openOnnxSession, type OnnxFeed } from '../../models/onnx-session.js';

const MODEL = join(packageRoot, 'models', 'artefacts', 'text-small-1', 'model.onnx');

function feedTokens(ids: readonly number[]): Record<string, OnnxFeed> {
  const dims = [1, ids.length];
  return {
    input_ids: { type: 'int64', data: BigInt64Array.from(ids, BigInt), dims },
    attention_mask: { type: 'int64', data: BigInt64Array.from(ids, () => 1n), dims },
  };
}

describe('openOnnxSession', () => {
  it('names inputs and outputs, and runs', async () => {
    const session = await openOnnxSession(MODEL);
    expect(session.inputNames).toEqual(['input_ids', 'attention_mask']);
    expect(session.outputNames).toEqual(['last_hidden_state']);
    const { last_hidden_state: output } = await session.run(feedTokens([101, 2417, 102]));
    expect(output?.dims).toEqual([1, 3, 256]);
    expect(output?.data).toHaveLength(3 * 256);
    await session.close();
  });

  it('lets runs in flight finish before it closes', async () => {
    const session = await openOnnxSession(MODEL);
    const runs = Array.from({ length: 5 }, () => session.run(feedTokens([101, 2417, 102])));
    const closed = session.close();
    for (const outputs of await Promise.all(runs)) expect(outputs['last_hidden_state']?.data).toHaveLength(3 * 256);
    await closed;
    await expect(session.run(feedTokens([101, 102]))).rejects.toThrow(/closed; open it again/);
  });

  it('rejects a missing input and a wrong shape, and still runs afterwards', async () => {
    const session = await openOnnxSession(MODEL);
    await expect(session.run({})).rejects.toThrow();
    await expect(
      session.run({ ...feedTokens([101, 102]), attention_mask: { type: 'int64', data: BigInt64Array.of(1n), dims: [1, 2] } }),
    ).rejects.toThrow();
    await expect(session.run(feedTokens([101, 102]))).resolves.toHaveProperty('last_hidden_state');
    await session.close();
  });

  it('says which file does not open, and why', async () => {
    await expect(openOnnxSession('/nowhere/model.onnx')).rejects.toThrow(ModelUnreadable);
    await expect(openOnnxSession('/nowhere/model.onnx')).rejects.toThrow(/cannot open \/nowhere\/model\.onnx \(.+\); check that/);
  });
});
