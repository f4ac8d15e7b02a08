import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { registerEventsCommand } from '../../indexer/events/command.js';
import { exportEvents, type ExportOptions } from '../../indexer/events/event-export.js';
import { importEvents, NoEvents, TooManyRejects } from '../../indexer/events/event-import.js';
import { readEventLines, type EventLine } from '../../indexer/events/event-lines.js';
import { parseMoment } from '../../config/moment.js';
import { drawEvents, openStatisticsShop, type StatisticsShop } from './statistics-shop.js';

const folder = mkdtempSync(join(tmpdir(), 'fuserank-events-'));
let shop: StatisticsShop;
beforeAll(async () => {
  shop = await openStatisticsShop('events-test');
});
afterAll(async () => {
  await shop.close();
  rmSync(folder, { recursive: true, force: true });
});

const click = (more: object = {}): string =>
  JSON.stringify({
    action_name: 'click',
    timestamp: '2026-01-31T12:00:00Z',
    user_id: 'u1',
    event_attributes: { object: { object_id: 'p1' } },
    ...more,
  });

function write(name: string, lines: readonly string[]): string {
  const file = join(folder, name);
  const text = lines.map((line) => `${line}\n`).join('');
  writeFileSync(file, name.endsWith('.gz') ? gzipSync(text) : text);
  return file;
}

describe('lines of events', () => {
  const read = async (text: string): Promise<EventLine[]> => {
    const lines: EventLine[] = [];
    for await (const line of readEventLines(['-'], Readable.from([Buffer.from(text)]))) lines.push(line);
    return lines;
  };

  it('are read as UBI 1.3, with reason and raw text where they are not', async () => {
    const lines = await read(
      [
        click(),
        '',
        '{"action_name":',
        '{"timestamp":"2026-01-31T12:00:00Z"}',
        click({ timestamp: 'yesterday' }),
        '[]',
        click({ timestamp: 1769860800000 }),
      ].join('\r\n'),
    );
    expect(lines.map((line) => (line.kind === 'event' ? line.line : `${line.line}: ${line.reason}`))).toEqual([
      1,
      expect.stringMatching(/^3: not JSON/),
      expect.stringMatching(/^4: action_name: /),
      expect.stringMatching(/^5: timestamp: must be an RFC 3339 date-time/),
      expect.stringMatching(/^6: the line: /),
      7,
    ]);
    expect(lines[3]).toMatchObject({ raw: click({ timestamp: 'yesterday' }) });
    expect(lines.at(-1)).toMatchObject({ event: { timestamp: '2026-01-31T12:00:00.000Z' } });
  });

  it('name moments as dates or date-times', () => {
    expect(parseMoment('2026-01-31')?.toISOString()).toBe('2026-01-31T00:00:00.000Z');
    expect(parseMoment('2026-01-31T12:00:00+02:00')?.toISOString()).toBe('2026-01-31T10:00:00.000Z');
    expect(parseMoment('31.1.2026')).toBeNull();
  });
});

describe('events on a real engine', () => {
  it('come in once, however often they are sent, and go out as they came, by time', async () => {
    const config = shop.config({ events: `${shop.prefix}-once` });
    const events = drawEvents({ seed: 8, count: 300 });
    const [even, odd] = [0, 1].map((rest) => events.filter((_, at) => at % 2 === rest).map((event) => JSON.stringify(event)));
    const inputs = [write('odd.ndjson', odd ?? []), write('even.ndjson.gz', even ?? [])];
    expect(await importEvents({ inputs, config })).toMatchObject({ created: true, lines: 300, written: 300, existing: 0, rejected: 0 });
    expect(await importEvents({ inputs, config })).toMatchObject({ created: false, written: 0, existing: 300 });
    const mapping = await shop.ask('GET', `/${shop.prefix}-once/_mapping/field/user_id`);
    expect(JSON.stringify(mapping)).toContain('"type":"keyword"');

    const out = join(folder, 'out.ndjson');
    expect(await exportEvents({ config, out })).toBe(300);
    const lines = readFileSync(out, 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(events);
    expect(await importEvents({ inputs: [out], config })).toMatchObject({ written: 0, existing: 300 });
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('go out by shopper and time, also packed', async () => {
    const config = shop.config({ events: `${shop.prefix}-some` });
    const one = { timestamp: '2026-01-01T00:00:00.000Z', user_id: 'a', client_id: 'b' };
    const two = { timestamp: '2026-01-02T00:00:00.000Z', session_id: 'a', user_id: undefined };
    const three = { timestamp: '2026-01-03T00:00:00.000Z', user_id: 'ab' };
    await importEvents({ inputs: [write('some.ndjson', [click(three), click(two), click(one)])], config });
    const times = async (options: Partial<ExportOptions>): Promise<string[]> => {
      const out = join(folder, 'some.ndjson.gz');
      await exportEvents({ config, out, ...options });
      const text = gunzipSync(readFileSync(out)).toString().trim();
      return text === ''
        ? []
        : text.split('\n').map((line) => z.object({ timestamp: z.string() }).parse(JSON.parse(line)).timestamp.slice(0, 10));
    };
    expect(await times({ user: 'a' })).toEqual(['2026-01-01', '2026-01-02']);
    expect(await times({ user: 'nobody' })).toEqual([]);
    expect(await times({ since: new Date('2026-01-02') })).toEqual(['2026-01-02', '2026-01-03']);
    expect(await times({ since: new Date('2026-01-02'), until: new Date('2026-01-03') })).toEqual(['2026-01-02']);
    const pieces: string[] = [];
    const stdout = new Writable({
      write: (piece, _encoding, done) => {
        pieces.push(String(piece));
        done();
      },
    });
    expect(await exportEvents({ config, out: '-', stdout })).toBe(3);
    expect(pieces.join('').trim().split('\n')).toHaveLength(3);
    await expect(exportEvents({ config, out: join(folder, 'no', 'where.ndjson') })).rejects.toMatchObject({ exitCode: 2 });
  });

  it('go out whole though they all happened in one millisecond', async () => {
    const config = shop.config({ events: `${shop.prefix}-crowd` });
    const lines = Array.from({ length: 4_500 }, (_, at) => click({ user_id: `u${at}` }));
    await importEvents({ inputs: [write('crowd.ndjson', lines)], config });
    const out = join(folder, 'crowd-out.ndjson');
    expect(await exportEvents({ config, out })).toBe(4_500);
    expect(new Set(readFileSync(out, 'utf8').trim().split('\n')).size).toBe(4_500);
  });

  it('are not begun with where nothing is an event, and given up beyond the budget', async () => {
    const index = `${shop.prefix}-bad`;
    const config = shop.config({ events: index });
    await expect(importEvents({ inputs: [write('bad.ndjson', ['{}', '[]'])], config })).rejects.toThrow(NoEvents);
    await expect(importEvents({ inputs: [write('empty.ndjson', [])], config })).rejects.toThrow(/no lines/);
    await expect(shop.indices(index)).rejects.toThrow();
    const mixed = write('mixed.ndjson', [click(), '{}', '{}', click({ user_id: 'u2' })]);
    await expect(importEvents({ inputs: [mixed], config, budget: { count: 1 } })).rejects.toThrow(TooManyRejects);
    await expect(importEvents({ inputs: [mixed], config, budget: { share: 0.4 } })).rejects.toThrow(/more than --max-errors 40 %/);
    expect(await importEvents({ inputs: [mixed], config, budget: { share: 0.5 } })).toMatchObject({ lines: 4, rejected: 2 });
  });

  it('keep rejects of the engine with their lines', async () => {
    const index = `${shop.prefix}-strict`;
    await shop.ask('PUT', `/${index}`, {
      mappings: { dynamic: 'strict', properties: { action_name: { type: 'keyword' }, timestamp: { type: 'date' } } },
    });
    const bare = JSON.stringify({ action_name: 'view', timestamp: '2026-01-01T00:00:00Z' });
    const report = await importEvents({ inputs: [write('strict.ndjson', [bare, click()])], config: shop.config({ events: index }) });
    expect(report).toMatchObject({ written: 1, rejected: 1, without_product: 1, without_shopper: 1 });
    expect(report.rejects).toMatchObject([{ line: 2, raw: click() }]);
    expect(report.rejects[0]?.reason).toContain('strict_dynamic_mapping');
  });

  it('come by the command, with exit codes', async () => {
    const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const before = process.exitCode;
    const type = async (...args: string[]): Promise<{ code: unknown; out: string }> => {
      out.mockClear();
      process.exitCode = undefined;
      const program = new Command().exitOverride();
      registerEventsCommand(program);
      const flags = ['--opensearch', shop.node.url, '--events', `${shop.prefix}-typed`];
      await program.parseAsync(['node', 'fuserank', 'events', ...args, ...flags]);
      return { code: process.exitCode, out: out.mock.calls.map(([piece]) => String(piece)).join('') };
    };
    try {
      const rejects = join(folder, 'rejects.ndjson');
      const mixed = write('typed.ndjson', [click(), '{"action_name":"x"}']);
      const first = await type('import', mixed, '--json', '--rejects', rejects);
      expect(first.code).toBe(3);
      expect(JSON.parse(first.out)).toMatchObject({ written: 1, rejected: 1, rejects_file: rejects });
      expect(JSON.parse(readFileSync(rejects, 'utf8'))).toMatchObject({ line: 2, raw: '{"action_name":"x"}' });
      const second = await type('import', write('clean.ndjson', [click()]));
      expect(second).toMatchObject({
        code: 0,
        out: expect.stringMatching(/^1 line: 0 events stored in \S+, 1 there already, 0 rejected/) as unknown,
      });
      await expect(type('import', mixed, '--max-errors', 'few')).rejects.toThrow(/whole number/);
      await expect(type('import', join(folder, 'nothing.ndjson'), '--rejects', join(folder, 'no', 'where'))).rejects.toMatchObject({
        exitCode: 2,
      });
    } finally {
      process.exitCode = before;
      out.mockRestore();
    }
  });
});
