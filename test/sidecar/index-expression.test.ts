import { describe, expect, it } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { INDEX_EXPRESSION } from '../../sidecar/request/index-expression.js';
import { judgeSearch } from '../../sidecar/search-request.js';
import { readHeader } from '../../sidecar/spellings/search-lines.js';
import { indexName } from '../../sidecar/v1/requests.js';

const TAKEN = ['shop', 'shop-2026.01', '.hidden', 'a,b', 'shop*,-shop-old', '*', '_all', '_all,-old', 'ü', 'a..b', 'remote:shop'];
const REFUSED = [
  '.',
  '..',
  '_scripts',
  '_scripts,shop',
  '_search',
  '_allies',
  '../_scripts',
  'shop/_doc/1',
  'shop\\x',
  '<shop-{now/d}>',
  'sh op',
  'shop\n',
  'shop\u0000',
  '%2e%2e',
  '..%2F_scripts',
  'a%5Cb',
];

describe('the name of an index', () => {
  it.each(TAKEN)('may be %j', (name) => {
    expect(INDEX_EXPRESSION.test(name)).toBe(true);
    expect(indexName.safeParse(name).success).toBe(true);
  });

  it.each([...REFUSED, ''])('may not be %j', (name) => {
    expect(INDEX_EXPRESSION.test(name)).toBe(false);
    expect(indexName.safeParse(name).success).toBe(false);
  });
});

describe('a search of an _msearch', () => {
  const config = configSchema.parse({ profiles: { all: { index: '*' } } });
  const bytes = Buffer.from('{"query":{"match":{"title":"boots"}}}');
  const judge = (index: string) => {
    const call = {
      method: 'POST',
      rawUrl: '/_msearch',
      index: '',
      query: new URLSearchParams(),
      headers: { 'content-type': 'application/x-ndjson' },
      body: bytes,
      signal: new AbortController().signal,
    };
    return judgeSearch(
      {
        call: { ...call, ...readHeader({ index }, call) },
        body: { query: { match: { title: 'boots' } } },
        bytes,
        send: (body) => ({ method: 'POST', path: '/_msearch', headers: {}, body }),
        filter: null,
      },
      config,
    );
  };

  it.each(TAKEN)('over %j is ranked', (index) => {
    expect(judge(index).kind).toBe('rankable');
  });

  it.each(REFUSED)('over %j is the engine’s alone: no search of ours goes there', (index) => {
    expect(judge(index)).toMatchObject({ kind: 'pass-through', reason: 'index_unknown', cutOwnMembers: true });
  });
});
