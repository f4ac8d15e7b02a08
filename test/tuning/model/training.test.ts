import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { drawInput } from '../../../models/drawn-input.js';
import { openArtefact } from '../../../models/artefact.js';
import { builtinFolder } from '../../../models/named-ranker.js';
import { openRanker } from '../../../models/ranker.js';
import { openHouse } from '../../house.js';
import { writeJudgedQueries } from '../rows/judged-queries.js';
import { exportRows } from '../rows/rows-command.js';
import { runModel } from './model-command.js';

const python = process.env['FUSERANK_PYTHON'];
const TRAINING_MS = 240_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuserank-training-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A stand-in for a Python; `words` is what it says on standard error. */
async function fakePython(name: string, words: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, `#!/bin/sh\necho "${words}" >&2\nexit 1\n`);
  await chmod(file, 0o755);
  return file;
}

describe('a Python to train with', () => {
  it('that lacks packages is told of with the command that installs them', async () => {
    const own = await fakePython('python-bare', 'ModuleNotFoundError: No module named torch');
    await writeFile(join(folder, 'rows.ndjson'), '');
    const { exitCode, stderr } = await runModel(['train', '--rows', join(folder, 'rows.ndjson'), '--out', join(folder, 'trees-1')], {
      FUSERANK_PYTHON: own,
    });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('No module named torch');
    expect(stderr).toContain(`${own} -m pip install -r`);
    expect(existsSync(join(folder, 'trees-1'))).toBe(false);
  });

  it('is made in the cache folder; offline it says what would mend it', async () => {
    const { exitCode, stderr } = await runModel(['train', '--rows', join(folder, 'rows.ndjson'), '--out', join(folder, 'trees-1')], {
      FUSERANK_PYTHON: '',
      FUSERANK_CACHE: join(folder, 'cache'),
      PIP_NO_INDEX: '1',
    });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/training needs Python packages \(requirements-lambdamart\.txt: lightgbm==/);
    expect(stderr).toContain('FUSERANK_PYTHON');
  });
});

describe('what cannot be trained on', () => {
  it('is told of before anything is installed', async () => {
    const env = { FUSERANK_PYTHON: await fakePython('python-unused', 'was asked') };
    const missing = await runModel(['train', '--rows', join(folder, 'none.ndjson'), '--out', join(folder, 'a-1')], env);
    expect([missing.exitCode, missing.stderr]).toEqual([6, expect.stringContaining('fuserank rows export')]);
    const bare = await runModel(['tune', '--rows', join(folder, 'rows.ndjson'), '--out', join(folder, 'a-1')], env);
    expect([bare.exitCode, bare.stderr]).toEqual([6, expect.stringContaining('--inputs')]);
    const nameless = await runModel(['tune', '--rows', join(folder, 'rows.ndjson'), '--out', join(folder, 'nameless')], env);
    expect(nameless.stderr).toContain('NAME-VERSION');
  });
});

describe.skipIf(python === undefined)('training (needs FUSERANK_PYTHON)', () => {
  const rows = (): string => join(folder, 'lists.ndjson.gz');

  beforeAll(async () => {
    const house = await openHouse({ products: 90 });
    try {
      // Whoever asks for a thing wants the one of the brand that she bought before.
      const lists = house.entries.map(({ product }, place) => {
        const past = house.entries.filter((each) => each.product.brand === product.brand && each.product.id !== product.id).slice(0, 3);
        const history = past.map((each) => ({ object_id: each.product.id, action_name: 'purchase' }));
        return { query: { query_id: `q${place}`, query: product.category.at(-1) ?? '', history }, good: product.id, rating: 1 };
      });
      await exportRows(house, ...(await writeJudgedQueries(house, folder, lists)), '--out', rows(), '--inputs');
    } finally {
      await house.close();
    }
  });

  it(
    'tunes the shipped ranker: another one, proved, that says what it was tuned from and is not worse on the held-out lists',
    async () => {
      const out = join(folder, 'fusion-tuned-1');
      const { exitCode, stdout, stderr } = await runModel(['tune', '--rows', rows(), '--out', out, '--epochs', '2'], {
        FUSERANK_PYTHON: python ?? '',
      });
      expect(exitCode, stderr).toBe(0);
      expect(stdout).toMatch(/passed artefact[^]*passed parity[^]*passed behaviour/);
      const base = await openArtefact(builtinFolder);
      const tuned = await openArtefact(out, { kind: 'ranker' });
      expect(tuned.sha256).not.toBe(base.sha256);
      expect(tuned.manifest).toMatchObject({ name: 'fusion-tuned', version: '1', tunedFrom: base.id, inputs: base.manifest.inputs });
      const ndcg = z.looseObject({ 'served ndcg@10': z.number() });
      const held = z.looseObject({ before: ndcg, tuned: ndcg }).parse(tuned.manifest.metrics['held out']);
      expect(held.tuned['served ndcg@10']).toBeGreaterThanOrEqual(held.before['served ndcg@10']);
      z.number().min(0).max(1).parse(tuned.manifest.metrics['ceiling']);
      const again = await runModel(['tune', '--rows', rows(), '--out', out], { FUSERANK_PYTHON: python ?? '' });
      expect([again.exitCode, again.stderr]).toEqual([2, expect.stringContaining('is there already')]);
    },
    TRAINING_MS,
  );

  it(
    'gives the same numbers for the same seed, and keeps frozen parts as they were',
    async () => {
      const words = ['tune', '--rows', rows(), '--epochs', '1', '--rate', '0.01', '--freeze', 'attention', 'context', '--quiet', '--out'];
      for (const name of ['frozen-1', 'frozen-2']) {
        const { exitCode, stderr } = await runModel([...words, join(folder, name)], { FUSERANK_PYTHON: python ?? '' });
        expect(exitCode, stderr).toBe(0);
      }
      const [one, two] = await Promise.all(['frozen-1', 'frozen-2'].map((name) => readFile(join(folder, name, 'model.onnx'))));
      expect(two?.equals(one ?? Buffer.alloc(0))).toBe(true);
    },
    TRAINING_MS,
  );

  it.each([
    ['fusion-tuned', { fusion: 'attention+hadamard', user: 'gru', width: 16 }],
    ['fusion-large', { width: 16, layers: 1, attention_heads: 2 }],
  ])(
    'trains %s, a ranker that reads the shop’s own vectors, by a file of choices',
    async (kind, network) => {
      const choices = join(folder, `${kind}.json`);
      await writeFile(choices, JSON.stringify({ network, training: { epochs: 1, batch: 16 } }));
      const out = join(folder, `${kind}-own-1`);
      const words = ['train', '--kind', kind, '--rows', rows(), '--config', choices, '--device', 'cpu', '--out', out];
      const { exitCode, stdout, stderr } = await runModel(words, { FUSERANK_PYTHON: python ?? '' });
      expect(exitCode, stderr).toBe(0);
      expect(stdout).toMatch(/passed artefact[^]*passed parity[^]*passed behaviour/);
      const { manifest } = await openArtefact(out, { kind: 'ranker' });
      expect(manifest).toMatchObject({ choices: { network }, metrics: { 'position bias': 'position bias not corrected' } });
      // Bound to the encoder that made the lists.
      expect(manifest.inputs['item_text']).toEqual(['B', 'N', expect.any(Number)]);
    },
    TRAINING_MS,
  );

  it(
    'refuses choices that do not exist, and positions that nobody logged',
    async () => {
      const choices = join(folder, 'choices.json');
      const refuse = async (given: object): Promise<string> => {
        await writeFile(choices, JSON.stringify(given));
        const words = ['train', '--kind', 'fusion-tuned', '--rows', rows(), '--config', choices, '--out', join(folder, 'refused-1')];
        const { exitCode, stderr } = await runModel(words, { FUSERANK_PYTHON: python ?? '' });
        expect(exitCode).toBe(6);
        return stderr;
      };
      expect(await refuse({ network: { fusion: 'middling' } })).toContain('it may be early_concat, weighted, mlp, late');
      expect(await refuse({ network: { fusion: 'late' } })).toContain('"context": 0');
      expect(await refuse({ training: { positions: 'swaps' } })).toContain('no row has a position');
      expect(existsSync(join(folder, 'refused-1'))).toBe(false);
    },
    TRAINING_MS,
  );

  it(
    'trains LambdaMART on the same rows',
    async () => {
      const out = join(folder, 'lambdamart-1');
      const { exitCode, stdout, stderr } = await runModel(['train', '--rows', rows(), '--trees', '20', '--out', out], {
        FUSERANK_PYTHON: python ?? '',
      });
      expect(exitCode, stderr).toBe(0);
      expect(stdout).toContain('passed behaviour');
      const ranker = await openRanker(out);
      const shape = { lists: 1, candidates: 3, history: 1, textDims: 1, imageDims: 1, columns: ranker.columns.length };
      const explained = await ranker.contributeColumns(drawInput(shape, 3));
      await ranker.close();
      expect(explained?.values, 'its trees say what they met in training').toHaveLength(3 * ranker.columns.length);
    },
    TRAINING_MS,
  );
});
