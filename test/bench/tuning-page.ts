import { nameMachine, type Machine } from '../machine.js';
import { markdownTable, plainTable, type Table } from '../measured-page.js';
import { QUIET_LOAD } from './performance-page.js';
import type { TuningCost } from './tuning-cost.js';

const GOAL = { overheadMs: 1, compareSeconds: 10 } as const;

export function printTuning(cost: TuningCost, machine: Machine): string {
  return [nameMachine(machine), plainTable(costTable(cost)), plainTable(memoryTable(cost)), ...goalsOf(cost, machine)].join('\n\n');
}

export function renderTuning(cost: TuningCost, machine: Machine): string {
  return [
    '## Evaluating and comparing',
    '```sh\nnpm run bench -- tuning --write\n```',
    `Machine: ${nameMachine(machine)}.`,
    `${cost.queries} queries of ${cost.hits} hits each with judgments, by the compiled commands, against a stand-in for the engine that answers ` +
      'at once from the process beside it. Overhead is all time of the command that is not between sending a search and its last byte: start, ' +
      'reading the inputs, reading and writing every answer, and the figures at the end.',
    markdownTable(costTable(cost)),
    'Resident memory of `evaluate` on the way, MiB; the judgments are in it from the start.',
    markdownTable(memoryTable(cost)),
    goalsOf(cost, machine)
      .map((goal) => `- ${goal}`)
      .join('\n'),
  ].join('\n\n');
}

function costTable({ evaluations, compare }: TuningCost): Table {
  return {
    columns: ['command', 'seconds', 'CPU seconds', 'ms a search', 'overhead, ms a query', 'peak MiB'],
    rows: [
      ...evaluations.map(({ concurrency, seconds, cpuSeconds, searchMs, overheadMs, peakMb }) => [
        `evaluate, ${concurrency} at once`,
        seconds.toFixed(1),
        cpuSeconds.toFixed(1),
        searchMs.toFixed(2),
        overheadMs === null ? '–' : overheadMs.toFixed(2),
        peakMb.toFixed(0),
      ]),
      ['compare, with the html report', compare.seconds.toFixed(1), compare.cpuSeconds.toFixed(1), '–', '–', compare.peakMb.toFixed(0)],
    ],
  };
}

function memoryTable({ evaluations }: TuningCost): Table {
  const looks = evaluations[0]?.memory.map(({ searches }) => searches) ?? [];
  return {
    columns: ['after searches', ...looks.map((searches) => `${Math.round(searches / 100) * 100}`)],
    rows: evaluations.map(({ concurrency, memory }) => [`${concurrency} at once`, ...memory.map(({ mb }) => mb.toFixed(0))]),
  };
}

/** Each goal with what was measured; printed, never asserted. */
function goalsOf({ queries, evaluations, compare }: TuningCost, machine: Machine): string[] {
  const state = (met: boolean): string => (met ? 'met' : 'MISSED');
  const alone = evaluations.find(({ overheadMs }) => overheadMs !== null);
  const quiet = machine.load < QUIET_LOAD;
  const overhead = quiet ? (alone?.overheadMs ?? Number.NaN) : ((alone?.cpuSeconds ?? Number.NaN) * 1000) / queries;
  const seconds = quiet ? compare.seconds : compare.cpuSeconds;
  const clock = quiet ? '' : ` of CPU (busy machine, load ${machine.load.toFixed(2)})`;
  return [
    `evaluate's own overhead ≤ ${GOAL.overheadMs} ms a query${clock}: ${overhead.toFixed(2)}, ${state(overhead <= GOAL.overheadMs)}`,
    `compare ≤ ${GOAL.compareSeconds} s${clock}: ${seconds.toFixed(1)}, ${state(seconds <= GOAL.compareSeconds)}`,
  ];
}
