import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';

const share = z.number().min(0).max(1);
const comparison = z.object({ engine: share, ranked: share, interval: z.tuple([z.number(), z.number()]) });
const arm = comparison.extend({ untitled: comparison });
const ids = z.array(z.string()).min(10);
const outputSchema = z.object({
  query: z.string(),
  engine: ids,
  shoppers: z.array(z.object({ user: z.string(), taste: z.string(), before: ids, after: ids })).min(2),
  click: z.object({ user: z.string(), object_id: z.string(), before: ids, after: ids }),
  taste_share: comparison.extend({ shoppers: z.int().min(20), queries: z.int().min(10) }),
  ablation: z.object({
    full: arm,
    no_history: arm.extend({ equals_anonymous: z.boolean() }),
    no_picture: arm,
    no_text: arm,
    shuffled_history: arm,
  }),
  timings_ms: z.object({ direct_p50: z.number(), through_p50: z.number(), ours_p50: z.number(), ours_p99: z.number() }),
  opensearch: z.object({ version: z.string(), started_s: z.number() }),
});

/** Runs `fuserank demo --once --json` as a stranger would. */
function runDemo(): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const tsx = join(packageRoot, 'node_modules', 'tsx', 'dist', 'cli.mjs');
  const child = spawn(process.execPath, [tsx, join(packageRoot, 'fuserank.ts'), 'demo', '--once', '--json', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

describe('fuserank demo --once --json', () => {
  let output: z.output<typeof outputSchema>;

  beforeAll(async () => {
    const { code, stdout, stderr } = await runDemo();
    expect(code, stderr).toBe(0);
    output = outputSchema.parse(JSON.parse(stdout));
  }, 480_000);

  const gain = ({ engine, ranked }: { engine: number; ranked: number }): number => ranked - engine;

  it('shows two shoppers two orders, neither of them the engine’s', () => {
    const [one, other] = output.shoppers;
    expect(one?.before).toEqual(output.engine);
    expect(one?.after).not.toEqual(output.engine);
    expect(other?.after).not.toEqual(output.engine);
    expect(one?.after).not.toEqual(other?.after);
  });

  it('gives shoppers more to their taste than the engine, beyond doubt', () => {
    expect(output.taste_share.ranked).toBeGreaterThan(output.taste_share.engine);
    expect(output.taste_share.interval[0]).toBeGreaterThan(0);
  });

  it('answers a shopper without a history exactly as a stranger', () => {
    expect(output.ablation.no_history.equals_anonymous).toBe(true);
  });

  it('loses the gain with the history of somebody of another taste', () => {
    expect(output.ablation.shuffled_history.interval[0]).toBeLessThanOrEqual(0);
  });

  it('loses more than half the gain without pictures, where only the picture tells the taste', () => {
    const { full, no_picture } = output.ablation;
    expect(full.untitled.interval[0]).toBeGreaterThan(0);
    expect(gain(no_picture.untitled)).toBeLessThan(gain(full.untitled) / 2);
  });

  it('changes the next search by a click', () => {
    expect(output.click.before).toContain(output.click.object_id);
    expect(output.click.after).not.toEqual(output.click.before);
  });
});
