import { Router } from 'express';
import type { UserRecord } from '../behaviour/event-store.js';
import { HttpError } from './errors.js';
import type { Logger } from './log.js';
import type { Metrics } from './metrics.js';
import type { TokenGate } from './token-gate.js';

/** What is known of users: the store, or a stand-in. */
export interface UserRegister {
  exportUser(id: string): Promise<UserRecord>;
  erase(id: string): Promise<{ events: number; queries: number }>;
}

const LOOPBACK = /^(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d+)?$/i;

/** `GET /metrics` (scope admin), `GET /v1/users/{id}` and `DELETE /v1/users/{id}` (scope privacy). */
export function adminRoutes(options: {
  users: UserRegister;
  gate: TokenGate;
  metrics: Metrics;
  log: Logger;
  nameUser: (id: string) => string;
}): Router {
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
  router.use('/v1/users', (request, _response, next) => {
    gate.demand(request, 'privacy');
    next();
  });
  router.get('/v1/users/:id', async (request, response) => {
    response.json(await options.users.exportUser(request.params.id));
  });
  router.delete('/v1/users/:id', async (request, response) => {
    const erased = await options.users.erase(request.params.id);
    options.log.info({ user: options.nameUser(request.params.id), by: gate.callerOf(request), ...erased }, 'user erased');
    response.json({ erased });
  });
  return router;
}
