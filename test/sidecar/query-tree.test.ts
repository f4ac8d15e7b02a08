import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../sidecar/json/value.js';
import { countRequired } from '../../sidecar/request/minimum-should-match.js';
import { splitQuery } from '../../sidecar/request/query-tree.js';
import { findWords } from '../../sidecar/request/text-clauses.js';

const words = 'red boots';
const text: Json = { multi_match: { query: words, fields: ['title'] } };
const inStock: Json = { term: { in_stock: true } };
const cheap: Json = { range: { price: { lte: 50 } } };

/** A query and the constraints that were put around its words. */
interface Tree {
  readonly query: Json;
  readonly filter: readonly Json[];
  readonly mustNot: readonly Json[];
}

describe('a query taken apart', () => {
  it.each<[string, Json, { filter: Json[]; mustNot: Json[] }]>([
    ['a text clause alone', { match: { title: words } }, { filter: [], mustNot: [] }],
    ['a text clause in long form', { match: { title: { query: words, operator: 'and' } } }, { filter: [], mustNot: [] }],
    ['filters around the words', { bool: { must: [text], filter: [inStock], must_not: cheap } }, { filter: [inStock], mustNot: [cheap] }],
    ['another must', { bool: { must: [text, cheap] } }, { filter: [cheap], mustNot: [] }],
    [
      'a second text clause with the same words',
      { bool: { must: [text, { match_phrase: { title: words } }] } },
      { filter: [], mustNot: [] },
    ],
    ['the old name of must_not', { bool: { must: [text], mustNot: [cheap] } }, { filter: [], mustNot: [cheap] }],
    [
      'a match of a value',
      { bool: { must: [text, { match: { in_stock: true } }] } },
      { filter: [{ match: { in_stock: true } }], mustNot: [] },
    ],
    [
      'other alternatives beside the words',
      { bool: { must: [text], should: [cheap, inStock], minimum_should_match: '-1' } },
      { filter: [{ bool: { should: [cheap, inStock], minimum_should_match: 1 } }], mustNot: [] },
    ],
    [
      'alternatives in a bool of their own, which must match whatever minimum_should_match says',
      { bool: { must: [text, { bool: { should: [inStock], minimum_should_match: 0 } }] } },
      { filter: [{ bool: { should: [inStock], minimum_should_match: 0 } }], mustNot: [] },
    ],
    [
      'alternatives with constraints of their own',
      { dis_max: { queries: [{ bool: { must: [text], filter: [cheap] } }, { bool: { must: [text], must_not: [inStock] } }] } },
      {
        filter: [
          {
            bool: {
              should: [{ bool: { filter: [cheap], must_not: [] } }, { bool: { filter: [], must_not: [inStock] } }],
              minimum_should_match: 1,
            },
          },
        ],
        mustNot: [],
      },
    ],
    [
      'alternatives of which one has no constraint',
      { bool: { should: [{ bool: { must: [text], filter: [cheap] } }, text] } },
      { filter: [], mustNot: [] },
    ],
    [
      'words spelled exactly, as an alternative',
      { bool: { should: [text, { term: { sku: { value: 'RED BOOTS', boost: 9 } } }] } },
      { filter: [], mustNot: [] },
    ],
    [
      'words spelled exactly, as a must',
      { bool: { must: [text, { term: { colour: words } }] } },
      { filter: [{ term: { colour: words } }], mustNot: [] },
    ],
    [
      'functions that score by other words',
      { function_score: { query: text, functions: [{ filter: { match: { title: 'new' } }, weight: 2 }], boost_mode: 'sum' } },
      { filter: [], mustNot: [] },
    ],
    [
      'a clause without weight',
      { bool: { must: [{ match: { title: { query: words, boost: 0, _name: 'w' } } }], filter: inStock } },
      { filter: [inStock], mustNot: [] },
    ],
    [
      'a wrapped query',
      { wrapper: { query: Buffer.from(JSON.stringify({ bool: { must: text, filter: [cheap] } })).toString('base64') } },
      { filter: [cheap], mustNot: [] },
    ],
    [
      'an intervals rule',
      { bool: { must: [{ intervals: { title: { match: { query: words } } } }], filter: cheap } },
      { filter: [cheap], mustNot: [] },
    ],
    ['products like the words', { more_like_this: { fields: ['title'], like: words, min_term_freq: 1 } }, { filter: [], mustNot: [] }],
    [
      'a sparse clause',
      { bool: { must: [{ neural_sparse: { v: { query_text: words, model_id: 'm' } } }], filter: cheap } },
      { filter: [cheap], mustNot: [] },
    ],
    [
      'a percolator',
      { bool: { must: [text, { percolate: { field: 'q', document: {} } }] } },
      { filter: [{ percolate: { field: 'q', document: {} } }], mustNot: [] },
    ],
    ['optional boosts', { bool: { must: [text], should: [{ term: { new: true } }] } }, { filter: [], mustNot: [] }],
    ['optional words', { bool: { filter: [inStock], should: [text] } }, { filter: [inStock], mustNot: [] }],
    [
      'words as alternatives',
      { bool: { should: [text, { match: { brand: words } }], minimum_should_match: 1 } },
      { filter: [], mustNot: [] },
    ],
    [
      'a nested bool',
      { bool: { must: [{ bool: { must: [text], filter: [cheap] } }], filter: inStock } },
      { filter: [cheap, inStock], mustNot: [] },
    ],
    [
      'a function_score',
      { function_score: { query: { bool: { must: text, filter: cheap } }, functions: [] } },
      { filter: [cheap], mustNot: [] },
    ],
    ['a dis_max of words', { dis_max: { queries: [text, { match_phrase: { title: words } }] } }, { filter: [], mustNot: [] }],
    [
      'nested without the words',
      { bool: { must: [text, { nested: { path: 'v', query: cheap } }] } },
      { filter: [{ nested: { path: 'v', query: cheap } }], mustNot: [] },
    ],
  ])('%s', (_, query, constraints) => {
    expect(splitQuery(query)).toEqual({ text: words, constraints, reason: null });
  });

  it.each<[string, Json, string]>([
    ['alternatives that are not words', { bool: { should: [text, inStock] } }, 'should mixes words and other clauses'],
    ['a score threshold', { function_score: { query: text, min_score: 2 } }, 'function_score with min_score'],
    ['an unknown clause', { bool: { must: [text, { sltr: {} }] } }, 'clause sltr'],
    ['an unknown clause in a filter', { bool: { must: [text], filter: [{ bool: { must: [{ template: {} }] } }] } }, 'clause template'],
    ['an unknown member', { bool: { must: [text], only: [inStock] } }, 'bool with only'],
    ['words of two kinds', { bool: { must: [text, { match: { title: 'leather' } }] } }, 'words of two kinds'],
    [
      'more than there is',
      { bool: { must: [text], should: [], minimum_should_match: 1 } },
      'more should clauses must match than there are',
    ],
    ['an odd minimum_should_match', { bool: { must: [text], should: [text], minimum_should_match: 'most' } }, 'minimum_should_match'],
    ['an agent', { agentic: { query_text: words } }, 'clause agentic'],
    [
      'a sparse clause that filters',
      { neural_sparse: { v: { query_text: words, method_parameters: { filter: inStock } } } },
      'neural_sparse with a filter of its own',
    ],
    [
      'intervals that are more than words',
      { intervals: { title: { all_of: { intervals: [{ match: { query: words } }] } } } },
      'intervals with rules of their own',
    ],
    ['words inside nested', { nested: { path: 'v', query: { match: { 'v.title': words } } } }, 'words inside nested'],
    ['a neural clause with a filter', { neural: { v: { query_text: words, k: 9, filter: inStock } } }, 'neural with a filter of its own'],
    ['query syntax', { query_string: { query: 'title:red AND boots' } }, 'query_string with operators'],
  ])('refuses to guess at %s', (_, query, reason) => {
    expect(splitQuery(query)).toMatchObject({ constraints: null, reason });
  });

  it.each<[string, Json, { given?: string; textFields?: string[] }, { text: string | null; filter: Json[] | null }]>([
    [
      'a tenant spelled as a match is no words',
      { bool: { must: [{ match: { tenant: 'acme' } }, text] } },
      { textFields: ['title'] },
      { text: words, filter: [{ match: { tenant: 'acme' } }] },
    ],
    [
      'also where the shopper typed its name',
      { bool: { must: [{ match: { tenant: words } }, text] } },
      { textFields: ['title'] },
      { text: words, filter: [{ match: { tenant: words } }] },
    ],
    [
      'of two kinds of words the given ones are the shopper’s',
      { bool: { must: [{ match: { title: 'leather' } }, text] } },
      { given: words, textFields: ['title'] },
      { text: words, filter: [{ match: { title: 'leather' } }] },
    ],
    [
      'no text field, no words',
      { match: { tenant: 'acme' } },
      { textFields: ['title'] },
      { text: null, filter: [{ match: { tenant: 'acme' } }] },
    ],
    ['a sub-field counts', { match: { 'title.english': words } }, { textFields: ['title'] }, { text: words, filter: [] }],
    [
      'a pattern counts',
      { multi_match: { query: words, fields: ['ti*^3', 'brand'] } },
      { textFields: ['title'] },
      { text: words, filter: [] },
    ],
    ['default fields count', { multi_match: { query: words } }, { textFields: ['title'] }, { text: words, filter: [] }],
  ])('tells words from constraints by field: %s', (_, query, options, expected) => {
    const { text: found, constraints } = splitQuery(query, options);
    expect({ text: found, filter: constraints?.filter ?? null }).toEqual(expected);
  });

  it('does not look into a tree without end', () => {
    let deep: Json = text;
    for (let i = 0; i < 20_000; i++) deep = { bool: { must: [deep] } };
    expect(splitQuery(deep).constraints).toBeNull();
    expect(splitQuery({ bool: { must: [text], filter: [deep] } })).toMatchObject({ constraints: null });
    expect(findWords(deep, [])).toBeNull();
  });

  it('keeps every constraint of any nesting of bools, and finds the words however deep', () => {
    const leaf = fc.integer({ min: 0, max: 9 }).map((n): Json => ({ term: { tag: n } }));
    const tree = fc.letrec<{ node: Tree }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constant<Tree>({ query: text, filter: [], mustNot: [] }),
        fc
          .record({
            inner: tie('node'),
            must: fc.array(leaf, { maxLength: 2 }),
            filter: fc.array(leaf, { maxLength: 2 }),
            not: fc.array(leaf, { maxLength: 2 }),
          })
          .map(({ inner, must, filter, not }) => ({
            query: { bool: { must: [...must, inner.query], filter, must_not: not } },
            filter: [...must, ...inner.filter, ...filter],
            mustNot: [...inner.mustNot, ...not],
          })),
      ),
    })).node;
    fc.assert(
      fc.property(tree, ({ query, filter, mustNot }) => {
        const split = splitQuery(query);
        expect(split.text).toBe(words);
        expect(split.constraints?.filter).toEqual(filter);
        expect(split.constraints?.mustNot).toEqual(mustNot);
      }),
    );
  });

  it('does not look for words in filters or must_not', () => {
    expect(splitQuery({ bool: { filter: [{ match: { title: 'x' } }], must_not: [{ match: { title: 'y' } }] } }).text).toBeNull();
    expect(splitQuery(undefined)).toEqual({ text: null, constraints: { filter: [], mustNot: [] }, reason: null });
  });

  it('counts minimum_should_match at once, however many blanks are in it', { timeout: 5_000 }, () => {
    expect(countRequired('3 < 90%', 10)).toBe(9);
    expect(countRequired(`1<2${' '.repeat(200_000)}9<3`, 10)).toBe(3);
    expect(countRequired(`1<2${' '.repeat(200_000)}x`, 10)).toBeNull();
  });
});
