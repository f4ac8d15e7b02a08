import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OWN_SOURCE_FIELDS } from '../../mappings/product-index.js';
import { hideFields } from '../../sidecar/request/hidden-fields.js';
import { upstreamOf } from '../../sidecar/request/upstream-search.js';
import { sendBody } from '../../sidecar/request/post-filter.js';
import type { SearchCall } from '../../sidecar/request/search-call.js';
import { openHouse, type House } from '../house.js';
import { call as send, type Answer } from './http-rig.js';

describe('a search that hides fields', () => {
  function hide(text: string, query = ''): { path: string; body: string } {
    const bytes = Buffer.from(text);
    const rawUrl = `/products/_search?format=yaml${query}`;
    const call: SearchCall = {
      method: 'POST',
      rawUrl,
      index: 'products',
      query: new URL(rawUrl, 'http://sidecar').searchParams,
      headers: {},
      body: bytes,
      signal: new AbortController().signal,
    };
    const write = (written: Buffer) =>
      bytes.length === 0 && written.length > 0 ? sendBody(upstreamOf(call, bytes, bytes), written) : upstreamOf(call, bytes, written);
    const { path, body } = hideFields({ call, bytes, send: write }, ['v', 'k']);
    return { path, body: body.toString() };
  }

  it.each([
    ['', '{"_source":{"excludes":["v","k"]}}'],
    ['{}', '{"_source":{"excludes":["v","k"]}}'],
    ['{"id":9007199254740993, "x": 1.0}', '{"_source":{"excludes":["v","k"]},"id":9007199254740993, "x": 1.0}'],
    ['{"_source":true}', '{"_source":{"excludes":["v","k"]}}'],
    ['{"_source":false}', '{"_source":false}'],
    ['{"_source":"a*"}', '{"_source":{"includes":["a*"],"excludes":["v","k"]}}'],
    ['{"_source":["a","b"]}', '{"_source":{"includes":["a","b"],"excludes":["v","k"]}}'],
    ['{"_source":{"includes":"a","excludes":["b"]}}', '{"_source":{"includes":"a","excludes":["b","v","k"]}}'],
    ['{"_source":{"exclude":"b"}}', '{"_source":{"excludes":["b","v","k"]}}'],
    ['{"stored_fields":["title"]}', '{"stored_fields":["title"]}'],
    ['{"stored_fields":["_source"]}', '{"_source":{"excludes":["v","k"]},"stored_fields":["_source"]}'],
  ])('leaves them out of its hits, and asks for nothing else: %s', (text, written) => {
    expect(hide(text)).toEqual({ path: '/products/_search?format=yaml', body: written });
  });

  it('leaves them out of the hits inside hits and beside them, too', () => {
    const text = JSON.stringify({
      query: { bool: { must: [{ has_child: { type: 'offer', inner_hits: { size: 1 } } }, { nested: { path: 'x', inner_hits: {} } }] } },
      collapse: {
        field: 'g',
        inner_hits: [
          { name: 'a', collapse: { field: 'h' } },
          { name: 'b', _source: ['c'] },
        ],
      },
      aggs: { brands: { terms: { field: 'b' }, aggs: { best: { top_hits: { size: 1 } } } } },
    });
    const excludes = { _source: { excludes: ['v', 'k'] } };
    expect(JSON.parse(hide(text).body)).toEqual({
      ...excludes,
      query: {
        bool: { must: [{ has_child: { type: 'offer', inner_hits: { ...excludes, size: 1 } } }, { nested: { path: 'x', inner_hits: {} } }] },
      },
      collapse: {
        field: 'g',
        inner_hits: [
          { ...excludes, name: 'a', collapse: { field: 'h' } },
          { name: 'b', _source: { includes: ['c'], excludes: ['v', 'k'] } },
        ],
      },
      aggs: { brands: { terms: { field: 'b' }, aggs: { best: { top_hits: { ...excludes, size: 1 } } } } },
    });
  });

  it('takes a field by the name of a clause for what it is', () => {
    const text =
      '{"_source":false,"query":{"bool":{"filter":[{"match":{"top_hits":{"query":"a"}}},{"match":{"inner_hits":{"query":"a"}}}]}}}';
    expect(hide(text).body).toBe(text);
  });

  it.each([
    ['&_source=title', '&_source_excludes=v%2Ck'],
    ['&_source_excludes=a', '&_source_excludes=a%2Cv%2Ck'],
    ['&_source_includes=title', '&_source_excludes=v%2Ck'],
    ['&_source=false', ''],
  ])('says it in the URL where that counts: %s', (query, added) => {
    expect(hide('{"_source":false}', query)).toEqual({
      path: `/products/_search?format=yaml${query}${added}`,
      body: '{"_source":false}',
    });
  });
});

describe('an answer that is no JSON', () => {
  let house: House;
  beforeAll(async () => {
    house = await openHouse({ products: 30 });
  });
  afterAll(() => house.close());

  const query = { multi_match: { query: 'lamp mug dress', fields: ['title', 'description'] } };
  const json = { 'content-type': 'application/json' };
  const ask = (url: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> =>
    send(url, path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...(body === undefined ? {} : json), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  /** Only the clock may differ. */
  const comparable = (answer: Answer): string => answer.body.toString('latin1').replace(/took: \d+/, 'took');
  const hidden = (answer: Answer): string[] => OWN_SOURCE_FIELDS.filter((field) => answer.body.includes(field));

  it('in YAML is the engine’s without our fields', async () => {
    const body = { query, size: 5 };
    const answer = await ask(house.sidecar.url, `/${house.alias}/_search?format=yaml`, body);
    expect([answer.status, answer.headers['x-fuserank']]).toEqual([200, 'skipped; reason=format']);
    const direct = await ask(house.node.url, `/${house.alias}/_search?format=yaml`, { ...body, _source: { excludes: OWN_SOURCE_FIELDS } });
    expect(comparable(answer)).toBe(comparable(direct));
    expect(answer.text).toContain('title:');
    expect(hidden(answer)).toEqual([]);
  });

  it.each(['application/cbor', 'application/smile'])('in %s shows none of our fields', async (accept) => {
    for (const [path, body] of [
      ['_search', { query, size: 5, aggs: { best: { top_hits: {} } } }],
      ['_search', { query, sort: ['price'] }],
      ['_search?q=title:lamp', undefined],
      ['_search?_source_includes=title,rank*', { query }],
    ] as const) {
      const answer = await ask(house.sidecar.url, `/${house.alias}/${path}`, body, { accept });
      expect([answer.status, answer.headers['content-type']]).toEqual([200, accept]);
      expect(answer.headers['x-fuserank']).toMatch(/^skipped/);
      expect(answer.body.includes('title')).toBe(true);
      expect(hidden(answer)).toEqual([]);
    }
  });

  it('shows what is asked for by name, and all of an index that is not ours', async () => {
    const named = await ask(house.sidecar.url, `/${house.alias}/_search?format=yaml`, { query, _source: ['title', 'rank_key'] });
    expect(hidden(named)).toEqual(['rank_key']);
    const index = `${house.alias}-theirs`;
    await house.engine.index({ index, id: '1', body: { title: 'lamp', group_key: 'theirs' }, refresh: true });
    expect(hidden(await ask(house.sidecar.url, `/${index}/_search?format=yaml`, { query }))).toEqual(['group_key']);
  });
});
