import { join } from 'node:path';
import type { Command } from 'commander';
import { findConfigFile, loadConfig } from '../config/load.js';
import { packageRoot } from '../config/package-root.js';
import type { Config } from '../config/schema.js';
import { startSidecar } from './index.js';

interface ServeFlags {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  readonly adminPort?: string;
  readonly opensearch?: string[];
  readonly index?: string;
  readonly ui: boolean;
}

/** `fuserank serve`: the sidecar in front of an OpenSearch, until SIGINT or SIGTERM. */
export function registerServeCommand(program: Command): void {
  program
    .command('serve')
    .summary('the sidecar in front of your OpenSearch')
    .description('Serves _search in front of OpenSearch: the same bytes, ranked for the shopper. Point your search stack at it.')
    .option('--config <file>', 'configuration (default: ./fuserank.yaml where it exists)')
    .option('--host <address>', 'address to listen on (default 127.0.0.1)')
    .option('--port <number>', 'port to listen on, 0 finds a free one (default 8080)')
    .option('--admin-port <number>', 'port of /metrics and /v1/users on loopback (default 9090)')
    .option('--opensearch <url...>', 'nodes of the engine (default http://127.0.0.1:9200)')
    .option('--index <pattern>', 'rank this index or alias with the defaults; shorthand for a profile of its own')
    .option('--no-ui', 'serve no page at /ui/')
    .addHelpText('after', '\nExamples:\n  fuserank serve --index products\n  fuserank serve --config fuserank.yaml --port 8081\n')
    .action(async (flags: ServeFlags) => {
      const config = serveConfig(flags);
      const sidecar = await startSidecar(config, config.ui.enabled ? { ui: { folder: join(packageRoot, 'tuning', 'ui') } } : {});
      process.stderr.write(
        `fuserank ranks ${
          Object.values(config.profiles)
            .map(({ index }) => index)
            .join(', ') || 'nothing (no profile)'
        } at ${sidecar.url}\n`,
      );
      process.stderr.write(`admin at ${sidecar.adminUrl}${config.ui.enabled ? `, page at ${sidecar.url}/ui/` : ''}\n`);
      const onHangUp = (): void => {
        // What became of it is in the log; where a ranker is refused, the one before goes on.
        sidecar.loadRankers().catch(() => undefined);
      };
      process.on('SIGHUP', onHangUp);
      const signal = await new Promise<NodeJS.Signals>((resolve) => {
        for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve(name));
      });
      process.off('SIGHUP', onHangUp);
      await sidecar.close();
      process.exitCode = signal === 'SIGINT' ? 130 : 143;
    });
}

/** Flag > environment > file > default. */
function serveConfig(flags: Partial<ServeFlags>): Config {
  const file = flags.config ?? findConfigFile(process.cwd());
  const config = loadConfig({
    ...(file === undefined ? {} : { file }),
    env: process.env,
    flags: {
      server: {
        ...(flags.host === undefined ? {} : { host: flags.host }),
        ...(flags.port === undefined ? {} : { port: flags.port }),
        ...(flags.adminPort === undefined ? {} : { adminPort: flags.adminPort }),
      },
      ...(flags.opensearch === undefined ? {} : { opensearch: { nodes: flags.opensearch } }),
      ...(flags.index === undefined ? {} : { profiles: { default: { index: flags.index } } }),
      ...(flags.ui === false ? { ui: { enabled: false } } : {}),
    },
  });
  return config;
}
