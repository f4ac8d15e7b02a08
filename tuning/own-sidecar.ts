import type { Config, Profile } from '../config/schema.js';
import { startSidecar, type Sidecar } from '../sidecar/index.js';

/** A sidecar of a command's own: on free ports, without a page, reading nothing but what is asked for. */
export function startOwnSidecar(config: Config, profiles: Readonly<Record<string, Profile>>): Promise<Sidecar> {
  return startSidecar(
    {
      ...config,
      server: { ...config.server, port: 0, adminPort: 0 },
      ui: { enabled: false },
      observability: { ...config.observability, log: { ...config.observability.log, level: 'error' } },
      profiles: { ...profiles },
    },
    { passive: true },
  );
}
