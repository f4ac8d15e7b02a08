import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../config/package-root.js';
import { builtinTextFolder } from '../../models/text-encoder.js';
import { proveTextEncoder, readRecordedVectors } from '../../models/text-encoder-proof.js';
import { runModel } from '../tuning/model/model-command.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuserank-proof-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the proof of a text encoder', () => {
  it('is passed by the built-in one, through the command as well', async () => {
    expect((await proveTextEncoder(builtinTextFolder)).map(({ name, passed }) => [name, passed])).toEqual([
      ['artefact', true],
      ['parity', true],
      ['behaviour', true],
    ]);
    const { exitCode, stdout } = await runModel(['verify', builtinTextFolder]);
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/passed artefact: text-small-1@[0-9a-f]{8}, 256 dims\npassed parity/)]);
  });

  it('fails where it gives other vectors than were recorded, and tries nothing further', async () => {
    const copy = join(folder, 'text-small-1');
    await cp(builtinTextFolder, copy, { recursive: true });
    const recorded = readRecordedVectors(copy);
    const [first = [], ...rest] = recorded.vectors;
    const moved = [first.map((value, place) => (place === 7 ? value + 0.001 : value)), ...rest];
    await writeFile(join(copy, 'parity.json'), JSON.stringify({ ...recorded, vectors: moved }));
    const steps = await proveTextEncoder(copy);
    expect(steps.map(({ passed }) => passed)).toEqual([true, false]);
    expect(steps.at(-1)?.detail).toMatch(/differs by 1\.0e-3 at most .* export it again/);
    await writeFile(join(copy, 'parity.json'), JSON.stringify({ ...recorded, vectors: recorded.vectors.slice(1) }));
    expect((await proveTextEncoder(copy)).at(-1)?.passed).toBe(false);
  });

  it('names what is missing or another thing', async () => {
    const picture = join(packageRoot, 'models', 'artefacts', 'picture-small-1');
    expect((await proveTextEncoder(picture))[0]?.detail).toMatch(/holds a image-encoder/);
    const copy = join(folder, 'unproved-1');
    await cp(builtinTextFolder, copy, { recursive: true });
    await rm(join(copy, 'parity.json'));
    const steps = await proveTextEncoder(copy);
    expect(steps.map(({ name, passed }) => [name, passed])).toEqual([
      ['artefact', true],
      ['parity', false],
    ]);
    expect(await readFile(join(copy, 'manifest.json'), 'utf8')).toContain('text-encoder');
  });
});
