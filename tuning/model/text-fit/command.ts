import { InvalidArgumentError, type Command } from 'commander';
import { loadCommandConfig } from '../../../config/load.js';
import { wholeNumber } from '../../../config/whole-number.js';
import { readArtefactName } from '../training/command.js';
import { TrainingUnable } from '../training/python-room.js';
import { fitText, renderFit, type ReadProductTexts } from './text-fit.js';

interface FitFlags {
  readonly index?: string;
  readonly products?: string;
  readonly teacher?: string;
  readonly out: string;
  readonly minutes: number;
  readonly seed: number;
  readonly config?: string;
  readonly opensearch?: string[];
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const GATE_FAILED = 4;
const SHOWN_LINES = 5;
const MINUTES = { default: 10, most: 600 };

const AFTER = `
Examples:
  fuserank model fit-text --index products --teacher models/all-minilm-l6-v2 --out text-shop-1
  fuserank model fit-text --products products.ndjson --out text-shop-1

A Python environment is made in the cache folder on first use, or FUSERANK_PYTHON names one that has what is needed.
Exit codes: 0 ok · 2 usage, or no Python that can train · 4 not better than the built-in (nothing is written), or what came out fails its
proof · 5 the engine can’t be reached · 6 the texts can't be fitted on
`;

/** `fuserank model fit-text`: the built-in text encoder, trained on on a shop's own texts. */
export function registerFitTextCommand(model: Command, read: ReadProductTexts): void {
  model
    .command('fit-text')
    .summary('the built-in text encoder, trained on on a shop’s own texts')
    .option('--index <alias>', 'read the texts of a live index')
    .option('--products <file>', 'read the texts of a catalogue, by index.map of the configuration')
    .option('--teacher <folder>', 'sentence encoder in Transformers.js layout to learn from (default: the texts alone teach)')
    .requiredOption('--out <folder>', 'encoder to write; its name is NAME-VERSION, such as text-shop-1', readArtefactName)
    .option('--minutes <number>', 'of CPU, all in all', readMinutes, MINUTES.default)
    .option('--seed <number>', 'draws what is held out, and the order', wholeNumber(0), 1)
    .option('--config <file>', 'configuration (default: ./fuserank.yaml where it exists)')
    .option('--opensearch <url...>', 'nodes of the engine')
    .option('--json', 'print one JSON object')
    .option('--quiet', 'nothing on stderr but errors')
    .addHelpText('after', AFTER)
    .action(async (flags: FitFlags) => {
      const last: string[] = [];
      const outcome = await fitText({
        config: loadCommandConfig(flags),
        origin: originOf(flags),
        read,
        teacher: flags.teacher ?? null,
        out: flags.out,
        minutes: flags.minutes,
        seed: flags.seed,
        tell: (line) => {
          last.push(line);
          if (flags.quiet !== true) process.stderr.write(`${line}\n`);
        },
        last: () => (flags.quiet === true ? last.slice(-SHOWN_LINES) : []),
      });
      process.stdout.write(flags.json === true ? `${JSON.stringify(outcome)}\n` : renderFit(outcome));
      if (outcome.folder === null || outcome.proof.some(({ passed }) => !passed)) process.exitCode = GATE_FAILED;
    });
}

function originOf({ index, products }: FitFlags): { products: string } | { alias: string } {
  if (index !== undefined && products === undefined) return { alias: index };
  if (products !== undefined && index === undefined) return { products };
  throw new TrainingUnable('name where the texts are read: --index ALIAS or --products FILE, one of them');
}

function readMinutes(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0 && minutes <= MINUTES.most)) throw new InvalidArgumentError(`a number above 0 and up to ${MINUTES.most} is needed.`);
  return minutes;
}
