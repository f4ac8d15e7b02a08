import { describe, expect, test } from 'vitest';
import { esci } from '../../docs/examples/esci/adapter.js';
import { icecatJson } from '../../docs/examples/icecat-json/adapter.js';
import { icecat } from '../../docs/examples/icecat/adapter.js';
import { convertSource, refusalOf, writeSource } from './small-source.js';

describe('esci', () => {
  const files = {
    'products.jsonl.gz': [
      { id: 'B1', title: 'Tin box', description: '', brand: null, price: 3, category: ['Home'] },
      { id: 'B2', title: 'Lid', description: 'of tin', brand: 'Orr', price: null, category: [] },
    ],
    'queries.csv': 'query_id,query,source\r\n4,"box, without lid",negations\r\n',
    'judgments.csv': 'query_id,product_id,grade\r\n4,B1,E\r\n4,B2,C\r\n',
  };

  test('keeps texts, tags and grades', async () => {
    const { products, queries, judgments, files: written } = await convertSource(esci, await writeSource(files));
    expect(written).toEqual(['judgments.csv', 'products.ndjson', 'queries.ndjson']);
    expect(products).toEqual([
      { id: 'B1', title: 'Tin box', price: 3, category: ['Home'] },
      { id: 'B2', title: 'Lid', description: 'of tin', brand: 'Orr', category: [] },
    ]);
    expect(queries).toEqual([{ query_id: '4', query: 'box, without lid', tags: ['negations'] }]);
    expect(judgments).toEqual(['4 B1 1', '4 B2 0.01']);
  });

  test.each([
    ['4,B1,X', /^judgments\.csv, line 2: grade: .*"E"/],
    ['5,B1,E', /^judgments\.csv, line 2: query 5 is not among the queries$/],
  ])('refuses the judgment %s', async (row, message) => {
    const folder = await writeSource({ ...files, 'judgments.csv': `query_id,product_id,grade\n${row}\n` });
    expect(await refusalOf(esci, folder)).toMatch(message);
  });
});

test('icecat joins attributes that are words into one text and keeps them all', async () => {
  const product = {
    ...{
      id: '1',
      sku: 'K-9',
      title: 'Kettle',
      short_description: null,
      brand: 'Orr',
      ean: ['1'],
      price: 20.5,
      date_released: '2020-01-01',
    },
    ...{ category: null, attributes: { housing__colour_: 'matt black', depth: 12, cordless: true } },
  };
  const { products, files } = await convertSource(icecat, await writeSource({ 'products.jsonl.gz': [product] }));
  expect(files).toEqual(['products.ndjson']);
  const { short_description: _, category: __, ...kept } = product;
  expect(products).toEqual([{ ...kept, attribute_text: 'housing  colour matt black' }]);
});

describe('icecat-json', () => {
  const answer = {
    msg: 'OK',
    data: {
      GeneralInfo: {
        IcecatId: 77,
        Title: 'Orr K-9 kettle',
        Brand: 'Orr',
        BrandPartCode: 'K-9',
        GTIN: ['4000'],
        Category: { CategoryID: '5', Name: { Value: 'kettles', Language: 'EN' } },
        Description: { LongDesc: 'Boils <b>water</b>.' },
      },
      Image: { HighPic: 'https://pictures.example/77.jpg' },
      FeaturesGroups: [{ ID: 1, Features: [{ Feature: { Name: { Value: 'Colour' } }, PresentationValue: 'black' }] }],
    },
  };

  test('reads one answer a file', async () => {
    const { products } = await convertSource(icecatJson, await writeSource({ 'a.json': JSON.stringify(answer), 'notes.txt': 'not read' }));
    expect(products).toEqual([
      {
        ...{ id: '77', title: 'Orr K-9 kettle', brand: 'Orr', sku: 'K-9', ean: ['4000'], category: 'kettles' },
        ...{ description: 'Boils  water .', image: 'https://pictures.example/77.jpg', attributes: { Colour: 'black' } },
        attribute_text: 'Colour black',
      },
    ]);
  });

  test('names the file and the line that is no answer', async () => {
    expect(await refusalOf(icecatJson, await writeSource({ 'a.json': '{\n"msg": "OK",\n"data": {,}}' }))).toMatch(
      /^a\.json, line 3: not JSON/,
    );
    expect(await refusalOf(icecatJson, await writeSource({ 'a.json': '{"StatusCode":4,"Message":"no such product"}' }))).toMatch(
      /^a\.json: data: /,
    );
    const twice = await writeSource({ 'a.json': JSON.stringify(answer), 'b.json': JSON.stringify(answer) });
    expect(await refusalOf(icecatJson, twice)).toBe('b.json: product 77 is in a.json already');
  });
});
