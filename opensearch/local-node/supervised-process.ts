import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';

/** What to run, in a folder of its own. */
export interface Launch {
  command: string;
  args: string[];
  /** The folder of this run: holds its log and, while it lives, the file that says so. */
  folder: string;
  env: Record<string, string>;
  /** User and group to run as; null: ours. */
  uid: number | null;
  /** Between asking it to end and ending it. */
  graceMs: number;
  /** Delete the folder after an end that was asked for. */
  removeFolder: boolean;
  /** A command to run when the program has ended, however it ended. */
  afterwards: string[] | null;
}

/** A program that cannot outlive us: see supervisor.mjs. It does not keep our own process alive either. */
export interface SupervisedProcess {
  /** Where the program's output goes. */
  log: string;
  /** Null while it runs, then its exit code; 0 also after {@link SupervisedProcess.stop}. */
  exitCode(): number | null;
  /** Asks it to end and waits until it has. Calling it again is harmless. */
  stop(): Promise<void>;
}

const OWNER_FILE = 'owner.json';
const ownerSchema = z.object({ host: z.string(), supervisor: z.number(), program: z.number().nullable() });

export function startSupervised(launch: Launch): SupervisedProcess {
  const log = join(launch.folder, 'node.log');
  const order = {
    command: launch.command,
    args: launch.args,
    cwd: launch.folder,
    env: launch.env,
    uid: launch.uid,
    log,
    graceMs: launch.graceMs,
    owner: join(launch.folder, OWNER_FILE),
    remove: launch.removeFolder ? launch.folder : null,
    afterwards: launch.afterwards,
  };
  const supervisor = spawn(process.execPath, [join(packageRoot, 'opensearch/local-node/supervisor.mjs')], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    windowsHide: true,
  });
  let exitCode: number | null = null;
  const ended = new Promise<void>((resolve) => {
    supervisor.on('error', () => {
      exitCode ??= 127;
      resolve();
    });
    supervisor.on('exit', (code, signal) => {
      exitCode = code ?? 1;
      // Somebody killed the supervisor: the program is ours to end.
      if (signal !== null) killProgram(launch.folder);
      resolve();
    });
  });
  supervisor.unref();
  if (supervisor.stdin instanceof Socket) supervisor.stdin.unref();
  supervisor.stdin.on('error', () => undefined); // it ended first; 'exit' tells
  // Through the pipe and not as an argument: the order carries an environment, which other users must not read.
  supervisor.stdin.write(`${JSON.stringify(order)}\n`);

  return {
    log,
    exitCode: () => exitCode,
    stop: async () => {
      supervisor.ref();
      supervisor.stdin.end();
      if (exitCode === null) await ended;
    },
  };
}

function killProgram(folder: string): void {
  const program = readOwner(folder)?.program ?? null;
  if (program === null) return;
  try {
    process.kill(program, 'SIGKILL');
  } catch {
    // It ended with its supervisor.
  }
}

/** True while a program that was started in this folder, on this host, has its supervisor. */
export function isRunAlive(folder: string): boolean {
  const owner = readOwner(folder);
  return owner !== null && owner.host === hostname() && isAlive(owner.supervisor);
}

const HOUR_MS = 3600 * 1000;

/**
 * Deletes the run folders that a machine's sudden end left in `parent`: those whose supervisor, on this host, is dead,
 * and those that never got one. A folder of another host (a shared cache) is left to that host.
 */
export function removeDeadRuns(parent: string): void {
  if (!existsSync(parent)) return;
  for (const name of readdirSync(parent)) {
    const folder = join(parent, name);
    const owner = readOwner(folder);
    const dead = owner === null ? ageMs(folder) > HOUR_MS : owner.host === hostname() && !isAlive(owner.supervisor);
    if (dead) rmSync(folder, { recursive: true, force: true });
  }
}

function readOwner(folder: string): z.output<typeof ownerSchema> | null {
  try {
    const owner = ownerSchema.safeParse(JSON.parse(readFileSync(join(folder, OWNER_FILE), 'utf8')));
    return owner.success ? owner.data : null;
  } catch {
    return null;
  }
}

function ageMs(folder: string): number {
  return Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
}

/** Whether a process of this host has this number; another user's counts. NaN is nobody's. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process is alive all the same.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
