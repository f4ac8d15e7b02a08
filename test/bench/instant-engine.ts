import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { seedStream } from '../../models/random-stream.js';

/** Looks like an OpenSearch with one index, and answers every search at once with a list that is written already. */
export interface InstantEngine {
  readonly url: string;
  /** Searches answered since it was opened. */
  searches(): number;
  /** Answers from now on come in another order. */
  turnLists(): void;
  close(): Promise<void>;
}

/** Lists that take turns, so that not every line of a run is the same. */
const LISTS = 64;

/** Ids of the products that lists are made of. */
export function productId(number: number): string {
  return `product-${String(number).padStart(6, '0')}`;
}

export async function openInstantEngine(options: { index: string; hits: number; products: number; seed: number }): Promise<InstantEngine> {
  let searches = 0;
  let lists = writeLists(options);
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.once('end', () => {
      const looksUp = parts[0]?.includes('"ids"') === true;
      const { status, body } = looksUp ? lookUp() : request.url?.includes('_search') === true ? search() : describe(request.url ?? '/');
      response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
    });
  };
  const search = (): { status: number; body: Buffer } => {
    const body = lists[searches % LISTS] ?? Buffer.alloc(0);
    searches += 1;
    return { status: 200, body };
  };
  const lookUp = (): { status: number; body: Buffer } => {
    const all = Array.from({ length: options.products }, (_, number) => ({ _index: options.index, _id: productId(number) }));
    return { status: 200, body: Buffer.from(JSON.stringify({ hits: { hits: all } })) };
  };
  const describe = (url: string): { status: number; body: Buffer } => {
    const mappings = { properties: { title: { type: 'text' } } };
    const known: [RegExp, unknown][] = [
      [/_mapping/, { [options.index]: { mappings } }],
      [/_count/, { count: options.products, _shards: { total: 1, successful: 1, skipped: 0, failed: 0 } }],
      [/_cat/, []],
      [/./, { name: 'instant', version: { number: '3.6.0', distribution: 'opensearch' } }],
    ];
    return { status: 200, body: Buffer.from(JSON.stringify(known.find(([path]) => path.test(url))?.[1] ?? {})) };
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the instant engine has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    searches: () => searches,
    turnLists: () => {
      lists = writeLists({ ...options, seed: options.seed + 1 });
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function writeLists({ hits, products, seed }: { hits: number; products: number; seed: number }): Buffer[] {
  const next = seedStream(seed);
  return Array.from({ length: LISTS }, () => {
    const ids = new Set<string>();
    while (ids.size < hits) ids.add(productId(Math.floor(next() * products)));
    const list = [...ids].map((id, place) => ({
      _index: 'bench',
      _id: id,
      _score: hits - place,
      _source: { title: `A product named ${id}` },
    }));
    return Buffer.from(
      JSON.stringify({ took: 0, timed_out: false, hits: { total: { value: hits, relation: 'eq' }, max_score: hits, hits: list } }),
    );
  });
}
