import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { connectEngine, probeEngine } from '../../opensearch/connection.js';
import { openUpstream } from '../../opensearch/upstream.js';

const account = {
  type: 'sigv4',
  region: 'eu-central-1',
  service: 'es',
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'its-secret',
} as const;

const toClose: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

/** What Amazon computes for a request that arrived, derived from its documentation: canonical request → string to sign → signature. */
function expectedAuthorization(request: IncomingMessage, body: Buffer): string {
  const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
  const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest();
  const encode = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const [path = '', search = ''] = (request.url ?? '').split('?');
  const names = (/SignedHeaders=([^,]+)/.exec(request.headers.authorization ?? '')?.[1] ?? '').split(';');
  const query = [...new URLSearchParams(search)]
    .map(([name, value]): [string, string] => [encode(name), encode(value)])
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('&');
  const canonical = [
    request.method,
    path.split('/').map(encode).join('/'), // every service but S3 encodes the path, which is encoded already, once more
    query,
    ...names.map((name) => `${name}:${String(request.headers[name]).trim().replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    sha256(body),
  ].join('\n');
  const time = String(request.headers['x-amz-date']);
  const scope = `${time.slice(0, 8)}/${account.region}/${account.service}/aws4_request`;
  const key = ['aws4_request', account.service, account.region, time.slice(0, 8)].reduceRight<Buffer>(
    (chain, part) => hmac(chain, part),
    Buffer.from(`AWS4${account.secretAccessKey}`),
  );
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=${account.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
}

/** An engine that judges signatures, as Amazon's does, and remembers what it took. */
async function serve(): Promise<{ url: string; taken: IncomingMessage[] }> {
  const taken: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const digest = createHash('sha256').update(body).digest('hex');
      const genuine =
        request.headers.authorization === expectedAuthorization(request, body) && request.headers['x-amz-content-sha256'] === digest;
      if (genuine) taken.push(request);
      response.writeHead(genuine ? 200 : 403, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ version: { distribution: 'opensearch', number: '3.6.0' }, length: body.length }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  toClose.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, taken };
}

describe('a signed way to the engine', () => {
  it.each([
    ['/', undefined],
    ['/products/_search', '{"query":{"match_all":{}}}'],
    ['/products/_search?typed_keys&filter_path=hits.hits._id,took&preference=a%20b', '{"size":1}'],
    ['/a%2Cb/_search?q=title%3Ared+boots&q=x', undefined],
    ['/products/_doc/%C3%BC%20x', undefined],
  ])('signs %s with body %s, and replaces the client’s own credentials', async (path, body) => {
    const { url, taken } = await serve();
    const upstream = openUpstream(configSchema.parse({ opensearch: { nodes: [url], auth: account } }).opensearch);
    toClose.push(() => upstream.close());
    const headers = {
      authorization: 'AWS4-HMAC-SHA256 of-the-client',
      'content-type': 'application/json',
      'x-amz-date': '20200101T000000Z',
      'x-amz-security-token': 'of-the-client',
      'x-opaque-id': 'o',
      cookie: 'a=b',
    };
    const request = { method: body === undefined ? 'GET' : 'POST', path, headers };
    expect((await upstream.send({ ...request, ...(body === undefined ? {} : { body }) })).status).toBe(200);
    const streamed = await upstream.stream({ ...request, ...(body === undefined ? {} : { body: Readable.from([Buffer.from(body)]) }) });
    streamed.body.resume();
    expect(streamed.status).toBe(200);
    expect(taken).toHaveLength(2);
    expect(taken[0]?.headers).toMatchObject({ 'x-opaque-id': 'o', cookie: 'a=b' });
    expect(JSON.stringify(taken.map((request) => request.rawHeaders))).not.toContain('of-the-client');
  });

  it('takes along nothing by which a client would act as somebody else under the signing account', async () => {
    const { url, taken } = await serve();
    const upstream = openUpstream(configSchema.parse({ opensearch: { nodes: [url], auth: account } }).opensearch);
    toClose.push(() => upstream.close());
    const identity = [
      'opendistro_security_impersonate_as',
      'Opendistro_Security_Impersonate_As',
      '_opendistro_security_user_header',
      'opensearch_security_injected_user',
      'securitytenant',
      'security_tenant',
      'sgtenant',
      'sg_tenant',
      'x-proxy-user',
      'x-proxy-roles',
      'X-Proxy-Ext-Department',
      'x-forwarded-for',
      'x-forwarded-user',
      'forwarded',
      'x-real-ip',
      'x-remote-user',
      'remote-user',
      'es-security-runas-user',
    ];
    for (const name of identity) {
      const headers = { [name]: 'somebody-else', 'x-opaque-id': 'o', 'x-proximity': 'kept', tenant: 'kept' };
      expect((await upstream.send({ method: 'GET', path: '/', headers })).status, name).toBe(200);
    }
    expect(taken).toHaveLength(identity.length);
    expect(taken.flatMap(({ rawHeaders }) => rawHeaders)).not.toContain('somebody-else');
    expect(taken[0]?.headers).toMatchObject({ 'x-opaque-id': 'o', 'x-proximity': 'kept', tenant: 'kept' });
  });

  it('shows the token of temporary credentials', async () => {
    const { url, taken } = await serve();
    const auth = { ...account, sessionToken: 'a-session-token' };
    const upstream = openUpstream(configSchema.parse({ opensearch: { nodes: [url], auth } }).opensearch);
    toClose.push(() => upstream.close());
    expect((await upstream.send({ method: 'GET', path: '/' })).status).toBe(200);
    expect(taken[0]?.headers['x-amz-security-token']).toBe('a-session-token');
  });

  describe('by a file of temporary credentials', () => {
    const { accessKeyId: _id, secretAccessKey: _secret, ...named } = account;
    const secrets = { Version: 1, AccessKeyId: account.accessKeyId, SecretAccessKey: account.secretAccessKey };
    let file: string;
    beforeEach(async () => {
      const folder = await mkdtemp(join(tmpdir(), 'fuserank-signer-'));
      toClose.push(() => rm(folder, { recursive: true }));
      file = join(folder, 'credentials.json');
      await write('first');
    });
    afterEach(() => {
      vi.restoreAllMocks();
    });
    const write = (token: string): Promise<void> => writeFile(file, JSON.stringify({ ...secrets, SessionToken: token }));
    let passed = 0;
    /** Lets so much time pass as may before a file is looked at again. */
    const wait = (): void => {
      passed += 6_000;
      const now = Date.now();
      vi.spyOn(Date, 'now').mockReturnValue(now + passed);
    };
    const configOf = (url: string) =>
      configSchema.parse({ opensearch: { nodes: [url], auth: { ...named, credentialsFile: file } } }).opensearch;
    const tokensOf = (taken: readonly IncomingMessage[]) => taken.map(({ headers }) => headers['x-amz-security-token']);

    it('follows the file, and keeps what it knows while that can not be read', async () => {
      const { url, taken } = await serve();
      const upstream = openUpstream(configOf(url));
      toClose.push(() => upstream.close());
      const ask = () => upstream.send({ method: 'GET', path: '/' });
      await ask();
      await write('the second');
      wait();
      await ask();
      await writeFile(file, '{"AccessKeyId":');
      wait();
      await ask();
      await rm(file);
      wait();
      await ask();
      await write('and a third');
      wait();
      await ask();
      expect(tokensOf(taken)).toEqual(['first', 'the second', 'the second', 'the second', 'and a third']);
    });

    it('follows the file in the official client, too', async () => {
      const { url, taken } = await serve();
      const client = connectEngine(configOf(url));
      toClose.push(() => client.close());
      await client.info();
      await write('the second');
      wait();
      await client.info();
      expect(tokensOf(taken)).toEqual(['first', 'the second']);
    });

    it('is refused at the start where there is none', () => {
      const auth = { ...named, credentialsFile: join(file, 'nowhere') };
      expect(() => openUpstream(configSchema.parse({ opensearch: { auth } }).opensearch)).toThrow(
        /credentialsFile: cannot read credentials from/,
      );
    });
  });

  it('is the official client’s, too', async () => {
    const { url } = await serve();
    const client = connectEngine(configSchema.parse({ opensearch: { nodes: [url], auth: account } }).opensearch);
    toClose.push(() => client.close());
    await expect(probeEngine(client)).resolves.toMatchObject({ version: '3.6.0' });
  });
});
