import type { SkipReason } from '../search-request.js';

/** The engine's answer to one search: to the request, or to one of the searches in it. */
export interface OwnAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** A search that is looked after while the engine answers it. */
export interface SearchUnderWay {
  /** The engine's answer will be read and cut: it must come in plain text. */
  readonly readsAnswer: boolean;
  /**
   * Ranks the engine's answer. A fault of ours ends in the engine's own order; throws only when the client has left.
   * @param spentMs what is gone of the budget since the answer came
   */
  rank(answer: OwnAnswer, spentMs?: number): Promise<RankedAnswer>;
  /** To be called once nothing more is wanted: what is still running is told to stop. */
  close(): void;
}

export interface RankedAnswer {
  readonly body: Buffer;
  /** `model=…; window=…`; null = in the engine's order. */
  readonly applied: string | null;
  /** Null where it was applied. */
  readonly reason: SkipReason | null;
}

/** As `X-Fuserank` says it. */
export function labelOf({ applied, reason }: RankedAnswer): string {
  return applied === null ? `skipped; reason=${reason}` : `applied; ${applied}`;
}
