import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SupervisedProcess } from './supervised-process.js';

/** A node ended, or did not become ready in time; the message carries the last lines of its log. */
export class NodeNotReady extends Error {
  override readonly name = 'NodeNotReady';
}

/** Two nodes on one folder would spoil each other's data. */
export class NodeRunsAlready extends Error {
  override readonly name = 'NodeRunsAlready';
  readonly exitCode = 8;
}

/**
 * Waits until the node answers, its cluster state is at least yellow and, if asked, it can make an index.
 * `address` gives its base address as soon as that is known. Throws {@link NodeNotReady}.
 */
export async function waitUntilReady(options: {
  process: SupervisedProcess;
  address: () => string | null;
  /** Make and delete an index: a Java cut to size starts well and then refuses each one. */
  makeIndex: boolean;
  timeoutMs: number;
}): Promise<string> {
  const { process, address, makeIndex, timeoutMs } = options;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (process.exitCode() !== null) throw new NodeNotReady(`OpenSearch ended while starting. ${tellLog(process.log)}`);
    const url = address();
    if (url !== null && (await isHealthy(url))) {
      if (makeIndex) await tryIndex(url);
      return url;
    }
    if (Date.now() > deadline) {
      throw new NodeNotReady(`OpenSearch was not ready within ${Math.round(timeoutMs / 1000)} s. ${tellLog(process.log)}`);
    }
    await sleep(100);
  }
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/_cluster/health?wait_for_status=yellow&timeout=2s`, { signal: AbortSignal.timeout(5000) });
    await response.arrayBuffer();
    return response.status === 200; // 408 while it waits
  } catch {
    return false; // not listening yet
  }
}

async function tryIndex(url: string): Promise<void> {
  const index = `${url}/fuserank-readiness`;
  const settings = { settings: { number_of_shards: 1, number_of_replicas: 0 } };
  const made = await fetch(index, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(settings) });
  const said = await made.text();
  if (!made.ok) throw new NodeNotReady(`OpenSearch starts with this Java but cannot make an index: ${said.slice(0, 500)}`);
  await (await fetch(index, { method: 'DELETE' })).arrayBuffer();
}

/** What went wrong, as a person would say it where the log's words are known, with the log's end. */
function tellLog(log: string): string {
  if (!existsSync(log)) return `It left no log at ${log}.`;
  const text = readFileSync(log, 'utf8');
  const known = /failed to obtain node locks/.test(text)
    ? 'Another node, perhaps on another machine, is using the same data: stop it, or choose another name.\n'
    : /OutOfMemoryError|Cannot allocate memory/.test(text)
      ? 'It needs about 1.5 GB of free memory.\n'
      : '';
  return `${known}The last lines of ${log}:\n${text.trimEnd().split('\n').slice(-15).join('\n')}`;
}
