import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { beauty } from '../../docs/examples/beauty/adapter.js';
import { connectEngine } from '../../opensearch/connection.js';
import { findOrStartNode, type LocalNode } from '../../opensearch/local-node/index.js';
import { makeFolder } from '../examples/small-source.js';
import { FIRST_PHASE, ranked, type System } from './asked-system.js';
import type { EncoderSet } from './catalogue-door.js';
import { MeasuredPack } from './measured-pack.js';
import { writeShelves } from './shelves.js';

const ENCODERS: EncoderSet = { key: 'small', name: 'built-in', textName: 'built-in', text: 'builtin', image: 'builtin', hybridWeight: 0.3 };
const SYSTEMS: readonly System[] = [
  { name: 'first phase', contender: FIRST_PHASE },
  { name: 'popular', contender: ranked({ ranker: 'popularity', blend: 0.5 }) },
];
const PRODUCTS = ['Red lip balm', 'Blue lip balm', 'Rose soap', 'Mint soap', 'Dry shampoo', 'Oil shampoo'];

let node: LocalNode;
beforeAll(async () => {
  node = await findOrStartNode({ name: 'test' });
});
afterAll(async () => {
  const engine = connectEngine({ nodes: [node.url], auth: { type: 'none' }, tls: { caFile: null, verify: true }, timeoutMs: null });
  await engine.indices.delete({ index: 'quality-beauty-test-*' });
  await engine.close();
  await node.stop();
});

async function writePack(data: string, sequences: readonly string[]): Promise<void> {
  const items = PRODUCTS.map((title, place) => ({
    ...{ id: place + 1, asin: `B${place}`, title, brand: place % 2 === 0 ? 'Aa' : null },
    categories: ['Beauty', place < 2 ? 'Lips' : place < 4 ? 'Soap' : 'Hair'],
  }));
  await mkdir(join(data, 'beauty'), { recursive: true });
  await writeFile(join(data, 'beauty', 'items.jsonl.gz'), gzipSync(items.map((item) => `${JSON.stringify(item)}\n`).join('')));
  const rows = sequences.map((met, user) => `${user + 1},${met}`);
  await writeFile(join(data, 'beauty', 'sequences.csv.gz'), gzipSync(`user,items\n${rows.join('\n')}\n`));
}

async function openRoom(): Promise<{ data: string; folder: string; ask: () => Promise<{ told: string[]; runs: string[] }> }> {
  const [data, runs] = [await makeFolder(), await makeFolder()];
  const ask = async (): Promise<{ told: string[]; runs: string[] }> => {
    const told: string[] = [];
    const run = {
      ...{ node: node.url, data, present: false, shoppers: 10, seeds: [1], artefacts: new Map<string, string>() },
      tell: (line: string) => void told.push(line.replace(/ in \d+ s$/, '')),
      keep: () => undefined,
      pathOf: (file: string) => join(runs, file),
    };
    const refine = { name: 'shelves', files: writeShelves };
    const opened = await MeasuredPack.open({ run, adapter: beauty, encoders: ENCODERS, queries: 10, cut: 'test', refine });
    try {
      const pack = await opened.withBehaviour();
      const files: string[] = [];
      for (const system of SYSTEMS) files.push(await pack.evaluate(system));
      return { told, runs: await Promise.all(files.map((file) => readFile(file, 'utf8'))) };
    } finally {
      await opened.close();
    }
  };
  return { data, folder: join(runs, 'quality-beauty-test-small'), ask };
}

test('a pack is brought in and asked once; a run that was cut off is gone on with; what changed is done again', async () => {
  const { data, folder, ask } = await openRoom();
  await writePack(data, ['1 3 2', '1 4 2 5', '3 1 4']);
  const alias = 'quality-beauty-test-small';
  const first = await ask();
  expect(first.told).toEqual([
    `${alias}: indexing`,
    `${alias}: events and statistics`,
    `${alias}: first phase: 3 queries`,
    `${alias}: popular: 3 queries`,
  ]);
  expect(await ask()).toEqual({ told: [], runs: first.runs });

  // Killed while the second line was written: nothing says that the run is whole.
  const run = join(folder, 'popular.run');
  const [header, line, next] = (await readFile(run, 'utf8')).split('\n');
  await writeFile(run, `${header}\n${line}\n`);
  await appendFile(run, next?.slice(0, 20) ?? '');
  await rm(`${run}.json`);
  const resumed = await ask();
  expect(resumed.told).toEqual([`${alias}: popular: 3 queries`]);
  expect(resumed.runs[1]?.split('\n').slice(0, 2)).toEqual([header, line]);
  expect(resumed.runs[1]?.trim().split('\n')).toHaveLength(4);

  await writePack(data, ['1 3 2', '1 4 2 5', '3 1 4', '5 6 3']);
  const renewed = await ask();
  expect(renewed.told.filter((told) => !told.endsWith('indexing'))).toEqual([
    `${alias}: events and statistics`,
    `${alias}: first phase: 4 queries`,
    `${alias}: popular: 4 queries`,
  ]);
}, 300_000);
