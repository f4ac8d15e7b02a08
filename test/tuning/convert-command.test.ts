import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';
import { describeWithData } from '../data-folder.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fuserank-convert-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function convert(args: readonly string[], input: string | Buffer = '') {
  const program = ['--import', import.meta.resolve('tsx'), join(packageRoot, 'fuserank.ts'), 'convert', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, program, { cwd: folder, input, encoding: 'utf8' });
  return { code: status, out: stdout, log: stderr };
}

const reportSchema = z.object({
  from: z.string(),
  accepted: z.number(),
  written: z.number(),
  rejected: z.number(),
  rejects: z.array(z.object({ line: z.number().nullable(), raw: z.string(), reason: z.string() })),
});

const ratings = 'query,docid,rating\nlamp,a,1\nlamp,b,?\nmug,c,2\n';

describe('fuserank convert', () => {
  it('writes what is good, lists what is not, and says so by its exit code', () => {
    writeFileSync(join(folder, 'ratings.csv'), ratings);
    const { code, out } = convert(['--to', 'trec', '--json', '--rejects', 'bad.ndjson', 'ratings.csv', 'judgments.qrels']);
    expect(code).toBe(3);
    expect(reportSchema.parse(JSON.parse(out))).toEqual({
      from: 'quepid',
      accepted: 2,
      written: 2,
      rejected: 1,
      rejects: [{ line: 3, raw: 'lamp,b,?', reason: 'rating "?" is not a number' }],
    });
    expect(readFileSync(join(folder, 'judgments.qrels'), 'utf8')).toMatch(/^q[0-9a-f]{12} 0 a 1\nq[0-9a-f]{12} 0 c 2\n$/);
    expect(JSON.parse(readFileSync(join(folder, 'bad.ndjson'), 'utf8'))).toMatchObject({ line: 3, raw: 'lamp,b,?' });
    expect(readdirSync(folder).toSorted()).toEqual(['bad.ndjson', 'judgments.qrels', 'ratings.csv']);
  });

  it('goes from stdin to stdout with the report on stderr, gzip and byte order mark taken off', () => {
    const { code, out, log } = convert(['--to', 'quepid', '-', '-'], gzipSync(`\uFEFF${ratings.replace('?', '0')}`));
    expect(out).toBe('query,docid,rating\nlamp,a,1\nlamp,b,0\nmug,c,2\n');
    expect(log).toContain('3 judgments read as quepid, written as quepid');
    expect(code).toBe(0);
  });

  it('leaves what is there alone when the input cannot be used', () => {
    writeFileSync(join(folder, 'out.csv'), 'mine');
    writeFileSync(join(folder, 'latin.csv'), Buffer.from('query,docid,rating\nl\xe9t\xe9,a,1\n', 'latin1'));
    const encoding = convert(['--to', 'quepid', 'latin.csv', 'out.csv']);
    expect(encoding.code).toBe(6);
    expect(encoding.log).toContain('latin.csv is not UTF-8; turn it into it, for example: iconv');
    const delimiter = convert(['--to', 'quepid', '-', 'out.csv'], ratings.replaceAll(',', ';'));
    expect(delimiter.code).toBe(6);
    expect(delimiter.log).toBe('stdin: columns are separated by ";", not by commas; save it as CSV with commas\n');
    expect(readFileSync(join(folder, 'out.csv'), 'utf8')).toBe('mine');
    expect(readdirSync(folder).toSorted()).toEqual(['latin.csv', 'out.csv']);
  });

  it('turns a log of searches and clicks into judgments', () => {
    const search = (id: number) => JSON.stringify({ query_id: `s${id}`, user_query: 'lamp', query_response_hit_ids: ['a', 'b'] });
    const click = (id: number, item: string) =>
      JSON.stringify({ action_name: 'click', query_id: `s${id}`, event_attributes: { object: { object_id: item } } });
    const log = [search(1), click(1, 'a'), search(2), click(2, 'a'), '{"action_name":', search(3), click(3, 'b')].join('\n');
    const judged = convert(['--from', 'ubi', '--to', 'quepid', '--min-impressions', '3', '-', '-'], log);
    expect(judged).toMatchObject({ code: 3, out: 'query,docid,rating\nlamp,a,1\nlamp,b,1\n' });
    expect(judged.log).toContain('line 5: neither an event (action_name) nor a query (user_query) of UBI  | {"action_name":');
    const seldom = convert(['--to', 'quepid', '-', '-'], log.replace('{"action_name":\n', ''));
    expect(seldom).toMatchObject({ code: 6, out: '' });
    expect(seldom.log).toContain('fewer than 10 times are not judged (--min-impressions)');
  });

  it('tells wrong usage', () => {
    expect(convert(['--to', 'quepit', '-', '-'], ratings)).toMatchObject({
      code: 2,
      out: '',
      log: '"quepit" is no format; did you mean quepid?\n',
    });
    expect(convert(['--to', 'quepid', '--gains', 'E=1', '-', '-'], ratings).code).toBe(2);
    expect(convert(['--help']).out).toMatch(/^Examples:\n {2}fuserank convert --to trec ratings\.csv/);
  });
});

describeWithData('real judgments', (data) => {
  it('go to the workbench and back', () => {
    const queries = join(data, 'esci/queries.csv');
    expect(convert(['--to', 'srw', '--queries', queries, join(data, 'esci/judgments.csv'), 'srw.json']).code).toBe(0);
    const { code, out } = convert(['--to', 'esci', '--json', '--queries', queries, 'srw.json', 'back.csv']);
    expect(code).toBe(0);
    expect(reportSchema.parse(JSON.parse(out))).toMatchObject({ from: 'srw-judgments', rejected: 0 });
    const pairs = (text: string, columns: readonly number[]) =>
      text
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => columns.map((column) => line.split(',').at(column)).join(' '))
        .toSorted();
    const source = readFileSync(join(data, 'esci/judgments.csv'), 'utf8').replaceAll('\r', '');
    expect(pairs(readFileSync(join(folder, 'back.csv'), 'utf8'), [0, -2, -1])).toEqual(pairs(source, [0, -2, -1]));
  });
});
