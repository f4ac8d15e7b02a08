import type { Command } from 'commander';
import { z } from 'zod';
import { loadCommandConfig } from '../config/load.js';
import { wholeNumber } from '../config/whole-number.js';
import { renderAbsence } from './absence.js';
import { renderComparison, renderExplanation } from './comparison-table.js';
import { readText } from './formats/input-lines.js';
import { SearchConsole, SearchRefused, type SearchComparison } from './search-console.js';

interface ConsoleFlags {
  readonly alias?: string;
  readonly user?: string;
  readonly image?: string;
  readonly k: number;
  readonly explain?: boolean;
  readonly id?: string;
  readonly body?: string;
  readonly config?: string;
  readonly opensearch?: string[];
  readonly url?: string;
  readonly json?: boolean;
}

/** `fuserank search` and `fuserank explain`: what a search engineer looks at. */
export function registerSearchCommands(program: Command): void {
  shared(program.command('search').argument('[query]', 'what a shopper would type'))
    .summary('one search: the engine’s order and ours, side by side')
    .option('--image <file>', 'search by a picture (file or address)')
    .option('-k <number>', 'hits to show', wholeNumber(1, 1000), 10)
    .option('--explain', 'the arithmetic of each hit')
    .addHelpText(
      'after',
      '\nExamples:\n  fuserank search "red shoes" --alias products\n  fuserank search "lamp" --alias shop --user u7 --explain\n',
    )
    .action(async (query: string | undefined, flags: ConsoleFlags, command: Command) => {
      if (query === undefined && flags.image === undefined) command.error('error: give a query or --image FILE');
      const comparison = await runSearch(query ?? null, flags, flags.k);
      if (flags.json) print(JSON.stringify(comparison, null, 2));
      else {
        print(renderComparison(comparison));
        print(`\n${summarise(comparison)}`);
        if (flags.explain) print(`\n${comparison.ranked.map(renderExplanation).join('\n\n')}`);
      }
    });

  shared(program.command('explain').argument('<query>', 'what a shopper would type'))
    .summary('one hit’s arithmetic, or why it is absent')
    .requiredOption('--id <id>', 'the product asked about')
    .option('--body <file>', 'the search body that your shop sends (JSON, - for stdin), instead of a plain text search')
    .addHelpText(
      'after',
      '\nExamples:\n  fuserank explain "lamp" --id p0042 --alias shop --user u7\n  fuserank explain "lamp" --id p0042 --alias shop --body search.json\n',
    )
    .action(async (query: string, flags: ConsoleFlags) => {
      const body = flags.body === undefined ? null : await readBody(flags.body);
      const about = { text: query, body, id: flags.id ?? '', user: flags.user ?? null };
      const told = await withConsole(flags, (console) => console.explain(about));
      if (flags.json) print(JSON.stringify(told, null, 2));
      else print('causes' in told ? renderAbsence(told, query) : renderExplanation(told));
    });
}

function shared(command: Command): Command {
  return command
    .option('--alias <name>', 'index or alias to search (default: index.alias of the configuration)')
    .option('--user <id>', 'rank for this shopper')
    .option('--config <file>', 'configuration (default: ./fuserank.yaml where it exists)')
    .option('--opensearch <url...>', 'nodes of the engine')
    .option('--url <sidecar>', 'ask this running sidecar instead of starting one')
    .option('--json', 'print JSON');
}

function runSearch(text: string | null, flags: ConsoleFlags, size: number): Promise<SearchComparison> {
  const asked = { text, image: flags.image ?? null, user: flags.user ?? null, size, explain: flags.explain ?? false };
  return withConsole(flags, (console) => console.compare(asked));
}

async function withConsole<T>(flags: ConsoleFlags, use: (console: SearchConsole) => Promise<T>): Promise<T> {
  const config = loadCommandConfig(flags);
  const console = await SearchConsole.open({ config, alias: flags.alias ?? config.index.alias, url: flags.url ?? null });
  try {
    return await use(console);
  } finally {
    await console.close();
  }
}

/** A search body of the shop's own; what it says to us is said by the flags. */
async function readBody(file: string): Promise<Record<string, unknown>> {
  const text = await readText(file);
  try {
    const { ext: _ext, fuserank: _own, ...body } = z.record(z.string(), z.unknown()).parse(JSON.parse(text));
    return body;
  } catch {
    throw new SearchRefused(`${file} is not a search body: it must be one JSON object`);
  }
}

/** One line: hits, what was done, and where the time went (known of explained searches alone). */
function summarise(comparison: SearchComparison): string {
  const stages = Object.entries(comparison.stages).map(([name, milliseconds]) => `${name} ${milliseconds.toFixed(1)} ms`);
  return [`${comparison.total} hits`, comparison.label, ...stages].filter((part) => part !== '').join(' · ');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
