import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitUntilReady } from '../../../opensearch/local-node/readiness.js';

let folder: string;
const toClose: (() => void)[] = [];
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'fuserank-ready-'))));
afterEach(() => {
  for (const close of toClose.splice(0)) close();
  rmSync(folder, { recursive: true, force: true });
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  toClose.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A process that runs, or has ended with a code and these words in its log. */
function processOf(exitCode: number | null = null, log?: string) {
  const file = join(folder, 'node.log');
  if (log !== undefined) writeFileSync(file, log);
  return { log: file, exitCode: () => exitCode, stop: () => Promise.resolve() };
}

describe('waiting for a node', () => {
  it('lasts until it has an address, a yellow state and, if asked, an index made and deleted', async () => {
    const seen: string[] = [];
    const url = await serve((request, response) => {
      const step = `${request.method} ${request.url?.split('?')[0]}`;
      seen.push(step);
      response.writeHead(seen.length === 1 ? 408 : 200).end('{}');
    });
    let asked = 0;
    const address = () => (asked++ < 2 ? null : url);
    await expect(waitUntilReady({ process: processOf(), address, makeIndex: true, timeoutMs: 60_000 })).resolves.toBe(url);
    const health = 'GET /_cluster/health';
    expect(seen).toEqual([health, health, 'PUT /fuserank-readiness', 'DELETE /fuserank-readiness']);
  });

  it('ends with the engine’s words when it cannot make an index', async () => {
    const url = await serve((request, response) => {
      if (request.method === 'PUT') response.writeHead(400).end('Failed to build analyzers: [thai]');
      else response.end('{}');
    });
    const ready = waitUntilReady({ process: processOf(), address: () => url, makeIndex: true, timeoutMs: 60_000 });
    await expect(ready).rejects.toThrow(/cannot make an index: Failed to build analyzers: \[thai\]/);
  });

  it('ends with the last lines of the log, and a plain word where it is known', async () => {
    const wait = (log?: string) => waitUntilReady({ process: processOf(1, log), address: () => null, makeIndex: false, timeoutMs: 60_000 });
    await expect(wait('one\ntwo\n')).rejects.toThrow(/ended while starting[^]*one\ntwo/);
    await expect(wait('x: failed to obtain node locks, tried [/data]')).rejects.toThrow(/choose another name/);
    await expect(wait('java.lang.OutOfMemoryError')).rejects.toThrow(/1\.5 GB/);
  });

  it('ends when the time is over', async () => {
    const wait = waitUntilReady({ process: processOf(null, 'still loading'), address: () => null, makeIndex: false, timeoutMs: 10 });
    await expect(wait).rejects.toThrow(/not ready within[^]*still loading/);
  });
});
