import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { configSchema } from '../../config/schema.js';
import { EVENT, eventsIndexBody, queriesIndexBody } from '../../mappings/behaviour-index.js';
import { normalisationPipeline, rankFusionPipeline } from '../../mappings/search-pipelines.js';
import { searchTemplateBody, textSearchBody } from '../../mappings/query-templates.js';
import { productFieldRolesSchema } from '../../mappings/product-index.js';
import { connectEngine, type EngineClient } from '../../opensearch/connection.js';
import { findOrStartNode, type LocalNode } from '../../opensearch/local-node/index.js';

const roles = productFieldRolesSchema.parse({ id: 'id', text: ['title', 'brand'], keywords: ['colour'] });
const prefix = `mappings-${process.pid}`;
const hitsSchema = z.object({ hits: z.object({ hits: z.array(z.object({ _id: z.string(), _score: z.number() })) }) });

describe('a real engine', () => {
  let node: LocalNode;
  let engine: EngineClient;
  const ask = async (method: string, path: string, body?: object): Promise<unknown> =>
    (await engine.transport.request({ method, path, ...(body ? { body: { ...body } } : {}) })).body;
  const idsOf = (answer: unknown): string[] => hitsSchema.parse(answer).hits.hits.map(({ _id }) => _id);

  beforeAll(async () => {
    node = await findOrStartNode({ name: 'test' });
    engine = connectEngine(configSchema.parse({ opensearch: { nodes: [node.url] } }).opensearch);
    const vector = { type: 'knn_vector', dimension: 2, method: { name: 'hnsw', engine: 'lucene', space_type: 'cosinesimil' } };
    await ask('PUT', `/${prefix}-shop`, {
      settings: { 'index.knn': true },
      mappings: { properties: { title: { type: 'text' }, brand: { type: 'text' }, colour: { type: 'keyword' }, v: vector } },
    });
    const products = [
      { title: 'red boot', brand: 'acme', colour: 'red', v: [1, 0] },
      { title: 'blue boot', brand: 'acme', colour: 'blue', v: [0, 1] },
      { title: 'blue "hat"', brand: 'other', colour: 'blue', v: [0.1, 1] },
    ];
    for (const [id, product] of products.entries()) await ask('PUT', `/${prefix}-shop/_doc/${id}?refresh=true`, product);
  });

  afterAll(async () => {
    await ask('DELETE', `/${prefix}-*`);
    await engine.close();
    await node.stop();
  });

  it('runs the search template with quotes, filters, paging and nothing at all', async () => {
    const { script } = searchTemplateBody(roles);
    await ask('PUT', `/_scripts/${prefix}`, { script });
    const search = async (params: object): Promise<string[]> =>
      idsOf(await ask('POST', `/${prefix}-shop/_search/template`, { id: prefix, params }));
    expect(await search({ query: 'acme boot' })).toEqual(expect.arrayContaining(['0', '1']));
    expect(await search({ query: 'blue "hat" \\', filters: [{ term: { colour: 'blue' } }] })).toEqual(['2', '1']);
    expect(await search({ query: 'boot', from: 1, size: 1 })).toHaveLength(1);
    expect(await search({ query: 'red elsewhere', all_words: true })).toEqual([]);
    expect(await search({})).toEqual([]);
    await ask('DELETE', `/_scripts/${prefix}`);
  });

  it('answers the plain text search as the template does', async () => {
    expect(idsOf(await ask('POST', `/${prefix}-shop/_search`, textSearchBody(roles, { text: 'red boot' })))[0]).toBe('0');
  });

  it.each([
    ['normalisation', normalisationPipeline({ weights: [0.7, 0.3] })],
    ['rank fusion', rankFusionPipeline()],
  ])('fuses a hybrid query by %s', async (name, pipeline) => {
    const id = `${prefix}-${name.replace(' ', '-')}`;
    await ask('PUT', `/_search/pipeline/${id}`, pipeline);
    const queries = [{ match: { title: 'boot' } }, { knn: { v: { vector: [0, 1], k: 3 } } }];
    const answer = hitsSchema.parse(await ask('POST', `/${prefix}-shop/_search?search_pipeline=${id}`, { query: { hybrid: { queries } } }));
    expect(answer.hits.hits[0]?._id).toBe('1');
    expect(answer.hits.hits.every(({ _score }) => _score >= 0 && _score <= 1)).toBe(true);
    await ask('DELETE', `/_search/pipeline/${id}`);
  });

  it('refuses weights that do not sum to one, before the engine does', () => {
    expect(() => normalisationPipeline({ weights: [0.5, 0.6] })).toThrow(/must sum to 1/);
  });

  it('stores UBI events and finds a history by each of the three keys, with and without a fraction in the time', async () => {
    const index = `${prefix}-events`;
    await ask('PUT', `/${index}`, eventsIndexBody());
    const event = (id: string, timestamp: unknown) => ({
      action_name: 'click',
      user_id: 'User One',
      client_id: 'c-1',
      session_id: 's-1',
      timestamp,
      event_attributes: { object: { object_id: id }, position: { ordinal: 3, xy: { x: 1, y: 2 } }, free: 'text' },
    });
    const times = ['2026-01-01T00:00:00Z', '2026-01-01T00:00:01.500+01:00', 1_767_225_600_000, 'no time'];
    for (const [position, time] of times.entries())
      await ask('PUT', `/${index}/_doc/${position}?refresh=true`, event(`sku${position}`, time));
    for (const filter of [
      { [EVENT.userId]: 'User One' },
      { [EVENT.clientId]: 'c-1' },
      { [EVENT.sessionId]: 's-1' },
      { [EVENT.objectId]: 'sku1' },
    ]) {
      const found = idsOf(await ask('POST', `/${index}/_search`, { query: { term: filter } }));
      expect(found).toHaveLength(EVENT.objectId in filter ? 1 : 4);
    }
    const timed = await ask('POST', `/${index}/_search`, { query: { exists: { field: EVENT.timestamp } } });
    expect(idsOf(timed).sort()).toEqual(['0', '1', '2']);
  });

  it('stores UBI queries with free string attributes', async () => {
    const index = `${prefix}-queries`;
    await ask('PUT', `/${index}`, queriesIndexBody());
    const query = {
      query_id: 'q1',
      user_query: 'red',
      user_id: 'u',
      query_response_hit_ids: ['a', 'b'],
      query_attributes: { model: 'm@1' },
    };
    await ask('PUT', `/${index}/_doc/1?refresh=true`, query);
    expect(idsOf(await ask('POST', `/${index}/_search`, { query: { term: { 'query_attributes.model': 'm@1' } } }))).toEqual(['1']);
    expect(idsOf(await ask('POST', `/${index}/_search`, { query: { term: { query_response_hit_ids: 'b' } } }))).toEqual(['1']);
  });
});
