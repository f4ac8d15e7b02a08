import { randomUUID } from 'node:crypto';
import type { Config, Profile } from '../../config/schema.js';
import { serviceHeaders } from '../../opensearch/connection.js';
import { openUpstream, type Upstream } from '../../opensearch/upstream.js';
import type { LoggedList, ScoredInput, Sidecar } from '../../sidecar/index.js';
import { describeQuery } from '../asked-query.js';
import { evaluatedProfile, sendSearch, UNHURRIED_MS, withRanking } from '../evaluate/search-door.js';
import type { Question } from '../evaluate/question.js';
import type { EvaluatedQuery } from '../formats/queries/queries.js';
import { startOwnSidecar } from '../own-sidecar.js';

/** So many searches in a row gave no list that going on would only load a target that can't answer. */
export class AskingStopped extends Error {
  override readonly name = 'AskingStopped';
  readonly exitCode = 7;
}

/** The list of a search as it was ranked, or the reason why there is none. */
export type AskedList =
  { readonly list: LoggedList; readonly scored: ScoredInput | null } | { readonly reason: string; readonly faulty: boolean };

interface Kept {
  readonly list: LoggedList;
  readonly scored: ScoredInput | null;
}

const STOP_AFTER = 20;
const OWN_PROFILE = 'rows';

/** A sidecar of our own that gives the lists it ranked, with every column: the very code that serves. */
export class ListDoor {
  readonly #sidecar: Sidecar;
  readonly #upstream: Upstream;
  readonly #config: Config;
  readonly #alias: string;
  readonly #lists: Map<string, Kept>;

  private constructor(parts: { sidecar: Sidecar; upstream: Upstream; config: Config; alias: string; lists: Map<string, Kept> }) {
    this.#sidecar = parts.sidecar;
    this.#upstream = parts.upstream;
    this.#config = parts.config;
    this.#alias = parts.alias;
    this.#lists = parts.lists;
  }

  /**
   * @param options.profile by name; null = the one of the alias, else the defaults
   * @param options.withInputs also give what a ranker is fed
   * @throws ProfileUnknown, ScorerRefused
   */
  static async open(options: { config: Config; alias: string; profile: string | null; withInputs?: boolean }): Promise<ListDoor> {
    const { config, alias, withInputs = false } = options;
    const lists = new Map<string, Kept>();
    const served = evaluatedProfile(config, alias, { profile: options.profile, ranker: null });
    const sidecar = await startOwnSidecar(
      config,
      { [OWN_PROFILE]: scoring(served) },
      { withInputs, onRankedList: (list, scored) => void lists.set(list.query_id ?? '', { list, scored }) },
    );
    return new ListDoor({ sidecar, upstream: openUpstream({ ...config.opensearch, nodes: [sidecar.url] }), config, alias, lists });
  }

  async ask(query: EvaluatedQuery, { question, folder }: { question: Question; folder: string }): Promise<AskedList> {
    const id = randomUUID();
    const ranking = { ...(await describeQuery(query, folder)), profile: OWN_PROFILE, query_id: id, budget_ms: UNHURRIED_MS };
    const body = { ...(await question.ask(query, 1)), size: 1, _source: false };
    const answer = await sendSearch(this.#upstream, this.#alias, withRanking(body, ranking), serviceHeaders(this.#config.opensearch));
    const kept = this.#lists.get(id);
    this.#lists.delete(id);
    if (kept) return kept.list.missing === 0 ? kept : { reason: 'products_not_read', faulty: true };
    const reason = /reason=(\w+)/.exec(answer.label)?.[1] ?? `status_${answer.status}`;
    return { reason, faulty: reason !== 'no_hits' };
  }

  async close(): Promise<void> {
    await this.#upstream.close();
    await this.#sidecar.close();
  }
}

/** A question with whatever belongs to it. */
export interface Asking {
  readonly query: EvaluatedQuery;
}

/**
 * Asks question by question, `concurrency` at once, and gives the lists in the questions' order.
 * @throws AskingStopped after 20 failures in a row
 */
export async function* askLists<Own extends Asking>(
  askings: Iterable<Own> | AsyncIterable<Own>,
  options: { door: ListDoor; question: Question; folder: string; concurrency: number },
): AsyncGenerator<{ asking: Own; asked: AskedList }> {
  const under: { asking: Own; asked: Promise<AskedList> }[] = [];
  let failures = 0;
  const next = async (): Promise<{ asking: Own; asked: AskedList } | null> => {
    const first = under.shift();
    if (!first) return null;
    const asked = await first.asked;
    failures = 'reason' in asked && asked.faulty ? failures + 1 : 0;
    if (failures >= STOP_AFTER && 'reason' in asked) {
      throw new AskingStopped(
        `stopped after ${failures} searches in a row that were not ranked, the last: ${asked.reason}; nothing is written`,
      );
    }
    return { asking: first.asking, asked };
  };
  for await (const asking of askings) {
    const asked = options.door.ask(asking.query, options);
    asked.catch(() => undefined); // awaited in its turn
    under.push({ asking, asked });
    const ready = under.length >= options.concurrency ? await next() : null;
    if (ready) yield ready;
  }
  for (let ready = await next(); ready; ready = await next()) yield ready;
}

/** The first phase and shuffling score nothing, and a blend of 0 asks for nothing to be scored: columns need a ranker. */
function scoring(profile: Profile): Profile {
  const ranker = profile.ranker === 'first-phase' || profile.ranker === 'shuffle' ? 'builtin' : profile.ranker;
  return { ...profile, ranker, blend: 1 };
}
