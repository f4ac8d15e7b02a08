import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { configSchema, type ConfigInput } from '../../config/schema.js';
import { connectEngine, EngineUnreachable, probeEngine, serviceHeaders } from '../../opensearch/connection.js';

const toClose: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  toClose.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const configOf = (opensearch: NonNullable<ConfigInput['opensearch']>) => configSchema.parse({ opensearch }).opensearch;

function connect(opensearch: NonNullable<ConfigInput['opensearch']>) {
  const client = connectEngine(configOf(opensearch));
  toClose.push(() => client.close());
  return client;
}

/** What GET / and GET /_cat/plugins of a healthy node say. */
function healthy(overrides: { info?: unknown; plugins?: number } = {}): RequestListener {
  return (request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url?.startsWith('/_cat/plugins')) {
      const rows = ['n1', 'n2'].map((name) => ({ name, component: 'opensearch-knn', version: '3.6.0.0' }));
      response
        .writeHead(overrides.plugins ?? 200)
        .end(JSON.stringify(overrides.plugins === undefined ? rows : { status: overrides.plugins }));
      return;
    }
    response.end(JSON.stringify(overrides.info ?? { version: { distribution: 'opensearch', number: '3.6.0' } }));
  };
}

describe('probing the engine', () => {
  it('tells version, distribution and plugins once each', async () => {
    const client = connect({ nodes: [await serve(healthy())] });
    expect(await probeEngine(client)).toEqual({ version: '3.6.0', distribution: 'opensearch', plugins: ['opensearch-knn'] });
  });

  it('knows no plugins where the account may not list them', async () => {
    const client = connect({ nodes: [await serve(healthy({ plugins: 403 }))] });
    expect((await probeEngine(client)).plugins).toBeNull();
  });

  it('recognises an engine that names no distribution', async () => {
    const client = connect({ nodes: [await serve(healthy({ info: { version: { number: '8.15.0' } } }))] });
    expect((await probeEngine(client)).distribution).toBe('elasticsearch');
  });

  it('says so when something else answers', async () => {
    const client = connect({ nodes: [await serve(healthy({ info: { hello: 'world' } }))] });
    await expect(probeEngine(client)).rejects.toThrow(/not OpenSearch/);
  });

  it('names the address and the setting when nothing listens', async () => {
    const client = connect({ nodes: ['http://user:secret@127.0.0.1:9'] });
    const failure = await probeEngine(client).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EngineUnreachable);
    expect(String(failure)).toMatch(/http:\/\/127\.0\.0\.1:9: .*opensearch\.nodes/);
    expect(String(failure)).not.toContain('secret');
  });

  it('tells refused credentials from an engine that is away', async () => {
    const client = connect({ nodes: [await serve((_request, response) => void response.writeHead(401).end())] });
    await expect(probeEngine(client)).rejects.toThrow(/refused the credentials \(HTTP 401\).*opensearch\.auth/);
  });
});

describe('the service account', () => {
  it('goes along with every request of the client', async () => {
    const seen: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      seen.push(request.headers.authorization);
      healthy()(request, response);
    });
    await probeEngine(connect({ nodes: [url], auth: { type: 'basic', username: 'fuserank', password: 'pä:ss' } }));
    await probeEngine(connect({ nodes: [url], auth: { type: 'bearer', token: 't0' } }));
    await probeEngine(connect({ nodes: [url.replace('://', '://u:p%40@')] }));
    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
    expect([...new Set(seen)]).toEqual([basic('fuserank:pä:ss'), 'Bearer t0', basic('u:p@')]);
  });

  it('is nothing when none is configured', () => {
    expect(serviceHeaders(configOf({}))).toEqual({});
  });

  it('needs a certificate file that can be read', () => {
    expect(() => connectEngine(configOf({ tls: { caFile: '/does/not/exist.pem' } }))).toThrow(/opensearch\.tls\.caFile.*exist\.pem/);
  });
});
