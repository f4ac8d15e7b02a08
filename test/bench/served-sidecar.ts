import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { packageRoot } from '../../config/package-root.js';
import { childrenOf } from './process-usage.js';

/** `fuserank serve` as a process of its own, as an operator runs it. */
export interface ServedSidecar {
  url: string;
  pid: number;
  scorerPids: number[];
  /** From spawning to the first 200 of /readyz. */
  readyMs: number;
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 60_000;
/** How often readiness is asked; also the resolution of the figure. */
const ASK_EVERY_MS = 10;

/**
 * Starts the compiled command with a configuration file and waits until it is ready.
 * @param options.nodeArguments arguments for node itself, such as `--cpu-prof`
 * @throws Error with what it said when it ends before that
 */
export async function serveSidecar(options: { configFile: string; nodeArguments?: readonly string[] }): Promise<ServedSidecar> {
  const began = performance.now();
  const command = join(packageRoot, 'dist', 'fuserank.js');
  const child = spawn(process.execPath, [...(options.nodeArguments ?? []), command, 'serve', '--config', options.configFile, '--no-ui'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const url = await readAddress(child);
  for (;;) {
    const status = await fetch(`${url}/readyz`).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200) break;
    if (performance.now() - began > READY_WITHIN_MS) throw new Error(`the sidecar at ${url} was not ready within ${READY_WITHIN_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
  const readyMs = performance.now() - began;
  const pid = child.pid ?? 0;
  return { url, pid, scorerPids: childrenOf(pid), readyMs, stop: () => stopChild(child) };
}

/** The address that it writes once it listens; everything else that it says is passed on. */
function readAddress(child: ChildProcess): Promise<string> {
  const said: string[] = [];
  return new Promise((resolve, reject) => {
    if (!child.stderr) throw new Error('the sidecar has no standard error to read');
    createInterface({ input: child.stderr }).on('line', (line) => {
      const address = /^fuserank ranks .* at (http:\S+)$/.exec(line)?.[1];
      if (address) resolve(address);
      else if (!line.startsWith('admin at')) process.stderr.write(`${line}\n`);
      said.push(line);
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`fuserank serve ended with ${code}:\n${said.join('\n')}`)));
  });
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  await gone;
}
