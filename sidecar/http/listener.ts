import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { createHttpServer, type HttpDependencies } from './server.js';

export interface Listener {
  /** Where clients call, with the port that was found when 0 was configured. */
  readonly url: string;
  readonly adminUrl: string;
  /** Not ready at once, no new connections, what is under way finishes within `server.shutdownGraceMs`, the rest is cut. */
  close(): Promise<void>;
}

/** An address cannot be listened on. The message says which, why and what to do. */
export class CannotListen extends Error {
  override readonly name = 'CannotListen';
  readonly exitCode = 2;
}

const ADMIN_HOST = '127.0.0.1';

/** Opens the public port on `server.host` and the admin port on the loopback address. Throws CannotListen. */
export async function openListener(dependencies: HttpDependencies): Promise<Listener> {
  const { host, port, adminPort, shutdownGraceMs } = dependencies.config.server;
  const http = createHttpServer(dependencies);
  const doors = [watchSockets(http.server), watchSockets(http.admin)];
  const url = await listen(http.server, host, port, 'server.port');
  let adminUrl: string;
  try {
    adminUrl = await listen(http.admin, ADMIN_HOST, adminPort, 'server.adminPort');
  } catch (error) {
    http.server.close();
    throw error;
  }
  let closing: Promise<void> | null = null;
  return {
    url,
    adminUrl,
    close: () => {
      http.drain();
      closing ??= Promise.all(doors.map((door) => shut(door, shutdownGraceMs))).then(() => undefined);
      return closing;
    },
  };
}

function listen(server: Server, host: string, port: number, setting: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException): void => {
      reject(
        new CannotListen(
          `cannot listen on ${host}:${port} (${cause.code ?? cause.message}); free the port, or choose another with ${setting} (0 finds a free one)`,
          { cause },
        ),
      );
    };
    server.once('error', onError);
    server.listen(port, host, () => {
      server.off('error', onError);
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port;
      resolve(`http://${host.includes(':') ? `[${host}]` : host === '0.0.0.0' ? '127.0.0.1' : host}:${bound}`);
    });
  });
}

interface Door {
  readonly server: Server;
  /** Open sockets and how many requests each has under way. */
  readonly sockets: ReadonlyMap<Socket, number>;
}

/** Node's own list of idle connections leaves out those that have not asked anything yet. */
function watchSockets(server: Server): Door {
  const sockets = new Map<Socket, number>();
  server.on('connection', (socket) => {
    sockets.set(socket, 0);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    sockets.set(socket, (sockets.get(socket) ?? 0) + 1);
    response.once('close', () => {
      const before = sockets.get(socket);
      if (before !== undefined) sockets.set(socket, before - 1);
    });
  });
  return { server, sockets };
}

function shut({ server, sockets }: Door, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    for (const [socket, requests] of sockets) if (requests === 0) socket.destroy();
  });
}
