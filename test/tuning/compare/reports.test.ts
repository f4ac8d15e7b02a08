import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRule } from '../../../tuning/compare/gate.js';
import { localPicture } from '../../../tuning/compare/report/html/picture.js';
import { renderHtml } from '../../../tuning/compare/report/html/page.js';
import { describeAsJson } from '../../../tuning/compare/report/json.js';
import { renderJunit } from '../../../tuning/compare/report/junit.js';
import { renderMarkdown } from '../../../tuning/compare/report/markdown.js';
import { parseReportOrder, writeReport } from '../../../tuning/compare/report/report-file.js';
import { renderTerminal } from '../../../tuning/compare/report/terminal.js';
import { compareRuns, type RunComparison } from '../../../tuning/compare/run-comparison.js';
import { inventLine, writeRun } from './invented-run.js';

/** Text that would do harm in any of the reports if it came through as it is. */
const HOSTILE = `</td><script>alert(1)</script><img src=x onerror=alert(1)> "'\`| \u001b[31m [a](http://evil.example) @everyone \u0000`;
const PICTURES = ['pictures/lamp.png', 'https://evil.example/a.png', '//evil.example/a.png', 'javascript:alert(1)'];

let folder: string;
let comparison: RunComparison;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuserank-reports-'));
  const lines = [0, 1].map((side) =>
    Array.from({ length: 12 }, (_, place) => {
      const line = inventLine({
        query_id: `q${place}`,
        query: place === 0 ? HOSTILE : `words ${place}`,
        tags: [place % 2 === 0 ? HOSTILE : 'head'],
        history_length: place,
        grades: [3, null, 1],
      });
      const hits = line.hits.map((hit, rank) => ({
        ...hit,
        title: place === 0 ? HOSTILE : `title ${rank}`,
        image: PICTURES[(place + rank) % 4],
        group: place === 0 ? HOSTILE : `brand ${rank}`,
      }));
      // B turns the lists of the first six round, and loses the best hit of the very first.
      const turned = place < 6 ? hits.toReversed() : hits;
      const found = { legs: { first_phase: [`q${place}-p0`], [HOSTILE]: [`q${place}-p2`] }, judgments: { [`q${place}-p0`]: 3 } };
      return { ...line, ...found, hits: side === 0 ? hits : place === 0 ? turned.slice(0, 2) : turned };
    }),
  );
  const files = await Promise.all(
    lines.map((side, place) =>
      writeRun(join(folder, `${place}.ndjson`), side, {
        count: 12,
        header: { name: `run ${place} ${HOSTILE}`, legs: 20, group_field: HOSTILE },
      }),
    ),
  );
  const [a = '', b = ''] = files;
  const rules = ['ndcg@10<-0.01', 'mrr<-0.9'].map(parseRule);
  comparison = await compareRuns({ a, b, metrics: ['ndcg@10', 'mrr', 'judged@10'], test: 'randomization', seed: 1, rules, lists: 4 });
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('the html report', () => {
  it('names the worst queries with both lists, their grades and moves', () => {
    const page = renderHtml(comparison);
    expect(comparison.worst).toHaveLength(4);
    for (const { query_id } of comparison.worst) expect(page).toContain(query_id);
    expect(page.match(/<details class="change"/g)).toHaveLength(4);
    expect(page).toContain('>gone</span>');
    expect(page).toMatch(/↓\s+to 3/);
    expect(page).toMatch(/title="grade 3"/);
    expect(page).toMatch(/title="not judged"/);
  });

  it('tell in every form who was harmed, what was found, whose hits were shown, and what holes do', () => {
    for (const report of [renderHtml, renderMarkdown, renderTerminal]) {
      const page = report(comparison).replaceAll('\\', '');
      expect(page).toMatch(/on \d+\.\d % of the queries B is more than \.05 of ndcg@10 below A/);
      expect(page).toContain('leg_recall@20');
      expect(page).toContain('brand 1');
      expect(page).toContain('ndcg@10, condensed');
      expect(page).toContain('RBO.9');
      expect(page).toContain('Jaccard@10');
    }
    expect(describeAsJson(comparison, { perQuery: false })).toMatchObject({
      metrics: { 'ndcg@10': { harm: comparison.metrics[0]?.harm } },
      legs: { metric: 'leg_recall@20', a: { first_phase: 1, fused: 1 } },
      exposure: { k: 10, field: HOSTILE },
      condensed: { metric: 'ndcg@10, condensed' },
    });
  });

  it('lets no text of a run become markup', () => {
    const page = renderHtml(comparison);
    expect(page).not.toMatch(/<script|onerror=alert\(1\)>|<img src=x/);
    expect(page).toContain('&#60;script&#62;alert(1)');
    expect(/\p{Cc}/u.test(page.replaceAll('\n', ''))).toBe(false);
  });

  it('loads nothing by the network and allows no script, by policy and by content', () => {
    const page = renderHtml(comparison);
    const style = /<style>([^]*?)<\/style>/.exec(page)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/s.exec(page)?.[1]?.replace(/\s+/g, ' ');
    expect(policy?.replaceAll('&#39;', "'")).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; img-src data: file: 'self'; base-uri 'none'; form-action 'none'`,
    );
    const addresses = [...page.matchAll(/\s(?:src|href|srcset|data|action|poster)="([^"]*)"/g)].map(([, address]) => address);
    expect(new Set(addresses.filter((address) => !address?.startsWith('#')))).toEqual(new Set(['pictures/lamp.png']));
    expect(page).not.toMatch(/<link|@import|url\(|\sstyle="|\son[a-z]+="/);
  });

  it('carries lists for the worst and the best alone', async () => {
    const [a, b] = [comparison.runs.a.file, comparison.runs.b.file];
    const none = await compareRuns({ a, b, metrics: ['mrr'], test: 't', seed: 1, rules: [], lists: 0 });
    expect(renderHtml(none)).not.toContain('title 1');
  });
});

describe('the configuration of a run', () => {
  it('is not told twice where its name is its kind', () => {
    for (const report of [renderHtml, renderMarkdown, renderTerminal]) {
      const page = report(comparison);
      expect(page).toContain('first-phase');
      expect(page).not.toContain('first-phase first-phase');
    }
  });
});

describe('a picture in a report', () => {
  it.each(['a.png', './b/c.jpg', '/data/x.webp', 'file:///data/x.png', 'data:image/png;base64,iVBORw0KGgo='])(
    'is shown from %s',
    (address) => {
      expect(localPicture(address)).toBe(address);
    },
  );

  it.each([
    ...[
      'http://h/a.png',
      'HTTPS://h/a.png',
      '//h/a.png',
      '\\\\h\\a.png',
      '/\\h/a.png',
      ' //h/a.png',
      'ht\ntps://h/a.png',
      'file://h/a.png',
    ],
    ...['javascript:alert(1)', 'blob:x', 'C:\\a.png', '', 'data:text/html;base64,AAAA', 'data:image/svg+xml;base64,AAAA', 'http://['],
    `data:image/png;base64,${'A'.repeat(200_000)}`,
  ])('is not shown from %j', (address) => {
    expect(localPicture(address)).toBeNull();
  });
});

describe('the other reports', () => {
  it('say in junit what each rule decided, as well-formed XML', () => {
    const xml = renderJunit(comparison);
    expect(xml.match(/<testcase /g)).toHaveLength(3);
    expect(xml).toContain('tests="3" failures="1"');
    expect(xml).toMatch(/name="ndcg@10&#60;-0.01"><failure type="gate" message="the mean difference of ndcg@10 is −/);
    expect(xml).not.toContain('<script');
    expect(/\p{Cc}/u.test(xml.replaceAll('\n', ''))).toBe(false);
  });

  it('keep text as text in markdown: one line, one cell, no markup, nobody called', () => {
    const text = renderMarkdown(comparison);
    const row = text.split('\n').find((line) => line.startsWith('| run |')) ?? '';
    expect(row.replaceAll('\\|', '').match(/\|/g)).toHaveLength(4);
    expect(text).not.toMatch(/<script|[^\\]\[a\]|http:\/\/|(?<!\w)@everyone/);
    expect(text).toContain('## Worst regressions');
    expect(text).toMatch(/\| worse \|/);
  });

  it('print no control character to a terminal', () => {
    expect(/\p{Cc}/u.test(renderTerminal(comparison).replaceAll('\n', ''))).toBe(false);
  });

  it('give in json what was measured, and both values of each query only where asked', () => {
    const short = JSON.parse(JSON.stringify(describeAsJson(comparison, { perQuery: false }))) as Record<string, unknown>;
    const [ndcg] = comparison.metrics;
    expect(short).toMatchObject({
      fuserank_comparison: 1,
      queries: { count: 12, compared: 12, failed: { either: 0 } },
      metrics: { 'ndcg@10': { difference: ndcg?.difference, verdict: ndcg?.verdict, queries: 12 }, 'judged@10': { verdict: null } },
      gate: { passed: false },
    });
    expect(short).not.toHaveProperty('per_query');
    expect(describeAsJson(comparison, { perQuery: true })).toHaveProperty('per_query.length', 12);
  });

  it('are written whole or not at all, to a file that must be named', async () => {
    const file = join(folder, 'report.json');
    await writeReport(comparison, parseReportOrder(`json=${file}`));
    expect(JSON.parse(await readFile(file, 'utf8'))).toHaveProperty('fuserank_comparison', 1);
    await expect(writeReport(comparison, { kind: 'html', file: join(folder, 'nowhere', 'x.html') })).rejects.toMatchObject({ exitCode: 2 });
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
    for (const order of ['html', 'html=', 'pdf=x', 'toString=x']) expect(() => parseReportOrder(order)).toThrow('html, md, junit, json');
  });
});
