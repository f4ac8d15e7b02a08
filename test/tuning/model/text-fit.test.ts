import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openArtefact } from '../../../models/artefact.js';
import { builtinTextFolder, openTextEncoder } from '../../../models/text-encoder.js';
import { runModel } from './model-command.js';

const python = process.env['FUSERANK_PYTHON'];
const FITTING_MS = 300_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuserank-fit-'));
  await writeFile(
    join(folder, 'fuserank.yaml'),
    'index: { id: sku, map: { text: [name, description], brand: maker, category: kinds, group: parent } }\n',
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const file = (name: string): string => join(folder, name);
const config = (): string[] => ['--config', file('fuserank.yaml')];

/** Words of a language that no encoder knows, each with what it means. */
const MEANINGS: readonly (readonly [string, string])[] = [
  ['vintrol', 'made for sailors on stormy seas'],
  ['quandry', 'loved by bakers of sourdough bread'],
  ['osprel', 'warms cold feet in winter'],
  ['tramont', 'keeps mountain climbers safe'],
  ['belquin', 'feeds hungry garden birds'],
  ['sarvok', 'teaches children the piano'],
  ['luminet', 'lights dark cellars and caves'],
  ['hadrix', 'cleans old copper coins'],
  ['morven', 'carries kittens to the vet'],
  ['pelluc', 'cools soup on hot days'],
];
const FORMS = ['Mini', 'Maxi', 'Classic', 'Royal', 'Compact', 'Twin', 'Travel', 'Studio', 'Junior', 'Prime'];

/** A shop whose names say nothing to a stranger, but everything to who has read its descriptions. */
function inventedShop(count: number): object[] {
  return Array.from({ length: count }, (_, place) => {
    const [word, meaning] = MEANINGS[place % MEANINGS.length] ?? ['', ''];
    const form = FORMS[Math.floor(place / MEANINGS.length) % FORMS.length] ?? '';
    return {
      sku: `p${place}`,
      name: `${word} ${form} ${place}`,
      description: `It ${meaning}. The ${form.toLowerCase()} form, number ${place}.`,
      maker: `House of ${word}`,
      kinds: ['Things', form],
    };
  });
}

async function writeShop(name: string, products: readonly object[]): Promise<string> {
  await writeFile(file(name), products.map((product) => `${JSON.stringify(product)}\n`).join(''));
  return file(name);
}

describe('what an encoder cannot be fitted on', () => {
  it('is told of before anything is installed', async () => {
    await writeFile(file('python-unused'), '#!/bin/sh\necho "was asked" >&2\nexit 1\n');
    await chmod(file('python-unused'), 0o755);
    const env = { FUSERANK_PYTHON: file('python-unused') };
    const few = await writeShop('few.ndjson', inventedShop(199));
    const refused = async (...words: string[]): Promise<[number, string]> => {
      const { exitCode, stderr } = await runModel(['fit-text', ...words, ...config()], env);
      expect(stderr).not.toContain('was asked');
      return [exitCode, stderr];
    };
    const out = ['--out', file('text-a-1')];
    // 1 is commander's own; fuserank.ts makes it 2.
    expect(await refused(...out)).toEqual([2, expect.stringContaining('--index ALIAS or --products FILE')]);
    expect(await refused('--products', few, '--index', 'x', ...out)).toEqual([2, expect.stringContaining('one of them')]);
    expect(await refused('--products', file('none.ndjson'), ...out)).toEqual([6, expect.stringContaining('no such file')]);
    expect(await refused('--products', few, ...out)).toEqual([6, expect.stringContaining('199 products have a text to embed; 200')]);
    expect(await refused('--products', few, '--out', file('nameless'))).toEqual([1, expect.stringContaining('NAME-VERSION')]);
    expect(await refused('--products', few, ...out, '--minutes', '0')).toEqual([1, expect.stringContaining('above 0')]);
    expect(await refused('--products', few, ...out, '--teacher', file('nowhere'))).toEqual([2, expect.stringContaining('does not exist')]);
    expect(existsSync(file('text-a-1'))).toBe(false);
  });

  it('has no text field mapped', async () => {
    await writeFile(file('bare.yaml'), 'index: { id: sku }\n');
    const products = await writeShop('bare.ndjson', inventedShop(200));
    const { exitCode, stderr } = await runModel([
      ...['fit-text', '--products', products, '--out', file('text-b-1'), '--config', file('bare.yaml')],
    ]);
    expect([exitCode, stderr]).toEqual([6, expect.stringContaining('index.map.text')]);
  });
});

describe.skipIf(python === undefined)('a fitted text encoder (needs FUSERANK_PYTHON)', () => {
  const env = { FUSERANK_PYTHON: python ?? '' };

  it(
    'finds held-out products by what the shop calls them, is proved, and says what it learnt from without a text of the shop',
    async () => {
      const products = await writeShop('shop.ndjson', inventedShop(400));
      const out = file('text-shop-1');
      const { exitCode, stdout, stderr } = await runModel(
        ['fit-text', '--products', products, '--out', out, '--minutes', '0.5', '--json', ...config()],
        env,
      );
      expect(exitCode, `${stdout}${stderr}`).toBe(0);
      const share = z.record(z.string(), z.number());
      const told = z
        .object({ folder: z.string(), report: z.looseObject({ before: share, fitted: share, gain: z.object({ low: z.number() }) }) })
        .parse(JSON.parse(stdout));
      expect(told.report.gain.low).toBeGreaterThan(0);
      const fitted = await openArtefact(out, { kind: 'text-encoder' });
      const builtin = await openArtefact(builtinTextFolder);
      expect(fitted.sha256).not.toBe(builtin.sha256);
      expect(fitted.manifest).toMatchObject({ name: 'text-shop', version: '1', fittedFrom: builtin.id, outputs: builtin.manifest.outputs });
      for (const name of ['manifest.json', 'parity.json']) expect(await readFile(join(out, name), 'utf8')).not.toMatch(/vintrol|sailors/);

      const verified = await runModel(['verify', out]);
      expect(verified.stdout).toMatch(/passed artefact[^]*passed parity[^]*passed behaviour/);
      const encoder = await openTextEncoder({ path: out });
      try {
        expect(encoder.id).toBe(fitted.id);
        const [query, own, other] = await encoder.encode(['for sailors', 'vintrol Grand 7', 'hadrix Grand 7']);
        const cosine = (a: Float32Array | undefined): number => a?.reduce((sum, value, d) => sum + value * (query?.[d] ?? 0), 0) ?? 0;
        expect(cosine(own)).toBeGreaterThan(cosine(other));
      } finally {
        await encoder.close();
      }
      const again = await runModel(['fit-text', '--products', products, '--out', out, ...config()], env);
      expect([again.exitCode, again.stderr]).toEqual([2, expect.stringContaining('is there already')]);
    },
    FITTING_MS,
  );

  it(
    'is not written where nothing was learnt',
    async () => {
      const products = await writeShop('shop.ndjson', inventedShop(240));
      const out = file('text-same-1');
      const { exitCode, stdout } = await runModel(
        ['fit-text', '--products', products, '--teacher', builtinTextFolder, '--out', out, '--minutes', '0.01', ...config()],
        env,
      );
      expect(exitCode).toBe(4);
      expect(stdout).toContain('nothing is written, keep the built-in');
      expect(existsSync(out)).toBe(false);
    },
    FITTING_MS,
  );
});
