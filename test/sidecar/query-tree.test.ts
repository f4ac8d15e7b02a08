import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../sidecar/json/value.js';
import { splitQuery } from '../../sidecar/request/query-tree.js';

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
      'other words beside the words narrow',
      { bool: { must: [text, { match: { brand: 'Acme' } }] } },
      { filter: [{ match: { brand: 'Acme' } }], mustNot: [] },
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
    [
      'alternatives with constraints',
      { bool: { should: [{ bool: { must: [text], filter: [cheap] } }, text] } },
      'should mixes words and other clauses',
    ],
    ['a score threshold', { function_score: { query: text, min_score: 2 } }, 'function_score with min_score'],
    ['an unknown clause', { bool: { must: [text, { percolate: {} }] } }, 'clause percolate'],
    ['words inside nested', { nested: { path: 'v', query: { match: { 'v.title': words } } } }, 'words inside nested'],
    ['a neural clause with a filter', { neural: { v: { query_text: words, k: 9, filter: inStock } } }, 'neural with a filter of its own'],
    ['query syntax', { query_string: { query: 'title:red AND boots' } }, 'query_string with operators'],
  ])('refuses to guess at %s', (_, query, reason) => {
    expect(splitQuery(query)).toMatchObject({ constraints: null, reason });
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
});
