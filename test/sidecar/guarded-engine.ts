import { createServer, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';

/** One request that reached the engine, by whom, and the products its answer named. */
export interface GuardedArrival {
  readonly account: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly returnedIds: readonly string[];
}

/** Name and password of an account, and the query that every document it reads must match; null = it reads all. */
export interface Account {
  readonly password: string;
  readonly visible: object | null;
}

/**
 * A real OpenSearch behind document-level security, as its security plugin has it: requests are judged by their Basic
 * credentials, and the searches of an account see only what its query lets through.
 */
export async function guardEngine(engineUrl: string, accounts: Readonly<Record<string, Account>>) {
  const arrivals: GuardedArrival[] = [];
  const server = createServer((request, response) => {
    void answer(request).then(
      ({ status, type, body }) => {
        response.writeHead(status, {
          'content-type': type,
          ...(status === 401 ? { 'www-authenticate': 'Basic realm="OpenSearch Security"' } : {}),
        });
        response.end(body);
      },
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });

  async function answer(request: IncomingMessage): Promise<{ status: number; type: string; body: string }> {
    const packed = Buffer.from(await new Response(Readable.toWeb(request)).arrayBuffer());
    const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(packed) : packed).toString('utf8');
    const [name = '', password] = Buffer.from((request.headers.authorization ?? '').replace(/^Basic /, ''), 'base64')
      .toString('utf8')
      .split(':');
    const account = Object.hasOwn(accounts, name) ? accounts[name] : undefined;
    if (!account || account.password !== password) return { status: 401, type: 'text/plain; charset=UTF-8', body: 'Unauthorized' };
    const path = request.url ?? '/';
    const sent = account.visible === null ? body : restrict(path, body, account.visible);
    if (sent === null) return { status: 403, type: 'application/json', body: forbidden(path) };
    const answered = await fetch(`${engineUrl}${path}`, {
      method: request.method ?? 'GET',
      headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
      ...(sent === '' || request.method === 'GET' || request.method === 'HEAD' ? {} : { body: sent }),
    });
    const text = await answered.text();
    const returnedIds = [...text.matchAll(/"(?:_id|rank_key)":\[?"([^"]+)"/g)].map(([, id]) => id ?? '');
    arrivals.push({ account: name, method: request.method ?? 'GET', path, body, returnedIds });
    return { status: answered.status, type: answered.headers.get('content-type') ?? 'application/json', body: text };
  }

  const url = await new Promise<string>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (typeof address === 'object' && address !== null) resolve(`http://127.0.0.1:${address.port}`);
    });
  });
  return {
    url,
    arrivals,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The body with the account's filter around each query; null where the path is nothing that this stand-in can guard. */
function restrict(path: string, body: string, visible: object): string | null {
  const narrow = (search: { query?: unknown }): object => ({
    ...search,
    query: { bool: { must: [search.query ?? { match_all: {} }], filter: [visible] } },
  });
  if (/\/_search(\?|$)/.test(path)) return JSON.stringify(narrow(body === '' ? {} : (JSON.parse(body) as object)));
  if (!/\/_msearch(\?|$)/.test(path)) return null;
  const lines = body.trimEnd().split('\n');
  return `${lines.map((line, place) => (place % 2 === 0 ? line : JSON.stringify(narrow(JSON.parse(line) as object)))).join('\n')}\n`;
}

function forbidden(path: string): string {
  const cause = { type: 'security_exception', reason: `no permissions for [indices:data/read] and ${path}` };
  return JSON.stringify({ error: { root_cause: [cause], ...cause }, status: 403 });
}
