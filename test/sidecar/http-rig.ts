import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import { connect } from 'node:net';
import type { ConfigInput } from '../../config/schema.js';
import { loadConfig, type DeepPartial } from '../../config/load.js';
import { openUpstream } from '../../opensearch/upstream.js';
import { openListener } from '../../sidecar/http/listener.js';
import { openLog } from '../../sidecar/http/log.js';
import { openMetrics } from '../../sidecar/http/metrics.js';
import type { HttpDependencies } from '../../sidecar/http/server.js';
import type { OwnRoutes } from '../../sidecar/v1/own-routes.js';
import type { UbiEvent, UbiQuery } from '../../mappings/ubi-event.js';

/** What arrived at the stand-in for the engine. */
export interface Arrival {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
  body: string;
}

/** An in-process engine that answers what the test says and remembers what it was asked. */
export async function openEngine(answer: RequestListener = (_request, response) => response.end('{}')) {
  const arrivals: Arrival[] = [];
  let aborted = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      arrivals.push({
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        rawHeaders: request.rawHeaders,
        body: Buffer.concat(chunks).toString('utf8'),
      });
      answer(request, response);
    });
    response.on('close', () => {
      if (!response.writableFinished) aborted++;
    });
  });
  const url = await listenAnywhere(server);
  return {
    url,
    arrivals,
    aborted: () => aborted,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function listenAnywhere(server: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (typeof address === 'object' && address !== null) resolve(`http://127.0.0.1:${address.port}`);
      else reject(new Error('no port'));
    });
  });
}

/** The HTTP layer on free ports, with stand-ins for all behind it but the engine. */
export async function openRig(options: { engineUrl: string; flags?: DeepPartial<ConfigInput>; dependencies?: Partial<HttpDependencies> }) {
  const config = loadConfig({
    env: {},
    flags: {
      ...options.flags,
      server: { port: 0, adminPort: 0, shutdownGraceMs: 2_000, ...options.flags?.server },
      opensearch: { nodes: [options.engineUrl] },
    },
  });
  const upstream = openUpstream(config.opensearch);
  const events: UbiEvent[] = [];
  const queries: UbiQuery[] = [];
  const erased: string[] = [];
  const logged: string[] = [];
  const listener = await openListener({
    config,
    upstream,
    answerSearch: (call) =>
      upstream.send({
        method: call.method,
        path: call.rawUrl,
        headers: definedHeaders(call.headers),
        body: call.body,
        signal: call.signal,
      }),
    ownRoutes: NO_ROUTES,
    store: {
      record: (given) => Promise.resolve(void events.push(...given)),
      recordQueries: (given) => Promise.resolve(void queries.push(...given)),
      exportUser: (user) => Promise.resolve({ user, events: [], queries: [], truncated: false }),
      erase: (id) => {
        erased.push(id);
        return Promise.resolve({ events: 1, queries: 0 });
      },
    },
    rankers: {
      load: (profile) => Promise.resolve({ profile, ranker: 'builtin', model: 'm-1@0', before: 'm-1@0' }),
      rollback: (profile) => Promise.resolve({ profile, ranker: 'builtin', model: 'm-0@0', before: 'm-1@0' }),
    },
    readHealth: () => ({ started: true, ready: true, degraded: false, checks: { engine: { ok: true } } }),
    readInfo: () => ({ version: 'test' }),
    ui: null,
    metrics: openMetrics({ processMetrics: false }),
    log: openLog({ level: 'debug', format: 'json' }, { write: (line) => void logged.push(line) }),
    ...options.dependencies,
  });
  let closed: Promise<void> | null = null;
  return {
    ...listener,
    events,
    queries,
    erased,
    logged,
    close: () => (closed ??= listener.close().then(() => upstream.close())),
  };
}

const absent = (): Promise<never> => Promise.reject(new Error('this rig has no routes of its own'));
const NO_ROUTES: OwnRoutes = { rank: absent, similar: absent, recommend: absent, searchByPhoto: absent, embed: absent };

function definedHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string | string[]> {
  const defined: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) defined[name] = value;
  return defined;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  text: string;
}

/** One request over a socket of its own; the path goes out exactly as given. */
export function call(
  base: string,
  path: string,
  options: { method?: string; headers?: Record<string, string | string[]>; body?: string | Buffer; signal?: AbortSignal } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const headers = { ...options.headers };
    // Node leaves the length out of a GET's or DELETE's body.
    if (options.body !== undefined && !('transfer-encoding' in headers))
      headers['content-length'] ??= String(Buffer.byteLength(options.body));
    const request = httpRequest(
      {
        hostname,
        port,
        path,
        method: options.method ?? 'GET',
        headers,
        agent: false,
        ...(options.signal ? { signal: options.signal } : {}),
      },
      (response: IncomingMessage) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const body = Buffer.concat(chunks);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body, text: body.toString('utf8') });
        });
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
}

/** Writes bytes that no client library would, gives all that comes back until the connection closes. */
export function speak(base: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes, 'latin1'));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
}

/** The engine's error shape, or a failure to read it. */
export function errorOf(answer: Answer): { status: number; type: string; reason: string } {
  const { error, status } = JSON.parse(answer.text) as {
    error: { type: string; reason: string; root_cause: { type: string; reason: string }[] };
    status: number;
  };
  if (error.root_cause[0]?.reason !== error.reason || error.root_cause[0].type !== error.type)
    throw new Error('root_cause differs from the error');
  return { status, type: error.type, reason: error.reason };
}
