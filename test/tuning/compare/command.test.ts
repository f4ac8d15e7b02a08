import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { registerCompareCommand } from '../../../tuning/compare/command.js';
import { inventLines, writeRun } from './invented-run.js';

let folder: string;
let ordered: string;
let noisy: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuserank-compare-command-'));
  const lines = (noise: number) => inventLines({ queries: 40, hits: 20, seed: 2, noise });
  ordered = await writeRun(join(folder, 'ordered.ndjson'), lines(0.1), { count: 40 });
  noisy = await writeRun(join(folder, 'noisy.ndjson'), lines(1), { count: 40 });
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

async function run(...words: string[]): Promise<{ code: typeof process.exitCode; out: string }> {
  let out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  const program = new Command('fuserank').exitOverride().configureOutput({ writeErr: () => undefined });
  registerCompareCommand(program);
  await program.parseAsync(['compare', ...words], { from: 'user' });
  return { code: process.exitCode, out };
}

describe('fuserank compare', () => {
  it('ends with 0 for a run beside itself and with 4 for one that fails its gate', async () => {
    const gate = ['--fail-if', 'ndcg@10<-0.01', '--fail-if', 'losses>0.1:>5%'];
    expect((await run(ordered, ordered, ...gate)).code).toBe(0);
    const failed = await run(ordered, noisy, ...gate);
    expect(failed.code).toBe(4);
    expect(failed.out).toContain('ndcg@10: B is worse than A');
    expect(failed.out).toContain('FAIL  losses>0.1:>5%');
    expect((await run(ordered, noisy)).code).toBe(0);
  });

  it('prints one JSON object, the same for the same seed, and writes the reports asked for', async () => {
    const [html, junit] = [join(folder, 'r.html'), join(folder, 'r.xml')];
    const words = [
      ordered,
      noisy,
      '--json',
      '--metric',
      'mrr,p@5',
      '--metric',
      'ndcg@10',
      '--report',
      `html=${html}`,
      '--report',
      `junit=${junit}`,
    ];
    const { out } = await run(...words);
    expect(Object.keys((JSON.parse(out) as { metrics: object }).metrics)).toEqual(['mrr', 'p@5', 'ndcg@10']);
    expect((await run(...words)).out).toBe(out);
    expect(await readFile(html, 'utf8')).toContain('Worst regressions');
    expect(await readFile(junit, 'utf8')).toContain('<testsuite ');
  });

  it.each([
    [['--metric', 'speed'], 'is no metric'],
    [['--fail-if', 'ndcg@10'], 'is no rule'],
    [['--report', 'html'], 'html=report.html'],
    [['--test', 'sign'], 'Allowed choices'],
    [['--seed', 'x'], 'a whole number'],
  ])('refuses %j', async (words, message) => {
    await expect(run(ordered, noisy, ...words)).rejects.toThrow(message);
  });

  it('writes no report where the runs cannot be compared', async () => {
    const broken = join(folder, 'broken.ndjson');
    await writeFile(broken, 'no run\n');
    const report = join(folder, 'none.html');
    await expect(run(ordered, broken, '--report', `html=${report}`)).rejects.toMatchObject({ exitCode: 6 });
    await expect(readFile(report)).rejects.toThrow('ENOENT');
  });
});
