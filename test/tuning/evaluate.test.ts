import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { registerEvaluateCommand } from '../../tuning/evaluate/command.js';
import { openRun } from '../../tuning/run/run-file.js';
import type { RunLine } from '../../tuning/run/run-line.js';
import { openHouse, type House } from '../house.js';

const KINDS = ['lamp', 'mug', 'dress', 'rug'];

let house: House;
let folder: string;
beforeAll(async () => {
  house = await openHouse({ products: 80 });
  folder = await mkdtemp(join(tmpdir(), 'fuserank-evaluate-'));
  await writeFile(
    join(folder, 'queries.ndjson'),
    KINDS.map((query, place) => `${JSON.stringify({ query_id: `q${place}`, query, tags: [place < 2 ? 'small' : 'large'] })}\n`).join(''),
  );
  // The cheaper, the better: an order that the engine does not know.
  const rows = KINDS.flatMap((kind) =>
    house.entries
      .filter(({ product }) => product.id.startsWith(kind))
      .map(({ product }) => `${kind},${product.id},${product.price < 40 ? 2 : 0.5}`),
  );
  await writeFile(join(folder, 'judgments.csv'), `query,docid,rating\n${rows.join('\n')}\n`);
});
afterAll(async () => {
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

const summarySchema = z.object({
  metrics: z.record(z.string(), z.number().nullable()),
  queries: z.number(),
  failed: z.number(),
  unranked: z.number(),
  legs: z.record(z.string(), z.record(z.string(), z.number())).optional(),
  exposure: z.object({ k: z.number(), field: z.string(), groups: z.record(z.string(), z.number()), ungrouped: z.number() }).optional(),
  'judged@10': z.number().nullable(),
  run: z.string(),
});

/** Runs the command as a person would; gives what it printed on stdout. */
async function run(...flags: string[]): Promise<string> {
  const program = new Command().exitOverride();
  registerEvaluateCommand(program);
  const printed: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  try {
    await program.parseAsync(['evaluate', '--index', house.alias, '--opensearch', house.node.url, '--quiet', ...flags], { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return printed.join('');
}

function files(out: string): string[] {
  return ['--queries', join(folder, 'queries.ndjson'), '--judgments', join(folder, 'judgments.csv'), '--out', join(folder, out)];
}

async function evaluate(out: string, ...flags: string[]): Promise<z.output<typeof summarySchema>> {
  return summarySchema.parse(JSON.parse(await run(...files(out), '--json', ...flags)));
}

async function linesOf(out: string): Promise<RunLine[]> {
  const lines: RunLine[] = [];
  for await (const line of (await openRun(join(folder, out))).lines) lines.push(line);
  return lines.sort((a, b) => (a.query_id < b.query_id ? -1 : 1));
}

/** Linear gain over log2(rank + 1), ideal from all grades, cut at 10. */
function ndcg(line: RunLine): number {
  const dcg = (grades: readonly number[]): number =>
    grades.slice(0, 10).reduce((sum, grade, place) => sum + grade / Math.log2(place + 2), 0);
  return dcg(line.hits.map(({ grade }) => grade ?? 0)) / dcg(line.judged);
}

describe('fuserank evaluate', () => {
  it('writes the engine’s own order into a run, and measures it', async () => {
    const summary = await evaluate('engine.run', '--config', 'first-phase', '--metrics', 'ndcg_lin@10,judged@10', '--depth', '20');
    const lines = await linesOf('engine.run');
    expect(summary).toMatchObject({ queries: 4, failed: 0, unranked: 0 });
    expect(lines.map(({ query }) => query)).toEqual(KINDS);
    expect(lines.map(({ tags }) => tags)).toEqual([['small'], ['small'], ['large'], ['large']]);
    for (const line of lines) {
      const direct = await house.direct({
        query: {
          bool: { must: [{ multi_match: { query: line.query, type: 'cross_fields', fields: ['title^2', 'description'] } }], filter: [] },
        },
        size: 20,
      });
      expect(line.hits.map(({ id }) => id)).toEqual(direct.ids);
      expect(line.hits[0]?.title).toBe(direct.body.hits.hits[0]?._source['title']);
    }
    expect(summary.metrics['ndcg_lin@10']).toBeCloseTo(lines.reduce((sum, line) => sum + ndcg(line), 0) / 4, 12);
    const { header } = await openRun(join(folder, 'engine.run'));
    expect(header).toMatchObject({ name: 'first-phase', model: null, queries: { count: 4 }, index: { alias: house.alias } });
  });

  it('asks the sidecar, and one with another ranker', async () => {
    const ranked = await evaluate('ranked.run');
    expect(ranked).toMatchObject({ queries: 4, failed: 0, unranked: 0 });
    expect((await openRun(join(folder, 'ranked.run'))).header.model).toMatch(/^fusion-base-4@[0-9a-f]{8}$/);
    await evaluate('shuffled.run', '--ranker', 'shuffle');
    const [ours, shuffled] = [await linesOf('ranked.run'), await linesOf('shuffled.run')];
    expect(shuffled.map(({ hits }) => hits.map(({ id }) => id))).not.toEqual(ours.map(({ hits }) => hits.map(({ id }) => id)));
  });

  it('says what each retriever found, and what ranking could have brought up', async () => {
    const ranked = await evaluate('legs.run', '--legs', '--metrics', 'ndcg_lin@10,leg_recall(rel=0.5)@50');
    const lines = await linesOf('legs.run');
    for (const line of lines) {
      expect(Object.keys(line.legs ?? {})).toContain('first_phase');
      expect(Object.values(line.judgments ?? {}).sort((a, b) => b - a)).toEqual(line.judged);
    }
    const relevantIn = (line: RunLine, ids: readonly string[]): number =>
      ids.filter((id) => (line.judgments?.[id] ?? 0) >= 0.5).length / line.judged.filter((grade) => grade >= 0.5).length;
    const mean = (share: (line: RunLine) => number): number => lines.reduce((sum, line) => sum + share(line), 0) / lines.length;
    const firstPhase = mean((line) => relevantIn(line, (line.legs?.['first_phase'] ?? []).slice(0, 50)));
    const fused = mean((line) => relevantIn(line, [...new Set(Object.values(line.legs ?? {}).flatMap((ids) => ids.slice(0, 50)))]));
    expect(ranked.legs?.['leg_recall(rel=0.5)@50']?.['first_phase']).toBeCloseTo(firstPhase, 12);
    expect(ranked.legs?.['leg_recall(rel=0.5)@50']?.['fused']).toBeCloseTo(fused, 12);
    expect(ranked.metrics['leg_recall(rel=0.5)@50']).toBeCloseTo(fused, 12);
    expect((await openRun(join(folder, 'legs.run'))).header.legs).toBe(200);

    // Of the engine as it is the list itself is the leg; its depth names the default metric.
    const engine = await evaluate('engine-legs.run', '--config', 'first-phase', '--legs', '--depth', '30');
    for (const line of await linesOf('engine-legs.run')) expect(line.legs).toEqual({ first_phase: line.hits.map(({ id }) => id) });
    expect(engine.metrics['leg_recall@30']).toBe(engine.metrics['recall@30']);
    await expect(run(...files('never.run'), '--config', 'first-phase', '--metrics', 'leg_recall@200')).rejects.toThrow(
      /leg_recall@200 looks at 200 hits, but 100 are kept/,
    );
    await expect(run(...files('never.run'), '--metrics', 'ndcg@200')).rejects.toThrow(
      /ndcg@200 looks at 200 hits, but 100 are kept; --depth/,
    );
  });

  it('evaluates another blend, of which 0 is the engine’s own order', async () => {
    const none = await evaluate('blend-0.run', '--blend', '0', '--legs', '--metrics', 'mrr');
    expect(none).toMatchObject({ unranked: 0, failed: 0 });
    await evaluate('engine-100.run', '--config', 'first-phase');
    const order = async (out: string): Promise<string[][]> => (await linesOf(out)).map(({ hits }) => hits.map(({ id }) => id));
    expect(await order('blend-0.run')).toEqual(await order('engine-100.run'));
    await evaluate('blend-1.run', '--blend', '1');
    expect(await order('blend-1.run')).not.toEqual(await order('blend-0.run'));
    const [zero, one] = [await openRun(join(folder, 'blend-0.run')), await openRun(join(folder, 'blend-1.run'))];
    expect(one.header.name).toBe('fuserank at blend 1');
    expect(one.header.configuration.sha256).not.toBe(zero.header.configuration.sha256);
    await expect(run(...files('never.run'), '--config', 'first-phase', '--blend', '1')).rejects.toThrow(/--blend goes with the sidecar/);
    await expect(run(...files('never.run'), '--url', 'http://127.0.0.1:1', '--ranker', 'shuffle')).rejects.toThrow(/leave --url out/);
  });

  it('tells whose products the reader’s attention went to', async () => {
    const { exposure } = await evaluate('groups.run', '--config', 'first-phase', '--group-field', 'brand', '--metrics', 'ndcg@5');
    expect(exposure).toMatchObject({ k: 5, field: 'brand', ungrouped: 0 });
    expect(Object.values(exposure?.groups ?? {}).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
    const text = await run(...files('groups.run'), '--config', 'first-phase', '--group-field', 'brand', '--metrics', 'ndcg@5');
    expect(text).toMatch(/exposure@5 by brand: \S.* \d+\.\d %/);
    expect(text).toMatch(/ndcg@5 +\d\.\d{4} {2}over 4 queries$/m);
  });

  it('knows how much was known of a shopper whose history is recalled', async () => {
    const events = ['lamp-1', 'mug-1', 'mug-2'].map((object_id) => ({
      action_name: 'click',
      user_id: 'visitor',
      timestamp: new Date().toISOString(),
      event_attributes: { object: { object_id } },
    }));
    const sent = await fetch(`${house.sidecar.url}/ubi/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(events),
    });
    expect(sent.status).toBeLessThan(300);
    const queries = [
      { query_id: 'q0', query: 'lamp', user_id: 'visitor' },
      { query_id: 'q1', query: 'mug', user_id: 'nobody' },
      { query_id: 'q2', query: 'dress' },
    ];
    await writeFile(join(folder, 'users.ndjson'), queries.map((query) => `${JSON.stringify(query)}\n`).join(''));
    const asked = ['--queries', join(folder, 'users.ndjson'), '--judgments', join(folder, 'judgments.csv')];
    await run(...asked, '--out', join(folder, 'users.run'), '--url', house.sidecar.url);
    expect((await linesOf('users.run')).map(({ history_length }) => history_length)).toEqual([3, 0, 0]);
    await run(...asked, '--out', join(folder, 'users-engine.run'), '--config', 'first-phase');
    expect((await linesOf('users-engine.run')).map(({ history_length }) => history_length)).toEqual([null, null, 0]);
  });

  it('renders a template by the engine, and says which one it was', async () => {
    const template = join(folder, 'by-price.mustache');
    await writeFile(
      template,
      '{"query":{"function_score":{"query":{"match":{"title":"{{query}}"}},"field_value_factor":{"field":"price","modifier":"reciprocal"}}},"size":{{size}}}',
    );
    const summary = await evaluate('template.run', '--config', 'first-phase', '--template', template, '--metrics', 'ndcg_lin@10');
    const plain = await evaluate('engine-again.run', '--config', 'first-phase', '--metrics', 'ndcg_lin@10');
    expect(summary.metrics['ndcg_lin@10'] ?? 0).toBeGreaterThan(plain.metrics['ndcg_lin@10'] ?? 1);
    expect((await openRun(join(folder, 'template.run'))).header.configuration.kind).toBe('template');
  });

  it('goes on where it was cut off, and refuses a file of another run', async () => {
    await evaluate('cut.run', '--config', 'first-phase');
    const whole = await readFile(join(folder, 'cut.run'), 'utf8');
    const cut = whole.split('\n').slice(0, 3).join('\n') + '\n{"query_id":"q2","torn';
    await writeFile(join(folder, 'cut.run'), cut);
    expect(await evaluate('cut.run', '--config', 'first-phase')).toMatchObject({ queries: 4, failed: 0 });
    expect((await linesOf('cut.run')).map(({ query_id }) => query_id)).toEqual(['q0', 'q1', 'q2', 'q3']);
    await expect(run(...files('cut.run'), '--config', 'first-phase', '--depth', '7')).rejects.toThrow(/holds another run/);
  });

  it('keeps a failed query out of the means, and says so', async () => {
    await writeFile(join(folder, 'bad.mustache'), '{"query":{"match":{"{{query}}":{"nonsense":true}}},"size":{{size}}}');
    const summary = await evaluate('failed.run', '--config', 'first-phase', '--template', join(folder, 'bad.mustache'));
    expect(summary).toMatchObject({ queries: 4, failed: 4, metrics: { 'ndcg@10': null } });
    expect(process.exitCode).toBe(3);
    process.exitCode = 0;
    await expect(
      run(
        ...files('stopped.run'),
        '--config',
        'first-phase',
        '--template',
        join(folder, 'bad.mustache'),
        '--stop-after',
        '2',
        '--concurrency',
        '1',
      ),
    ).rejects.toThrow(/stopped after 2 failures in a row, the last: status 400/);
    expect((await linesOf('stopped.run')).length).toBe(2);
  });

  it('refuses judgments of another set, broken lines, an index and a profile that are not there', async () => {
    const other = join(folder, 'other.csv');
    await writeFile(other, 'query,docid,rating\nsofa,a,1\n');
    const queries = ['--queries', join(folder, 'queries.ndjson')];
    const out = ['--out', join(folder, 'never.run')];
    await expect(run(...queries, '--judgments', other, ...out)).rejects.toThrow(/judges none of the 4 queries/);
    await writeFile(other, 'query,docid,rating\nlamp,a,NaN\n');
    await expect(run(...queries, '--judgments', other, ...out)).rejects.toThrow(/line 2/);
    await expect(run(...files('never.run'), '--index', 'no-such-index')).rejects.toThrow(/there is no index or alias/);
    await expect(run(...files('never.run'), '--profile', 'nobody')).rejects.toThrow(/no profile "nobody"/);
    await expect(readFile(join(folder, 'never.run'))).rejects.toThrow(/ENOENT/);
  });
});
