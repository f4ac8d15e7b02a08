import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ArtefactMismatch, openArtefact } from '../../models/artefact.js';

const model = Buffer.from('a model');
const manifest = {
  name: 'tiny',
  version: '3',
  kind: 'ranker',
  model: { file: 'model.onnx', sha256: createHash('sha256').update(model).digest('hex'), bytes: model.length },
  inputs: { columns: ['B', 'N', 4] },
  outputs: { score: ['B', 'N'] },
  licence: 'Apache-2.0',
  trainedOn: [],
  metrics: {},
};

describe('openArtefact', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'artefact-'));
    await writeFile(join(folder, 'model.onnx'), model);
    await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const rewrite = (change: object): Promise<void> => writeFile(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, ...change }));

  it('opens what is whole and keeps members that a kind adds', async () => {
    await rewrite({ featureSet: 'abc' });
    const artefact = await openArtefact(folder, { kind: 'ranker' });
    expect(artefact.id).toBe(`tiny-3@${manifest.model.sha256.slice(0, 8)}`);
    expect(artefact.manifest['featureSet']).toBe('abc');
    expect(artefact.modelFile).toBe(join(folder, 'model.onnx'));
  });

  it.each([
    ['another kind', { kind: 'text-encoder' }, /holds a text-encoder, but a ranker is needed here/],
    [
      'another digest',
      { model: { ...manifest.model, sha256: '0'.repeat(64) } },
      /has sha256 [0-9a-f]{64}, its manifest says 0{64}; restore/,
    ],
    ['another length', { model: { ...manifest.model, bytes: 8 } }, /has 7 bytes, its manifest says 8; restore/],
    ['a missing file', { model: { ...manifest.model, file: 'other.onnx' } }, /other\.onnx is missing, though the manifest names it/],
    ['a path that leaves the folder', { model: { ...manifest.model, file: '../model.onnx' } }, /is not a manifest/],
    ['a shape that is none', { inputs: { columns: [0] } }, /is not a manifest/],
  ])('refuses %s and says both sides', async (_name, change, message) => {
    await rewrite(change);
    await expect(openArtefact(folder, { kind: 'ranker' })).rejects.toThrow(message);
    await expect(openArtefact(folder, { kind: 'ranker' })).rejects.toThrow(ArtefactMismatch);
  });

  it('refuses a folder without a manifest, and one whose manifest is not JSON', async () => {
    await writeFile(join(folder, 'manifest.json'), '{');
    await expect(openArtefact(folder)).rejects.toThrow(/is not JSON/);
    await expect(openArtefact(join(folder, 'nowhere'))).rejects.toThrow(/manifest\.json is missing/);
  });
});
