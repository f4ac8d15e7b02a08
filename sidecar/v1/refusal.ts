import type { ScorerFailure } from '../scorer.js';
import type { UpstreamAnswer } from '../../opensearch/upstream.js';

/** A request to one of our own routes that can't be answered as it is; the message names the fix. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';
  /** `bad`: the request is wrong; `absent`: there is no such product; `unable`: the sidecar can't do it now. */
  readonly kind: 'bad' | 'absent' | 'unable';

  constructor(kind: RequestRefused['kind'], message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.kind = kind;
  }
}

/** A failure of the scorers as the caller is told it: by its public reason; what else it says is for the log. */
export function refuseUnscored(failure: ScorerFailure): RequestRefused {
  return new RequestRefused('unable', `the scorers can not do their part (${failure.reason}); try again`, { cause: failure });
}

/** What OpenSearch answered to a search in the client's name is an error; it goes back as it is. */
export class EngineRefused extends Error {
  override readonly name = 'EngineRefused';

  constructor(readonly answer: UpstreamAnswer) {
    super(`OpenSearch answered ${answer.status}`);
  }
}
