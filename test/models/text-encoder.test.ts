import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';
import { ArtefactMismatch } from '../../models/artefact.js';
import { ModelFolderUnreadable } from '../../models/model-folder.js';
import { openTextEncoder, type TextEncoder } from '../../models/text-encoder.js';
import { describeWithData } from '../data-folder.js';

const BUILTIN = join(packageRoot, 'models', 'artefacts', 'text-small-1');

const paritySchema = z.object({ texts: z.array(z.string()), vectors: z.array(z.array(z.number())), tolerance: z.number() });

function dot(a: Float32Array | undefined, b: Float32Array | undefined): number {
  if (!a || !b) throw new Error('a vector is missing');
  return a.reduce((sum, value, d) => sum + value * (b[d] ?? 0), 0);
}

describe('the built-in text encoder', () => {
  let encoder: TextEncoder;
  beforeAll(async () => {
    encoder = await openTextEncoder({ path: 'builtin' });
  });
  afterAll(() => encoder.close());

  it('gives the vectors that PyTorch gave', async () => {
    const parity = paritySchema.parse(JSON.parse(await readFile(join(BUILTIN, 'parity.json'), 'utf8')));
    const vectors = await encoder.encode(parity.texts);
    parity.vectors.forEach((expected, i) => {
      expected.forEach((value, d) => expect(Math.abs((vectors[i]?.[d] ?? NaN) - value)).toBeLessThan(parity.tolerance));
    });
  });

  it('is small, and stamps its vectors', () => {
    expect(encoder.id).toMatch(/^text-small-1@[0-9a-f]{8}$/);
    expect(encoder.dims).toBe(256);
    expect(encoder.preprocessing).toMatch(/^[0-9a-f]{64}$/);
  });

  it('gives unit vectors, and the zero vector for a text without a token', async () => {
    const texts = ['mug', 'a very long title '.repeat(60), 'ÅÄÖ “quoted”', '🎁', '', '   '];
    const lengths = (await encoder.encode(texts)).map((vector) => Math.hypot(...vector));
    for (const length of lengths.slice(0, 4)) expect(length).toBeCloseTo(1, 5);
    expect(lengths.slice(4)).toEqual([0, 0]);
  });

  it('gives a text the same vector whatever its neighbours and their order', async () => {
    const texts = Array.from({ length: 40 }, (_, i) => `${i} striped cotton shirt ${'with long sleeves '.repeat(i % 7)}`);
    const together = await encoder.encode(texts);
    const turned = (await encoder.encode(texts.toReversed())).toReversed();
    for (const [i, text] of texts.entries()) {
      expect(dot(together[i], turned[i])).toBeGreaterThan(1 - 1e-6);
      if (i % 10 === 0) expect(dot(together[i], (await encoder.encode([text]))[0])).toBeGreaterThan(1 - 1e-6);
    }
  });

  it('puts like things closer than unlike ones', async () => {
    const [dress, gown, cable] = await encoder.encode(['red dress', 'scarlet gown', 'usb charging cable']);
    expect(dot(dress, gown)).toBeGreaterThan(dot(dress, cable) + 0.2);
  });

  it('puts the prompt before queries alone', async () => {
    const prompted = await openTextEncoder({ path: 'builtin', queryPrompt: 'query: ' });
    try {
      const [plain, spelt] = await prompted.encode(['mug', 'query: mug']);
      const query = await prompted.encodeQuery('mug');
      expect(dot(query, spelt)).toBeCloseTo(1, 5);
      expect(dot(query, plain)).toBeLessThan(0.999);
    } finally {
      await prompted.close();
    }
  });
});

describe('a folder that is not right', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'text-encoder-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is named where it does not exist or holds no model', async () => {
    await expect(openTextEncoder({ path: join(folder, 'nowhere') })).rejects.toThrow(
      /nowhere does not exist; name a local model folder, or builtin/,
    );
    await expect(openTextEncoder({ path: folder })).rejects.toThrow(ModelFolderUnreadable);
    await writeFile(join(folder, 'config.json'), '{}');
    await expect(openTextEncoder({ path: folder })).rejects.toThrow(/holds no model.onnx; give a folder in Transformers.js layout/);
  });

  it('is refused where the model is not the one of the manifest', async () => {
    const copy = join(folder, 'text-small-1');
    await cp(BUILTIN, copy, { recursive: true });
    const model = await readFile(join(copy, 'model.onnx'));
    model[1000] = (model[1000] ?? 0) ^ 1;
    await writeFile(join(copy, 'model.onnx'), model);
    await expect(openTextEncoder({ path: copy })).rejects.toThrow(ArtefactMismatch);
    await expect(openTextEncoder({ path: copy })).rejects.toThrow(
      /has sha256 [0-9a-f]{64}, its manifest says [0-9a-f]{64}; restore the folder/,
    );
  });

  it('is refused where it holds something else', async () => {
    const picture = join(packageRoot, 'models', 'artefacts', 'picture-small-1');
    await expect(openTextEncoder({ path: picture })).rejects.toThrow(/holds a image-encoder, but a text-encoder is needed here/);
  });
});

describeWithData('a sentence encoder from a local folder', (data) => {
  let encoder: TextEncoder;
  beforeAll(async () => {
    encoder = await openTextEncoder({ path: join(data, '..', 'models', 'all-minilm-l6-v2') });
  });
  afterAll(() => encoder.close());

  it('has the model’s name and dims', () => {
    expect(encoder.id).toMatch(/^all-minilm-l6-v2@[0-9a-f]{8}$/);
    expect(encoder.dims).toBe(384);
  });

  it('pools, scales and batches as sentence encoders do', async () => {
    const texts = ['red dress', 'a dress in scarlet', 'usb cable', 'x '.repeat(400)];
    const vectors = await encoder.encode(texts);
    for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
    expect(dot(vectors[0], vectors[1])).toBeGreaterThan(0.6);
    expect(dot(vectors[0], vectors[2])).toBeLessThan(0.3);
    expect(dot(vectors[0], await encoder.encodeQuery('red dress'))).toBeGreaterThan(1 - 1e-6);
  });
});
