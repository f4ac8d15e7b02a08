import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeDeadRuns, startSupervised, type Launch } from '../../../opensearch/local-node/supervised-process.js';
import { isAlive, kill, startParent, until } from './parent-process.js';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'fuserank-run-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const FOREVER = 'setInterval(() => undefined, 1000)';

function launch(script: string, more: Partial<Launch> = {}): Launch {
  const run = join(folder, 'run');
  mkdirSync(run, { recursive: true });
  return {
    ...{ command: process.execPath, args: ['-e', script], folder: run, env: { GREETING: 'hello' } },
    ...{ uid: null, graceMs: 5000, removeFolder: false, afterwards: null },
    ...more,
  };
}

async function ownerOf(run: string): Promise<{ supervisor: number; program: number }> {
  await until('the run has an owner', () => existsSync(join(run, 'owner.json')) && readFileSync(join(run, 'owner.json'), 'utf8') !== '');
  return JSON.parse(readFileSync(join(run, 'owner.json'), 'utf8')) as { supervisor: number; program: number };
}

describe('a supervised program', () => {
  it('runs in its folder with its environment, logs, and tells its exit code', async () => {
    const running = startSupervised(launch('console.log(process.env.GREETING, process.cwd()); process.exitCode = 3'));
    await until('it ended', () => running.exitCode() !== null);
    expect(running.exitCode()).toBe(3);
    expect(readFileSync(running.log, 'utf8')).toContain(`hello ${join(folder, 'run')}`);
    await running.stop();
  });

  it('ends when asked to, and takes its folder along if that was wished', async () => {
    for (const removeFolder of [true, false]) {
      const running = startSupervised(launch(FOREVER, { removeFolder }));
      const { program } = await ownerOf(join(folder, 'run'));
      await running.stop();
      await running.stop();
      expect(running.exitCode()).toBe(0);
      expect(isAlive(program)).toBe(false);
      expect(existsSync(join(folder, 'run'))).toBe(!removeFolder);
    }
  });

  it('keeps its log when it ended by itself, for whoever wants to know why', async () => {
    const running = startSupervised(launch('process.exit(1)', { removeFolder: true }));
    await until('it ended', () => running.exitCode() !== null);
    expect(existsSync(running.log)).toBe(true);
  });

  it('is followed by the command that cleans up after it', async () => {
    const trace = join(folder, 'trace');
    const running = startSupervised(
      launch(FOREVER, { afterwards: [process.execPath, '-e', `fs.writeFileSync(${JSON.stringify(trace)}, '')`] }),
    );
    await ownerOf(join(folder, 'run'));
    await running.stop();
    expect(existsSync(trace)).toBe(true);
  });

  it('that cannot be started says why in its log', async () => {
    const running = startSupervised(launch('', { command: join(folder, 'no-such-program') }));
    await until('it ended', () => running.exitCode() !== null);
    expect(running.exitCode()).not.toBe(0);
    expect(readFileSync(running.log, 'utf8')).toContain('ENOENT');
  });

  it('dies with its supervisor', async () => {
    const running = startSupervised(launch(FOREVER));
    const { supervisor, program } = await ownerOf(join(folder, 'run'));
    process.kill(supervisor, 'SIGKILL');
    await until('the program is gone', () => !isAlive(program));
    expect(running.exitCode()).not.toBeNull();
  });

  it.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)('does not outlive a parent that gets %s, be it ever so stubborn', async (signal) => {
    const run = join(folder, 'parent-run');
    const { parent } = await startParent(['program', run, '300']);
    const { supervisor, program } = await ownerOf(run);
    await kill(parent, signal);
    await until('all are gone', () => !isAlive(program) && !isAlive(supervisor) && !existsSync(run));
  });

  it('neither keeps a parent that is done alive nor outlives it', async () => {
    const run = join(folder, 'parent-run');
    const { parent } = await startParent(['program', run, '300', '--end']);
    await until('the parent ended by itself', () => parent.exitCode !== null);
    expect(parent.exitCode).toBe(0);
    await until('its run is gone', () => !existsSync(run));
  });
});

describe('what a sudden end left behind', () => {
  it('is removed, but nothing of the living, of another host or of a start under way', () => {
    const dead = { host: hostname(), supervisor: 2 ** 30, program: null };
    const runs: Record<string, object | null> = {
      dead,
      alive: { ...dead, supervisor: process.pid },
      elsewhere: { ...dead, host: 'another-host' },
      starting: null,
      abandoned: null,
    };
    for (const [name, owner] of Object.entries(runs)) {
      mkdirSync(join(folder, name));
      if (owner !== null) writeFileSync(join(folder, name, 'owner.json'), JSON.stringify(owner));
    }
    const longAgo = Date.now() / 1000 - 2 * 3600;
    utimesSync(join(folder, 'abandoned'), longAgo, longAgo);
    removeDeadRuns(folder);
    expect(readdirSync(folder).sort()).toEqual(['alive', 'elsewhere', 'starting']);
  });
});
