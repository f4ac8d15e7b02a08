import { Argument, InvalidArgumentError, type Command } from 'commander';
import { eventsIndexBody, queriesIndexBody } from './behaviour-index.js';
import { SEARCH_TEMPLATE, searchTemplateBody } from './query-templates.js';
import { normalisationPipeline, PIPELINE, rankFusionPipeline } from './search-pipelines.js';

interface MappingsFlags {
  readonly textFields?: string[];
  readonly weights: number[];
}

interface StoredBody {
  /** Where the engine keeps it. */
  readonly path: string;
  make(flags: MappingsFlags): object;
}

const BODIES = new Map<string, StoredBody>([
  ['hybrid-pipeline', { path: `/_search/pipeline/${PIPELINE.normalised}`, make: normalisationPipeline }],
  ['rrf-pipeline', { path: `/_search/pipeline/${PIPELINE.fused}`, make: () => rankFusionPipeline() }],
  ['search-template', { path: `/_scripts/${SEARCH_TEMPLATE}`, make: ({ textFields = [] }) => searchTemplateBody({ text: textFields }) }],
  ['events', { path: '/ubi_events', make: eventsIndexBody }],
  ['queries', { path: '/ubi_queries', make: queriesIndexBody }],
]);

const EXAMPLES = `
Examples:
  fuserank mappings search-template --text-fields title,brand
  fuserank mappings hybrid-pipeline --weights 0.5,0.5 |
    curl -X PUT localhost:9200/_search/pipeline/${PIPELINE.normalised} -H 'content-type: application/json' -d @-
`;

/** `fuserank mappings`: a body that the engine can store, on stdout; where to store it, on stderr. */
export function registerMappingsCommand(program: Command): void {
  program
    .command('mappings')
    .summary('print a pipeline, the search template or a behaviour index, to store in OpenSearch')
    .addArgument(new Argument('<body>', 'what to print').choices([...BODIES.keys()]))
    .option('--weights <a,b>', "hybrid-pipeline: the clauses' weights, in the query's order; their sum is 1", readWeights, [0.7, 0.3])
    .option('--text-fields <a,b>', 'search-template: searched texts, the most telling first', readNames)
    .addHelpText('after', EXAMPLES)
    .action((name: string, flags: MappingsFlags, command: Command) => {
      const body = BODIES.get(name);
      if (!body) return;
      try {
        process.stdout.write(`${JSON.stringify(body.make(flags), null, 2)}\n`);
        process.stderr.write(`store it with PUT ${body.path}\n`);
      } catch (error) {
        command.error(`error: ${error instanceof Error ? error.message : String(error)}`);
      }
    });
}

function readWeights(text: string): number[] {
  const weights = text.split(',').map(Number);
  if (weights.every((weight) => weight >= 0 && weight <= 1)) return weights;
  throw new InvalidArgumentError('must be numbers from 0 to 1, one per clause: 0.7,0.3');
}

function readNames(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}
