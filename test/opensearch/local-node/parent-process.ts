import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PARENT = fileURLToPath(new URL('parent.ts', import.meta.url));

/** Starts parent.ts and waits for the line in which it says what it started. */
export async function startParent(args: string[], env: NodeJS.ProcessEnv = process.env): Promise<{ parent: ChildProcess; said: string }> {
  const parent = spawn(process.execPath, ['--import', 'tsx', PARENT, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const said of createInterface({ input: parent.stdout })) return { parent, said };
  throw new Error(`the parent said nothing and ended with ${parent.exitCode}`);
}

/** Ends a process and waits until it is gone. */
export async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode === null && child.signalCode === null) {
    child.kill(signal);
    await gone;
  }
}

/** True while a process runs; one that has ended and only waits for its first process to notice is not alive. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const status = `/proc/${pid}/status`;
  return !existsSync(status) || !/^State:\s+Z/m.test(readFileSync(status, 'utf8'));
}

/** Waits until something holds; throws after 30 s, so that a test fails with its name. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await holds()) return;
    await sleep(50);
  }
  throw new Error(`waited 30 s in vain until ${what}`);
}
