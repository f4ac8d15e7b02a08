import { randomUUID } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../config/load.js';
import { openUpstream, type Upstream } from '../../opensearch/upstream.js';
import { EventStore } from '../../sidecar/behaviour/event-store.js';
import { recallHistory } from '../../sidecar/user-history.js';
import { call, openRig, type Answer } from './http-rig.js';

const url = process.env.OPENSEARCH_URL;

describe.skipIf(url === undefined)('beside a real OpenSearch (set OPENSEARCH_URL to run)', () => {
  const engineUrl = url ?? '';
  const index = `http_test_${randomUUID().slice(0, 8)}`;
  const behaviour = { events: `${index}_events`, queries: `${index}_queries`, historyLength: 50, ttlDays: 3650 };
  let upstream: Upstream;
  let store: EventStore;
  let rig: Awaited<ReturnType<typeof openRig>>;

  beforeAll(async () => {
    upstream = openUpstream(loadConfig({ env: {}, flags: { opensearch: { nodes: [engineUrl] } } }).opensearch);
    store = new EventStore({ upstream, behaviour });
    rig = await openRig({ engineUrl, flags: { behaviour }, dependencies: { store } });
    const documents = ['red boots', 'blue boots', 'green hat']
      .map((title, id) => `{"index":{"_index":"${index}","_id":"${id}"}}\n{"title":"${title}"}\n`)
      .join('');
    await call(engineUrl, '/_bulk?refresh=true', { method: 'POST', body: documents, headers: { 'content-type': 'application/x-ndjson' } });
  });
  afterAll(async () => {
    await rig.close();
    await store.close();
    for (const name of [index, behaviour.events, behaviour.queries]) await upstream.send({ method: 'DELETE', path: `/${name}` });
    await upstream.close();
  });

  const json = { 'content-type': 'application/json' };
  const match = '{"query":{"match":{"title":"boots"}}}';
  const comparable = (answer: Answer) => ({
    status: answer.status,
    type: answer.headers['content-type'],
    version: answer.headers['x-opensearch-version'],
    allow: answer.headers.allow,
    opaque: answer.headers['x-opaque-id'],
    body: answer.text.replace(/"took":\d+/g, '"took":0'),
  });

  test.each<[string, string, { body?: string; headers?: Record<string, string> }]>([
    ['GET', '/', {}],
    ['HEAD', '/', {}],
    ['GET', `/_cat/indices/${index}?h=index,docs.count`, {}],
    ['GET', `/${index}`, {}],
    ['HEAD', `/${index}`, {}],
    ['HEAD', '/no_such_index_at_all', {}],
    ['GET', `/${index}/_mapping`, {}],
    ['GET', `/${index}/_mapping?pretty`, { headers: { accept: 'application/yaml' } }],
    ['GET', `/${index}/_settings`, {}],
    ['GET', `/_alias/${index}*`, {}],
    ['GET', `/${index}/_doc/1`, {}],
    ['GET', `/${index}/_doc/nothing`, {}],
    ['GET', `/${index}/_source/1`, {}],
    ['POST', `/${index}/_mget`, { body: '{"ids":["0","1"]}', headers: json }],
    ['GET', `/${index}/_mget`, { body: '{"ids":["0","1"]}', headers: json }],
    ['POST', `/${index}/_count?q=title:boots`, {}],
    ['POST', `/${index}/_explain/1`, { body: match, headers: json }],
    ['GET', `/${index}/_field_caps?fields=*`, {}],
    ['POST', `/${index}/_validate/query`, { body: match, headers: json }],
    ['POST', '/_analyze', { body: '{"text":"Red Boots"}', headers: json }],
    ['POST', '/_render/template', { body: '{"source":{"query":{"match":{"title":"{{q}}"}}},"params":{"q":"boots"}}', headers: json }],
    [
      'POST',
      `/${index}/_rank_eval`,
      {
        body:
          '{"requests":[{"id":"a","request":{"query":{"match":{"title":"boots"}}},"ratings":[{"_index":"' +
          index +
          '","_id":"0","rating":1}]}],"metric":{"precision":{"k":2}}}',
        headers: json,
      },
    ],
    ['POST', `/${index}/_termvectors/1`, { body: '{"fields":["title"]}', headers: json }],
    [
      'POST',
      '/_msearch',
      {
        body: `{"index":"${index}"}\n${match}\n{"index":"no_such_index_at_all"}\n${match}\n`,
        headers: { 'content-type': 'application/x-ndjson' },
      },
    ],
    [
      'POST',
      `/${index}/_search/template`,
      { body: '{"source":{"query":{"match":{"title":"{{q}}"}}},"params":{"q":"boots"}}', headers: json },
    ],
    ['POST', `/${index}/_search`, { body: match, headers: { ...json, 'x-opaque-id': 'mine' } }],
    ['POST', `/${index}/_search?filter_path=hits.hits._id`, { body: match, headers: json }],
    ['POST', `/${index}/_search`, { body: '{"query":{"nonsense":{}}}', headers: json }],
    ['POST', `/${index}/_search`, { body: match, headers: { 'content-type': 'text/plain' } }],
    ['HEAD', `/${index}/_search`, {}],
    ['OPTIONS', `/${index}/_search`, {}],
    ['GET', '/no_such_index_at_all/_count', {}],
    ['GET', `/_cluster/health/${index}?filter_path=cluster_name`, {}],
  ])('%s %s: the engine’s own answer', async (method, path, options) => {
    const [direct, through] = [await call(engineUrl, path, { method, ...options }), await call(rig.url, path, { method, ...options })];
    expect(comparable(through)).toEqual(comparable(direct));
  });

  test('gzip, asked for, arrives as the engine packed it', async () => {
    const answer = await call(rig.url, `/${index}/_mapping`, { headers: { 'accept-encoding': 'gzip' } });
    expect(answer.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(answer.body).toString()).toBe((await call(engineUrl, `/${index}/_mapping`)).text);
  });

  test('a scroll and a point in time, opened, used and given up', async () => {
    const pit = await call(rig.url, `/${index}/_search/point_in_time?keep_alive=1m`, { method: 'POST' });
    const { pit_id: pitId } = JSON.parse(pit.text) as { pit_id: string };
    const closed = await call(rig.url, '/_search/point_in_time', {
      method: 'DELETE',
      headers: json,
      body: JSON.stringify({ pit_id: [pitId] }),
    });
    expect(JSON.parse(closed.text)).toEqual({ pits: [{ pit_id: pitId, successful: true }] });
    const { _scroll_id: scrollId } = JSON.parse((await call(engineUrl, `/${index}/_search?scroll=1m&size=1`)).text) as {
      _scroll_id: string;
    };
    const next = await call(rig.url, '/_search/scroll', {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ scroll: '1m', scroll_id: scrollId }),
    });
    expect(next.status).toBe(200);
    expect(
      (await call(rig.url, '/_search/scroll', { method: 'DELETE', headers: json, body: JSON.stringify({ scroll_id: scrollId }) })).status,
    ).toBe(200);
  });

  test('a click is known to the next recall, handed out, and erased', async () => {
    const recall = () => recallHistory({ user: 'shopper' }, { store, behaviour, consent: 'full' });
    expect(await recall()).toEqual([]);
    const event = {
      action_name: 'click',
      timestamp: new Date().toISOString(),
      user_id: 'shopper',
      event_attributes: { object: { object_id: '1' }, position: { ordinal: 2 } },
    };
    const posted = await call(rig.url, '/ubi/events', { method: 'POST', body: JSON.stringify(event) });
    expect(posted.text).toBe('{"accepted":1}');
    expect((await recall()).map(({ objectId }) => objectId)).toEqual(['1']);
    const known = JSON.parse((await call(rig.adminUrl, '/v1/users/shopper')).text) as { events: unknown[] };
    expect(known.events).toEqual([event]);
    expect((await call(rig.adminUrl, '/v1/users/shopper', { method: 'DELETE' })).text).toBe('{"erased":{"events":1,"queries":0}}');
    expect(await recall()).toEqual([]);
    expect(JSON.parse((await call(rig.adminUrl, '/v1/users/shopper')).text)).toMatchObject({ events: [], queries: [] });
  });
});
