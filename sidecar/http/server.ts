import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import express, { type ErrorRequestHandler, type Express } from 'express';
import type { Config } from '../../config/schema.js';
import type { Upstream } from '../../opensearch/upstream.js';
import { adminRoutes, type RankerDoor, type UserRegister } from './admin-routes.js';
import { FairShare } from '../walk/fair-share.js';
import { watchClient } from './answer.js';
import { behaviourRoutes, type BehaviourSink } from './behaviour-routes.js';
import { HttpError, renderError, sendError, toHttpError, type ErrorCode } from './errors.js';
import { forwardRequest } from './forward.js';
import { healthRoutes, type Health } from './health-routes.js';
import type { Logger } from './log.js';
import type { Metrics } from './metrics.js';
import { PhotoRoom } from './photo-room.js';
import { readTarget } from './request-target.js';
import { findRoute, guessOwnRoute, type Route } from './route-table.js';
import { openSearchDoor, type AnswerSearch } from './search-door.js';
import { nameCaller, openTokenGate } from './token-gate.js';
import { uiRoutes, type Ui } from './ui-routes.js';
import { v1Routes } from './v1-routes.js';
import type { OwnRoutes } from '../v1/own-routes.js';

/** What the HTTP layer is given; everything behind it can be a stand-in. */
export interface HttpDependencies {
  readonly config: Config;
  /** The engine, with the client's own credentials. */
  readonly upstream: Upstream;
  readonly answerSearch: AnswerSearch;
  readonly ownRoutes: OwnRoutes;
  readonly store: BehaviourSink & UserRegister;
  readonly rankers: RankerDoor;
  readonly readHealth: () => Health;
  readonly readInfo: () => object;
  readonly ui: Ui | null;
  readonly metrics: Metrics;
  readonly log: Logger;
}

export interface HttpServer {
  readonly server: Server;
  readonly admin: Server;
  /** From now on not ready, and every answer closes its connection. */
  drain(): void;
  /** Requests under way. */
  inflight(): number;
}

const RETRY_AFTER_S = 1;

/** Builds both servers, listening nowhere yet. */
export function createHttpServer(dependencies: HttpDependencies): HttpServer {
  const { config, metrics, log } = dependencies;
  let draining = false;
  const share = new FairShare();
  // Of their own: records wait for the index, and when that hangs they must not take the searches' room.
  const recordShare = new FairShare();
  const countInflight = (): number => share.running + recordShare.running;
  const health = (withDetails: boolean): express.Router =>
    healthRoutes({ readHealth: dependencies.readHealth, readInfo: dependencies.readInfo, isDraining: () => draining, withDetails });

  const photoRoom = new PhotoRoom();
  const gate = openTokenGate(config.server);
  // Where we sign with credentials of ours, the engine no longer judges who asks.
  const needsToken = config.server.requireToken || config.opensearch.auth.type === 'sigv4';
  const app = openApp();
  app.use(health(false));
  app.use(
    behaviourRoutes({ sink: dependencies.store, gate, cors: config.server.cors, consentDefault: config.behaviour.consentDefault, metrics }),
  );
  app.use(v1Routes({ routes: dependencies.ownRoutes, gate, room: photoRoom }));
  app.use(uiRoutes(dependencies.ui));
  closeApp(app, log);

  const adminApp = openApp();
  adminApp.use(adminRoutes({ users: dependencies.store, rankers: dependencies.rankers, gate, metrics, log }));
  adminApp.use(health(true));
  closeApp(adminApp, log);

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const startedAt = performance.now();
    const method = request.method ?? 'GET';
    let name = 'refused';
    response.once('close', () => {
      const durationMs = performance.now() - startedAt;
      const status = response.writableFinished ? response.statusCode : 499;
      metrics.observeRequest({ route: name, method, status, durationMs });
      log.debug({ route: name, method, status, ms: Math.round(durationMs * 10) / 10 }, 'request');
    });
    if (draining) response.setHeader('connection', 'close');
    try {
      const target = readTarget(request.url ?? '/');
      const route = findRoute(method, target.segments);
      name = route.name;
      gate.identify(request);
      const caller = nameCaller(request, gate);
      if (route.kind === 'own') {
        if (route.name === 'v1') response.once('close', admit(caller, share));
        // A page's preflight asks for nothing.
        if (route.name === 'ubi' && method !== 'OPTIONS') response.once('close', admit(caller, recordShare));
        app(request, response);
        return;
      }
      if (needsToken) gate.demand(request, 'search');
      if (route.kind === 'write' && !config.proxy.allowWrites) {
        const asked = `${method} ${(target.raw.split('?')[0] ?? '').slice(0, 200)}`;
        const guess = guessOwnRoute(target.segments);
        throw guess === null ? new HttpError('write_refused', asked) : new HttpError('not_found', `route ${asked} (${guess})`);
      }
      const leave = admit(caller, share);
      const signal = watchClient(request, response);
      serve(request, response, { target, route, signal, caller })
        .catch((error: unknown) => fail(response, error, signal))
        .finally(leave);
    } catch (error) {
      fail(response, error);
    }
  }

  /** Counts a request as under way until the returned function is called. Throws HttpError `too_many_requests`. */
  function admit(caller: string, room: FairShare): () => void {
    const leave = room.enter(caller, config.server.maxInflight);
    if (!leave) {
      metrics.countShed();
      throw new HttpError('too_many_requests', String(room.running), { 'retry-after': String(RETRY_AFTER_S) });
    }
    metrics.setInflight(countInflight());
    return () => {
      leave();
      metrics.setInflight(countInflight());
    };
  }

  async function serve(
    request: IncomingMessage,
    response: ServerResponse,
    {
      target,
      route,
      signal,
      caller,
    }: { target: ReturnType<typeof readTarget>; route: Exclude<Route, { kind: 'own' }>; signal: AbortSignal; caller: string },
  ): Promise<void> {
    const { upstream, answerSearch } = dependencies;
    if (route.kind === 'search') {
      const { index, spelling } = route;
      await openSearchDoor(request, response, {
        target,
        index,
        spelling,
        answerSearch,
        upstream,
        room: photoRoom,
        signal,
        caller,
        token: gate.callerOf(request),
      });
    } else await forwardRequest(request, response, { upstream, signal });
  }

  function fail(response: ServerResponse, thrown: unknown, signal?: AbortSignal): void {
    if (signal?.aborted) {
      // Nobody is there to be told.
      response.destroy();
      return;
    }
    const error = toHttpError(thrown);
    report(log, error);
    sendError(response, error);
  }

  // Node looks for late clients every 30 s unless told, whatever the limits below say.
  const often = { connectionsCheckingInterval: 2_000 };
  const server = createServer(often, answer);
  const admin = createServer(often, (request, response) => {
    gate.identify(request);
    adminApp(request, response);
  });
  for (const each of [server, admin]) {
    each.headersTimeout = 10_000;
    each.requestTimeout = config.proxy.allowWrites ? 300_000 : 15_000;
    each.keepAliveTimeout = 65_000;
    each.on('clientError', answerClientError);
  }
  // Slow and idle clients hold sockets, not work: room for both, and an end to it.
  server.maxConnections = Math.max(1024, config.server.maxInflight * 8);
  return {
    server,
    admin,
    drain: () => {
      draining = true;
    },
    inflight: countInflight,
  };
}

function openApp(): Express {
  const app = express();
  app.disable('etag').disable('x-powered-by');
  app.set('query parser', 'simple');
  return app;
}

function closeApp(app: Express, log: Logger): void {
  app.use((request) => {
    throw new HttpError('not_found', `route ${request.method} ${request.path.slice(0, 200)}`);
  });
  const onError: ErrorRequestHandler = (thrown: unknown, _request, response, _next) => {
    const error = toHttpError(isBadParameter(thrown) ? new HttpError('bad_path', 'it holds a broken %-escape') : thrown);
    report(log, error);
    sendError(response, error);
  };
  app.use(onError);
}

function isBadParameter(thrown: unknown): boolean {
  return thrown instanceof URIError;
}

function report(log: Logger, error: HttpError): void {
  if (error.status >= 500) log.error({ code: error.code, err: error.cause }, error.message);
}

/** Answers what never became a request, in the engine's shape, and closes. */
function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const code: ErrorCode =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? 'headers_too_large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'request_timeout'
        : 'malformed_request';
  const answer = new HttpError(code, error.code ?? 'unreadable');
  const body = renderError(answer);
  socket.end(
    `HTTP/1.1 ${answer.status} ${code}\r\ncontent-type: application/json; charset=UTF-8\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body.toString('utf8')}`,
  );
}
