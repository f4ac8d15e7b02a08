import type { Readable } from 'node:stream';
import { buildConnector, errors, Pool, type Dispatcher } from 'undici';
import type { Config } from '../config/schema.js';
import { AnswerCollector } from './answer-collector.js';
import { nameNode, readTls, serviceHeaders } from './connection.js';
import { describeUnreachable, failureCode } from './engine-unreachable.js';
import { gatherBody, openSigner } from './request-signer.js';
import { dropHopHeaders, requestHeaders, type Headers } from './hop-headers.js';

/** An answer whole, in the bytes the engine sent (still compressed, if the request asked for that). */
export interface UpstreamAnswer {
  status: number;
  headers: Headers;
  body: Buffer;
}

/** `path` begins with `/` and carries the query string; it is sent as it is. */
export interface UpstreamRequest {
  method: string;
  path: string;
  headers?: Headers;
  body?: Buffer | string;
  signal?: AbortSignal;
}

/** As {@link UpstreamRequest}, with a body that may still be arriving. */
export interface StreamRequest extends Omit<UpstreamRequest, 'body'> {
  body?: Readable | Buffer;
}

/** The answer's head, and its body as it comes. A reader that loses interest destroys the body. */
export interface StreamAnswer {
  status: number;
  headers: Headers;
  body: Readable;
}

/**
 * The hot path to the engine: bytes in, bytes out. Any status is an answer, redirects included (they are never followed).
 * Rejects with EngineUnreachable when no answer comes, or with the signal's reason when it was aborted.
 */
export interface Upstream {
  /** Whole answer as bytes. A stale keep-alive socket (closed before any answer byte) is retried once on a fresh one. */
  send(request: UpstreamRequest): Promise<UpstreamAnswer>;
  /** Headers now, body as a stream (pass-through). Retried as {@link send}, unless the body is a stream. */
  stream(request: StreamRequest): Promise<StreamAnswer>;
  /** Waits for what is under way, then closes all sockets. */
  close(): Promise<void>;
}

/** How long an idle socket is kept: below the 60 s after which common load balancers drop it. */
const KEEP_ALIVE_MS = 50_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** A node that refused a connection is asked last for this long. */
const NODE_REST_MS = 5_000;

/**
 * Opens the way to the configured nodes, in turns. The caller's headers go as they are and no credentials are added, but with
 * `auth.type: sigv4`, where every request is signed with ours.
 */
export function openUpstream(config: Config['opensearch'], options: { connections?: number } = {}): Upstream {
  const nodes = config.nodes.map((address) => openNode(address, config, options.connections ?? 256));
  const sign = openSigner(config);
  let turn = 0;

  function headersFor(
    node: EngineNode,
    request: UpstreamRequest | StreamRequest,
    body: Buffer | string | undefined,
    options: { keepLength: boolean },
  ): Headers {
    const headers = requestHeaders(request.headers ?? {}, options);
    return sign === null ? headers : sign({ method: request.method, host: node.host, path: node.prefix + request.path, headers, body });
  }

  function nodesInTurn(): EngineNode[] {
    const first = turn++ % nodes.length;
    const now = Date.now();
    const ordered = [...nodes.slice(first), ...nodes.slice(0, first)];
    return [...ordered.filter((node) => node.restsUntil <= now), ...ordered.filter((node) => node.restsUntil > now)];
  }

  /** Runs `attempt` on a node, again on a fresh socket if it met a stale one, and on the next node if none was reached. */
  async function onSomeNode<T>(request: UpstreamRequest | StreamRequest, attempt: Attempt<T>): Promise<T> {
    const replayable = request.body === undefined || typeof request.body === 'string' || Buffer.isBuffer(request.body);
    let failure: unknown;
    let asked = config.nodes[0] ?? '';
    for (const node of nodesInTurn()) {
      asked = node.name;
      try {
        return await attempt(node, node.pool);
      } catch (error) {
        failure = error;
      }
      if (request.signal?.aborted) throw request.signal.reason;
      if (replayable && node.metStaleSocket(failure)) {
        try {
          return await attempt(node, node.fresh);
        } catch (error) {
          failure = error;
        }
        if (request.signal?.aborted) throw request.signal.reason;
      }
      if (!neverConnected(failure)) break;
      node.restsUntil = Date.now() + NODE_REST_MS;
    }
    throw describeUnreachable(asked, failure);
  }

  return {
    send: (request) =>
      onSomeNode(request, (node, pool) => {
        const collector = new AnswerCollector(request.signal);
        pool.dispatch(
          {
            path: node.prefix + request.path,
            method: request.method,
            headers: headersFor(node, request, request.body, { keepLength: false }),
            body: request.body ?? null,
          },
          collector,
        );
        return collector.answer;
      }),
    stream: async (streamed) => {
      const request = sign === null ? streamed : await gatherBody(streamed);
      return onSomeNode(request, async (node, pool) => {
        const whole = request.body === undefined || Buffer.isBuffer(request.body) ? request.body : undefined;
        const answer = await pool.request({
          path: node.prefix + request.path,
          method: request.method,
          headers: headersFor(node, request, whole, { keepLength: request.body !== whole }),
          body: request.body ?? null,
          signal: request.signal ?? null,
        });
        return { status: answer.statusCode, headers: dropHopHeaders(answer.headers), body: answer.body };
      });
    },
    close: async () => {
      await Promise.all(nodes.flatMap((node) => [node.pool.close(), node.fresh.close()]));
    },
  };
}

/** The same way with the service's own account: its `authorization` replaces the caller's. */
export function withServiceAccount(upstream: Upstream, config: Config['opensearch']): Upstream {
  const own = serviceHeaders(config);
  return {
    send: (request) => upstream.send({ ...request, headers: { ...request.headers, ...own } }),
    stream: (request) => upstream.stream({ ...request, headers: { ...request.headers, ...own } }),
    close: () => upstream.close(),
  };
}

type Attempt<T> = (node: EngineNode, pool: Dispatcher) => Promise<T>;

interface EngineNode {
  /** Address without credentials, for messages. */
  name: string;
  /** As the `host` header says it. */
  host: string;
  /** Path before every request's own, e.g. behind a reverse proxy; empty or without a slash at its end. */
  prefix: string;
  pool: Pool;
  /** Opens a socket for each request: the retry must not draw the next stale one from the pool. */
  fresh: Pool;
  restsUntil: number;
  metStaleSocket(failure: unknown): boolean;
}

function openNode(address: string, config: Config['opensearch'], connections: number): EngineNode {
  const url = new URL(address);
  const prefix = url.pathname.replace(/\/+$/, '');
  const connect = buildConnector({ ...readTls(config.tls), timeout: CONNECT_TIMEOUT_MS });
  const resetsOfUsedSockets = new WeakSet<Error>();
  // A reset arrives as a bare system error that does not tell whether the socket had answered before: we note it here.
  const watchedConnect: buildConnector.connector = (options, callback) => {
    connect(options, (...[failure, socket]) => {
      if (failure !== null) return callback(failure, null);
      socket.on('error', (error: Error) => {
        if (socket.bytesRead > 0) resetsOfUsedSockets.add(error);
      });
      callback(null, socket);
    });
  };
  const patience = config.timeoutMs ?? 0;
  const shared: Pool.Options = { connect: watchedConnect, headersTimeout: patience, bodyTimeout: patience };
  return {
    name: nameNode(address),
    host: url.host,
    prefix,
    pool: new Pool(url.origin, { ...shared, connections, pipelining: 1, keepAliveTimeout: KEEP_ALIVE_MS }),
    fresh: new Pool(url.origin, { ...shared, connections, pipelining: 0 }),
    restsUntil: 0,
    metStaleSocket: (failure) => {
      if (!(failure instanceof Error)) return false;
      if (failure instanceof errors.SocketError) return (failure.socket?.bytesRead ?? 0) > 0;
      return resetsOfUsedSockets.has(failure);
    },
  };
}

/** True when not a byte of the request can have reached the engine, so that another node may be asked. */
function neverConnected(failure: unknown): boolean {
  const code = failureCode(failure);
  return (
    code !== null && ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'].includes(code)
  );
}
