import type { Config, Profile } from '../config/schema.js';
import { startSidecar, type Sidecar, type SidecarOptions } from '../sidecar/index.js';

/**
 * A sidecar of a command's own: on free ports, without a page, reading nothing but what is asked for, logging nothing.
 * @param options.onRankedList told of every list that it ranks, with its columns and, where asked for, its inputs
 */
export function startOwnSidecar(
  config: Config,
  profiles: Readonly<Record<string, Profile>>,
  options: Pick<SidecarOptions, 'onRankedList' | 'withInputs'> = {},
): Promise<Sidecar> {
  return startSidecar(
    {
      ...config,
      server: { ...config.server, port: 0, adminPort: 0 },
      ui: { enabled: false },
      observability: {
        ...config.observability,
        log: { ...config.observability.log, level: 'error' },
        featureLog: { folder: null, sample: 1 },
      },
      profiles: { ...profiles },
    },
    { passive: true, ...options },
  );
}
