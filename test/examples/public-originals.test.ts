import { parquetWriteBuffer } from 'hyparquet-writer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { amazonReviews } from '../../docs/examples/amazon-reviews/adapter.js';
import { esciOriginal } from '../../docs/examples/esci-original/adapter.js';
import { parsePythonLiteral } from '../../docs/examples/kit/python-literal.js';
import { movielens } from '../../docs/examples/movielens-1m/adapter.js';
import { convertSource, refusalOf, writeSource } from './small-source.js';

// All sources here are invented: the layout is the publishers', the content ours.

describe('esci-original', () => {
  const examples = [
    ['0', 'tin box', '10', 'B1', 'us', 'E', '1', '1', 'test'],
    ['1', 'tin box', '10', 'B2', 'us', 'S', '1', '1', 'test'],
    ['2', 'lid', '11', 'B2', 'us', 'I', '0', '1', 'test'],
    ['3', 'caja', '12', 'B3', 'es', 'E', '1', '1', 'test'],
    ['4', 'jar', '13', 'B1', 'us', 'E', '1', '1', 'train'],
  ];
  const exampleColumns = 'example_id,query,query_id,product_id,product_locale,esci_label,small_version,large_version,split';
  const products = [
    ['B1', 'Tin box', '', 'Round\nRed', 'Orr', 'Red', 'us'],
    ['B2', 'Lid', 'A lid', '', '', '', 'us'],
    ['B3', 'Caja', '', '', '', '', 'es'],
  ];
  const productColumns = 'product_id,product_title,product_description,product_bullet_point,product_brand,product_color,product_locale';
  const csv = (columns: string, rows: readonly string[][]): string =>
    [columns, ...rows.map((row) => row.map((cell) => `"${cell}"`).join(','))].map((line) => `${line}\n`).join('');
  const parquet = (columns: string, rows: readonly string[][], whole: readonly string[]): Buffer =>
    Buffer.from(
      parquetWriteBuffer({
        columnData: columns.split(',').map((name, place) => {
          const cells = rows.map((row) => row[place] ?? '');
          return whole.includes(name) ? { name, data: cells.map(BigInt), type: 'INT64' } : { name, data: cells, type: 'STRING' };
        }),
        rowGroupSize: 2,
      }),
    );
  const whole = ['example_id', 'query_id', 'small_version', 'large_version'];

  test.each([
    ['Parquet', { examples: parquet(exampleColumns, examples, whole), products: parquet(productColumns, products, []), ending: 'parquet' }],
    ['CSV', { examples: csv(exampleColumns, examples), products: csv(productColumns, products), ending: 'csv' }],
  ])('reads the release as %s', async (_, release) => {
    const folder = await writeSource({
      [`shopping_queries_dataset_examples.${release.ending}`]: release.examples,
      [`shopping_queries_dataset_products.${release.ending}`]: release.products,
    });
    const converted = await convertSource(esciOriginal, folder);
    expect(converted.queries).toEqual([{ query_id: '10', query: 'tin box', tags: [] }]);
    expect(converted.judgments).toEqual(['10 B1 1', '10 B2 0.1']);
    expect(converted.products).toEqual([
      { id: 'B1', title: 'Tin box', bullet_points: 'Round\nRed', brand: 'Orr', color: 'Red' },
      { id: 'B2', title: 'Lid', description: 'A lid' },
    ]);
    const large = await convertSource(esciOriginal, folder, { flags: { version: 'large' } });
    expect(large.queries.map(({ query }) => query)).toEqual(['tin box', 'lid']);
    expect(await refusalOf(esciOriginal, folder, { flags: { locale: 'jp' } })).toMatch(
      /no query with locale jp, split test, version small/,
    );
  });

  test('names what is wrong', async () => {
    const good = { 'shopping_queries_dataset_products.csv': csv(productColumns, products) };
    const label = csv(exampleColumns, [['0', 'tin box', '10', 'B1', 'us', 'Exact', '1', '1', 'test']]);
    expect(await refusalOf(esciOriginal, await writeSource({ ...good, 'shopping_queries_dataset_examples.csv': label }))).toMatch(
      /^shopping_queries_dataset_examples\.csv, line 2: esci_label: /,
    );
    const broken = { ...good, 'shopping_queries_dataset_examples.parquet': 'PAR1 and no more' };
    expect(await refusalOf(esciOriginal, await writeSource(broken))).toMatch(/^shopping_queries_dataset_examples\.parquet: not Parquet: /);
    const short = { ...good, 'shopping_queries_dataset_examples.parquet': parquet('query,query_id', [['tin box', '10']], ['query_id']) };
    expect(await refusalOf(esciOriginal, await writeSource(short))).toMatch(
      /no column product_id, product_locale, esci_label, small_version, split; there are: query, query_id$/,
    );
  });
});

describe('amazon-reviews', () => {
  const review = (reviewerID: string, asin: string, day: number): object => ({
    ...{ reviewerID, asin, overall: 5.0, reviewText: 'Fine.' },
    unixReviewTime: 1_400_000_000 + day * 86_400,
  });
  const reviews = [review('R1', 'A2', 3), review('R1', 'A1', 1), review('R2', 'A1', 2), review('R1', 'A3', 9), review('R2', 'A9', 1)];
  const meta2014 = [
    `{'asin': 'A1', 'title': "Mother's soap", 'price': 4.5, 'imUrl': 'http://p.example/1.jpg', 'salesRank': {'Beauty': 7}, 'categories': [['Beauty', 'Bath', 'Soaps']]}`,
    `{'asin': 'A2', 'description': 'Caf\\xe9 \\'brown\\'', 'categories': [['Beauty'], ['Beauty', 'Makeup']]}`,
    `{'asin': 'A3', 'title': 'Brush', 'brand': None, 'categories': [['Beauty', 'Tools', 'Brushes']]}`,
    `{'asin': 'A4', 'title': 'Nobody reviewed it', 'categories': [['Beauty']]}`,
  ];

  test('reads 2014: Python notation, real times, the last review kept out', async () => {
    const folder = await writeSource({ 'reviews_Beauty_5.json.gz': reviews, 'meta_Beauty.json.gz': meta2014.join('\n') });
    const { products, events, queries, judgments, remarks } = await convertSource(amazonReviews, folder);
    const byId = new Map(products.map((product) => [product.id, product]));
    expect(byId.get('A1')).toEqual({
      id: 'A1',
      title: "Mother's soap",
      price: 4.5,
      image: 'http://p.example/1.jpg',
      category: ['Bath', 'Soaps'],
    });
    expect(byId.get('A2')).toEqual({ id: 'A2', description: "Café 'brown'", category: ['Makeup'] });
    expect(byId.size).toBe(3);
    expect(events.map((event) => [event.user_id, event.timestamp])).toEqual([
      ['R1', '2014-05-14T16:53:20.000Z'],
      ['R1', '2014-05-16T16:53:20.000Z'],
      ['R2', '2014-05-14T16:53:20.000Z'],
    ]);
    const [first] = queries.filter(({ query_id }) => query_id === 'next-R1');
    expect(first?.history).toEqual([
      { object_id: 'A1', action_name: 'purchase', age_s: 8 * 86_400 },
      { object_id: 'A2', action_name: 'purchase', age_s: 6 * 86_400 },
    ]);
    expect([...judgments].sort()).toEqual(['next-R1 A3 1', 'next-R2 A1 1']);
    expect(remarks.join()).toContain('1 reviewed products are not described');
  });

  test('reads 2018: JSON, prices as text, one category path', async () => {
    const meta = [
      {
        asin: 'A1',
        title: 'Soap',
        price: '$4.50',
        category: ['All Beauty', 'Soaps'],
        description: ['Two', 'parts'],
        imageURLHighRes: ['https://p.example/1.jpg'],
      },
      { asin: 'A2', title: 'Rouge', price: '$1.00 - $2.00', category: [] },
      { asin: 'A3', title: 'Brush', category: ['All Beauty', 'Brushes'] },
    ];
    const folder = await writeSource({ 'All_Beauty_5.json': reviews, 'meta_All_Beauty.json': meta });
    const { products } = await convertSource(amazonReviews, folder);
    expect(products.find(({ id }) => id === 'A1')).toEqual({
      ...{ id: 'A1', title: 'Soap', description: 'Two\nparts', price: 4.5, image: 'https://p.example/1.jpg', category: ['Soaps'] },
    });
    expect(products.find(({ id }) => id === 'A2')).not.toHaveProperty('price');
  });

  test('names what is wrong', async () => {
    const one = { 'reviews_Beauty_5.json': reviews };
    expect(await refusalOf(amazonReviews, await writeSource({ ...one, 'meta_Beauty.json': `{'asin': 'A1'\n` }))).toMatch(
      /^meta_Beauty\.json, line 1: character 14: "," or "}" belongs here/,
    );
    expect(
      await refusalOf(amazonReviews, await writeSource({ 'reviews.json': [{ asin: 'A1' }], 'meta.json': meta2014.join('\n') })),
    ).toMatch(/^reviews\.json, line 1: reviewerID: /);
    expect(await refusalOf(amazonReviews, await writeSource(one))).toMatch(/one whose name begins with meta_$/);
    expect(await refusalOf(amazonReviews, await writeSource({ ...one, 'meta_Other.json': `{'asin': 'Z'}` }))).toMatch(
      /none of the 4 reviewed products is described/,
    );
  });
});

describe('parsePythonLiteral', () => {
  test('reads back whatever Python’s repr would write of JSON', () => {
    const write = (value: unknown): string => {
      if (typeof value === 'string') return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;
      if (Array.isArray(value)) return `[${value.map(write).join(', ')}]`;
      if (typeof value === 'boolean') return value ? 'True' : 'False';
      if (value === null) return 'None';
      if (typeof value === 'object')
        return `{${Object.entries(value)
          .map(([name, member]) => `${write(name)}: ${write(member)}`)
          .join(', ')}}`;
      return typeof value === 'number' ? String(value) : '';
    };
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const plain: unknown = JSON.parse(JSON.stringify(value)); // −0 is 0 in both
        expect(parsePythonLiteral(write(plain))).toEqual(plain);
      }),
    );
  });

  test.each(["{'a': }", '[1, 2', "'open", 'nonsense', '{} {}', "'\\x4'"])('refuses %s', (text) => {
    expect(() => parsePythonLiteral(text)).toThrow(SyntaxError);
  });
});

describe('movielens-1m', () => {
  const films = Buffer.from("1::Café, The (1999)::Comedy|Drama\n2::Kites (1961)::Children's\n", 'latin1');

  test('reads Latin-1 between double colons', async () => {
    const folder = await writeSource({
      'movies.dat': films,
      'ratings.dat': '5::2::3::978300760\n5::1::5::978300000\n6::1::1::978300001\n',
    });
    const { products, events, queries } = await convertSource(movielens, folder);
    expect(products.find(({ id }) => id === '1')).toEqual({ id: '1', title: 'The Café', year: 1999, category: ['Comedy', 'Drama'] });
    expect(events).toMatchObject([{ user_id: '5', timestamp: '2000-12-31T22:00:00.000Z', action_name: 'view' }]);
    expect(queries.find(({ query_id }) => query_id === 'next-5')?.history).toEqual([{ object_id: '1', action_name: 'view', age_s: 760 }]);
  });

  test.each([
    ['5::1::5\n', 'ratings.dat, line 1: 3 cells between "::" where 4 belong | 5::1::5'],
    ['5::1::5::9\n5::3::5::9\n', 'ratings.dat, line 2: film 3 is not in movies.dat'],
    ['5::1::5::noon\n', 'ratings.dat, line 1: "noon" is no time in seconds since 1970'],
  ])('refuses %j', async (ratings, message) => {
    expect(await refusalOf(movielens, await writeSource({ 'movies.dat': films, 'ratings.dat': ratings }))).toBe(message);
  });
});
