import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { configSchema, type Config } from '../../config/schema.js';
import { tellQueryId } from '../../sidecar/answer/ubi-answer.js';
import { describeSearch } from '../../sidecar/behaviour/search-recorder.js';
import { openLog } from '../../sidecar/http/log.js';
import { startSidecar, type Sidecar } from '../../sidecar/index.js';
import { readUbiCall } from '../../sidecar/request/ubi-call.js';
import { parseSearchRequest } from '../../sidecar/search-request.js';
import { openHouse, type House } from '../house.js';

const words = 'lamp mug dress';
const query = { multi_match: { query: words, fields: ['title', 'description'] } };

describe('a search against an engine without the UBI plugin, with ubiQueries: own', () => {
  let house: House;
  let sidecar: Sidecar;
  const lines: string[] = [];
  beforeAll(async () => {
    house = await openHouse({ products: 60 });
    const config = configSchema.parse({ ...house.config, behaviour: { ...house.config.behaviour, ubiQueries: 'own' } });
    const log = openLog({ level: 'trace', format: 'json' }, { write: (line) => void lines.push(line) });
    sidecar = await startSidecar(config, { log });
  });
  afterAll(async () => {
    await sidecar.close();
    await house.close();
  });

  const answerSchema = z.object({
    ext: z.object({ ubi: z.object({ query_id: z.string() }) }),
    hits: z.object({ hits: z.array(z.object({ _id: z.string(), _source: z.object({ title: z.string() }) })) }),
  });
  async function search(body: object, options: { headers?: Record<string, string>; path?: string } = {}) {
    const answer = await fetch(`${sidecar.url}/${options.path ?? `${house.alias}/_search`}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...options.headers },
      body: JSON.stringify(body),
    });
    return { status: answer.status, label: answer.headers.get('x-fuserank') ?? '', text: await answer.text() };
  }
  const readOf = (text: string) => {
    const { ext, hits } = answerSchema.parse(JSON.parse(text));
    return { id: ext.ubi.query_id, hits: hits.hits };
  };
  const documentSchema = z.object({ hits: z.object({ hits: z.array(z.object({ _source: z.record(z.string(), z.unknown()) })) }) });
  /** What was taken down of a search; waits until the index shows so many. */
  async function taken(queryId: string, count: number): Promise<Record<string, unknown>[]> {
    const index = house.config.behaviour.queries;
    for (let attempt = 0; attempt < 100; attempt++) {
      await house.engine.indices.refresh({ index });
      const found = await house.engine.search({ index, body: { query: { term: { query_id: { value: queryId } } }, sort: ['timestamp'] } });
      const documents = documentSchema.parse(found.body).hits.hits.map(({ _source }) => _source);
      if (documents.length >= count) return documents;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`no ${count} records of ${queryId} in 10 s`);
  }

  test('in an _msearch too: each search by itself, and the plugin’s block goes no further', async () => {
    const bodyOf = (query_id: string, more: object): object => ({ query, size: 4, ext: { ubi: { query_id, user_query: words } }, ...more });
    const lines = [{}, bodyOf('m-1', {}), {}, { query, size: 2 }, {}, bodyOf('m-2', { sort: ['price'] })];
    const response = await fetch(`${sidecar.url}/${house.alias}/_msearch`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-fuserank')).toMatch(/^applied; items=2\/3; .*reasons=sort/);
    const { responses } = z.object({ responses: z.tuple([answerSchema, z.looseObject({}), answerSchema]) }).parse(await response.json());
    expect(responses.map((each) => each.ext)).toEqual([{ ubi: { query_id: 'm-1' } }, undefined, { ubi: { query_id: 'm-2' } }]);
    const [first] = await taken('m-1', 1);
    const [last] = await taken('m-2', 1);
    expect(first).toMatchObject({
      query_response_hit_ids: responses[0].hits.hits.map((hit) => hit._id),
      query_attributes: { fuserank: 'applied' },
    });
    expect(last).toMatchObject({
      query_response_hit_ids: responses[2].hits.hits.map((hit) => hit._id),
      query_attributes: { fuserank: 'skipped', fuserank_reason: 'sort' },
    });
  });

  test('is taken down with the hits in the order that was shown, page by page, and with the ranker', async () => {
    const ubi = {
      query_id: 'q-1',
      user_query: 'red lamp',
      client_id: 'phone',
      application: 'shop',
      query_attributes: { page: 1, ab: 'B' },
    };
    const body = { query, size: 5, ext: { ubi, fuserank: { user_id: 'u', session_id: 's' } } };
    const first = await search(body);
    expect(first).toMatchObject({ status: 200, label: expect.stringMatching(/^applied/) as string });
    const second = await search({ ...body, from: 5, ext: { ...body.ext, ubi: { ...ubi, query_attributes: { page: 2 } } } });
    expect(second.label).toContain('list=stored');
    expect(readOf(first.text).id).toBe('q-1');
    const [one, two] = await taken('q-1', 2);
    expect(one).toMatchObject({
      user_query: 'red lamp',
      client_id: 'phone',
      user_id: 'u',
      session_id: 's',
      application: 'shop',
      query: JSON.stringify(query),
      query_response_hit_ids: readOf(first.text).hits.map((hit) => hit._id),
      query_attributes: {
        page: '1',
        ab: 'B',
        fuserank: 'applied',
        fuserank_model: expect.stringMatching(/^fusion-base-/) as string,
        fuserank_variant: 'shop@0.75',
      },
    });
    expect(two).toMatchObject({
      query_response_hit_ids: readOf(second.text).hits.map((hit) => hit._id),
      query_attributes: { page: '2', fuserank: 'applied', fuserank_model: expect.stringMatching(/^fusion-base-/) as string },
    });
    expect(one?.query_response_id).not.toBe(two?.query_response_id);
  });

  test('changes nothing else of the answer', async () => {
    const plain = (text: string): string => text.replace(/"took":\d+/, '"took":0');
    const bare = await search({ query, size: 5 });
    const asked = await search({ query, size: 5, ext: { ubi: { query_id: 'q-2', user_query: words } } });
    expect(plain(asked.text)).toBe(plain(bare.text).replace(/\}$/, ',"ext":{"ubi":{"query_id":"q-2"}}}'));
  });

  test.each([
    ['in the engine’s order', { sort: [{ price: 'asc' }] }, { others: '' }],
    ['of indices that have no profile together', {}, { others: ',-nothing*' }],
  ])('is taken down when it is answered %s, under an id of our own where it has none', async (_name, members, { others = '' }) => {
    const path = `${house.alias}${others}/_search`;
    const answer = await search({ query, size: 3, ...members, ext: { ubi: { user_query: 'cheap' } } }, { path });
    expect(answer.status).toBe(200);
    const { id, hits } = readOf(answer.text);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    const [record] = await taken(id, 1);
    expect(record).toMatchObject({ user_query: 'cheap', query_response_hit_ids: hits.map((hit) => hit._id) });
  });

  test('names hits by a field where it asks for one', async () => {
    const answer = await search({ query, size: 3, ext: { ubi: { query_id: 'q-3', user_query: 'x', object_id_field: 'title' } } });
    const [record] = await taken('q-3', 1);
    expect(record).toMatchObject({
      object_id_field: 'title',
      query_response_hit_ids: readOf(answer.text).hits.map((hit) => hit._source.title),
    });
  });

  test('that is not UBI’s is refused, with the member', async () => {
    const answer = await search({ query, ext: { ubi: { query_attributes: { a: { b: 1 } } } } });
    expect(answer.status).toBe(400);
    expect(answer.text).toMatch(/ext\.ubi\.query_attributes\.a/);
  });

  test('without consent gets the bytes that nobody gets, and leaves no trace', async () => {
    const plain = (text: string): string => text.replace(/"took":\d+/, '"took":0');
    const ubi = { query_id: 'q-4', user_query: words, client_id: 'canary-client' };
    const shy = await search({
      query,
      size: 5,
      ext: { ubi, fuserank: { user_id: 'canary-user', session_id: 'canary-session', consent: 'none' } },
    });
    const event = { action_name: 'click', timestamp: new Date().toISOString(), user_id: 'canary-user', session_id: 'canary-session' };
    const consent = { 'x-fuserank-consent': 'none' };
    expect((await search(event, { headers: consent, path: 'ubi/events' })).text).toContain('"accepted":0');
    expect((await search({ user_query: 'canary words' }, { headers: consent, path: 'ubi/queries' })).text).toContain('"accepted":0');
    const nobody = await search({ query, size: 5, ext: { ubi: { query_id: 'q-4', user_query: words } } });
    expect(plain(shy.text)).toBe(plain(nobody.text));
    expect(shy.label).toBe(nobody.label);
    await taken('q-4', 1);
    await house.engine.indices.refresh({ index: `${house.alias}-*` });
    const stored = await house.engine.search({
      index: [house.config.behaviour.events, house.config.behaviour.queries],
      size: 1000,
    });
    expect(JSON.stringify(stored.body).includes('canary')).toBe(false);
    expect(lines.join('').includes('canary')).toBe(false);
    expect((await search({ query, ext: { fuserank: { user_id: 'canary-user', ext: true } } })).text).toContain('"history_length":0');
  });
});

describe('what goes to the engine', () => {
  const config = (ubiQueries: Config['behaviour']['ubiQueries']): Config =>
    configSchema.parse({ profiles: { shop: { index: 'products' } }, behaviour: { ubiQueries } });
  const parse = (body: object, mode: Config['behaviour']['ubiQueries'], headers: Record<string, string> = {}) =>
    parseSearchRequest(
      {
        method: 'POST',
        rawUrl: '/products/_search',
        index: 'products',
        query: new URLSearchParams(),
        headers: { 'content-type': 'application/json', ...headers },
        body: headers['content-encoding'] ? gzipSync(JSON.stringify(body)) : Buffer.from(JSON.stringify(body)),
        signal: new AbortController().signal,
      },
      config(mode),
    );
  const ubi = { query_id: 'q', client_id: 'c' };
  const rerank = { query_context: { query_text: 'x' } };

  test.each([
    ['passthrough', { ubi }, { ubi }, null],
    ['both', { ubi, fuserank: {} }, { ubi }, { held: false, recorded: true }],
    ['own', { ubi, fuserank: {} }, undefined, { held: true, recorded: true }],
    ['own', { ubi, rerank }, { rerank }, { held: true, recorded: true }],
    ['passthrough', { ubi, fuserank: { consent: 'none' } }, undefined, { held: true, recorded: false }],
    ['both', { ubi, rerank, fuserank: { consent: 'none' } }, { rerank }, { held: true, recorded: false }],
  ] as const)('%s of %j: %j', (mode, ext, sent, call) => {
    for (const headers of [{}, { 'content-encoding': 'gzip' }]) {
      const search = parse({ query, ext }, mode, headers);
      const upstream = search.upstream.body;
      const unpacked = upstream[0] === 0x1f ? { ext } : z.object({ ext: z.unknown().optional() }).parse(JSON.parse(upstream.toString()));
      expect(unpacked.ext).toEqual(sent);
      if (call === null) expect(search.ubi).toBeNull();
      else expect(search.ubi).toMatchObject({ ...call, queryId: 'q' });
    }
  });

  test('bypassed it goes as it came', () => {
    const search = parse({ query, ext: { ubi } }, 'own', { 'x-fuserank-bypass': '1' });
    expect(JSON.parse(search.upstream.body.toString())).toEqual({ query, ext: { ubi } });
    expect(search.ubi).toBeNull();
  });

  test('pages of one list may have query ids of their own', () => {
    const keyOf = (id: string, mode: Config['behaviour']['ubiQueries']): unknown => {
      const search = parse({ query, ext: { ubi: { ...ubi, query_id: id } } }, mode);
      return search.kind === 'rankable' ? search.listKey : null;
    };
    for (const mode of ['passthrough', 'own', 'both'] as const) expect(keyOf('1', mode)).toBe(keyOf('2', mode));
  });
});

test('the id that the plugin told is the one taken down beside it', () => {
  const call = readUbiCall({ ext: { ubi: { user_query: 'x' } } }, { consent: 'full', mode: 'both' });
  if (!call) throw new Error('no call');
  const body = Buffer.from('{"hits":{"hits":[{"_id":"__proto__"},{"_id":"b"}]},"ext":{"ubi":{"query_id":"of-the-plugin"}}}');
  const who = { user: null, client: null, session: null, queryText: 'found', query: null };
  const record = describeSearch({ ubi: call, startedAt: 0, body, ranking: {}, ...who });
  expect(record).toMatchObject({ query_id: 'of-the-plugin', user_query: 'x', query_response_hit_ids: ['__proto__', 'b'] });
});

test.each([
  ['{"took":1,"hits":{}}', '{"took":1,"hits":{},"ext":{"ubi":{"query_id":"a\\"b"}}}'],
  ['{"ext":{}, "took":1}', '{"ext":{"ubi":{"query_id":"a\\"b"}}, "took":1}'],
  ['{"ext":{"rerank":1}}', '{"ext":{"rerank":1,"ubi":{"query_id":"a\\"b"}}}'],
  ['took: 1', 'took: 1'],
  ['{}', '{}'],
])('%s tells the query id', (body, told) => {
  expect(tellQueryId(Buffer.from(body), 'a"b').toString()).toBe(told);
});
