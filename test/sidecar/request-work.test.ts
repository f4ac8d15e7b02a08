import fc from 'fast-check';
import { expect, test } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { planLegs } from '../../sidecar/candidate-legs.js';
import { BadSearchOption } from '../../sidecar/request/search-options.js';
import { parseSearchRequest } from '../../sidecar/search-request.js';
import { shopStamp as stamp } from './shop-stamp.js';

const BYTES = 64 * 1024;
/** Processor time, which no neighbour stretches: of 2,000 bodies none took more than 60 ms; work that grows with the square of the length takes seconds. */
const MOST_MS = 1_000;

const config = configSchema.parse({ profiles: { shop: { index: 'shop', queryTextPath: 'query.bool.must.0.match.title.query' } } });
/** So often that about so many bytes come together. */
const fill = (unit: string, bytes: number): string => unit.repeat(Math.max(1, Math.floor(bytes / Buffer.byteLength(unit))));
const listOf = (unit: string, bytes: number): string => `[${fill(`${unit},`, bytes - unit.length)}${unit}]`;

const words = '{"match":{"title":"red boots"}}';
/** What long texts are made of: stars, blanks, separators, escapes and what our own members are called; and what stands around that. */
const UNITS = [
  '*',
  '*a',
  '?*',
  'a',
  ' ',
  '   <',
  '\\t',
  '\\\\',
  '\\"',
  '\\u0000',
  '.',
  ',',
  '1',
  '9%',
  '<',
  'ü',
  '-1 ',
  '2<75% ',
  'fuserank',
  '[',
  '}',
];
const EDGES = [
  ['', ''],
  ['', '<'],
  ['1<2', 'x'],
  ['*', 'x'],
  ['x', '*'],
] as const;
const [units, edges] = [fc.constantFrom(...UNITS), fc.constantFrom(...EDGES)];
const clauses = fc.constantFrom(
  words,
  '{"term":{"brand":"x"}}',
  '{"match":{"title":{"query":"a  b","minimum_should_match":"2<75%  3<50%"}}}',
  '{"bool":{"must":{"match":{"brand":"y"}},"minimum_should_match":"1  <  2"}}',
  '{"bool":{"filter":[{"range":{"price":{"lte":1.0}}}],"must_not":{"exists":{"field":"z"}}}}',
  '{"nested":{"path":"v","query":{"match_all":{}},"inner_hits":{}}}',
  '{"multi_match":{"query":"a","fields":["*","t*","title^3"]}}',
  '{"query_string":{"query":"a AND (b OR c*)"}}',
  '{"wildcard":{"title":"*a*b*"}}',
  '{"wrapper":{"query":"eyJtYXRjaF9hbGwiOnt9fQ=="}}',
  '{"neural":{"text_vector":{"query_text":"a","k":5}}}',
  '{"unknown_clause":{"a":[{"b":1}]}}',
  '{}',
  '1',
);

/** Members that hold one long text, as JSON. */
const LONG: readonly ((text: string) => string)[] = [
  (text) => `"query":{"match":{"title":"${text}"}}`,
  (text) => `"query":{"bool":{"must":[{"match":{"title":{"query":"${text}"}}}]}}`,
  (text) => `"query":{"match":{"title":{"query":"a b","minimum_should_match":"${text}"}}}`,
  (text) => `"query":{"bool":{"should":[${words},${words}],"minimum_should_match":"${text}"}}`,
  (text) => `"query":{"multi_match":{"query":"a","fields":["${text}","title"]}}`,
  (text) => `"_source":["${text}"]`,
  (text) => `"ext":{"rerank":{"query_context":{"query_text_path":"${text}"}}}`,
  (text) => `"ext":{"fuserank":{"query_text":"${text}"}}`,
];

/** Members of a body, as JSON, of about so many bytes. */
const members = (bytes: number): fc.Arbitrary<string> =>
  fc.oneof(
    clauses.map((clause) => `"query":{"bool":{"must":[${words}],"should":${listOf(clause, bytes)},"minimum_should_match":"75%"}}`),
    clauses.map((clause) => `"query":{"bool":{"filter":${listOf(clause, bytes)},"must":[${words}]}}`),
    clauses.map((clause) => `"query":{"hybrid":{"queries":${listOf(clause, bytes)}}}`),
    clauses.map((clause) => `"query":{"dis_max":{"queries":${listOf(clause, bytes)}}}`),
    fc
      .tuple(fc.constantFrom('must', 'should', 'filter', 'must_not'), fc.integer({ min: 1, max: 98 }), clauses)
      .map(([kind, depth, clause]) => {
        const beside = listOf(clause, bytes / depth - 30);
        return `"query":${`{"bool":{"should":${beside},"${kind}":`.repeat(depth)}${words}${'}}'.repeat(depth)}`;
      }),
    fc.integer({ min: 1, max: 5_000 }).map((depth) => `"query":${'{"bool":{"must":'.repeat(depth)}{}${'}}'.repeat(depth)}`),
    fc.tuple(fc.constantFrom(...LONG), units, edges).map(([write, unit, [start, end]]) => write(start + fill(unit, bytes) + end)),
    units.map((unit) => `"query":{"multi_match":{"query":"a","fields":${listOf(`"${unit}*t*"`, bytes)}}}`),
    units.map((unit) => `"_source":{"includes":${listOf(`"${unit}*v*"`, bytes / 2)},"excludes":${listOf(`"*${unit}"`, bytes / 2)}}`),
    units.map((unit) => `"docvalue_fields":${listOf(`"${unit}"`, bytes)},"fields":["*"]`),
    units.map((unit) => `"ext":{"fuserank":{"exclude":${listOf(`"${unit}"`, bytes)}}}`),
    fc
      .constantFrom('"fuserank":{}', '"ext":{"fuserank":{"blend":0.5}}', '"ext":{"a":1}', '"a":{"fuserank":1}')
      .map((own) => listOf(own, bytes).slice(1, -1)),
    fc.constantFrom('1', '-', '0.', '1e').map((digits) => `"min_score":${fill(digits, bytes)}`),
    clauses.map((clause) => `"post_filter":{"bool":{"filter":${listOf(clause, bytes)}}}`),
    clauses.map((clause) => `"collapse":{"field":"g","inner_hits":${listOf(`{"name":"n","collapse":${clause}}`, bytes)}}`),
    clauses.map((clause) => `"aggs":{${fill(`"a":{"filter":${clause}},`, bytes)}"z":{}}`),
    fc.constantFrom('"_score"', '{"_score":"desc"}', '{"price":{"order":"asc"}}').map((key) => `"sort":${listOf(key, bytes)}`),
  );

const blanks = fc.constantFrom('', ' ', '\n', '\t'.repeat(100), ' '.repeat(20_000));
const bodies = fc.tuple(fc.integer({ min: 1, max: 3 }), blanks).chain(([parts, blank]) => {
  const bytes = (BYTES - 2 * blank.length) / parts - 300;
  return fc.tuple(...Array.from({ length: parts }, () => members(bytes))).map((all) => `{${blank}${all.join(',')}${blank}}`);
});

/** Processor milliseconds of reading a search and planning its legs. */
function costOf(text: string): number {
  const call = {
    method: 'POST',
    rawUrl: '/shop/_search',
    index: 'shop',
    query: new URLSearchParams(),
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(text),
    signal: new AbortController().signal,
  };
  const before = process.cpuUsage();
  try {
    const search = parseSearchRequest(call, config);
    if (search.kind === 'rankable') planLegs(search, stamp);
  } catch (error) {
    if (!(error instanceof BadSearchOption)) throw error;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

test('a body of 64 KB, whatever is in it, costs no more than a bounded amount of work', { timeout: 300_000 }, () => {
  fc.assert(
    fc.property(bodies, (text) => costOf(text) < MOST_MS),
    { numRuns: 300 },
  );
});

test.each(UNITS)('so does one long text of %j, wherever it stands and whatever is around it', { timeout: 300_000 }, (unit) => {
  const inside = fill(unit, BYTES - 300);
  for (const write of LONG) {
    for (const [start, end] of EDGES) expect(costOf(`{${write(start + inside + end)}}`)).toBeLessThan(MOST_MS);
  }
});
