import { createHash } from 'node:crypto';
import { packageVersion } from '../../config/package-root.js';
import type { Config } from '../../config/schema.js';
import { connectEngine, probeEngine, type EngineClient } from '../../opensearch/connection.js';
import { pictureFolder } from '../asked-query.js';
import { cutoffOf, parseMetric } from '../metrics/metric-name.js';
import { MetricError, type Metric } from '../metrics/metric.js';
import { RunWriter } from '../run/run-file.js';
import type { RunHeader } from '../run/run-line.js';
import { askQueries, type EvaluationProgress } from './evaluation.js';
import { readIndexFacts, type IndexFacts } from './index-facts.js';
import { describeUnknownDocuments, findUnknownDocuments } from './judged-documents.js';
import { openQuestion, type Question } from './question.js';
import { readQuestionSet, type QuestionSet } from './question-set.js';
import { reportRun, type RunReport } from './run-report.js';
import { openDoor, type Contender, type SearchDoor } from './search-door.js';

/** What is evaluated on which questions, and what is kept of it. */
export interface RunOrder {
  readonly config: Config;
  /** Index or alias. */
  readonly alias: string;
  readonly contender: Contender;
  readonly queries: string;
  readonly judgments: string;
  /** Run file to write, or to go on with. */
  readonly out: string;
  readonly template: string | null;
  readonly metrics: readonly Metric[];
  /** Hits asked for and kept. */
  readonly depth: number;
  readonly legs: boolean;
  readonly groupField: string | null;
  /** Count judged documents that the index lacks as not found. */
  readonly allowUnknown: boolean;
  readonly concurrency: number;
  readonly rps: number | null;
  readonly stopAfter: number;
  readonly seed: number;
  readonly onProgress?: (progress: EvaluationProgress) => void;
}

/** Asks a query set through the real path into a run file, and measures it. @throws errors with an exit code */
export async function evaluateRun(order: RunOrder): Promise<RunReport> {
  const { config, alias, contender, depth } = order;
  const engine = connectEngine(config.opensearch);
  try {
    const { version } = await probeEngine(engine);
    const facts = await readIndexFacts(engine, config, alias);
    const questions = await readQuestionSet(order, packageVersion);
    const unknown = await checkDocuments(engine, order, questions);
    const question = await openQuestion(engine, facts.roles, order.template);
    let { metrics } = order;
    const door = await openDoor({ config, alias, contender });
    try {
      const legs = order.legs || metrics.some(({ reads }) => reads === 'legs') ? (door.window ?? depth) : null;
      metrics = withLegs(metrics, legs);
      requireDepth(metrics, { depth, legs });
      const run = await RunWriter.open(order.out, describeRun({ order, facts, questions, question, door, legs, opensearch: version }));
      try {
        await askQueries(questions.queries, run, {
          door,
          question,
          grades: questions.grades,
          kept: { title: facts.titleField, image: facts.imageField, group: order.groupField },
          depth,
          legs: legs !== null,
          concurrency: order.concurrency,
          rps: order.rps,
          stopAfter: order.stopAfter,
          folder: pictureFolder(order.queries),
          ...(order.onProgress ? { onProgress: order.onProgress } : {}),
        });
      } finally {
        await run.close();
      }
    } finally {
      await door.close();
    }
    return await reportRun(order.out, { metrics, documents: facts.documents, unjudged: questions.unjudged, unknown });
  } finally {
    await engine.close();
  }
}

function describeRun(of: {
  order: RunOrder;
  facts: IndexFacts;
  questions: QuestionSet;
  question: Question;
  door: SearchDoor;
  /** Ids kept of each leg at most; null = none. */
  legs: number | null;
  opensearch: string;
}): RunHeader {
  const { order, facts, questions, question, door, legs } = of;
  const plain = order.template === null;
  return {
    fuserank_run: 1,
    name: plain ? door.name : `${door.name}, ${question.name}`,
    created: new Date().toISOString(),
    depth: order.depth,
    configuration: {
      kind: plain ? order.contender.kind : 'template',
      name: plain ? door.name : question.name,
      sha256: hashOf([door.sha256, question.sha256]),
    },
    index: { alias: facts.alias, concrete: [...facts.concrete] },
    model: door.model,
    queries: questions.stamps.queries,
    judgments: questions.stamps.judgments,
    versions: { fuserank: packageVersion, opensearch: of.opensearch },
    seed: order.seed,
    ...(legs === null ? {} : { legs }),
    ...(order.groupField === null ? {} : { group_field: order.groupField }),
  };
}

/** Kept legs are measured: how much of what is relevant the retrievers found at all. */
function withLegs(metrics: readonly Metric[], legs: number | null): readonly Metric[] {
  return legs === null || metrics.some(({ reads }) => reads === 'legs') ? metrics : [...metrics, parseMetric(`leg_recall@${legs}`)];
}

/** A metric that looks deeper than the answers go would silently be another one. */
function requireDepth(metrics: readonly Metric[], { depth, legs }: { depth: number; legs: number | null }): void {
  for (const metric of metrics) {
    const [kept, remedy] = metric.reads === 'legs' ? [legs ?? 0, 'a leg is kept as deep as the window'] : [depth, '--depth asks for more'];
    const looksAt = cutoffOf(metric) ?? 0;
    if (looksAt > kept) throw new MetricError(`${metric.name} looks at ${looksAt} hits, but ${kept} are kept; ${remedy}`);
  }
}

/** How many judged documents the index does not hold. @throws InputInvalid with their lines, unless they are allowed */
async function checkDocuments(engine: EngineClient, order: RunOrder, { queries, grades }: QuestionSet): Promise<number> {
  const { alias: index, judgments } = order;
  const judged = [...new Set(queries.flatMap((query) => [...grades(query).keys()]))];
  const unknown = await findUnknownDocuments(engine, index, judged);
  if (unknown.length === 0 || order.allowUnknown) return unknown.length;
  throw await describeUnknownDocuments(unknown, { judged: judged.length, index, judgments });
}

function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join()).digest('hex');
}
