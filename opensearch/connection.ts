import { readFileSync } from 'node:fs';
import { Client, errors } from '@opensearch-project/opensearch';
import { AwsSigv4Signer } from '@opensearch-project/opensearch/aws-v3';
import type { Config } from '../config/schema.js';
import { openAwsCredentials } from './aws-credentials.js';
import { describeUnreachable, EngineUnreachable } from './engine-unreachable.js';

export { EngineUnreachable } from './engine-unreachable.js';

/** The official client, for work that is not on a shopper's path: indexing, administration, behaviour. */
export type EngineClient = Client;

/** A bulk with vector graphs to build, or a force-merge, may take minutes on a small machine. */
const ADMIN_TIMEOUT_MS = 120_000;

/**
 * Opens the client with the configured credentials. Nothing is sent yet: see {@link probeEngine}.
 * Requests are retried three times, on other nodes where there are any, after a lost connection, a time-out or a 502–504.
 */
export function connectEngine(config: Config['opensearch']): EngineClient {
  return new Client({
    ...(config.auth.type === 'sigv4' ? signatureOf(config.auth) : {}),
    nodes: config.nodes,
    maxRetries: 3,
    requestTimeout: config.timeoutMs ?? ADMIN_TIMEOUT_MS,
    headers: serviceHeaders(config),
    ssl: readTls(config.tls),
    agent: { keepAlive: true, maxSockets: 16 },
  });
}

function signatureOf(auth: Extract<Config['opensearch']['auth'], { type: 'sigv4' }>): ReturnType<typeof AwsSigv4Signer> {
  const { region, service } = auth;
  const readCredentials = openAwsCredentials(auth);
  // The client keeps credentials until they expire, so those that may change expire at once.
  const expiry = auth.credentialsFile === null ? {} : { expiration: new Date(0) };
  return AwsSigv4Signer({ region, service, getCredentials: () => Promise.resolve({ ...readCredentials(), ...expiry }) });
}

/** A node's address as people may read it: without the credentials that may stand in it. */
export function nameNode(address: string): string {
  const url = new URL(address);
  return url.origin + url.pathname.replace(/\/+$/, '');
}

/** TLS options of a connection. Throws when the file of the authority cannot be read. */
export function readTls(tls: Config['opensearch']['tls']): { ca?: string; rejectUnauthorized: boolean } {
  if (tls.caFile === null) return { rejectUnauthorized: tls.verify };
  try {
    return { ca: readFileSync(tls.caFile, 'utf8'), rejectUnauthorized: tls.verify };
  } catch (cause) {
    throw new Error(`opensearch.tls.caFile: cannot read ${tls.caFile}. Give the path of a PEM file that this user may read.`, { cause });
  }
}

/**
 * The `authorization` header of the service's own account, or nothing when none is configured.
 * A user and password inside the first node's address count as basic authentication.
 */
export function serviceHeaders(config: Config['opensearch']): Record<string, string> {
  const { auth } = config;
  switch (auth.type) {
    case 'basic':
      return { authorization: basic(auth.username, auth.password) };
    case 'bearer':
      return { authorization: `Bearer ${auth.token}` };
    case 'sigv4':
      return {}; // made anew for each request, see request-signer.ts
    case 'none': {
      const first = config.nodes[0];
      const url = first === undefined ? null : new URL(first);
      return url === null || url.username === ''
        ? {}
        : { authorization: basic(decodeURIComponent(url.username), decodeURIComponent(url.password)) };
    }
  }
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}

/** What answered. `plugins` is null where the account may not list them. */
export interface EngineProbe {
  version: string;
  /** `opensearch`, or `elasticsearch` for an engine that names no distribution. */
  distribution: string;
  /** Component names, e.g. `opensearch-knn`, without repetition over nodes. */
  plugins: string[] | null;
}

/** Asks the engine who it is. Throws {@link EngineUnreachable} when it cannot be reached or refuses the credentials. */
export async function probeEngine(client: EngineClient): Promise<EngineProbe> {
  const { version } = await askWho(client);
  return {
    version: version.number,
    distribution: version.distribution ?? 'elasticsearch',
    plugins: await listPlugins(client),
  };
}

async function askWho(client: EngineClient) {
  const url = addressOf(client);
  try {
    const { body } = await client.info();
    if (typeof body?.version?.number !== 'string') {
      throw new EngineUnreachable({
        url,
        reason: 'something answered that is not OpenSearch',
        fix: 'Point opensearch.nodes at the HTTP port of an OpenSearch node (9200 by default).',
      });
    }
    return body;
  } catch (failure) {
    if (failure instanceof EngineUnreachable) throw failure;
    if (failure instanceof errors.ResponseError) {
      const refused = failure.statusCode === 401 || failure.statusCode === 403;
      throw new EngineUnreachable({
        url,
        reason: refused ? `it refused the credentials (HTTP ${failure.statusCode})` : `it answered HTTP ${failure.statusCode}`,
        fix: refused
          ? 'Set opensearch.auth to an account that may call GET / and the configured indices.'
          : 'Point opensearch.nodes at the HTTP port of an OpenSearch node, and look into its log.',
        cause: failure,
      });
    }
    throw describeUnreachable(url, failure);
  }
}

async function listPlugins(client: EngineClient): Promise<string[] | null> {
  try {
    const { body } = await client.cat.plugins({ format: 'json' });
    const names = Array.isArray(body) ? body.map((plugin) => plugin.component) : [];
    return [...new Set(names.filter((name) => name !== undefined))];
  } catch (failure) {
    // Managed services close this route to ordinary accounts; the version is known all the same.
    if (failure instanceof errors.ResponseError) return null;
    throw describeUnreachable(addressOf(client), failure);
  }
}

function addressOf(client: EngineClient): string {
  const first = client.connectionPool.connections[0];
  // Never the address as configured: it may carry a password.
  return first === undefined ? 'an unknown address' : `${first.url.origin}${first.url.pathname.replace(/\/$/, '')}`;
}
