import { nameMachine } from '../machine.js';
import { markdownTable, plainTable, type Table } from '../measured-page.js';
import type { BenchResult } from './bench-result.js';
import type { Quantiles } from './shop-view.js';

export const PERFORMANCE_OPENING = `# Performance, measured

What ranking costs a shop, taken in one run of the command below. Nothing here is asserted by a test: figures of time belong to
a machine.
`;

/** On a machine that is quiet when the run begins, times of the clock count; on a busier one CPU time does. */
export const QUIET_LOAD = 0.5;
const GOAL = { oursP50: 6, oursP99: 20, cpuMs: 8, addedP50: 15, rankerRatio: 1.5 } as const;

interface Part {
  title: string;
  table: Table;
  /** What the figures mean. */
  note: string;
}

export function printResult(result: BenchResult): string {
  const parts = partsOf(result).map(({ title, table }) => `${title}\n${plainTable(table)}`);
  return [nameMachine(result.machine), ...parts, goalsOf(result).join('\n')].join('\n\n');
}

export function renderResult(result: BenchResult): string {
  const parts = partsOf(result).map(({ title, table, note }) => `## ${title}\n\n${markdownTable(table)}\n\n${note}`);
  return [
    '```sh\nnpm run bench -- --write\n```',
    `Machine: ${nameMachine(result.machine)}. OpenSearch ${result.opensearch}, the client and the sidecar share these cores.`,
    `The demo's shop of ${result.products} products with pictures, window ${result.window}, page ${result.page}, built-in encoders and ranker, shoppers with ` +
      'histories recalled from their UBI events. No query text is sent twice, each matches at least as many products as the window, and the ' +
      'engine’s request cache is off.',
    ...parts,
    `## Goals\n\n${goalsOf(result)
      .map((goal) => `- ${goal}`)
      .join('\n')}`,
  ].join('\n\n');
}

function partsOf(result: BenchResult): Part[] {
  const { view, throughput, ranker, indexing, startMs, memory } = result;
  const quantiles = (name: string, { p50, p95, p99 }: Quantiles): string[] => [name, ms(p50), ms(p95), ms(p99)];
  const cpu = view.cpuMs.http + view.cpuMs.scorers;
  const skips = Object.entries(view.skipped).map(([reason, count]) => `${reason} ${count}`);
  return [
    {
      title: 'The shop’s view: one search at a time',
      table: {
        columns: ['ms', 'p50', 'p95', 'p99'],
        rows: [
          quantiles('direct to OpenSearch', view.direct),
          quantiles('through the sidecar', view.through),
          quantiles('ours: no request to the engine open', view.ours),
          quantiles('engine: at least one open', view.engine),
        ],
      },
      note:
        `${view.searches} searches at each door, taking turns; ${percent(view.ranked)} of those through us were ranked${skips.length > 0 ? ` (skipped: ${skips.join(', ')})` : ''}. ` +
        `Through the sidecar, p50 is ${ms(view.through.p50 - view.direct.p50)} ms above direct. “Ours” is the sidecar's whole time less the union of the ` +
        'intervals in which at least one of its requests to the engine is open (the client’s own, the candidate legs, bodies, history).',
    },
    {
      title: 'CPU of one search',
      table: {
        columns: ['process', 'CPU-ms a search'],
        rows: [
          ['HTTP', ms(view.cpuMs.http)],
          ['scorers', ms(view.cpuMs.scorers)],
          ['together', ms(cpu)],
        ],
      },
      note: 'User and system time of the processes over the loop above, all threads.',
    },
    {
      title: 'Where the time goes',
      table: {
        columns: ['stage', 'p50 ms'],
        rows: Object.entries(view.stages)
          .filter(([name]) => !['ours', 'engine', 'total'].includes(name))
          .map(([name, value]) => [name, ms(value)]),
      },
      note: 'As `Server-Timing` tells it. Stages run beside each other: `client`, `first_phase`, `history` and the vector legs are requests to the engine; `rank` holds `items`, `features` and `score` of the scorer process.',
    },
    {
      title: 'Searches a second',
      table: {
        columns: ['connections', 'direct', 'through', 'of them ranked'],
        rows: throughput.map((rate) => [String(rate.connections), rate.direct.toFixed(0), rate.through.toFixed(0), percent(rate.ranked)]),
      },
      note: 'Closed loop. A search that cannot be ranked within its budget is answered in the engine’s order.',
    },
    {
      title: 'The ranker beside LambdaMART',
      table: {
        columns: ['CPU-ms for 200 candidates', 'median'],
        rows: [
          ['fusion-base, with 50 past events', ms(ranker.rankerMs)],
          ['LambdaMART, 300 trees as ONNX, on the same columns', ranker.lambdamartMs === null ? '–' : ms(ranker.lambdamartMs)],
          ['ratio', ranker.ratio === null ? '–' : ranker.ratio.toFixed(2)],
          ['assembling the inputs, for either', ms(ranker.featuresMs)],
        ],
      },
      note: 'Alternating rounds in one process, one thread each.',
    },
    {
      title: 'Indexing',
      table: {
        columns: ['catalogue', 'products a second'],
        rows: [
          ['with pictures', indexing.withPictures.toFixed(0)],
          ['texts only', indexing.withoutPictures.toFixed(0)],
        ],
      },
      note: 'One process: reading, decoding, embedding, writing.',
    },
    {
      title: 'Start and memory',
      table: {
        columns: ['', 'value'],
        rows: [
          ['from start to ready, ms', startMs.map((value) => value.toFixed(0)).join(', ')],
          ...memory.map(({ process, nowMb, peakMb }) => [
            `${process} process, MiB resident (peak)`,
            `${nowMb.toFixed(0)} (${peakMb.toFixed(0)})`,
          ]),
        ],
      },
      note: 'Memory after the searches above.',
    },
  ];
}

/** Each goal with what was measured; printed, never asserted. */
function goalsOf({ machine, view, ranker }: BenchResult): string[] {
  const cpu = view.cpuMs.http + view.cpuMs.scorers;
  const added = view.through.p50 - view.direct.p50;
  const state = (met: boolean): string => (met ? 'met' : 'MISSED');
  const ours =
    machine.load < QUIET_LOAD
      ? `ours p50 ≤ ${GOAL.oursP50} ms and p99 ≤ ${GOAL.oursP99} ms: ${ms(view.ours.p50)} and ${ms(view.ours.p99)}, ${state(view.ours.p50 <= GOAL.oursP50 && view.ours.p99 <= GOAL.oursP99)}`
      : `busy machine (load ${machine.load.toFixed(2)}), so CPU counts: ≤ ${GOAL.cpuMs} CPU-ms a search in HTTP process and scorers: ${ms(cpu)}, ${state(cpu <= GOAL.cpuMs)}`;
  return [
    ours,
    `through p50 ≤ direct p50 + ${GOAL.addedP50} ms: +${ms(added)}, ${state(added <= GOAL.addedP50)}`,
    ranker.ratio === null
      ? 'the ranker’s CPU beside LambdaMART: not measured, there is no LambdaMART'
      : `the ranker’s CPU ≤ ${GOAL.rankerRatio} × LambdaMART's: ${ranker.ratio.toFixed(2)} ×, ${state(ranker.ratio <= GOAL.rankerRatio)}`,
  ];
}

function ms(value: number): string {
  return value.toFixed(2);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share === 1 ? 0 : 1)} %`;
}
