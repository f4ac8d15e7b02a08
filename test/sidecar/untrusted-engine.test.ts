import type { RequestListener } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { openLog } from '../../sidecar/http/log.js';
import { startSidecar, type Sidecar } from '../../sidecar/index.js';
import { openHouse, type House } from '../house.js';
import { openEngine } from './http-rig.js';

/** What a hostile or broken engine may put in the place of any value, ids of the language's own names among them. */
const ODD_VALUES = [
  'null', 'true', '[]', '{}', '""', '-1', '1e400', '9007199254740993', '"__proto__"', '"constructor"', '{"__proto__":{"polluted":1}}',
  `"${'é'.repeat(600)}"`, '[[[[[[[[]]]]]]]]', '"\\u0000\\ud800"', '"NaN"',
]; // prettier-ignore

type Fault = (text: string) => string;

/** One value of the answer replaced, the answer cut off somewhere, or a part of it said twice. */
const faults: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), value: fc.constantFrom(...ODD_VALUES) }).map(({ at, value }): Fault => {
    return (text) => {
      const values = [...text.matchAll(/(?<=[:[,])("(?:[^"\\]|\\.)*"|-?[\d.eE+-]+|true|false|null)(?=[,\]}])/g)];
      const chosen = values[Math.floor(at * values.length)];
      return chosen ? text.slice(0, chosen.index) + value + text.slice(chosen.index + chosen[0].length) : text;
    };
  }),
  fc.double({ min: 0, max: 1, noNaN: true }).map(
    (at): Fault =>
      (text) =>
        text.slice(0, Math.floor(at * text.length)),
  ),
  fc.double({ min: 0, max: 1, noNaN: true }).map((at): Fault => (text) => {
    const place = text.indexOf(',', Math.floor(at * text.length));
    return place < 0 ? text : `${text.slice(0, place)},"hits":{},"took":"x"${text.slice(place)}`;
  }),
);

/** Whose search is answered wrongly: the client's own, or one of our lean ones beside it. */
type Victim = 'client' | 'ours';

let house: House;
let between: Awaited<ReturnType<typeof openEngine>>;
let sidecar: Sidecar;
let spoiled: { readonly victim: Victim; readonly fault: Fault } | null = null;
let answeredToClient = '';

/** The real engine, some of whose answers are spoiled. */
const spoiling: RequestListener = (request, response) => {
  const { body = '' } = between.arrivals.at(-1) ?? {};
  const path = request.url ?? '/';
  const method = request.method ?? 'GET';
  // Only the client counts anything around its hits.
  const sender: Victim = body.includes('"aggs"') ? 'client' : 'ours';
  fetch(`${house.node.url}${path}`, {
    method,
    headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
    ...(body === '' || method === 'GET' || method === 'HEAD' ? {} : { body }),
  })
    .then(async (answered) => {
      const text = await answered.text();
      const isProducts = path.startsWith(`/${house.alias}`) && path.includes('/_search') && !path.includes('-events');
      const sent = spoiled !== null && isProducts && spoiled.victim === sender ? spoiled.fault(text) : text;
      if (sender === 'client') answeredToClient = sent;
      response.writeHead(answered.status, { 'content-type': 'application/json; charset=UTF-8' });
      response.end(sent);
    })
    .catch(() => response.destroy());
};

beforeAll(async () => {
  house = await openHouse({ products: 60 });
  between = await openEngine(spoiling);
  sidecar = await startSidecar(configSchema.parse({ ...house.config, opensearch: { nodes: [between.url] } }), {
    log: openLog({ level: 'silent', format: 'json' }),
  });
});
afterAll(async () => {
  await sidecar.close();
  between.close();
  await house.close();
});

async function search(user: string): Promise<{ status: number; label: string; text: string }> {
  const response = await fetch(`${sidecar.url}/${house.alias}/_search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      query: { multi_match: { query: 'lamp mug dress', fields: ['title', 'description'] } },
      aggs: { brands: { terms: { field: 'brand' } } },
      _source: ['title'],
      size: 10,
      ext: { fuserank: { user_id: user } },
    }),
  });
  return { status: response.status, label: response.headers.get('x-fuserank') ?? '', text: await response.text() };
}

describe.each<Victim>(['client', 'ours'])('whatever stands in an answer to a search of %s', (victim) => {
  test('the client gets an answer: ranked, or what the engine gave it', { timeout: 120_000 }, async () => {
    let runs = 0;
    const labels = new Set<string>();
    await fc.assert(
      fc.asyncProperty(faults, async (fault) => {
        spoiled = { victim, fault };
        const answer = await search(`${victim}-${++runs}`);
        spoiled = null;
        labels.add(answer.label.split(';')[0] ?? '');
        expect(answer.status).toBe(200);
        if (answer.label.startsWith('skipped')) expect(answer.text).toBe(answeredToClient);
        else {
          expect(answer.label).toMatch(/^applied; model=/);
          if (victim === 'ours') expect(() => void JSON.parse(answer.text)).not.toThrow();
        }
        expect(Object.keys(Object.prototype)).toEqual([]);
        expect({}).not.toHaveProperty('polluted');
      }),
      { numRuns: 60 },
    );
    // Faults that hit what we look at, and faults that don't.
    expect([...labels].sort()).toEqual(['applied', 'skipped']);
    expect((await search('afterwards')).label).toMatch(/^applied/);
  });
});
