import type { Command } from 'commander';
import { wholeNumber } from '../../config/whole-number.js';
import { findOrStartNode, requireFreePort } from './index.js';

/** Kept apart from the demo's, whose data the demo makes anew. */
const NAME = 'own';

/** `fuserank local-node`: a real OpenSearch for own trials, until SIGINT or SIGTERM. */
export function registerLocalNodeCommand(program: Command): void {
  program
    .command('local-node')
    .summary('a real OpenSearch on this machine, for trials')
    .description(
      'Starts OpenSearch with k-NN on loopback and keeps its indices for the next time. It has no security: for trials only, never for a shop.',
    )
    .option('--port <number>', 'port to listen on, 0 finds a free one', wholeNumber(0, 65_535), 9200)
    .addHelpText('after', '\nExamples:\n  fuserank local-node\n  fuserank local-node --port 9250\n')
    .action(async ({ port }: { port: number }) => {
      if (process.env.OPENSEARCH_URL) {
        process.stderr.write(`OPENSEARCH_URL names ${process.env.OPENSEARCH_URL} already; unset it to have one started here\n`);
        process.exitCode = 2;
        return;
      }
      await requireFreePort(port);
      const node = await findOrStartNode({ name: NAME, keepData: true, port, log: (line) => process.stderr.write(`${line}\n`) });
      process.stdout.write(`${node.url}\n`);
      process.stderr.write('it runs until Ctrl-C and keeps its indices for the next time\n');
      // The node's process does not keep this one alive, and a signal that may come does not either.
      const alive = setInterval(() => undefined, 60_000);
      const signal = await new Promise<NodeJS.Signals>((resolve) => {
        for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve(name));
      });
      clearInterval(alive);
      await node.stop();
      process.exitCode = signal === 'SIGINT' ? 130 : 143;
    });
}
