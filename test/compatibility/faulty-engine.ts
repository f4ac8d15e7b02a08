import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { call } from '../sidecar/http-rig.js';

/** A request as the stand-in sees it. */
export interface EngineRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** What goes wrong, and for which requests. */
export interface Fault {
  readonly meets: (request: EngineRequest) => boolean;
  /** Answers in the engine's place; `honest` is what the engine would have said. */
  readonly answer: (
    response: ServerResponse,
    honest: () => Promise<{ status: number; type: string; body: string }>,
  ) => Promise<void> | void;
}

/** A server that stands for the engine: it hands everything on to a real one, but for the fault it was told to have. */
export interface FaultyEngine {
  readonly url: string;
  /** Null: be honest again. */
  arm(fault: Fault | null): void;
  /** Closes every idle connection, as an engine or a balancer does after a while. */
  dropIdle(): void;
  close(): Promise<void>;
}

export async function openFaultyEngine(engineUrl: string): Promise<FaultyEngine> {
  let armed: Fault | null = null;
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bytesOf(request);
    const path = request.url ?? '/';
    const method = request.method ?? 'GET';
    const { 'content-length': _length, 'transfer-encoding': _encoding, connection: _connection, host: _host, ...headers } = request.headers;
    const forwarded = Object.fromEntries(
      Object.entries(headers).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined),
    );
    const ask = () => call(engineUrl, path, { method, headers: forwarded, ...(body.length > 0 ? { body } : {}) });
    if (armed?.meets({ method, path, body: body.toString('utf8') })) {
      await armed.answer(response, async () => {
        const { status, headers: got, text } = await ask();
        return { status, type: got['content-type'] ?? '', body: text };
      });
      return;
    }
    const answer = await ask();
    const { connection: _hop, 'transfer-encoding': _chunked, ...kept } = answer.headers;
    response.writeHead(answer.status, { ...kept, 'content-length': answer.body.length }).end(answer.body);
  };
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the stand-in for the engine has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    arm: (fault) => void (armed = fault),
    dropIdle: () => server.closeIdleConnections(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
