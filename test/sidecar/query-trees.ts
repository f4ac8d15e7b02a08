import fc from 'fast-check';

/** A product of the test's shop, as its documents have it. */
export interface Stocked {
  readonly id: string;
  readonly tenant: string;
  readonly in_stock: boolean;
  readonly price: number;
  /** Of two that are one number and two keywords. */
  readonly code: '1' | '1.0';
  readonly clearance?: boolean;
  readonly variants: readonly { readonly size: string; readonly quantity: number }[];
}

/** A query, written beside what it asks of a product apart from its words: the one is never derived from the other. */
export interface Asked {
  readonly query: object;
  readonly admits: (product: Stocked) => boolean;
}

export const TENANTS = ['red', 'green', 'blue'] as const;
const SIZES = ['S', 'M', 'L'] as const;

const tenant = fc.constantFrom(...TENANTS);
const limit = fc.integer({ min: 10, max: 90 });
const size = fc.constantFrom(...SIZES);

/** `[spelling, how many of n]`, by the documentation's table of minimum_should_match. */
const SPELLINGS: readonly (readonly [string | number, (n: number) => number])[] = [
  [1, () => 1],
  ['2', () => 2],
  [0, () => 0],
  ['-1', (n) => n - 1],
  [-2, (n) => n - 2],
  ['75%', (n) => Math.floor((n * 3) / 4)],
  ['-25%', (n) => n - Math.floor(n / 4)],
  ['100%', (n) => n],
  ['2<75%', (n) => (n <= 2 ? n : Math.floor((n * 3) / 4))],
  ['1<-1 3<50%', (n) => (n <= 1 ? n : n <= 3 ? n - 1 : Math.floor(n / 2))],
];
const spelling = fc.option(fc.constantFrom(...SPELLINGS), { freq: 3, nil: null });

/** One condition on a product. */
const condition: fc.Arbitrary<Asked> = fc.oneof(
  tenant.map((value): Asked => ({ query: { term: { tenant: value } }, admits: (p) => p.tenant === value })),
  tenant.map((value): Asked => ({ query: { match: { tenant: { query: value } } }, admits: (p) => p.tenant === value })),
  fc
    .uniqueArray(tenant, { minLength: 1 })
    .map((some): Asked => ({ query: { terms: { tenant: some } }, admits: (p) => some.some((value) => value === p.tenant) })),
  fc.boolean().map((value): Asked => ({ query: { match: { in_stock: value } }, admits: (p) => p.in_stock === value })),
  limit.map((most): Asked => ({ query: { range: { price: { lte: most } } }, admits: (p) => p.price <= most })),
  limit.map((least): Asked => ({
    query: { script: { script: { source: "doc['price'].size() > 0 && doc['price'].value >= params.least", params: { least } } } },
    admits: (p) => p.price >= least,
  })),
  fc.constant<Asked>({ query: { exists: { field: 'clearance' } }, admits: (p) => p.clearance !== undefined }),
  fc.constantFrom('1', '1.0').map((value): Asked => ({ query: { term: { code: { value } } }, admits: (p) => p.code === value })),
  fc
    .constantFrom('re', 'gr', 'b')
    .map((start): Asked => ({ query: { prefix: { tenant: start } }, admits: (p) => p.tenant.startsWith(start) })),
  fc.constant<Asked>({ query: { wildcard: { tenant: '*re*' } }, admits: (p) => p.tenant.includes('re') }),
  tenant.map((value): Asked => ({ query: { span_term: { note: value } }, admits: (p) => p.tenant === value })),
  tenant.map((value): Asked => ({ query: { match_phrase: { note: `${value} goods` } }, admits: (p) => p.tenant === value })),
  fc.record({ value: size, least: fc.integer({ min: 0, max: 4 }) }).map(({ value, least }): Asked => ({
    query: {
      nested: {
        path: 'variants',
        query: { bool: { filter: [{ term: { 'variants.size': value } }, { range: { 'variants.quantity': { gt: least } } }] } },
      },
    },
    admits: (p) => p.variants.some((variant) => variant.size === value && variant.quantity > least),
  })),
);

function all(some: readonly Asked[], product: Stocked): boolean {
  return some.every(({ admits }) => admits(product));
}

function none(some: readonly Asked[], product: Stocked): boolean {
  return !some.some(({ admits }) => admits(product));
}

function queries(some: readonly Asked[]): object[] {
  return some.map(({ query }) => query);
}

interface BoolParts {
  readonly must: Asked[];
  readonly filter: Asked[];
  readonly not: Asked[];
  readonly should: Asked[];
  readonly spelling: (typeof SPELLINGS)[number] | null;
  readonly oldName: boolean;
}

/** The documented rule: a bool without must and filter needs one of its should clauses, whatever else it says. */
function boolOf({ must, filter, not, should, spelling: spelled, oldName }: BoolParts): Asked {
  const alone = must.length + filter.length === 0 && should.length > 0;
  return {
    query: {
      bool: {
        ...(must.length > 0 ? { must: queries(must) } : {}),
        ...(filter.length > 0 ? { filter: filter.length === 1 ? filter[0]?.query : queries(filter) } : {}),
        ...(not.length > 0 ? { [oldName ? 'mustNot' : 'must_not']: queries(not) } : {}),
        ...(should.length > 0 ? { should: queries(should) } : {}),
        ...(spelled && should.length > 0 ? { minimum_should_match: spelled[0] } : {}),
      },
    },
    admits: (product) => {
      const required = Math.max(alone ? 1 : 0, spelled && should.length > 0 ? spelled[1](should.length) : 0);
      return (
        all(must, product) &&
        all(filter, product) &&
        none(not, product) &&
        should.filter(({ admits }) => admits(product)).length >= required
      );
    },
  };
}

const few = (some: fc.Arbitrary<Asked>, maxLength = 2): fc.Arbitrary<Asked[]> => fc.array(some, { maxLength });

/** Conditions, and bools of them, that hold no words. */
const constraint: fc.Arbitrary<Asked> = fc.oneof(
  { weight: 5, arbitrary: condition },
  {
    weight: 2,
    arbitrary: fc
      .record({
        must: few(condition, 1),
        filter: few(condition, 1),
        not: few(condition, 1),
        should: few(condition, 4),
        spelling,
        oldName: fc.boolean(),
      })
      .map(boolOf),
  },
  {
    weight: 1,
    arbitrary: condition.map(({ query, admits }): Asked => ({ query: { constant_score: { filter: query, boost: 2 } }, admits })),
  },
  {
    weight: 1,
    arbitrary: condition.map(({ query, admits }): Asked => ({ query: { function_score: { query, weight: 2 } }, admits })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(condition, condition)
      .map(([a, b]): Asked => ({ query: { dis_max: { queries: [a.query, b.query] } }, admits: (p) => a.admits(p) || b.admits(p) })),
  },
);
export const anyConstraint = constraint;

const anywhere = (query: object): Asked => ({ query, admits: () => true });

/** Clauses that look for the words. */
function wordsClause(words: string): fc.Arbitrary<Asked> {
  return fc.constantFrom(
    anywhere({ match: { title: words } }),
    anywhere({ match: { title: { query: words, operator: 'and', _name: 'words' } } }),
    anywhere({ match: { description: { query: words, boost: 0 } } }),
    anywhere({ multi_match: { query: words, fields: ['title^3', 'description'], minimum_should_match: '75%' } }),
    anywhere({ match_phrase: { title: words } }),
    anywhere({ match_phrase_prefix: { title: words } }),
    anywhere({ match_bool_prefix: { title: words } }),
    anywhere({ combined_fields: { query: words, fields: ['title', 'description'] } }),
    anywhere({ query_string: { query: words, fields: ['title'] } }),
    anywhere({ simple_query_string: { query: words, fields: ['title', 'description'] } }),
    anywhere({ intervals: { title: { match: { query: words } } } }),
    anywhere({ more_like_this: { fields: ['title'], like: words, min_term_freq: 1, min_doc_freq: 1 } }),
  );
}

/** Query trees around the words: everything that OpenSearch lets stand around a text clause, and some that no leg is built for. */
export function queryTree(words: string): fc.Arbitrary<Asked> {
  const text = wordsClause(words);
  const { tree } = fc.letrec<{ tree: Asked }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      { weight: 2, arbitrary: text },
      {
        weight: 5,
        arbitrary: fc
          .record({
            inner: tie('tree'),
            must: few(constraint, 1),
            filter: few(constraint),
            not: few(constraint, 1),
            should: few(constraint, 3),
            spelling,
            oldName: fc.boolean(),
          })
          .map(({ inner, must, ...rest }) => boolOf({ must: [...must, inner], ...rest })),
      },
      // Alternatives, each with the words.
      {
        weight: 2,
        arbitrary: fc
          .record({
            should: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
            filter: few(constraint, 1),
            not: few(constraint, 1),
            spelling,
          })
          .map(({ should, filter, not, spelling: spelled }) =>
            boolOf({ must: [], filter, not, should, spelling: spelled, oldName: false }),
          ),
      },
      {
        weight: 1,
        arbitrary: fc.tuple(tie('tree'), tie('tree')).map(([a, b]): Asked => ({
          query: { dis_max: { queries: [a.query, b.query], tie_breaker: 0.3 } },
          admits: (p) => a.admits(p) || b.admits(p),
        })),
      },
      {
        weight: 1,
        arbitrary: fc.tuple(tie('tree'), condition).map(([inner, { query }]): Asked => ({
          query: { function_score: { query: inner.query, functions: [{ filter: query, weight: 3 }], boost_mode: 'sum' } },
          admits: inner.admits,
        })),
      },
      {
        weight: 1,
        arbitrary: tie('tree').map(({ query, admits }): Asked => ({
          query: { script_score: { query, script: { source: '_score + 1' } } },
          admits,
        })),
      },
      { weight: 1, arbitrary: tie('tree').map(({ query, admits }): Asked => ({ query: { constant_score: { filter: query } }, admits })) },
      {
        weight: 1,
        arbitrary: fc.tuple(tie('tree'), condition).map(([inner, { query }]): Asked => ({
          query: { boosting: { positive: inner.query, negative: query, negative_boost: 0.2 } },
          admits: inner.admits,
        })),
      },
      {
        weight: 1,
        arbitrary: tie('tree').map(({ query, admits }): Asked => ({
          query: { wrapper: { query: Buffer.from(JSON.stringify(query)).toString('base64') } },
          admits,
        })),
      },
      // Words or a condition: no leg is built for it, and none is needed for the invariant.
      {
        weight: 1,
        arbitrary: fc
          .tuple(tie('tree'), condition)
          .map((some) => boolOf({ must: [], filter: [], not: [], should: some, spelling: null, oldName: false })),
      },
    ),
  }));
  return tree;
}
