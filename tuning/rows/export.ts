import { packageVersion } from '../../config/package-root.js';
import type { Config } from '../../config/schema.js';
import { COLUMN_NAMES, FEATURE_SET_HASH } from '../../models/feature-set.js';
import { connectEngine, probeEngine, type EngineClient } from '../../opensearch/connection.js';
import { IGNORED_ACTIONS } from '../../sidecar/index.js';
import { pictureFolder } from '../asked-query.js';
import { readIndexFacts, type IndexFacts } from '../evaluate/index-facts.js';
import { openQuestion } from '../evaluate/question.js';
import { readQuestionSet } from '../evaluate/question-set.js';
import { InputInvalid } from '../formats/input-lines.js';
import { ListDoor } from './asked-lists.js';
import { listsOfQuestions, questionsOfUbi, type GradedQuestion } from './asked-source.js';
import { BehaviourEvents } from './behaviour-events.js';
import { deriveQuestions, type Derivation, type DerivedQuestion } from './derived-questions.js';
import { readEventFile } from './event-file.js';
import { writeLists, type DropReason, type Labelling, type MaybeList, type RowsReport } from './labelled-lists.js';
import { findLogFiles } from './log-files.js';
import { InputsFolder, inputsFolderOf, requireInputsFolder } from './inputs-folder.js';
import { listsOfLog } from './log-source.js';
import { requireRowFile, writeRowFile } from './row-file.js';
import { pinStatistics, refuseLeak, type PinnedStatistics } from './statistics-guard.js';
import type { RowsHeader, RowSource } from './training-row.js';

/** Where lists come from, as the command line says it. */
export type RowsOrigin =
  | {
      readonly from: 'log';
      readonly log: readonly string[];
      /** Null = the index of events. */ readonly eventFile: string | null;
      readonly index: string | null;
    }
  | ({ readonly from: 'judgments'; readonly queries: string; readonly judgments: string } & AskedRows)
  | ({ readonly from: 'ubi'; readonly since: number; readonly until: number } & AskedRows)
  | ({ readonly from: 'sequences' } & DerivedRange & AskedRows);

/** How lists that nobody logged are asked for. */
export interface AskedRows {
  readonly index: string;
  readonly profile: string | null;
  readonly template: string | null;
  /** An alias, or `none`; null = the configuration's. */
  readonly statistics: string | null;
  readonly concurrency: number;
}

export type DerivedRange = Omit<Derivation, 'recall'> & { readonly until: number };

export interface RowsExport {
  readonly config: Config;
  readonly origin: RowsOrigin;
  readonly out: string;
  /** Also write what a ranker is fed, into a folder beside the rows. */
  readonly inputs: boolean;
  readonly labelling: Omit<Labelling, 'unlabelled' | 'inputs'>;
  readonly tell: (note: string) => void;
  readonly onList?: (report: RowsReport) => void;
}

/** What a list without a label above 0 is called, by source. */
const UNLABELLED: Readonly<Record<RowSource, DropReason>> = {
  log: 'without_events',
  ubi: 'items_not_retrieved',
  sequences: 'target_not_retrieved',
  judgments: 'nothing_good_retrieved',
};

/** Writes training rows. @throws errors with an exit code; nothing is written then */
export async function exportRows(request: RowsExport): Promise<RowsReport> {
  await requireRowFile(request.out);
  if (request.inputs) await requireInputsFolder(inputsFolderOf(request.out));
  const { origin } = request;
  if (origin.from === 'log') return exportLog(request, origin);
  const engine = connectEngine(request.config.opensearch);
  try {
    const { version } = await probeEngine(engine);
    const facts = await readIndexFacts(engine, request.config, origin.index);
    const { questions, earliestMs, dropped, folder } = await gradedQuestions(origin, { engine, facts, config: request.config });
    const statistics = await pinStatistics(engine, {
      name: origin.statistics,
      configured: request.config.behaviour.statistics,
      alias: origin.index,
    });
    if (earliestMs !== null) refuseLeak(statistics, { earliestMs, alias: origin.index });
    const question = await openQuestion(engine, facts.roles, origin.template);
    const door = await ListDoor.open({
      config: seeing(request.config, statistics),
      alias: origin.index,
      profile: origin.profile,
      withInputs: request.inputs,
    });
    try {
      const lists = joinDrops(dropped, listsOfQuestions(questions, { door, question, folder, concurrency: origin.concurrency }));
      return await write(request, { lists, statistics, opensearch: version });
    } finally {
      await door.close();
    }
  } finally {
    await engine.close();
  }
}

/** The questions that sequences give, for a query set and judgments of their own. */
export async function deriveFromEvents(
  engine: EngineClient,
  { config, facts, range }: { config: Config; facts: IndexFacts; range: DerivedRange },
): Promise<{ questions: DerivedQuestion[]; dropped: Record<string, number> }> {
  const shoppers = new BehaviourEvents(engine, config.behaviour).readShoppers(range.until);
  const derived = await deriveQuestions(shoppers, { ...range, recall: recallOf(config), engine, alias: facts.alias, roles: facts.roles });
  if (derived.questions.length > 0) return derived;
  const reasons = Object.entries(derived.dropped).map(([reason, count]) => `${count} ${reason.replaceAll('_', ' ')}`);
  throw new InputInvalid(
    `no shopper in [${config.behaviour.events}] turned to a product of [${facts.alias}] between ${new Date(range.since).toISOString()} and ` +
      `${new Date(range.until).toISOString()}${reasons.length === 0 ? '' : ` (${reasons.join(', ')})`}; give another --since`,
  );
}

async function exportLog(request: RowsExport, origin: Extract<RowsOrigin, { from: 'log' }>): Promise<RowsReport> {
  const files = await findLogFiles(origin.log);
  const fromFile = origin.eventFile === null ? null : await readEventFile(origin.eventFile);
  const engine = fromFile ? null : connectEngine(request.config.opensearch);
  try {
    const opensearch = engine ? (await probeEngine(engine)).version : null;
    const events = engine && new BehaviourEvents(engine, request.config.behaviour);
    const readLabels = (ids: readonly string[]) =>
      events ? events.readLabels(ids) : Promise.resolve(fromFile ?? new Map<string, Map<string, number>>());
    const lists = listsOfLog(files, { readLabels, index: origin.index, tell: request.tell });
    return await write(request, { lists, statistics: null, opensearch });
  } finally {
    await engine?.close();
  }
}

async function write(
  { origin, out, inputs, labelling, onList }: RowsExport,
  { lists, statistics, opensearch }: { lists: AsyncIterable<MaybeList>; statistics: PinnedStatistics | null; opensearch: string | null },
): Promise<RowsReport> {
  const header: RowsHeader = {
    fuserank_rows: 1,
    feature_set: FEATURE_SET_HASH,
    columns: [...COLUMN_NAMES],
    source: origin.from,
    statistics: statistics && { name: statistics.name, until: statistics.until },
    created: new Date().toISOString(),
    versions: { fuserank: packageVersion, opensearch },
  };
  let report: RowsReport = { lists: 0, rows: 0, positives: 0, dropped: {} };
  const folder = inputs ? await InputsFolder.open(inputsFolderOf(out), header) : null;
  try {
    await writeRowFile(out, header, async (sink) => {
      const beside = { ...(folder ? { inputs: folder } : {}), ...(onList ? { onList } : {}) };
      report = await writeLists(lists, sink, { ...labelling, unlabelled: UNLABELLED[origin.from], ...beside });
    });
    await folder?.finish();
  } catch (error) {
    await folder?.abandon();
    throw error;
  }
  return report;
}

interface Questions {
  readonly questions: Iterable<GradedQuestion> | AsyncIterable<GradedQuestion>;
  /** Time of the earliest target; null where questions have no time. */
  readonly earliestMs: number | null;
  /** Lists that were never asked for; grows while the questions are read. */
  readonly dropped: DropReason[];
  readonly folder: string;
}

async function gradedQuestions(
  origin: Exclude<RowsOrigin, { from: 'log' }>,
  { engine, facts, config }: { engine: EngineClient; facts: IndexFacts; config: Config },
): Promise<Questions> {
  switch (origin.from) {
    case 'judgments': {
      const { queries, grades } = await readQuestionSet(origin, packageVersion);
      const graded = queries.map((query) => ({ query, grades: grades(query) }));
      const folder = pictureFolder(origin.queries);
      const judged = graded.filter((each) => each.grades.size > 0);
      const dropped = new Array<DropReason>(graded.length - judged.length).fill('unjudged');
      return { questions: judged, earliestMs: null, dropped, folder };
    }
    case 'ubi': {
      const events = new BehaviourEvents(engine, config.behaviour);
      const first = await firstOf(events.readQueries(origin));
      if (!first) {
        throw new InputInvalid(
          `[${config.behaviour.queries}] holds no search with words and an id since ${new Date(origin.since).toISOString()}; give another --since, or name the index with behaviour.queries`,
        );
      }
      const dropped: DropReason[] = [];
      const questions = questionsOfUbi(events, { range: origin, recall: recallOf(config), drop: (reason) => dropped.push(reason) });
      return { questions, earliestMs: first.timestampMs, dropped, folder: process.cwd() };
    }
    case 'sequences': {
      const { questions, dropped } = await deriveFromEvents(engine, { config, facts, range: origin });
      return {
        questions: questions.map(({ query, target }) => ({ query, grades: new Map([[target, 1]]) })),
        earliestMs: questions.reduce((least, { targetMs }) => Math.min(least, targetMs), Number.POSITIVE_INFINITY),
        dropped: Object.entries(dropped).flatMap(([reason, count]) => new Array<DropReason>(count).fill(reason)),
        folder: process.cwd(),
      };
    }
  }
}

/** The lists, and what was dropped before or while they were asked for. */
async function* joinDrops(dropped: DropReason[], lists: AsyncIterable<MaybeList>): AsyncGenerator<MaybeList> {
  for await (const list of lists) {
    for (const reason of dropped.splice(0)) yield { dropped: reason };
    yield list;
  }
  for (const reason of dropped.splice(0)) yield { dropped: reason };
}

/** The very version that the guard looked at, however the alias moves; without statistics, a name that nothing bears. */
function seeing(config: Config, statistics: PinnedStatistics | null): Config {
  return { ...config, behaviour: { ...config.behaviour, statistics: statistics?.concrete ?? 'fuserank_no_statistics' } };
}

/** What a search of that moment would have recalled. */
function recallOf({ behaviour }: Config): Derivation['recall'] {
  return { length: behaviour.historyLength, ttlDays: behaviour.ttlDays, ignored: IGNORED_ACTIONS };
}

async function firstOf<Value>(values: AsyncIterable<Value>): Promise<Value | null> {
  for await (const value of values) return value;
  return null;
}
