import { createServer } from 'node:net';

/** Something listens there already. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken';
  readonly exitCode = 2;
}

/** Resolves when a loopback port can be had, so that nothing is started in vain. 0 always can. @throws PortTaken */
export function requireFreePort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', () => reject(new PortTaken(`port ${port} is taken: name another with --port, or --port 0 for a free one`)));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
  });
}
