import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { loadConfig } from '../../config/load.js';
import type { Config } from '../../config/schema.js';
import { renderPicture } from '../../demo/picture.js';
import { generateShop, type Product } from '../../demo/shop.js';
import { registerIndexCommand } from '../../indexer/command.js';
import { indexCatalogue, type IndexOptions, type IndexReport, type ListedReject } from '../../indexer/index.js';
import { readProductIndexMeta } from '../../mappings/product-index.js';
import { connectEngine, EngineUnreachable, type EngineClient } from '../../opensearch/connection.js';
import { findOrStartNode, type LocalNode } from '../../opensearch/local-node/index.js';

const COUNT = 20;
const prefix = `indexer-test-${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), 'fuserank-indexing-'));
const pictures = join(folder, 'pictures');
const maps = [{ text: ['title', 'brand'], image: 'image', price: 'price', brand: 'brand', group: 'family', keywords: ['material'] }];

let node: LocalNode;
let engine: EngineClient;
let config: Config;
let products: (Product & { family?: string })[];

beforeAll(async () => {
  node = await findOrStartNode({ name: 'test' });
  config = loadConfig({ flags: { opensearch: { nodes: [node.url] } } });
  engine = connectEngine(config.opensearch);
  const { mkdir } = await import('node:fs/promises');
  await mkdir(pictures);
  const entries = [...generateShop({ values: 'demo', count: COUNT, seed: 9 })];
  for (const { product, svg } of entries) writeFileSync(join(pictures, product.image), await renderPicture(svg));
  products = entries.map(({ product }) => product);
});

afterAll(async () => {
  await engine.transport.request({ method: 'DELETE', path: `/${prefix}*` });
  await engine.close();
  await node.stop();
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, rows: readonly object[]): string {
  const file = join(folder, name);
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return file;
}

const index = (alias: string, rows: readonly object[], options: Partial<IndexOptions> = {}): Promise<IndexReport> =>
  indexCatalogue({ inputs: [write(`${alias}.jsonl`, rows)], config, alias: `${prefix}-${alias}`, maps, imageFolder: pictures, ...options });

async function ask(method: string, path: string, body?: object): Promise<unknown> {
  return (await engine.transport.request({ method, path, ...(body ? { body: { ...body } } : {}) })).body;
}

const sourceOf = async (alias: string, id: string): Promise<Record<string, unknown>> =>
  z.object({ _source: z.record(z.string(), z.unknown()) }).parse(await ask('GET', `/${prefix}-${alias}/_doc/${id}`))._source;

async function stampOf(alias: string) {
  const answer = z.record(z.string(), z.object({ mappings: z.unknown() })).parse(await ask('GET', `/${prefix}-${alias}/_mapping`));
  const [name = '', entry] = Object.entries(answer)[0] ?? [];
  const meta = readProductIndexMeta(entry?.mappings);
  if (meta === null) throw new Error('no stamp');
  return { name, meta };
}

const first = (): Product => {
  const [product] = products;
  if (product === undefined) throw new Error('the shop is empty');
  return product;
};

describe('a catalogue of twenty products with pictures', () => {
  it('is built behind an alias, stamped, with the own text of the shop and unit vectors', async () => {
    const report = await index('shop', products);
    expect(report).toMatchObject({
      outcome: 'built',
      index: `${prefix}-shop-v1`,
      previous: null,
      live: true,
      gateFaults: [],
      products: { read: COUNT, written: COUNT, unchanged: 0, rejected: 0, withoutPicture: 0 },
      inferences: { texts: new Set(products.map(({ title }) => title)).size },
      vectors: { text: COUNT, image: COUNT },
      rejects: { count: 0 },
    });
    const { name, meta } = await stampOf('shop');
    expect(name).toBe(`${prefix}-shop-v1`);
    expect(meta.encoders.text?.id).toBe(report.encoders.text);
    expect(meta.vector_fields).toEqual(['title']);
    for (const pair of ['item_text:item_text', 'item_image:item_image', 'query_text:item_text'] as const) {
      const [mean, spread] = meta.cosine_stats[pair] ?? [NaN, NaN];
      expect(Math.abs(mean)).toBeLessThan(1);
      expect(spread).toBeGreaterThan(0);
    }
    // Twenty pairs are no ground to fit a map on, and it says so.
    expect(meta.head).toBeNull();
    expect(report.head?.note).toMatch(/^none: /);

    const source = await sourceOf('shop', first().id);
    expect(source).toMatchObject({ ...first(), rank_key: first().id, group_key: first().id });
    for (const field of ['text_vector', 'image_vector']) {
      const vector = z.array(z.number()).parse(source[field]);
      expect(Math.hypot(...vector)).toBeCloseTo(1, 4);
    }
  });

  it('costs nothing the second time', async () => {
    const report = await index('shop', products);
    expect(report).toMatchObject({
      outcome: 'unchanged',
      products: { read: COUNT, written: 0, unchanged: COUNT, notInCatalogue: 0 },
      inferences: { texts: 0, pictures: 0 },
      writes: { indexed: 0 },
    });
  });

  it('writes the row that changed: no inference for a price, one for a title, one for a picture', async () => {
    const [a, b, c, ...rest] = products;
    if (!a || !b || !c) throw new Error('the shop is too small');
    const before = await sourceOf('shop', a.id);
    const cheaper = await index('shop', [{ ...a, price: 1 }, b, c, ...rest]);
    expect(cheaper).toMatchObject({
      outcome: 'updated',
      products: { written: 1, unchanged: COUNT - 1 },
      inferences: { texts: 0, pictures: 0 },
    });
    const after = await sourceOf('shop', a.id);
    expect(after).toMatchObject({ price: 1, text_vector: before['text_vector'], image_vector: before['image_vector'] });

    const renamed = await index('shop', [{ ...a, price: 1 }, { ...b, title: 'an unheard-of name' }, c, ...rest]);
    expect(renamed).toMatchObject({ products: { written: 1 }, inferences: { texts: 1, pictures: 0 } });

    const photo = readFileSync(join(pictures, c.image));
    writeFileSync(join(pictures, c.image), readFileSync(join(pictures, a.image)));
    const shot = await index('shop', [{ ...a, price: 1 }, { ...b, title: 'an unheard-of name' }, c, ...rest]);
    writeFileSync(join(pictures, c.image), photo);
    expect(shot).toMatchObject({ products: { written: 1 }, inferences: { texts: 0, pictures: 1 } });
    expect((await sourceOf('shop', c.id))['image_vector']).toEqual(before['image_vector']);
  });

  it('keeps products that a smaller catalogue does not name, and counts them', async () => {
    const report = await index('shop', products.slice(3));
    expect(report.products).toMatchObject({ written: 0, notInCatalogue: 3 });
    expect(await sourceOf('shop', first().id)).toBeDefined();
  });

  it('builds a new version for another language without embedding again, and keeps the old one', async () => {
    const german = { ...config, index: { ...config.index, language: 'german' } };
    const report = await index('shop', products.slice(3), { config: german, gates: { minShareOfLive: 0.5 } });
    expect(report).toMatchObject({
      outcome: 'built',
      index: `${prefix}-shop-v2`,
      previous: `${prefix}-shop-v1`,
      live: true,
      reason: expect.stringMatching(/language was "english" and is now "german"/) as string,
      products: { written: COUNT - 3 },
      inferences: { texts: 0 },
    });
    expect((await stampOf('shop')).name).toBe(`${prefix}-shop-v2`);
    expect(await ask('GET', `/${prefix}-shop-v1/_count`)).toMatchObject({ count: COUNT });
  });

  it('does not move the alias to a version that lost products, unless forced', async () => {
    const report = await index('shop', products.slice(0, 5), { restart: true });
    expect(report).toMatchObject({ outcome: 'built', index: `${prefix}-shop-v3`, live: false });
    expect(report.gateFaults).toEqual([expect.stringMatching(/holds 5 documents, .* holds 17: less than 90 %/)]);
    expect((await stampOf('shop')).name).toBe(`${prefix}-shop-v2`);
    const forced = await index('shop', products.slice(0, 5), { restart: true, forceSwap: true });
    expect(forced).toMatchObject({ live: true, inferences: { texts: 5 } });
    expect((await stampOf('shop')).name).toBe(forced.index);
  });

  it('does not move the alias to a version whose products lost their text, unless forced', async () => {
    await index('words', products);
    const nameless = products.map(({ title, brand: _, ...rest }) => ({ ...rest, name: title }));
    const lost = await index('words', nameless, { maps: [...maps, { text: ['titel', 'brand'] }] });
    expect(lost).toMatchObject({ outcome: 'built', index: `${prefix}-words-v2`, live: false });
    expect(lost.gateFaults).toEqual([expect.stringMatching(/not one product of .*-words-v2 has text to search in titel, brand/)]);
    expect(lost.absentFields.map(({ name }) => name)).toEqual(['titel', 'brand', 'brand', 'family']);
    expect((await stampOf('words')).name).toBe(`${prefix}-words-v1`);

    const halfNamed = [...products.slice(0, COUNT / 2), ...nameless.slice(COUNT / 2)];
    const half = await index('words', halfNamed, { restart: true });
    expect(half.gateFaults).toEqual([
      expect.stringMatching(/10 of 20 products of .*-words-v3 have text to search, 20 of 20 have in .*-words-v1: less than 90 %/),
    ]);
    expect(half.live).toBe(false);

    const unembedded = await index('words', products, { maps: [...maps, { vector: ['titel'] }] });
    expect(unembedded.gateFaults).toEqual([expect.stringMatching(/not one product of .* has text to embed in titel/)]);
    const forced = await index('words', halfNamed, { restart: true, forceSwap: true });
    expect(forced.live).toBe(true);
    expect((await stampOf('words')).name).toBe(forced.index);
  });

  it('refuses to update in place what was made another way, and touches nothing', async () => {
    const other = { ...config, index: { ...config.index, language: 'standard' } };
    await expect(index('shop', products, { config: other, inPlace: true })).rejects.toThrow(
      /cannot be updated in place: language was "english" and is now "standard"/,
    );
  });
});

describe('what cannot be taken', () => {
  it('a product with an unreadable picture is indexed without it and listed, each time; the video is only counted', async () => {
    writeFileSync(join(pictures, 'broken.jpg'), Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(200, 7)]));
    writeFileSync(join(pictures, 'clip.mp4'), Buffer.concat([Buffer.from([0, 0, 0, 32]), Buffer.from('ftypisom'), Buffer.alloc(32)]));
    const [a, b, c, d, e] = products;
    const rows = [
      { ...a },
      { ...b, image: 'broken.jpg' },
      { ...c, image: '../secret.jpg' },
      { ...d, image: 'clip.mp4' },
      { ...e, image: null },
      { title: 'no id' },
    ];
    const collect = async () => {
      const rejects: ListedReject[] = [];
      const report = await index('faulty', rows, { onReject: (reject) => rejects.push(reject), gates: { minImageCoverage: 0.3 } });
      return { report, rejects: rejects.sort((left, right) => left.line - right.line) };
    };
    const { report, rejects } = await collect();
    expect(report).toMatchObject({
      live: true,
      products: { rows: 6, read: 5, written: 5, rejected: 1, withoutPicture: 1 },
      vectors: { text: 5, image: 1 },
      pictures: { refused: 2, videosIgnored: 1 },
      rejects: { count: 3 },
    });
    expect(rejects).toEqual([
      { input: expect.any(String) as string, line: 2, id: b?.id, reason: expect.stringMatching(/^picture: /) as string, indexed: true },
      {
        input: expect.any(String) as string,
        line: 3,
        id: c?.id,
        reason: expect.stringMatching(/leads out of the picture folder/) as string,
        indexed: true,
      },
      { input: expect.any(String) as string, line: 6, id: null, reason: 'no id in "id"', indexed: false },
    ]);
    const again = await collect();
    expect(again.report).toMatchObject({ outcome: 'unchanged', inferences: { texts: 0, pictures: 0 }, rejects: { count: 3 } });
    expect(again.rejects.map(({ line }) => line)).toEqual([2, 3, 6]);
  });

  it('a picture that cannot be had any more keeps the vector it gave, and is listed', async () => {
    await index('gone', products);
    const { id, image } = first();
    const before = await sourceOf('gone', id);
    const moved = join(folder, 'elsewhere.jpg');
    renameSync(join(pictures, image), moved);
    try {
      const report = await index('gone', [{ ...first(), price: 1.5 }, ...products.slice(1)]);
      expect(report.products.written).toBe(1);
      const after = await sourceOf('gone', id);
      expect(after['price']).toBe(1.5);
      expect(after['image_vector']).toEqual(before['image_vector']);
      expect(report.rejects.first[0]).toMatchObject({ id, indexed: true });
    } finally {
      renameSync(moved, join(pictures, image));
    }
  });

  it('a document that the engine refuses is listed with the engine’s reason, the others are written', async () => {
    const rows = [...products.slice(0, 3), { ...products[3], material: { not: 'a keyword' } }];
    const rejects: ListedReject[] = [];
    const report = await index('refused', rows, { onReject: (reject) => rejects.push(reject) });
    expect(report.products).toMatchObject({ rows: 4, written: 3, rejected: 1 });
    expect(rejects).toMatchObject([
      { line: 4, id: products[3]?.id, indexed: false, reason: expect.stringContaining('mapper_parsing') as string },
    ]);
    expect(report.live).toBe(true);
  });

  it('an input without a single product leaves no index behind', async () => {
    await expect(index('nothing', [{ title: 'no id' }])).rejects.toThrow(/no product could be read .* no id in "id" \(line 1/);
    await expect(ask('GET', `/${prefix}-nothing-v1/_count`)).rejects.toThrow();
  });

  it('an alias that is an index, or stands for one of somebody else, is refused', async () => {
    await ask('PUT', `/${prefix}-taken`, {});
    await expect(index('taken', products)).rejects.toThrow(/is an index, not an alias/);
    await ask('PUT', `/${prefix}-foreign-v1`, { aliases: { [`${prefix}-foreign`]: {} } });
    await expect(index('foreign', products)).rejects.toThrow(/which fuserank did not make/);
  });

  it('faiss vectors are refused on the local node before anything is sent', async () => {
    const faiss = { ...config, index: { ...config.index, engine: 'faiss' as const } };
    await expect(index('faiss', products.slice(0, 1), { config: faiss, localNode: true })).rejects.toThrow(/Set index.engine to lucene/);
  });

  it('a run that is interrupted removes its half of a version', async () => {
    const stop = new AbortController();
    stop.abort();
    const report = await index('stopped', products, { signal: stop.signal });
    expect(report).toMatchObject({ aborted: true, live: false, products: { read: 0 } });
  });
});

describe('the command', () => {
  const run = async (...words: string[]): Promise<{ code: number | undefined; stdout: string; stderr: string }> => {
    const printed = { stdout: '', stderr: '' };
    const spies = (['stdout', 'stderr'] as const).map((name) =>
      vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
        printed[name] += String(chunk);
        return true;
      }),
    );
    const before = process.exitCode;
    const program = new Command('fuserank').exitOverride();
    registerIndexCommand(program);
    try {
      await program.parseAsync(['node', 'fuserank', 'index', ...words, '--opensearch', node.url, '--dlq', join(folder, 'rejects.ndjson')]);
      return { code: process.exitCode === undefined ? undefined : Number(process.exitCode), ...printed };
    } finally {
      process.exitCode = before;
      for (const spy of spies) spy.mockRestore();
    }
  };
  const csv = (): string => {
    const file = join(folder, 'shop.csv');
    writeFileSync(file, ['sku,name,cost', ...products.map(({ id, title, price }) => `${id},"${title}",${price}`)].join('\r\n'));
    return file;
  };

  it('indexes a CSV, prints one JSON object, exits 0; then 3 with a reject, listed in the file', async () => {
    const words = [csv(), '--alias', `${prefix}-csv`, '--id-field', 'sku', '--text-fields', 'name', '--price-field', 'cost', '--json'];
    const { code, stdout } = await run(...words);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'built', products: { written: COUNT }, rejects: { count: 0, file: null } });
    expect(await sourceOf('csv', first().id)).toMatchObject({ cost: first().price });

    writeFileSync(csv(), `${readFileSync(join(folder, 'shop.csv'), 'utf8')}\r\nx,one,2,3`);
    const faulty = await run(...words);
    expect(faulty.code).toBe(3);
    const listed = readFileSync(join(folder, 'rejects.ndjson'), 'utf8').trim().split('\n');
    expect(listed.map((line): unknown => JSON.parse(line))).toMatchObject([{ line: COUNT + 2, id: null, indexed: false }]);
  });

  it('exits 2 for a wrong map, 6 for an unreadable input, and says what to do', async () => {
    expect(await run(csv(), '--alias', `${prefix}-x`, '--id-field', 'sku')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--text-fields') as string,
    });
    expect(await run(join(folder, 'absent.csv'), '--alias', `${prefix}-x`, '--text-fields', 'name')).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('no such file') as string,
    });
  });

  it('exits 2 for columns that a CSV does not have, writes nothing and leaves the alias alone', async () => {
    const alias = `${prefix}-columns`;
    await run(csv(), '--alias', alias, '--id-field', 'sku', '--text-fields', 'name');
    const wrong = ['--alias', alias, '--id-field', 'sku', '--text-fields', 'nmae', '--price-field', 'costs'];
    const { code, stdout, stderr } = await run(csv(), ...wrong);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('--text-fields (text in a map): no column "nmae"; did you mean "name"?');
    expect(stderr).toContain('--price-field (price in a map): no column "costs"; did you mean "cost"?');
    const streamed = indexCatalogue({
      inputs: ['-'],
      stdin: Readable.from([readFileSync(csv())]),
      config,
      alias,
      maps: [{ id: 'sku', text: 'nmae' }],
    });
    await expect(streamed).rejects.toThrow(/^stdin lacks columns[^]*did you mean "name"/);
    await expect(ask('GET', `/${alias}-v2/_count`)).rejects.toThrow();
    expect((await stampOf('columns')).name).toBe(`${alias}-v1`);
  });

  it('exits 4 for NDJSON without the mapped text, and tells every mapped field that no product has', async () => {
    const file = write('typo.jsonl', products);
    const { code, stdout } = await run(file, '--alias', `${prefix}-typo`, '--text-fields', 'titel', '--price-field', 'prise');
    expect(code).toBe(4);
    expect(stdout).toMatch(/no data +--text-fields \(text in a map\): not one product has "titel"; did you mean "title"\?/);
    expect(stdout).toMatch(/no data +--price-field \(price in a map\): not one product has "prise"; did you mean "price"\?/);
    expect(stdout).toMatch(/gate failed +not one product of .* has text to search in titel/);
    await expect(ask('GET', `/${prefix}-typo/_count`)).rejects.toThrow();
  });

  it('cannot reach what does not answer; exits 2 when the picture folder or the encoder is not there', async () => {
    const words = [csv(), '--alias', `${prefix}-x`, '--id-field', 'sku', '--text-fields', 'name'];
    await expect(
      indexCatalogue({
        inputs: [csv()],
        config: { ...config, opensearch: { ...config.opensearch, nodes: ['http://127.0.0.1:1'] } },
        maps: [{ id: 'sku', text: 'name' }],
      }),
    ).rejects.toThrow(EngineUnreachable);
    expect(await run(...words, '--image-field', 'sku', '--image-folder', join(folder, 'absent'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('does not exist') as string,
    });
    expect(await run(...words, '--text-encoder', join(folder, 'absent'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('absent') as string,
    });
  });

  it('exits 2 with the engine’s own words for an analyzer that it does not have', async () => {
    const words = [csv(), '--alias', `${prefix}-klingon`, '--id-field', 'sku', '--text-fields', 'name', '--language', 'klingon'];
    expect(await run(...words)).toMatchObject({ code: 2, stderr: expect.stringContaining('klingon') as string });
  });

  it('plans without writing', async () => {
    const { code, stdout } = await run(csv(), '--alias', `${prefix}-dry`, '--id-field', 'sku', '--text-fields', 'name', '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toContain('would build a new version');
    await expect(ask('GET', `/${prefix}-dry-v1/_count`)).rejects.toThrow();
  });
});
