import { Router } from 'express';
import type { UserRecord } from '../behaviour/event-store.js';
import { HttpError } from './errors.js';
import { hashUserId, type Logger } from './log.js';
import type { Metrics } from './metrics.js';
import type { TokenGate } from './token-gate.js';

/** What is known of users: the store, or a stand-in. */
export interface UserRegister {
  exportUser(id: string): Promise<UserRecord>;
  erase(id: string): Promise<Erasure>;
}

/** What an erasure did. */
export interface Erasure {
  readonly events: number;
  readonly queries: number;
  /** A hash that tells the same user in every instance; null or absent where there is none. */
  readonly user?: string | null;
  /** Why the other instances could not be told to forget; null or absent = they were. */
  readonly untold?: Error | null;
}

/** Who changes rankers: those that serve, or a stand-in. */
export interface RankerDoor {
  load(profile: string): Promise<object>;
  rollback(profile: string): Promise<object>;
}

const LOOPBACK = /^(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d+)?$/i;

/**
 * `GET /metrics`, `POST /admin/models/{profile}/load` and `…/rollback` (scope admin), `GET /v1/users/{id}` and `DELETE /v1/users/{id}` (scope privacy). Each look at a user, and each
 * erasure, leaves a line of the log (`audit`), which names the user by a hash and whoever asked by the name of the token.
 */
export function adminRoutes(options: { users: UserRegister; rankers: RankerDoor; gate: TokenGate; metrics: Metrics; log: Logger }): Router {
  const { gate } = options;
  const router = Router();
  router.use((request, _response, next) => {
    const host = request.get('host') ?? '';
    // A web page may have its own name resolve to 127.0.0.1: then the name gives it away.
    if (!LOOPBACK.test(host)) throw new HttpError('host_refused', host.slice(0, 200));
    next();
  });
  router.get('/metrics', async (request, response) => {
    gate.demand(request, 'admin');
    const { contentType, text } = await options.metrics.render();
    response.set('content-type', contentType).send(text);
  });
  for (const action of ['load', 'rollback'] as const) {
    router.post(`/admin/models/:profile/${action}`, async (request, response) => {
      gate.demand(request, 'admin');
      const { profile } = request.params;
      const audit = { audit: `model_${action}`, by: gate.callerOf(request), profile };
      const change = await options.rankers[action](profile).catch((error: unknown) => {
        options.log.warn({ ...audit, error: error instanceof Error ? error.message : String(error) }, 'ranker not changed');
        throw error;
      });
      options.log.info({ ...audit, ...change }, 'ranker changed');
      response.json(change);
    });
  }
  router.use('/v1/users', (request, _response, next) => {
    gate.demand(request, 'privacy');
    next();
  });
  router.get('/v1/users/:id', async (request, response) => {
    const { id } = request.params;
    const record = await options.users.exportUser(id);
    const counts = { events: record.events.length, queries: record.queries.length };
    options.log.info({ audit: 'user_export', by: gate.callerOf(request), user: hashUserId(id), ...counts }, 'user exported');
    response.json(record);
  });
  router.delete('/v1/users/:id', async (request, response) => {
    const { id } = request.params;
    const audit = { audit: 'user_erasure', by: gate.callerOf(request) };
    const { user, untold, ...erased } = await options.users.erase(id).catch((error: unknown) => {
      options.log.warn({ ...audit, user: hashUserId(id) }, 'user not erased');
      throw error;
    });
    options.log.info({ ...audit, user: user ?? hashUserId(id), ...erased, everywhere: !untold }, 'user erased');
    if (untold) throw new HttpError('others_not_told', '', {}, { cause: untold });
    response.json({ erased });
  });
  for (const [path, methods] of Object.entries(METHODS)) {
    router.all(path, (request) => {
      throw new HttpError('method_not_allowed', `${request.path.slice(0, 200)} takes ${methods}`, { allow: methods });
    });
  }
  return router;
}

const METHODS: Readonly<Record<string, string>> = { '/metrics': 'GET, HEAD', '/v1/users/:id': 'GET, HEAD, DELETE' };
