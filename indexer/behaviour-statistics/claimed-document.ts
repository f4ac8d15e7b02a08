import { randomUUID } from 'node:crypto';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { z } from 'zod';
import type { EngineClient } from '../../opensearch/connection.js';
import { askEngine, indexPath } from '../../opensearch/engine-request.js';

/** Another run holds what this one needs. */
export class RunUnderWay extends Error {
  override readonly name = 'RunUnderWay';
  readonly exitCode = 8;
}

/** A run that has not renewed its claim for so long is taken to be dead. */
const ABANDONED_MS = 120_000;
const RENEW_MS = 20_000;
const LONGEST_WAIT_MS = 10_000;

/** A document that one run at a time may change. */
interface Claimable {
  run: { owner: string; renewed: string } | null;
}

const storedSchema = z.object({ found: z.boolean(), _source: z.unknown(), _seq_no: z.int().optional(), _primary_term: z.int().optional() });
const writtenSchema = z.object({ _seq_no: z.int(), _primary_term: z.int() });

interface Place {
  client: EngineClient;
  index: string;
  id: string;
}
interface Version {
  seqNo: number;
  term: number;
}

/** Reads the document; null when it is not there. */
export async function readClaimable<Content extends Claimable>(
  { client, index, id }: Place,
  schema: z.ZodType<Content>,
): Promise<{ content: Content; version: Version } | null> {
  const request = { method: 'GET' as const, path: indexPath(index, '_doc', encodeURIComponent(id)) };
  let answer = await askEngine(client, { ...request, expect: [404, 503] });
  // An index that another run has just made takes a moment to open.
  for (let wait = 50; answer.status === 503; wait *= 2) {
    await sleepFor(wait);
    answer = await askEngine(client, { ...request, expect: wait < LONGEST_WAIT_MS ? [404, 503] : [404] });
  }
  const stored = answer.status === 404 ? null : storedSchema.parse(answer.body);
  if (!stored?.found) return null;
  return { content: schema.parse(stored._source), version: { seqNo: stored._seq_no ?? 0, term: stored._primary_term ?? 0 } };
}

/**
 * A claim on a document, renewed until it is released. Every write is bound to the version that was read: a run that lost its claim, asleep
 * or cut off for minutes, cannot write over the one that took it.
 */
export class Claim<Content extends Claimable> {
  readonly #owner = randomUUID();
  readonly #lost = new AbortController();
  #renewing: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;

  private constructor(
    private readonly place: Place,
    /** As stored, apart from `run`. */
    private content: Content,
    private version: Version | null,
  ) {}

  /**
   * @param begin the content for this run, from what is stored
   * @throws RunUnderWay when another run holds it
   */
  static async take<Content extends Claimable>(
    place: Place,
    schema: z.ZodType<Content>,
    begin: (stored: Content | null) => Content,
  ): Promise<Claim<Content>> {
    const stored = await readClaimable(place, schema);
    const run = stored?.content.run ?? null;
    if (run !== null && Date.now() - Date.parse(run.renewed) < ABANDONED_MS) throw underWay(place.id, run);
    const claim = new Claim(place, begin(stored?.content ?? null), stored?.version ?? null);
    await claim.#renew();
    claim.#keepRenewing();
    return claim;
  }

  /** The content as it stands. */
  get held(): Content {
    return this.content;
  }

  /** Aborts when another run has taken over. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Writes new content and keeps the claim. @throws RunUnderWay when it was lost */
  async commit(content: Content): Promise<void> {
    await this.#pause();
    this.content = content;
    await this.#renew();
    this.#keepRenewing();
  }

  /** Gives the claim up; what was committed stays. */
  async release(): Promise<void> {
    await this.#pause();
    if (!this.signal.aborted) await this.#write(null);
  }

  /** Removes the document, and with it the claim. */
  async remove(): Promise<void> {
    await this.#pause();
    const { client, index, id } = this.place;
    await askEngine(client, {
      method: 'DELETE',
      path: indexPath(index, '_doc', encodeURIComponent(id)),
      query: { ...this.#condition(), refresh: 'true' },
      expect: [404, 409],
    });
  }

  #keepRenewing(): void {
    this.#timer = setInterval(() => {
      // A renewal that fails is tried again; only a conflict, which aborts, says that the claim is lost.
      this.#renewing = this.#renewing.then(() => (this.signal.aborted ? undefined : this.#renew())).catch(() => undefined);
    }, RENEW_MS).unref();
  }

  #renew(): Promise<void> {
    return this.#write({ owner: this.#owner, renewed: new Date().toISOString() });
  }

  async #pause(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    await this.#renewing;
  }

  async #write(run: Claimable['run']): Promise<void> {
    const { client, index, id } = this.place;
    const answer = await askEngine(client, {
      method: 'PUT',
      path: indexPath(index, '_doc', encodeURIComponent(id)),
      query: { ...this.#condition(), refresh: 'true' },
      body: { ...this.content, run },
      expect: [409],
    });
    if (answer.status === 409) {
      const taken = underWay(id, null);
      this.#lost.abort(taken);
      throw taken;
    }
    const { _seq_no, _primary_term } = writtenSchema.parse(answer.body);
    this.version = { seqNo: _seq_no, term: _primary_term };
    this.content = { ...this.content, run };
  }

  #condition(): Record<string, string> {
    if (this.version === null) return { op_type: 'create' };
    return { if_seq_no: String(this.version.seqNo), if_primary_term: String(this.version.term) };
  }
}

function underWay(id: string, run: Claimable['run']): RunUnderWay {
  const since = run === null ? '' : `, seen last at ${run.renewed}`;
  return new RunUnderWay(
    `another run works on ${id}${since}; wait for it to end (one that was cut off is given up ${ABANDONED_MS / 60_000} minutes after it was seen last)`,
  );
}
