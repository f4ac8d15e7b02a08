import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { readColumns } from '../../indexer/catalogue.js';
import { resolveFieldMap, type FieldMapInput } from '../../indexer/catalogue/field-map.js';
import { holdsField } from '../../indexer/catalogue/field-path.js';
import { describeMissingColumns, FieldSightings } from '../../indexer/catalogue/mapped-field.js';

const fieldsOf = (map: FieldMapInput) => resolveFieldMap(configSchema.parse({}).index, map).fields;
const columns = ['sku', 'title', 'brand', 'price', 'stars', 'reviews', 'department', 'parent', 'material', 'picture', 'attributes.colour'];
const check = (map: FieldMapInput): string | null => describeMissingColumns([{ input: 'shop.csv', columns }], fieldsOf(map));

describe('the columns of a table', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fuserank-columns-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('are all there', () => {
    const numbers = { price: 'price', rating: 'stars', ratingCount: 'reviews' };
    const rest = { brand: 'brand', category: 'department', group: 'parent', keywords: ['material', 'attributes.colour'] };
    expect(
      check({ id: 'sku', text: ['title', 'brand'], vector: ['title'], image: '{parent}/{picture}.jpg', ...numbers, ...rest }),
    ).toBeNull();
  });

  it('are told all at once, each with its flag, its member of the map and the nearest column', () => {
    const told = check({
      id: 'suk',
      text: ['titel'],
      vector: ['tittle'],
      image: '{sku}/{pictures}.jpg',
      video: 'clip',
      price: 'prise',
      rating: 'Stars',
      ratingCount: 'review',
      brand: 'brands',
      category: 'departement',
      group: 'parents',
      keywords: ['materials', 'attributes.color'],
    });
    expect(told?.split('\n')).toEqual([
      'shop.csv lacks columns that the field map names:',
      '  --id-field (id in a map): no column "suk"; did you mean "sku"?',
      '  --text-fields (text in a map): no column "titel"; did you mean "title"?',
      '  --vector-fields (vector in a map): no column "tittle"; did you mean "title"?',
      '  --image-field (image in a map): no column "pictures"; did you mean "picture"?',
      '  --video-field (video in a map): no column "clip"',
      '  --price-field (price in a map): no column "prise"; did you mean "price"?',
      '  --rating-field (rating in a map): no column "Stars"; did you mean "stars"?',
      '  --rating-count-field (ratingCount in a map): no column "review"; did you mean "reviews"?',
      '  --brand-field (brand in a map): no column "brands"; did you mean "brand"?',
      '  --category-field (category in a map): no column "departement"; did you mean "department"?',
      '  --group-field (group in a map): no column "parents"; did you mean "parent"?',
      '  --keyword-fields (keywords in a map): no column "materials"; did you mean "material"?',
      '  --keyword-fields (keywords in a map): no column "attributes.color"; did you mean "attributes.colour"?',
      `  Its columns are ${columns.join(', ')}.`,
      'Correct the names, or leave out what the catalogue does not have. Nothing was written.',
    ]);
  });

  it('cannot hold a position or a member, and a text field that is embedded too is told once', () => {
    expect(check({ id: 'sku', text: ['titel'], image: 'picture[0]' })?.match(/no column "[^"]+"/g)).toEqual([
      'no column "titel"',
      'no column "picture[0]"',
    ]);
  });

  it('are read from the first row of each table; stdin and NDJSON have none', async () => {
    const write = (name: string, bytes: string | Uint8Array): string => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    };
    const long = Array.from({ length: 2_000 }, (_, position) => `column-${position}`);
    const csv = write('a.csv', '\ufeffsku,"two\nlines",title\r\n1,2,3\r\n');
    const packed = write('b.tsv.gz', gzipSync(`${long.join('\t')}\n`));
    const lines = write('c.jsonl', '{"id":1}\n');
    const empty = write('d.csv', '');
    expect(await readColumns({ inputs: [csv, packed, '-', lines, empty] })).toEqual([
      { input: csv, columns: ['sku', 'two\nlines', 'title'] },
      { input: packed, columns: long },
    ]);
  });
});

describe('what the products of a catalogue have', () => {
  it.each([
    [{ price: 0 }, 'price', true],
    [{ price: ' ' }, 'price', false],
    [{ price: [null, ''] }, 'price', false],
    [{ offers: [{}, { price: 3 }] }, 'offers.price', true],
    [{ 'a.b': { c: 'x' } }, 'a.b.c', true],
    [{ a: { 'b.c': 'x' } }, 'a.b.c', true],
    [{ a: 'x' }, 'a.b', false],
    [{}, 'constructor', false],
  ])('%j: %s', (fields, name, held) => {
    expect(holdsField(fields, name)).toBe(held);
  });

  it('is told where not one product has it, with the field that was probably meant', () => {
    const map = { text: ['titel', 'brand'], image: '{images[0]}.jpg', price: 'offers.price', rating: 'starts', keywords: ['colour'] };
    const sightings = new FieldSightings(fieldsOf(map));
    sightings.see({ id: 1, title: 'a', stars: 4 });
    sightings.see({ id: 2, title: 'b', brand: 'B', images: ['front'], offers: [{ price: 2 }] });
    expect(sightings.absent()).toEqual([
      { member: 'text', flag: '--text-fields', name: 'titel', nearest: 'title' },
      { member: 'rating', flag: '--rating-field', name: 'starts', nearest: 'stars' },
      { member: 'keywords', flag: '--keyword-fields', name: 'colour', nearest: null },
    ]);
  });
});
