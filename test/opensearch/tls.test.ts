import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { configSchema, type ConfigInput } from '../../config/schema.js';
import { connectEngine, probeEngine } from '../../opensearch/connection.js';
import { openUpstream } from '../../opensearch/upstream.js';

const fileOf = (name: string): string => fileURLToPath(new URL(`tls/${name}`, import.meta.url));
const authority = fileOf('authority.pem');

const toClose: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

/** An engine that shows one of the test's certificates. */
async function serve(certificate: 'localhost' | 'elsewhere' | 'expired', options: ServerOptions = {}): Promise<string> {
  const server = createServer(
    { key: readFileSync(fileOf('server.key')), cert: readFileSync(fileOf(`${certificate}.pem`)), ...options },
    (_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ version: { distribution: 'opensearch', number: '3.6.0' } }));
    },
  );
  // A handshake that the client breaks off.
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  toClose.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `https://localhost:${(server.address() as AddressInfo).port}`;
}

type Tls = NonNullable<ConfigInput['opensearch']>['tls'];

/** Both ways to the engine: the hot path's and the official client's. */
const ways: Record<string, (url: string, tls: Tls) => Promise<unknown>> = {
  upstream: async (url, tls) => {
    const upstream = openUpstream(configSchema.parse({ opensearch: { nodes: [url], tls } }).opensearch);
    toClose.push(() => upstream.close());
    return (await upstream.send({ method: 'GET', path: '/' })).status;
  },
  client: async (url, tls) => {
    const client = connectEngine(configSchema.parse({ opensearch: { nodes: [url], tls } }).opensearch);
    toClose.push(() => client.close());
    await probeEngine(client);
    return 200;
  },
};

describe.each(Object.entries(ways))('TLS, %s', (_name, ask) => {
  it('takes a certificate of the authority that it was told', async () => {
    await expect(ask(await serve('localhost'), { caFile: authority })).resolves.toBe(200);
  });

  it.each<['localhost' | 'elsewhere' | 'expired', Tls, RegExp]>([
    ['localhost', {}, /authority that this machine does not know.*caFile/],
    ['elsewhere', { caFile: authority }, /made out to another host name/],
    ['expired', { caFile: authority }, /has expired.*Renew/],
  ])('refuses the certificate %s with %j', async (certificate, tls, message) => {
    await expect(ask(await serve(certificate), tls)).rejects.toThrow(message);
  });

  it('refuses less than TLS 1.2', async () => {
    const old: ServerOptions = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    await expect(ask(await serve('localhost', old), { caFile: authority })).rejects.toThrow(/TLS 1\.2/);
  });

  it('takes any certificate only where it was told so', async () => {
    await expect(ask(await serve('expired'), { verify: false })).resolves.toBe(200);
  });
});
