#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { ConfigError } from './config/load.js';
import { packageVersion } from './config/package-root.js';
import { registerDemoCommand } from './demo/command.js';
import { registerStatisticsCommand } from './indexer/behaviour-statistics/command.js';
import { registerEventsCommand } from './indexer/events/command.js';
import { readProductTexts, registerIndexCommand } from './indexer/command.js';
import { registerMappingsCommand } from './mappings/command.js';
import { registerLocalNodeCommand } from './opensearch/local-node/command.js';
import { EngineUnreachable } from './opensearch/engine-unreachable.js';
import { registerServeCommand } from './sidecar/command.js';
import { registerSearchCommands } from './tuning/command.js';
import { registerEvaluateCommand } from './tuning/evaluate/command.js';
import { registerConvertCommand } from './tuning/convert/command.js';
import { registerCompareCommand } from './tuning/compare/command.js';
import { registerModelCommand } from './tuning/model/command.js';
import { registerRowsCommand } from './tuning/rows/command.js';

/** Public exit codes: 0 ok · 1 bug · 2 usage or config · 3 finished with rejected items · 4 gate failed · 5 target unreachable · 6 input invalid. */
const EXIT = { bug: 1, usage: 2, unreachable: 5 } as const;

const program = new Command('fuserank')
  .description('A ranking sidecar for OpenSearch: same bytes, better order, for the shopper at hand.')
  .version(packageVersion)
  .showSuggestionAfterError()
  .exitOverride()
  .configureHelp({ showGlobalOptions: true });
program.addHelpText(
  'before',
  `Examples:
  fuserank demo                                            a shop with shoppers on a real OpenSearch
  fuserank index products.csv --alias products --id-field sku --text-fields title,brand --image-field image
  fuserank serve --index products                          the sidecar in front of your OpenSearch
  fuserank search "red shoes" --alias products             the same search, engine's order and ours
`,
);

// A reader that has seen enough (`fuserank --help | head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

registerDemoCommand(program);
registerIndexCommand(program);
registerServeCommand(program);
registerSearchCommands(program);
registerMappingsCommand(program);
registerEvaluateCommand(program);
registerConvertCommand(program);
registerEventsCommand(program);
registerStatisticsCommand(program);
registerLocalNodeCommand(program);
registerCompareCommand(program);
registerRowsCommand(program);
registerModelCommand(program, readProductTexts);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** One clear line for what a person can mend; a stack only for a bug of ours. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage;
  if (error instanceof ConfigError) {
    console.error(error.message);
    return EXIT.usage;
  }
  if (error instanceof EngineUnreachable) {
    console.error(error.message);
    return EXIT.unreachable;
  }
  if (error instanceof Error && 'exitCode' in error && typeof error.exitCode === 'number') {
    console.error(error.message); // an error that names its own remedy says so by its exit code
    return error.exitCode;
  }
  console.error(error);
  return EXIT.bug;
}
