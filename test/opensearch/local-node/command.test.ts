import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../config/package-root.js';
import { PortTaken, requireFreePort } from '../../../opensearch/local-node/index.js';

async function listen(): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

describe('a port', () => {
  it('that is taken is refused before anything is started, a free one and 0 are not', async () => {
    const taken = await listen();
    await expect(requireFreePort(taken.port)).rejects.toThrow(PortTaken);
    await expect(requireFreePort(taken.port)).rejects.toThrow(`port ${taken.port} is taken: name another with --port`);
    await taken.close();
    await requireFreePort(taken.port);
    await requireFreePort(0);
  });
});

describe('fuserank local-node', () => {
  it('starts an OpenSearch at the port that was named, and ends it with itself', { timeout: 120_000 }, async () => {
    const free = await listen();
    await free.close();
    const { OPENSEARCH_URL: _given, ...env } = process.env;
    const command = spawn(process.execPath, ['--import', 'tsx', 'fuserank.ts', 'local-node', '--port', String(free.port)], {
      cwd: packageRoot,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [url] = (await once(createInterface({ input: command.stdout }), 'line')) as [string];
    expect(url).toBe(`http://127.0.0.1:${free.port}`);
    expect((await fetch(url)).status).toBe(200);
    command.kill('SIGTERM');
    expect(await once(command, 'exit')).toEqual([143, null]);
    await expect(fetch(url)).rejects.toThrow();
  });
});
