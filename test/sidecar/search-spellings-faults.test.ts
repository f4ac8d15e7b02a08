import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { openUpstream } from '../../opensearch/upstream.js';
import { openLog } from '../../sidecar/http/log.js';
import { startSidecar, type Sidecar } from '../../sidecar/index.js';
import { openHouse, type House } from '../house.js';
import { call, type Answer } from './http-rig.js';

const query = { multi_match: { query: 'lamp mug dress', fields: ['title', 'description'] } };
const search = JSON.stringify({ query, size: 12 });
const lines = `{}\n${search}\n{}\n{"size":0}\n`;
const template = JSON.stringify({ source: { query, size: '12' } });

let house: House;
let engine: Awaited<ReturnType<typeof openWaywardEngine>>;
let sidecar: Sidecar;
beforeAll(async () => {
  house = await openHouse({ products: 60 });
  engine = await openWaywardEngine(house.config.opensearch);
  const config = configSchema.parse({ ...house.config, opensearch: { nodes: [engine.url] } });
  sidecar = await startSidecar(config, { log: openLog({ level: 'silent', format: 'json' }) });
});
afterEach(() => engine.obey());
afterAll(async () => {
  await sidecar.close();
  await engine.close();
  await house.close();
});

const ours = (spelling: string, body: string, headers: Record<string, string> = {}): Promise<Answer> =>
  call(sidecar.url, `/${house.alias}/${spelling}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
const engines = (spelling: string, body: string): Promise<Answer> =>
  call(house.node.url, `/${house.alias}/${spelling}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
const label = ({ headers }: Answer): string => String(headers['x-fuserank'] ?? '');

/** But for `took` and our own members. */
function plain(text: string): string {
  const own = /,?"(text_vector|image_vector|rank_key|content_hash|group_key)":(\[[^\]]*\]|"[^"]*")/g;
  return text.replace(/"took":\d+/g, '"took":0').replace(own, '');
}

describe('a template that is not rendered', () => {
  it('since this client may not, is answered in the engine’s order', async () => {
    engine.answer(/^\/_render\/template/, (response) =>
      response.writeHead(403, { 'content-type': 'application/json' }).end('{"status":403}'),
    );
    const answer = await ours('_search/template', template);
    expect(label(answer)).toBe('skipped; reason=template_not_rendered');
    expect(answer.status).toBe(200);
    expect(plain(answer.text)).toBe(plain((await engines('_search/template', template)).text));
    expect(answer.text).not.toMatch(/_vector/);
  });

  it('in time, costs no more than the budget', async () => {
    const late: ServerResponse[] = [];
    engine.answer(/^\/_render\/template/, (response) => void late.push(response));
    const answer = await ours('_search/template', template, { 'x-fuserank-budget-ms': '60' });
    for (const response of late) response.end('{}');
    expect(late).toHaveLength(1);
    expect(label(answer)).toBe('skipped; reason=budget');
    expect(plain(answer.text)).toBe(plain((await engines('_search/template', template)).text));
  });

  it('but as rubbish, is answered in the engine’s order', async () => {
    for (const rubbish of ['', '[]', '{"template_output":7}', '{"template_output":{"query":x}}']) {
      engine.answer(/^\/_render\/template/, (response) => response.end(rubbish));
      expect(label(await ours('_search/template', template))).toBe('skipped; reason=template_not_rendered');
    }
  });

  it('beside others in one call, leaves them alone', async () => {
    engine.answer(/^\/_render\/template/, (response, body) => {
      if (body.includes('"12"')) response.writeHead(500).end('{}');
      else response.end(JSON.stringify({ template_output: { query, size: 5 } }));
    });
    const answer = await ours('_msearch/template', `{}\n${template}\n{}\n${template.replace('"12"', '5')}\n`);
    expect(label(answer)).toMatch(/^applied; items=1\/2; .*; reasons=template_not_rendered$/);
  });
});

describe('an _msearch that goes wrong', () => {
  it('in the engine comes back as it is, with its headers', async () => {
    engine.answer(/_msearch/, (response) => {
      response.setHeader('warning', ['299 OpenSearch "one"', '299 OpenSearch "two"']);
      response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '3' });
      response.end('{"error":{"type":"rejected_execution_exception"},"status":429}');
    });
    const answer = await ours('_msearch', lines);
    expect(answer.status).toBe(429);
    expect(answer.text).toBe('{"error":{"type":"rejected_execution_exception"},"status":429}');
    expect(answer.headers['retry-after']).toBe('3');
    expect(answer.headers.warning).toBe('299 OpenSearch "one", 299 OpenSearch "two"');
    expect(label(answer)).toBe('skipped; reason=engine_error,size_zero; items=0/2');
  });

  it.each([
    '{"took":1,"responses":[{"took":1,"hits":{"hits":[',
    '{"took":1}',
    '{"responses":[]}',
    'hello',
    '{"responses":[{"hits":{"hits":[7]}},{}]}',
  ])('with an answer that can not be read is passed on: %s', async (text) => {
    engine.answer(/_msearch/, (response) => response.end(text));
    const answer = await ours('_msearch', lines);
    expect(answer.status).toBe(200);
    expect(answer.text).toBe(text);
    expect(label(answer)).toBe('skipped; reason=answer_not_understood,size_zero; items=0/2');
  });

  it('in our own searches is answered in the engine’s order, to the byte', async () => {
    engine.answer(/\/_search(\?|$)/, (response) => response.writeHead(503).end('{}'));
    const answer = await ours('_msearch', lines);
    expect(label(answer)).toBe('skipped; reason=legs_failed,size_zero; items=0/2');
    expect(plain(answer.text)).toBe(plain((await engines('_msearch', lines)).text));
    expect(answer.text).not.toMatch(/_vector/);
  });

  it('with no time to rank is answered in the engine’s order', async () => {
    const late: ServerResponse[] = [];
    engine.answer(/\/_search(\?|$)/, (response) => void late.push(response));
    const answer = await ours('_msearch', lines, { 'x-fuserank-budget-ms': '60' });
    for (const response of late) response.end('{}');
    expect(label(answer)).toBe('skipped; reason=budget,size_zero; items=0/2');
    expect(plain(answer.text)).toBe(plain((await engines('_msearch', lines)).text));
  });
});

describe('who a client is', () => {
  const client = {
    authorization: 'Basic dTpw',
    cookie: 'session=1',
    'x-opaque-id': 'page-7',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  };

  it.each([
    ['_search', search],
    ['_search/template', template],
    ['_msearch', lines],
    ['_msearch/template', `{}\n${template}\n`],
  ])('goes along with every request that %s becomes, and nothing of ours does', async (spelling, body) => {
    const from = engine.arrivals.length;
    const answer = await ours(spelling, body, { ...client, 'x-fuserank-user': 'u' });
    expect(label(answer)).toMatch(/^applied/);
    const sent = engine.arrivals
      .slice(from)
      .filter(({ url }) => url.includes('_search') || url.includes('_msearch') || url.includes('_render'));
    const { events, queries, erasures } = house.config.behaviour;
    const mine = sent.filter(({ url }) => ![events, queries, erasures].some((own) => url.includes(own)));
    expect(mine.length).toBeGreaterThan(1);
    for (const { headers } of mine) {
      expect(headers).toMatchObject(client);
      expect(Object.keys(headers).filter((name) => name.startsWith('x-fuserank'))).toEqual([]);
    }
  });

  it('comes back in cookies and ids', async () => {
    engine.answer(/_msearch/, (response) =>
      response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'], 'x-opaque-id': 'page-7' }).end('{"responses":[]}'),
    );
    const answer = await ours('_msearch', lines, client);
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(answer.headers['x-opaque-id']).toBe('page-7');
  });
});

type Whim = (response: ServerResponse, body: string) => void;

/** A real engine behind a door that answers some paths as a test says, and remembers what it was asked. */
async function openWaywardEngine(config: House['config']['opensearch']) {
  const upstream = openUpstream(config);
  const arrivals: { url: string; headers: IncomingHttpHeaders }[] = [];
  let whim: { path: RegExp; say: Whim } | null = null;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url = '/', method = 'GET', headers } = request;
      const body = Buffer.concat(chunks);
      arrivals.push({ url, headers });
      if (whim?.path.test(url)) return whim.say(response, body.toString('utf8'));
      const sent = Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
      upstream.send({ method, path: url, headers: sent, ...(body.length > 0 ? { body } : {}) }).then(
        (answer) => response.writeHead(answer.status, answer.headers).end(answer.body),
        () => response.destroy(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    arrivals,
    answer: (path: RegExp, say: Whim): void => void (whim = { path, say }),
    obey: (): void => void (whim = null),
    close: async (): Promise<void> => {
      server.closeAllConnections();
      server.close();
      await upstream.close();
    },
  };
}
