import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { FieldMapError, readFieldMapFile, resolveFieldMap } from '../../indexer/catalogue/field-map.js';
import { parseFieldPath, readJoinedText } from '../../indexer/catalogue/field-path.js';

const fields = {
  sku: 'a-1',
  images: ['front', 'back'],
  empty: [],
  attributes: { colour: 'red', sizes: ['S', 'M'], constructor: { name: 'x' } },
  'flat.name': 'literal',
  n: 4,
  nothing: null,
};

describe('a field path', () => {
  it.each([
    ['sku', 'a-1'],
    ['images[1]', 'back'],
    ['attributes.colour', 'red'],
    ['attributes.sizes[0]', 'S'],
    ['flat.name', 'literal'],
    ['images[9]', undefined],
    ['nothing', undefined],
    ['sku.length', undefined],
    ['toString', undefined],
    ['__proto__.x', undefined],
    ['{images[0]}.jpg', 'front.jpg'],
    ['https://cdn.example/{sku}/{n}.png', 'https://cdn.example/a-1/4.png'],
    ['{images}.jpg', 'front.jpg'],
    ['{empty[0]}.jpg', undefined],
    ['{nothing}.jpg', undefined],
  ])('%s', (path, value) => {
    const read = parseFieldPath(path).read(fields);
    expect(read ?? undefined).toEqual(value);
  });

  it.each(['', 'a..b', 'a[', '{a', 'a}', '{}', '{a[x]}', '[0]'])('refuses %j', (path) => {
    expect(() => parseFieldPath(path)).toThrow(/is not a field|unpaired brace/);
  });

  it('joins lists and leaves objects out', () => {
    expect(readJoinedText(['a', ' ', 3, { b: 'c' }, true])).toBe('a, 3, true');
    expect(readJoinedText({ a: 'b' })).toBeNull();
  });
});

describe('a field map', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fuserank-map-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const config = configSchema.parse({ index: { id: 'sku', map: { text: ['name', 'description'], price: 'price' } } }).index;

  it('layers configuration, file and flags; what a layer leaves out stays', () => {
    const file = join(folder, 'map.yaml');
    writeFileSync(file, 'text: name, brand\nprice: cost\nimage: "{images[0]}.jpg"\n');
    const map = resolveFieldMap(config, readFieldMapFile(file), { price: 'amount', brand: undefined });
    expect(map.roles).toEqual({
      id: 'sku',
      text: ['name', 'brand'],
      image: '{images[0]}.jpg',
      price: 'amount',
      rating: null,
      ratingCount: null,
      brand: null,
      category: null,
      group: null,
      keywords: [],
    });
    expect(map.vectorFields).toEqual(['name']);
  });

  it('refuses unknown members, own fields, positions the engine cannot index, and a number in two parts', () => {
    const file = join(folder, 'wrong.yaml');
    writeFileSync(file, 'titel: name\n');
    expect(() => readFieldMapFile(file)).toThrow(/titel/);
    expect(() => resolveFieldMap(config, { text: ['text_vector'] })).toThrow(/field of fuserank's own/);
    expect(() => resolveFieldMap(config, { brand: 'brands[0]' })).toThrow(/must be a plain field/);
    expect(() => resolveFieldMap(config, { rating: 'price' })).toThrow(/both as price and as rating/);
    expect(() => readFieldMapFile(join(folder, 'absent.yaml'))).toThrow(FieldMapError);
  });
});
