import { EngineUnreachable } from '../../opensearch/engine-unreachable.js';
import { LegFailed } from '../retrieve.js';
import { ScorerFailure } from '../scorer.js';
import type { SkipReason } from '../search-request.js';

/** Ranking gave up; the shopper gets the engine's own order, and the header says why. */
export class Skipped extends Error {
  readonly reason: SkipReason;
  constructor(reason: SkipReason, detail: string) {
    super(detail);
    this.name = 'Skipped';
    this.reason = reason;
  }
}

/** What went wrong, as the reason that the shopper's stack is told. */
export function asSkipped(error: unknown): Skipped {
  if (error instanceof Skipped) return error;
  if (error instanceof ScorerFailure) return new Skipped(error.reason, error.message);
  if (error instanceof LegFailed || error instanceof EngineUnreachable) return new Skipped('legs_failed', error.message);
  return new Skipped('internal', error instanceof Error ? error.message : String(error));
}
