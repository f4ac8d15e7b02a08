import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configSchema, type ConfigInput } from '../../config/schema.js';
import { openLog } from '../../sidecar/http/log.js';
import { startSidecar, type Sidecar } from '../../sidecar/index.js';
import { openHouse, type House } from '../house.js';

/** Each stands in one place where a secret or a person may stand, and must come out nowhere. */
const CANARY = {
  authorization: 'canary-authorization',
  cookie: 'canary-cookie',
  apiKey: 'canary-api-key',
  proxy: 'canary-proxy-authorization',
  token: 'canary-token-0123456789',
  password: 'canary-password',
  words: 'canarywords',
  user: 'canary-user',
  session: 'canary-session',
  parameter: 'canary-parameter',
  object: 'canary-object',
};
const leaked = (text: string): string[] => Object.values(CANARY).filter((canary) => text.includes(canary));

let house: House;
const lines: string[] = [];
const sidecars: Sidecar[] = [];

async function open(overrides: ConfigInput): Promise<Sidecar> {
  const sidecar = await startSidecar(configSchema.parse({ ...house.config, ...overrides }), {
    log: openLog({ level: 'trace', format: 'json' }, { write: (line) => void lines.push(line) }),
  });
  sidecars.push(sidecar);
  return sidecar;
}

const headers = {
  'content-type': 'application/json',
  authorization: `Bearer ${CANARY.authorization}`,
  cookie: `session=${CANARY.cookie}`,
  'x-api-key': CANARY.apiKey,
  'proxy-authorization': CANARY.proxy,
  'x-fuserank-token': CANARY.token,
};
const search = {
  query: { multi_match: { query: `lamp ${CANARY.words}`, fields: ['title', 'description'] } },
  ext: { fuserank: { user_id: CANARY.user, session_id: CANARY.session } },
};
const event = {
  action_name: 'click',
  timestamp: new Date().toISOString(),
  user_id: CANARY.user,
  session_id: CANARY.session,
  user_query: CANARY.words,
  event_attributes: { object: { object_id: CANARY.object } },
};

/** Every kind of request that carries something of somebody; gives what came back where that may not repeat it. */
async function walkAll(sidecar: Sidecar): Promise<string> {
  const said: string[] = [];
  const send = async (path: string, body: unknown, base = sidecar.url, method = 'POST'): Promise<void> => {
    const response = await fetch(`${base}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    said.push(response.headers.get('x-fuserank') ?? '', response.headers.get('server-timing') ?? '');
    const text = await response.text();
    if (response.status >= 400) said.push(text);
  };
  await send('/ubi/events', event);
  await send(`/${house.alias}/_search?preference=${CANARY.parameter}`, search);
  await send(`/${house.alias}/_search?routing=${CANARY.parameter}`, { ...search, sort: ['price'] });
  await send(`/${house.alias}/_search`, {
    ...search,
    ext: { fuserank: { ...search.ext.fuserank, query_image: { format: 'base64', value: 'AAAA' } } },
  });
  await send(`/${house.alias}/_bulk?x=${CANARY.parameter}`, search);
  await send('/ubi/events', { ...event, timestamp: 'never' });
  await send('/ubi/events', { ...event, action_name: undefined });
  await send(`/v1/users/${CANARY.user}`, undefined, sidecar.adminUrl, 'DELETE');
  const metrics = await fetch(`${sidecar.adminUrl}/metrics`, { headers });
  said.push(await metrics.text());
  const info = await fetch(`${sidecar.url}/info`, { headers });
  said.push(await info.text());
  return said.join('\n');
}

beforeAll(async () => {
  house = await openHouse({ products: 40 });
});
afterAll(async () => {
  for (const sidecar of sidecars) await sidecar.close();
  await house.close();
});

const tokens: NonNullable<ConfigInput['server']>['tokens'] = [
  { name: 'all', token: CANARY.token, scopes: ['search', 'events', 'privacy', 'admin'] },
];
const server: ConfigInput['server'] = { port: 0, adminPort: 0, shutdownGraceMs: 2_000, tokens };

describe('what is secret or somebody’s comes out nowhere: not in the log at its most talkative, in metrics, headers or errors of ours', () => {
  test('where all goes well', async () => {
    const sidecar = await open({ server, observability: { serverTiming: true } });
    const said = await walkAll(sidecar);
    expect(said).toMatch(/applied; model=/);
    expect(leaked(said)).toEqual([]);
    expect(lines.join('')).toContain('user erased');
    expect(leaked(lines.join(''))).toEqual([]);
  });

  test('where the engine is away, its address holding a password', async () => {
    const away = new URL('http://127.0.0.1:9');
    away.username = 'sidecar';
    away.password = CANARY.password;
    const sidecar = await open({ server, opensearch: { nodes: [away.href] } });
    const said = await walkAll(sidecar);
    const health = await fetch(`${sidecar.adminUrl}/health`);
    expect(said).toMatch(/service_unavailable_exception/);
    expect(leaked(said + (await health.text()))).toEqual([]);
    expect(leaked(lines.join(''))).toEqual([]);
    expect(said).not.toMatch(/127\.0\.0\.1:9\b|\.ts:\d+|\.js:\d+|node_modules/);
  });
});
