import { Router } from 'express';

/** How the sidecar is. Ready means that searches are answered, ranked or not; `degraded` that they are not ranked. */
export interface Health {
  readonly started: boolean;
  readonly ready: boolean;
  readonly degraded: boolean;
  /** Each part, with words where something is to be said. */
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>;
}

/** `/livez`, `/readyz`, `/startupz` as Kubernetes asks them, `/health` with the parts, `/info` with what runs. */
export function healthRoutes(options: {
  readHealth: () => Health;
  readInfo: () => object;
  isDraining: () => boolean;
  /** Tell the details of the checks, which may name addresses: on the admin port only. */
  withDetails: boolean;
}): Router {
  const router = Router();
  const probe = (path: string, check: () => boolean): void => {
    router.get(path, (_request, response) => {
      const ok = check();
      response
        .status(ok ? 200 : 503)
        .type('text/plain')
        .send(ok ? 'ok\n' : 'not yet\n');
    });
  };
  probe('/livez', () => true);
  probe('/startupz', () => options.readHealth().started);
  probe('/readyz', () => !options.isDraining() && options.readHealth().ready);
  router.get('/health', (_request, response) => {
    const health = options.readHealth();
    const ready = health.ready && !options.isDraining();
    response.status(ready ? 200 : 503).json({
      status: ready ? (health.degraded ? 'degraded' : 'ok') : 'not ready',
      draining: options.isDraining(),
      checks: options.withDetails ? health.checks : withoutDetails(health.checks),
    });
  });
  router.get('/info', (_request, response) => {
    response.json(options.readInfo());
  });
  return router;
}

function withoutDetails(checks: Health['checks']): Health['checks'] {
  return Object.fromEntries(Object.entries(checks).map(([name, { ok }]) => [name, { ok }]));
}
