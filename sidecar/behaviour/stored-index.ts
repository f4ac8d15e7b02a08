import type { Upstream } from '../../opensearch/upstream.js';

/** An index of behaviour refused us. The message says what the engine said, without the values it quotes. */
export class BehaviourIndexError extends Error {
  override readonly name = 'BehaviourIndexError';
  constructor(
    index: string,
    action: string,
    readonly status: number,
    answer: string,
  ) {
    super(`${index}: could not ${action}: the engine answered ${status} ${withoutQuotes(answer).slice(0, 300)}`);
  }
}

/** The engine quotes what it cannot map, and a log must not hold what shoppers did. */
export function withoutQuotes(text: string): string {
  return text.replace(/Preview of field's value: '[^']*'|For input string: \\*"[^"]*"/g, 'value not shown');
}

export interface IndexAnswer {
  readonly status: number;
  readonly text: string;
}

/** An index that is made where it is missing, asked with the credentials of the Upstream it is given. */
export class StoredIndex {
  #ready: Promise<void> | null = null;

  constructor(
    readonly name: string,
    private readonly upstream: Upstream,
    private readonly body: () => object,
  ) {}

  /** Creates the index unless something answers to its name. */
  ensure(): Promise<void> {
    this.#ready ??= this.#create().catch((error: unknown) => {
      this.#ready = null;
      throw error;
    });
    return this.#ready;
  }

  async #create(): Promise<void> {
    const found = await this.send('HEAD', '');
    if (found.status === 200) return;
    const made = await this.send('PUT', '', { body: this.body() });
    if (made.status >= 300 && !made.text.includes('resource_already_exists_exception')) throw this.error('create the index', made);
  }

  /** Makes what was written until now be seen by searches. */
  async refresh(): Promise<void> {
    const answer = await this.send('POST', '/_refresh?ignore_unavailable=true');
    if (answer.status >= 300 && answer.status !== 404) throw this.error('refresh', answer);
  }

  /** @param path what follows the index's name @param options.body an object, or lines of NDJSON @param options.index one behind the name */
  async send(
    method: string,
    path: string,
    options: { body?: object | string | undefined; signal?: AbortSignal | undefined; index?: string } = {},
  ): Promise<IndexAnswer> {
    const { body, signal, index } = options;
    const ndjson = typeof body === 'string';
    const answer = await this.upstream.send({
      method,
      path: `/${encodeURIComponent(index ?? this.name)}${path}`,
      headers: body === undefined ? {} : { 'content-type': ndjson ? 'application/x-ndjson' : 'application/json' },
      ...(body === undefined ? {} : { body: ndjson ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    return { status: answer.status, text: answer.body.toString('utf8') };
  }

  error(action: string, answer: IndexAnswer): BehaviourIndexError {
    return new BehaviourIndexError(this.name, action, answer.status, answer.text);
  }
}
