import { Pool } from 'undici';

/** One timed answer. */
export interface TimedAnswer {
  /** From sending to the last byte, ms. */
  ms: number;
  /** `X-Fuserank`; empty straight from the engine. */
  label: string;
  /** `Server-Timing` by name, ms. */
  stages: ReadonlyMap<string, number>;
  bytes: number;
}

/** A client that keeps its connections, as a shop's back end does. */
export class SearchClient {
  readonly #pool: Pool;
  readonly #path: string;

  constructor(url: string, options: { path: string; connections: number }) {
    this.#pool = new Pool(url, { connections: options.connections, pipelining: 1 });
    this.#path = options.path;
  }

  /** @throws Error on anything but 200 */
  async search(body: object): Promise<TimedAnswer> {
    const payload = JSON.stringify(body);
    const began = performance.now();
    const response = await this.#pool.request({
      method: 'POST',
      path: this.#path,
      headers: { 'content-type': 'application/json' },
      body: payload,
    });
    const bytes = Buffer.from(await response.body.arrayBuffer());
    const ms = performance.now() - began;
    if (response.statusCode !== 200) throw new Error(`a search was answered ${response.statusCode}: ${bytes.toString('utf8', 0, 300)}`);
    const header = (name: string): string => String(response.headers[name] ?? '');
    return { ms, label: header('x-fuserank'), stages: parseServerTiming(header('server-timing')), bytes: bytes.length };
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

/** `rank;dur=1.2, engine;dur=3` → milliseconds by name. */
export function parseServerTiming(header: string): Map<string, number> {
  const entries = header.matchAll(/([\w-]+);dur=([\d.]+)/g);
  return new Map([...entries].map(([, name = '', ms = '']) => [name, Number(ms)]));
}

/** Closed loop: each connection asks as soon as it was answered, for so many seconds. */
export async function askInParallel(
  client: SearchClient,
  options: { connections: number; seconds: number; nextBody: () => object },
): Promise<{ answers: TimedAnswer[]; perSecond: number }> {
  const answers: TimedAnswer[] = [];
  const began = performance.now();
  const until = began + options.seconds * 1000;
  const lane = async (): Promise<void> => {
    while (performance.now() < until) answers.push(await client.search(options.nextBody()));
  };
  await Promise.all(Array.from({ length: options.connections }, lane));
  return { answers, perSecond: answers.length / ((performance.now() - began) / 1000) };
}
