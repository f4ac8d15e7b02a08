import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { registerSearchCommands } from '../../tuning/command.js';
import { registerCompareCommand } from '../../tuning/compare/command.js';
import { registerEvaluateCommand } from '../../tuning/evaluate/command.js';
import { openInstantEngine, productId, type InstantEngine } from '../bench/instant-engine.js';
import { inventHeader, inventLine } from './compare/invented-run.js';

const QUERIES = '{"query_id":"q1","query":"red dress"}\n{"query_id":"q2","query":"lamp"}\n';
const [A, B, C] = [productId(1), productId(2), productId(3)];
const JUDGMENTS = `query_id,product_id,grade\nq1,${A},E\nq2,${B},S\n`;

let folder: string;
let engine: InstantEngine;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuserank-bad-input-'));
  engine = await openInstantEngine({ index: 'shop', hits: 5, products: 20, seed: 3 });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

async function run(...words: string[]): Promise<string> {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  registerEvaluateCommand(program);
  registerCompareCommand(program);
  registerSearchCommands(program);
  let out = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  try {
    await program.parseAsync(words, { from: 'user' });
    return out;
  } finally {
    write.mockRestore();
  }
}

/** Evaluates the two texts as files; `.csv` or `.ndjson` makes no difference. */
async function evaluate(texts: { queries?: string; judgments?: string }, ...flags: string[]): Promise<string> {
  const [queries, judgments] = [join(folder, 'queries.txt'), join(folder, 'judgments.txt')];
  await writeFile(queries, texts.queries ?? QUERIES);
  await writeFile(judgments, texts.judgments ?? JUDGMENTS);
  const inputs = ['--queries', queries, '--judgments', judgments, '--out', join(folder, 'out.run')];
  return await run('evaluate', '--index', 'shop', '--opensearch', engine.url, '--config', 'first-phase', '--quiet', ...inputs, ...flags);
}

async function expectNothingWritten(): Promise<void> {
  expect((await readdir(folder)).filter((name) => /^out|part$|html$/.test(name))).toEqual([]);
}

describe('an index that does not say which fields hold text', () => {
  it.each(['search', 'explain'])('%s: what is missing, where it is named, exit 2', async (command) => {
    const hit = command === 'explain' ? ['--id', A] : [];
    const asked = run(command, 'red dress', '--alias', 'shop', '--url', engine.url, ...hit);
    await expect(asked).rejects.toMatchObject({ exitCode: 2, message: expect.stringMatching(/\[shop\].*index\.map\.text/) as string });
  });
});

describe('judgments that cannot be used', () => {
  it.each<[string, string, RegExp]>([
    [
      'two grades for one document',
      `query_id,product_id,grade\nq1,${A},E\nq2,${B},E\nq1,${A},I\n`,
      /line 2: document "\S+" has another grade.* on line 4; keep one/,
    ],
    [
      'a document that the index lacks',
      `query_id,product_id,grade\nq1,${A},E\nq2,NO-SUCH,E\n`,
      /1 of 2 judged documents are not in shop\.\n {2}line 3: "NO-SUCH"\nindex them, take them out, or .* --allow-unknown/,
    ],
    [
      'nothing but such documents',
      'query_id,product_id,grade\nq1,X,E\n',
      /1 of 1 judged documents .* are these the ids \(_id\) of this index\?/,
    ],
    ['a label that is missing', `query_id,product_id,grade\nq1,${A},E\nq2,${B},\n`, /line 3: label "" is none of E, S, C, I/],
    ['a rating that is missing', `query,docid,rating\nred dress,${A},1\nlamp,${B},\n`, /line 3: no rating/],
    ['a rating that is NaN', `query,docid,rating\nred dress,${A},NaN\nlamp,${B},1\n`, /line 2: rating "NaN" is not a number/],
    ['a rating that is a word', `query,docid,rating\nred dress,${A},good\nlamp,${B},1\n`, /line 2: rating "good" is not a number/],
    ['semicolons', `query;docid;rating\nred dress;${A};1\n`, /columns are separated by ";", not by commas; save it as CSV with commas/],
    ['tabs', `query\tdocid\trating\nred dress\t${A}\t1\n`, /columns are separated by tabs, not by commas/],
    ['a cell too few', `query,docid,rating\nred dress,${A}\nlamp,${B},1\n`, /line 2: 2 cells where the first row has 3/],
    [
      'a heading of other names',
      `query,product,stars\nred dress,${A},1\n`,
      /holds queries, not judgments: it begins "query,product,stars"; judgments are CSV with query,docid,rating/,
    ],
    [
      'no heading',
      `red dress,${A},1\n`,
      /not recognised by its content, which begins "red dress,.*fuserank convert --help lists the formats and their columns/,
    ],
    ['the query set itself', QUERIES, /holds queries, not judgments/],
    [
      'another query set',
      `query_id,product_id,grade\nq8,${A},E\nq9,${B},E\n`,
      /judges none of the 2 queries of .*: neither query ids nor texts agree/,
    ],
    ['nothing', '', /is empty; name the file/],
  ])('%s: the line, the remedy, exit 6, and no file', async (_, judgments, message) => {
    await expect(evaluate({ judgments })).rejects.toMatchObject({ exitCode: 6, message: expect.stringMatching(message) as string });
    await expectNothingWritten();
  });

  it('are counted where they are allowed', async () => {
    const judgments = `query_id,product_id,grade\nq1,${C},E\nq1,NO-SUCH,E\n`;
    const template = join(folder, 'any.mustache');
    await writeFile(template, '{"query":{"match_all":{}}}'); // the stand-in renders nothing, so both queries fail
    const told = await evaluate({ judgments }, '--allow-unknown', '--template', template, '--json');
    expect(JSON.parse(told)).toMatchObject({ unknown_documents: 1, unjudged: 1 });
    process.exitCode = 0;
    await rm(join(folder, 'out.run'));
  });
});

describe('queries that cannot be used', () => {
  it.each<[string, string, RegExp]>([
    ['an id that comes twice', `${QUERIES}{"query_id":"q1","query":"boot"}\n`, /line 3: query_id "q1" stands at line 1/],
    ['no words and no picture', `${QUERIES}{"query_id":"q3","qery":"boot"}\n`, /line 3: neither query nor image/],
    ['NaN', `${QUERIES}{"query_id":"q3","query":NaN}\n`, /line 3: not a JSON object/],
    [
      'a history without a product',
      `${QUERIES}{"query":"boot","history":[{"action_name":"click"}]}\n`,
      /line 3: history\.0\.object_id: must be a text/,
    ],
    ['semicolons', 'query_id;query\nq1;red dress\n', /columns are separated by ";"/],
    ['a heading of other names', 'id,text\nq1,red dress\n', /not recognised by its content, which begins "id,text"/],
    ['the judgments', JUDGMENTS, /holds judgments, not queries: it begins "query_id,product_id,grade"/],
  ])('%s: the line, the remedy, exit 6, and no file', async (_, queries, message) => {
    await expect(evaluate({ queries })).rejects.toMatchObject({ exitCode: 6, message: expect.stringMatching(message) as string });
    await expectNothingWritten();
  });
});

describe('flags that cannot be meant', () => {
  it.each<[string[], RegExp]>([
    [['--depth', '2.5'], /'2\.5' is invalid\. a whole number from 1 to 10000 is needed/],
    [['--seed', 'x'], /a whole number from 0 on is needed/],
    [['--concurrency', '0'], /a whole number from 1 on is needed/],
    [['--stop-after', '1e1'], /a whole number from 1 on is needed/],
    [['--rps', 'fast'], /a number from 0\.001 to 100000 is needed/],
    [['--metrics', 'ndgc@10'], /did you mean ndcg@10/],
    [['--metrics', 'ndcg@200'], /looks at 200 hits, but 100 are kept; --depth asks for more/],
    [['--out', '/no/such/folder/x.run'], /can't be written .*; name with --out a file in a folder that is there/],
  ])('%j', async (flags, message) => {
    const template = join(folder, 'any.mustache');
    await writeFile(template, '{"query":{"match_all":{}}}');
    await expect(evaluate({}, '--template', template, ...flags)).rejects.toThrow(message);
    await expectNothingWritten();
  });
});

describe('runs that cannot be compared', () => {
  const header = { ...inventHeader(), queries: { sha256: 'a'.repeat(64), count: 2 } };
  const lines = ['q1', 'q2'].map((query_id) => inventLine({ query_id, grades: [1, 0] }));
  const whole = [header, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('');

  it.each<[string, (text: string) => string, RegExp]>([
    [
      'of another query set',
      (text) => text.replace('aaaaaaaa', 'ffffffff'),
      /they hold other queries: .*Evaluate both with the same --queries/,
    ],
    ['of other judgments', (text) => text.replace('bbbbbbbb', 'ffffffff'), /other judgments: .*Evaluate both with the same --judgments/],
    ['cut off', (text) => text.split('\n').slice(0, 2).join('\n'), /holds 1 of 2 queries; the same fuserank evaluate goes on/],
    ['torn', (text) => text.slice(0, -40), /:3: not JSON .* evaluate with the same --out to mend the end/],
    ['with a grade that is NaN', (text) => text.replace('"grade":1', '"grade":NaN'), /:2: not JSON \(NaN/],
    ['with a hit twice', (text) => text.replaceAll('q1-p1', 'q1-p0'), /:2: hit "q1-p0" stands in the list twice/],
    [
      'without its header',
      (text) => text.split('\n').slice(1).join('\n'),
      /is not a run: its first line lacks "fuserank_run"; .*fuserank convert --to run/,
    ],
    [
      'of a later version',
      (text) => text.replace('"fuserank_run":1', '"fuserank_run":2'),
      /is a run of version 2, this fuserank reads version 1/,
    ],
    ['with a broken header', (text) => text.replace('"depth":20', '"depth":"x"'), /:1: the run's header is broken: depth/],
    ['of another tool', () => 'q1 Q0 d1 1 3.5 bm25\n', /is not a run: .*fuserank convert --to run/],
    ['empty', () => '', /is empty/],
  ])('%s: what is wrong, the remedy, exit 6, and no report', async (_, change, message) => {
    const [a, b] = [join(folder, 'a.run'), join(folder, 'b.run')];
    await writeFile(a, whole);
    await writeFile(b, change(whole));
    const report = `html=${join(folder, 'out.html')}`;
    await expect(run('compare', a, b, '--report', report)).rejects.toMatchObject({
      exitCode: 6,
      message: expect.stringMatching(message) as string,
    });
    await expectNothingWritten();
  });
});
