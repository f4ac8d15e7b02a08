import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRule } from '../../../tuning/compare/gate.js';
import { compareRuns, type CompareOptions, type RunComparison } from '../../../tuning/compare/run-comparison.js';
import type { RunLine } from '../../../tuning/run/run-line.js';
import { seedStream } from '../../../models/random-stream.js';
import { inventLine, inventLines, writeRun } from './invented-run.js';

const METRICS = ['ndcg@10', 'ndcg_lin@10', 'mrr', 'judged@10'];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuserank-compare-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function runOf(name: string, lines: readonly RunLine[], header: Parameters<typeof writeRun>[2]['header'] = {}): Promise<string> {
  return await writeRun(join(folder, `${name}.ndjson`), lines, { count: lines.length, header: { name, ...header } });
}

async function compare(a: string, b: string, options: Partial<CompareOptions> = {}): Promise<RunComparison> {
  return await compareRuns({ a, b, metrics: METRICS, test: 'randomization', seed: 3, rules: [], lists: 5, ...options });
}

/** One list of grades a query, in the order of the hits. */
function gradedLines(lists: readonly (readonly (number | null)[])[], changes: Partial<RunLine> = {}): RunLine[] {
  const judged = lists.map((grades) => grades.filter((grade) => grade !== null).sort((a, b) => b - a));
  return lists.map((grades, place) => inventLine({ query_id: `q${place}`, grades, judged: judged[place] ?? [], ...changes }));
}

function shuffleHits(line: RunLine): RunLine {
  const next = seedStream(line.query_id.length * 7 + Number(line.query_id.slice(1)));
  const hits = line.hits
    .map((hit) => ({ hit, key: next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ hit }) => hit);
  return { ...line, hits };
}

describe('a run beside itself', () => {
  it('has p 1, no loss, and passes every gate on losses', async () => {
    const lines = [...inventLines({ queries: 60, hits: 20, seed: 4, noise: 0.3 })];
    const file = await runOf('self', lines);
    const rules = ['ndcg@10<-0.01', 'losses>0.1:>5%', 'losses>0:>0'].map(parseRule);
    for (const test of ['randomization', 't'] as const) {
      const comparison = await compare(file, file, { rules, test });
      for (const metric of comparison.metrics) {
        expect(metric).toMatchObject({ difference: 0, interval: [0, 0], p: 1, wins: 0, losses: 0, verdict: 'not resolved' });
      }
      expect(comparison.overlap).toMatchObject({ jaccard: 1, rbo: expect.closeTo(1, 9) as number });
      expect(comparison.queries).toMatchObject({ count: 60, compared: 60, sameList: 60 });
      expect([comparison.worst, comparison.best]).toEqual([[], []]);
      expect(comparison.gate.passed).toBe(true);
    }
  });
});

describe('a shuffled run', () => {
  it('is worse, fails the gate, and the queries that lost most come with both lists', async () => {
    const lines = [...inventLines({ queries: 60, hits: 20, seed: 4, noise: 0.1 })];
    const [a, b] = [await runOf('ordered', lines), await runOf('shuffled', lines.map(shuffleHits))];
    const comparison = await compare(a, b, { rules: [parseRule('ndcg@10<-0.01'), parseRule('losses>0.1:>5%')] });
    expect(comparison.metrics[0]).toMatchObject({ metric: 'ndcg@10', verdict: 'worse' });
    expect(comparison.gate.rules.map(({ passed }) => passed)).toEqual([true, false, false]);
    expect(comparison.worst).toHaveLength(5);
    const [worst] = comparison.worst;
    if (!worst) throw new Error('no regression');
    // Derived again: no query loses more, and both lists are those of the files.
    const losses = comparison.pairs.queries.map(({ values: [value] }) => (value ? value.b - value.a : 0));
    expect(worst.difference).toBe(Math.min(...losses));
    const inFile = lines.find(({ query_id }) => query_id === worst.query_id);
    if (!inFile) throw new Error('an invented query');
    expect(worst.a.map(({ id }) => id)).toEqual(inFile.hits.slice(0, 10).map(({ id }) => id));
    const shuffled = shuffleHits(inFile).hits.map(({ id }) => id);
    expect(worst.b.map(({ id }) => id)).toEqual(shuffled.slice(0, 10));
    for (const hit of worst.a) expect(hit.otherRank).toBe(shuffled.indexOf(hit.id) + 1);
  });
});

describe('what the retrievers found', () => {
  const judgments = { x: 2, y: 1, z: 1, other: 0 };
  const line = (query_id: string, legs: Record<string, string[]>): RunLine =>
    inventLine({ query_id, grades: [1], judged: [2, 1, 1, 0], judgments, legs });
  const engine = [line('q0', { first_phase: ['x', 'other'] }), line('q1', { first_phase: ['y', 'z'] })];
  const ranked = [line('q0', { first_phase: ['x'], text: ['y', 'z'] }), line('q1', { first_phase: ['y'], image: ['z', 'x'] })];

  it('stands beside the quality, by leg and together, as deep as both runs keep it', async () => {
    const [a, b] = [await runOf('legs-a', engine, { legs: 20 }), await runOf('legs-b', ranked, { legs: 200 })];
    const comparison = await compare(a, b, { metrics: ['ndcg@10'] });
    expect(comparison.metrics.map(({ metric }) => metric)).toEqual(['ndcg@10', 'leg_recall@20']);
    expect(comparison.legs?.metric).toBe('leg_recall@20');
    expect(comparison.legs?.a).toEqual({ legs: { first_phase: 1 / 2 }, fused: 1 / 2 });
    // A leg that was not asked for a query found nothing there.
    expect(comparison.legs?.b).toEqual({ legs: { first_phase: 1 / 3, text: 1 / 3, image: 1 / 3 }, fused: 1 });
    expect(comparison.metrics[1]).toMatchObject({ meanA: 1 / 2, meanB: 1, wins: 2 });
    const strict = await compare(a, b, { metrics: ['mrr', 'leg_recall(rel=2)@1'] });
    expect(strict.metrics.map(({ metric }) => metric)).toEqual(['mrr', 'leg_recall(rel=2)@1']);
    expect(strict.legs?.b).toEqual({ legs: { first_phase: 1 / 2, text: 0, image: 0 }, fused: 1 / 2 });
  });

  it('is not there unless both runs keep it, and a metric of it is refused', async () => {
    const [a, b] = [await runOf('legs-with', engine, { legs: 20 }), await runOf('legs-without', gradedLines([[1], [0]]))];
    expect((await compare(a, b)).legs).toBeNull();
    await expect(compare(a, b, { metrics: ['leg_recall@10'] })).rejects.toThrow(/does not keep; evaluate it with --legs/);
    await expect(compare(a, a, { metrics: ['leg_recall@50'] })).rejects.toThrow(/looks at more of a leg than the 20/);
  });
});

describe('who is harmed, and whose products are shown', () => {
  it('counts the queries that fall by more than .05', async () => {
    const [a, b] = [
      await runOf(
        'harm-a',
        gradedLines([
          [1, 0],
          [1, 0],
          [1, 0],
          [0, 1],
        ]),
      ),
      await runOf(
        'harm-b',
        gradedLines([
          [0, 1],
          [1, 0],
          [1, 0],
          [1, 0],
        ]),
      ),
    ];
    const { metrics } = await compare(a, b, { metrics: ['mrr'] });
    expect(metrics[0]).toMatchObject({ wins: 1, ties: 2, losses: 1, harm: 0.25 });
  });

  it('sets the two exposures side by side where both runs keep the same field', async () => {
    const hits = (...groups: (string | undefined)[]): RunLine[] => [
      inventLine({
        query_id: 'q0',
        judged: [1],
        hits: groups.map((group, place) => ({ id: `d${place}`, score: 1, grade: 1, ...(group === undefined ? {} : { group }) })),
      }),
    ];
    const [a, b] = [
      await runOf('brands-a', hits('acme', 'umber'), { group_field: 'brand' }),
      await runOf('brands-b', hits('umber', undefined), { group_field: 'brand' }),
    ];
    const second = 1 / Math.log2(3) / (1 + 1 / Math.log2(3));
    const { exposure } = await compare(a, b);
    expect(exposure).toMatchObject({ field: 'brand', k: 10 });
    expect(exposure?.groups).toEqual([
      { group: 'acme', a: expect.closeTo(1 - second, 12) as number, b: 0 },
      { group: 'umber', a: expect.closeTo(second, 12) as number, b: expect.closeTo(1 - second, 12) as number },
      { group: null, a: 0, b: expect.closeTo(second, 12) as number },
    ]);
    expect((await compare(a, await runOf('prices-b', hits('low', 'high'), { group_field: 'price' }))).exposure).toBeNull();
  });

  it('says what the judged hits alone would give', async () => {
    const [a, b] = [await runOf('condensed-a', gradedLines([[null, 1]])), await runOf('condensed-b', gradedLines([[1]]))];
    expect((await compare(a, b, { metrics: ['mrr'] })).condensed).toEqual({ metric: 'mrr, condensed', a: 1, b: 1 });
    expect((await compare(a, b, { metrics: ['judged@10'] })).condensed).toBeNull();
  });
});

describe('lines in another order', () => {
  it('are paired by the query, beyond what is kept in memory', async () => {
    const lines = [...inventLines({ queries: 400, hits: 10, seed: 9, noise: 0.2 })];
    const others = [...inventLines({ queries: 400, hits: 10, seed: 9, noise: 0.5 })];
    const next = seedStream(1);
    const mixed = others
      .map((line) => ({ line, key: next() }))
      .sort((a, b) => a.key - b.key)
      .map(({ line }) => line);
    const a = await runOf('in-order', lines, { depth: 10 });
    const [straight, crossed] = [
      await compare(a, await runOf('straight', others, { depth: 10 })),
      await compare(a, await runOf('mixed', mixed, { depth: 10 })),
    ];
    expect(crossed.metrics).toEqual(straight.metrics);
    expect(crossed.tags).toEqual(straight.tags);
    expect(crossed.worst.map(({ query_id }) => query_id)).toEqual(straight.worst.map(({ query_id }) => query_id));
    expect(crossed.worst[0]?.b).toEqual(straight.worst[0]?.b);
  });
});

describe('queries that failed', () => {
  it('leave every figure and turn the result red, unless a rule allows them', async () => {
    const good = gradedLines(Array.from({ length: 10 }, () => [2, 1, 0]));
    const bad = good.map((line, place) => (place < 2 ? { ...line, state: 'failed' as const, reason: 'time-out', hits: [] } : line));
    const [a, b] = [await runOf('good', good), await runOf('bad', bad)];
    const comparison = await compare(a, b);
    expect(comparison.metrics[0]).toMatchObject({ pairs: 8, difference: 0, losses: 0 });
    expect(comparison.queries).toMatchObject({ count: 10, compared: 8, failed: { a: 0, b: 2, either: 2 } });
    expect(comparison.gate).toMatchObject({ passed: false, rules: [{ rule: 'failed>0', passed: false }] });
    expect(comparison.warnings[0]).toMatchObject({ level: 'red', text: expect.stringContaining('q0: time-out') as string });
    expect((await compare(a, b, { rules: [parseRule('failed>20%')] })).gate.passed).toBe(true);
  });
});

describe('holes', () => {
  /** Ten hits a query, of which the last `holes` are not judged. */
  const withHoles = (holes: number): RunLine[] =>
    gradedLines(Array.from({ length: 30 }, () => Array.from({ length: 10 }, (_, place) => (place < 10 - holes ? 1 : null))));

  it.each([
    { a: 0, b: 0, level: 'fine', biased: false },
    { a: 1, b: 1, level: 'warning', biased: false },
    { a: 2, b: 2, level: 'warning', biased: false },
    { a: 3, b: 3, level: 'red', biased: false },
    { a: 0, b: 1, level: 'warning', biased: true },
  ])('$a and $b of ten are $level', async ({ a, b, level, biased }) => {
    const comparison = await compare(await runOf('holes-a', withHoles(a)), await runOf('holes-b', withHoles(b)));
    expect(comparison.holes).toMatchObject({ k: 10, level, biased, judgedA: expect.closeTo(1 - a / 10, 9) as number });
    expect(comparison.warnings.some(({ text }) => text.startsWith('biased by holes'))).toBe(biased);
    expect(comparison.warnings.some(({ text }) => text.startsWith('holes:'))).toBe(level !== 'fine');
    expect(comparison.gate.passed).toBe(true);
  });
});

describe('slices', () => {
  it('are by tag, a query under each of its own, and by history length', async () => {
    const lists = Array.from({ length: 8 }, () => [0, 2]);
    const better = lists.map(() => [2, 0]);
    const told = (lines: RunLine[]): RunLine[] =>
      lines.map((line, place) => ({
        ...line,
        tags: place === 0 ? [] : place < 4 ? ['head'] : ['head', 'picture'],
        history_length: [0, 0, 1, 4, 5, 19, 20, 300][place] ?? null,
      }));
    // A knows nothing of its users; B does, and that is what counts.
    const a = told(gradedLines(lists)).map((line) => ({ ...line, history_length: null }));
    const comparison = await compare(await runOf('told-a', a), await runOf('told-b', told(gradedLines(better))), { metrics: ['mrr'] });
    expect(comparison.tags.map(({ name, queries }) => [name, queries])).toEqual([
      ['head', 7],
      ['picture', 4],
      ['(no tag)', 1],
    ]);
    expect(comparison.history.map(({ name, queries }) => [name, queries])).toEqual([
      ['0', 2],
      ['1–4', 2],
      ['5–19', 2],
      ['20+', 2],
    ]);
    expect(comparison.tags[1]?.metrics[0]).toMatchObject({ metric: 'mrr', meanA: 0.5, meanB: 1, difference: 0.5, wins: 4 });
  });

  it('are left out where nothing is known', async () => {
    const file = await runOf('bare', gradedLines([[1], [1]]));
    expect(await compare(file, file)).toMatchObject({ tags: [], history: [] });
  });
});

describe('runs that cannot be compared', () => {
  it('are refused with all that differs', async () => {
    const lines = gradedLines([[1, 0]]);
    const a = await runOf('one', lines);
    const b = await runOf('other', lines, {
      queries: { sha256: 'd'.repeat(64), count: 1 },
      judgments: { sha256: 'e'.repeat(64), count: 7 },
    });
    await expect(compare(a, b)).rejects.toMatchObject({
      exitCode: 6,
      message: expect.stringMatching(
        /other queries and other judgments: queries aaaaaaaa \(1\) and dddddddd \(1\); judgments bbbbbbbb \(0\) and eeeeeeee \(7\).*--queries and --judgments/,
      ) as string,
    });
  });

  it('are refused when one is not finished, holds a query twice, or lacks one', async () => {
    const lines = gradedLines([[1], [1], [1]]);
    const a = await runOf('whole', lines);
    const text = await readFile(a, 'utf8');
    const change = async (name: string, changed: string): Promise<string> => {
      await writeFile(join(folder, name), changed);
      return join(folder, name);
    };
    const rows = text.trimEnd().split('\n');
    await expect(compare(a, await change('short', rows.slice(0, 3).join('\n')))).rejects.toThrow('holds 2 of 3 queries');
    await expect(compare(a, await change('cut', text.slice(0, -30)))).rejects.toThrow(
      /:4: not JSON .* evaluate with the same --out to mend the end/,
    );
    await expect(compare(a, await change('twice', [...rows, rows[1]].join('\n')))).rejects.toThrow('holds query "q0" twice');
    await expect(compare(a, await change('strange', text.replace('"q2"', '"q9"')))).rejects.toThrow('the first "q2"');
    await expect(compare(a, await change('broken', text.replace('"state":"ok"', '"state":"fine"')))).rejects.toThrow(
      /:2: not a line of a run: state/,
    );
    await expect(compare(a, await change('list', '{"query":"x"}\n'))).rejects.toThrow('is not a run: its first line lacks "fuserank_run"');
    await expect(compare(a, await change('empty', ''))).rejects.toThrow('is empty');
    await expect(compare(a, join(folder, 'nowhere'))).rejects.toMatchObject({ exitCode: 6 });
  });

  it('are refused for metrics that look deeper than they are', async () => {
    const file = await runOf('shallow', gradedLines([[1]]), { depth: 5 });
    await expect(compare(file, file)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('ndcg@10 looks at more hits than the 5') as string,
    });
  });
});
