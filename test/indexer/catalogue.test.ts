import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { readCatalogue, type CatalogueOptions, type Product, type Reject } from '../../indexer/catalogue.js';
import { CatalogueUnreadable, splitLines } from '../../indexer/catalogue/catalogue-bytes.js';
import { parseFieldPath } from '../../indexer/catalogue/field-path.js';

const folder = mkdtempSync(join(tmpdir(), 'fuserank-catalogue-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function read(bytes: string | Uint8Array, name: string, options: Partial<CatalogueOptions> = {}): Promise<(Product | Reject)[]> {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return collect({ inputs: [file], ...options });
}

async function collect(options: Partial<CatalogueOptions> & Pick<CatalogueOptions, 'inputs'>): Promise<(Product | Reject)[]> {
  const entries: (Product | Reject)[] = [];
  for await (const entry of readCatalogue({ id: parseFieldPath('id'), numberFields: [], ...options })) entries.push(entry);
  return entries;
}

const reasons = (entries: readonly (Product | Reject)[]): string[] =>
  entries.flatMap((entry) => (entry.kind === 'reject' ? [`${entry.line} ${entry.id ?? '-'}: ${entry.reason}`] : []));
const ids = (entries: readonly (Product | Reject)[]): string[] => entries.flatMap((entry) => (entry.kind === 'product' ? [entry.id] : []));

describe('NDJSON', () => {
  it("keeps the shop's own text, so that long numbers and the order of members survive", async () => {
    const [entry] = await read('{"id":7,"z":9007199254740993,"a":1.0}\n', 'long.jsonl');
    expect(entry).toMatchObject({ kind: 'product', id: '7', line: 1, source: '{"id":7,"z":9007199254740993,"a":1.0}' });
  });

  it('rejects what it cannot take, by line, and goes on', async () => {
    const bytes = Buffer.concat([
      Buffer.from('{"id":"a"}\r\n\n[1]\nnope\n{"x":1}\n{"id":9007199254740993}\n{"id":"b","rank_key":"x"}\n{"id":"a"}\n{"id":"c'),
      Buffer.from([0xff]),
      Buffer.from(`"}\n{"id":"${'x'.repeat(513)}"}\n{"id":["l"]}\n{"id":"last"}`),
    ]);
    const entries = await read(bytes, 'mixed.jsonl');
    expect(ids(entries)).toEqual(['a', 'last']);
    expect(reasons(entries)).toEqual([
      '3 -: not a JSON object',
      expect.stringMatching(/^4 -: not JSON: /),
      '5 -: no id in "id"',
      '6 -: the id in "id" is a number above 2^53; write it as text',
      `7 b: "rank_key" is a field of fuserank's own; rename it in the catalogue`,
      `8 a: this id came before, on line 1 of ${join(folder, 'mixed.jsonl')}`,
      '9 -: not UTF-8',
      `10 ${'x'.repeat(60)}…: the id is longer than 512 bytes`,
      '11 -: no id in "id"',
      // The last line has no end of its own.
    ]);
  });

  it('tells gzip by its bytes, not by its name, and takes a byte order mark off', async () => {
    const entries = await read(gzipSync('\ufeff{"id":"packed"}\n'), 'packed-without-a-name');
    expect(ids(entries)).toEqual(['packed']);
  });

  it('reads stdin', async () => {
    expect(ids(await collect({ inputs: ['-'], stdin: Readable.from(['{"id":"1"}\n{"i', 'd":"2"}\n']) }))).toEqual(['1', '2']);
  });

  it('stops at the limit, counting products only, over several inputs', async () => {
    writeFileSync(join(folder, 'one.jsonl'), 'bad\n{"id":"1"}\n');
    writeFileSync(join(folder, 'two.jsonl'), '{"id":"2"}\n{"id":"3"}\n');
    const entries = await collect({ inputs: [join(folder, 'one.jsonl'), join(folder, 'two.jsonl')], limit: 2 });
    expect(ids(entries)).toEqual(['1', '2']);
  });

  it('rejects a line beyond the limit without holding it', async () => {
    const lines: (string | null)[] = [];
    for await (const line of splitLines(Readable.from([Buffer.from(`ab\n${'x'.repeat(50)}`), Buffer.from(`${'x'.repeat(50)}\ncd`)]), 10)) {
      lines.push(line?.toString() ?? null);
    }
    expect(lines).toEqual(['ab', null, 'cd']);
  });

  it.each([
    ['a missing file', join(folder, 'absent.jsonl'), /no such file/],
    ['a folder', folder, /is not a file/],
  ])('refuses %s as a whole', async (_, input, message) => {
    await expect(collect({ inputs: [input] })).rejects.toThrow(message);
  });

  it('refuses cut gzip and one JSON array as a whole', async () => {
    await expect(read(gzipSync('{"id":"1"}\n'.repeat(1000)).subarray(0, 40), 'cut.jsonl.gz')).rejects.toThrow(CatalogueUnreadable);
    await expect(read('[{"id":1}]', 'array')).rejects.toThrow(/one object a line, for example: jq/);
  });

  it('gives every product back, whatever the chunks', async () => {
    const json = fc.object({ key: fc.stringMatching(/^[a-y]{1,5}$/), maxDepth: 2 });
    await fc.assert(
      fc.asyncProperty(fc.array(json, { maxLength: 12 }), fc.integer({ min: 1, max: 40 }), async (objects, size) => {
        const sources = objects.map((object, position) => JSON.stringify({ id: `p${position}`, ...object, zz: 'é😀' }));
        const bytes = Buffer.from(sources.join('\n'), 'utf8');
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, part) => bytes.subarray(part * size, (part + 1) * size));
        const entries = await collect({ inputs: ['-'], format: 'ndjson', stdin: Readable.from(chunks) });
        const kept = objects.flatMap((object, position) => ('id' in object ? [] : [sources[position]]));
        expect(entries.flatMap((entry) => (entry.kind === 'product' && /^p\d+$/.test(entry.id) ? [entry.source] : []))).toEqual(kept);
      }),
      { numRuns: 50 },
    );
  });
});

describe('CSV and TSV', () => {
  it('reads quotes, line breaks in cells, a byte order mark, empty cells and numbers', async () => {
    const csv = '\ufeffid,title,price\r\n1,"a ""b""\nc",3.50\r\n\r\n2,plain,\r\n3,odd "quote" here,$4\r\n';
    const entries = await read(csv, 'shop.csv', { numberFields: ['price'] });
    expect(entries.map((entry) => (entry.kind === 'product' ? [entry.line, entry.fields] : entry))).toEqual([
      [2, { id: '1', title: 'a "b"\nc', price: 3.5 }],
      [5, { id: '2', title: 'plain' }],
      [6, { id: '3', title: 'odd "quote" here', price: '$4' }],
    ]);
  });

  it('rejects a row with another number of cells, by its line', async () => {
    const entries = await read('id,title\n1,a,b\n2,b\n3\n', 'cells.csv');
    expect(ids(entries)).toEqual(['2']);
    expect(reasons(entries)).toEqual(['2 -: 3 cells where the first row has 2', '4 -: 1 cells where the first row has 2']);
  });

  it('tells tabs by name and by the first row', async () => {
    expect(ids(await read('id\ttitle\n1\ta, b\n', 'feed.tsv'))).toEqual(['1']);
    expect(ids(await read('id\ttitle\n1\ta b\n', 'feed'))).toEqual(['1']);
  });

  it('refuses a first row that cannot name the columns', async () => {
    await expect(read('id,id\n1,2\n', 'twice.csv')).rejects.toThrow(/two columns are called "id"/);
    await expect(read('id,\n1,2\n', 'nameless.csv')).rejects.toThrow(/has no name/);
    await expect(read('id;title\n1;2\n', 'semicolons.csv')).rejects.toThrow(/not separated by commas/);
  });

  it('holds a column called __proto__ as a column', async () => {
    const [entry] = await read('id,__proto__\n1,x\n', 'proto.csv');
    expect(entry?.kind === 'product' && entry.source).toBe('{"id":"1","__proto__":"x"}');
  });

  it('gives back what was written, whatever the cells', async () => {
    const cell = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !/^[\s\ufeff]|\r/.test(text));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { maxLength: 8 }), async (rows) => {
        const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;
        const csv = ['id,a,b', ...rows.map(([a, b], position) => `${position},${quote(a)},${quote(b)}`)].join('\r\n');
        const entries = await collect({ inputs: ['-'], format: 'csv', stdin: Readable.from([Buffer.from(csv)]) });
        expect(entries.map((entry) => (entry.kind === 'product' ? [entry.fields['a'] ?? '', entry.fields['b'] ?? ''] : entry))).toEqual(
          rows,
        );
      }),
      { numRuns: 100 },
    );
  });
});
