import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { z } from 'zod';
import { packageVersion } from '../../config/package-root.js';
import { FEATURE_SET_HASH } from '../../models/feature-set.js';
import { askQueries } from '../../tuning/evaluate/evaluation.js';
import { plainQuestion, type Question } from '../../tuning/evaluate/question.js';
import { evaluatedProfile, openDoor, type Contender } from '../../tuning/evaluate/search-door.js';
import { RunMismatch, RunWriter } from '../../tuning/run/run-file.js';
import type { RunHeader } from '../../tuning/run/run-line.js';
import { stampRanker } from './file-stamp.js';
import { keepWork, readKeptWork, writeStamp, type WorkStamp } from './kept-work.js';
import type { MeasuredPack } from './measured-pack.js';

/** One way to answer the queries. */
export interface System {
  /** As tables name it; also names its run file. */
  readonly name: string;
  readonly contender: Contender;
  /** Null: the search that a shop starts from, as `fuserank evaluate` asks it without a template. */
  readonly question?: Question;
  /** Keep what each retriever found. */
  readonly legs?: boolean;
  /** Hits asked for and kept; {@link DEPTH} where nothing is said. */
  readonly depth?: number;
}

export const FIRST_PHASE: Contender = { kind: 'first-phase' };

/** The sidecar, anonymous or for the query's own history; a ranker, a blend, a profile other than the pack's where they are given. */
export function ranked({
  ranker = null,
  blend = null,
  profile = null,
}: { ranker?: string | null; blend?: number | null; profile?: string | null } = {}): Contender {
  return { kind: 'fuserank', url: null, profile, ranker, blend };
}

/** Twice as deep as the deepest metric that is not of retrieval. */
const DEPTH = 20;
/** Ids of each leg that are kept. */
const LEGS = 200;
const SEED = 20;
const CONCURRENCY = 2;

/**
 * Asks every query of a pack, once: a run file that is there and was made of the same is taken, one that was cut off is gone on with.
 * @returns the run file; null where it is not there and nothing may be asked
 * @throws Error when a query failed: no figure may leave one out unseen
 */
export async function askSystem(system: System, order: { pack: MeasuredPack; out: string }): Promise<string | null> {
  const { pack, out } = order;
  const question = system.question ?? plainQuestion(pack.facts.roles);
  const stamp = {
    ...pack.seen,
    ...(await stampContender(system.contender, pack)),
    question: question.sha256,
    questions: pack.questions.stamps,
    depth: system.depth ?? DEPTH,
    legs: system.legs === true,
    fuserank: [packageVersion, FEATURE_SET_HASH],
  };
  const kept = { file: `${out}.json`, stamp, result: z.object({}), isThere: () => existsSync(out) };
  if (pack.run.present) return (await readKeptWork(kept)) === null ? null : out;
  await keepWork({
    ...kept,
    make: async () => {
      const started = performance.now();
      await ask(system, { ...order, question, sha256: createHash('sha256').update(writeStamp(stamp)).digest('hex') });
      const seconds = (performance.now() - started) / 1000;
      pack.run.tell(`${pack.alias}: ${system.name}: ${pack.questions.queries.length} queries in ${seconds.toFixed(0)} s`);
      return {};
    },
  });
  return out;
}

async function stampContender(contender: Contender, { config, alias }: MeasuredPack): Promise<WorkStamp> {
  if (contender.kind === 'first-phase') return { contender };
  const profile = evaluatedProfile(config, alias, contender);
  return { contender, profile, ranker: await stampRanker(profile.ranker) };
}

async function ask(
  system: System,
  { pack, out, question, sha256 }: { pack: MeasuredPack; out: string; question: Question; /** Of the stamp. */ sha256: string },
): Promise<void> {
  const { alias, config, facts, questions } = pack;
  const { legs = false, depth = DEPTH } = system;
  const door = await openDoor({ config, alias, contender: system.contender });
  try {
    const writer = await openWriter(out, {
      fuserank_run: 1,
      name: system.name,
      created: new Date().toISOString(),
      depth,
      configuration: { kind: system.contender.kind, name: system.name, sha256 },
      index: { alias, concrete: [...facts.concrete] },
      model: door.model,
      queries: questions.stamps.queries,
      judgments: questions.stamps.judgments,
      versions: { fuserank: packageVersion, opensearch: pack.opensearch },
      seed: SEED,
      ...(legs ? { legs: LEGS } : {}),
    });
    try {
      await askQueries(questions.queries, writer, {
        door,
        question,
        grades: questions.grades,
        kept: { title: null, image: null, group: null },
        depth,
        legs,
        concurrency: CONCURRENCY,
        rps: null,
        stopAfter: 20,
        folder: pack.folder,
      });
    } finally {
      await writer.close();
    }
  } finally {
    await door.close();
  }
}

/** Goes on with the file where it is of the same run, else begins it anew. */
async function openWriter(out: string, header: RunHeader): Promise<RunWriter> {
  try {
    return await RunWriter.open(out, header);
  } catch (error) {
    if (!(error instanceof RunMismatch)) throw error;
    await rm(out);
    return RunWriter.open(out, header);
  }
}
