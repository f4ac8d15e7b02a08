import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRun, RunMismatch, RunWriter } from '../../tuning/run/run-file.js';
import type { RunLine } from '../../tuning/run/run-line.js';
import { gradedLine, runHeader } from './run-lines.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fuserank-run-'));
  file = join(folder, 'run.ndjson');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function linesOf(path: string): Promise<RunLine[]> {
  const lines: RunLine[] = [];
  for await (const line of (await openRun(path)).lines) lines.push(line);
  return lines;
}

async function writeRun(...ids: string[]): Promise<void> {
  const writer = await RunWriter.open(file, runHeader());
  for (const id of ids) await writer.append(gradedLine([1, null], [1], { query_id: id }));
  await writer.close();
}

describe('a run file', () => {
  it('gives back what was written, also through gzip', async () => {
    await writeRun('q1', 'q2');
    expect((await openRun(file)).header).toEqual(runHeader());
    expect(await linesOf(file)).toEqual([gradedLine([1, null], [1]), gradedLine([1, null], [1], { query_id: 'q2' })]);
    writeFileSync(`${file}.gz`, gzipSync(readFileSync(file)));
    expect(await linesOf(`${file}.gz`)).toHaveLength(2);
  });

  it('keeps lines whole that are appended at once, and a line separator inside a query', async () => {
    const writer = await RunWriter.open(file, runHeader());
    const ids = Array.from({ length: 50 }, (_, number) => `q${number}`);
    await Promise.all(ids.map((id) => writer.append(gradedLine([1], [1], { query_id: id, query: 'two\u2028lines\nand a third' }))));
    await writer.close();
    const lines = await linesOf(file);
    expect(lines.map(({ query_id }) => query_id)).toEqual(ids);
    expect(lines[0]?.query).toBe('two\u2028lines\nand a third');
  });

  it('goes on after a crash at any byte, with the queries that were whole', async () => {
    await writeRun('q1', 'q2', 'q3');
    const whole = readFileSync(file);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length }), async (cut) => {
        writeFileSync(file, whole.subarray(0, cut));
        const lineFeeds = whole.subarray(0, cut).filter((byte) => byte === 0x0a).length;
        const writer = await RunWriter.open(file, runHeader({ created: 'later' }));
        expect([...writer.done]).toEqual(['q1', 'q2', 'q3'].slice(0, Math.max(0, lineFeeds - 1)));
        for (const id of ['q1', 'q2', 'q3']) if (!writer.done.has(id)) await writer.append(gradedLine([1, null], [1], { query_id: id }));
        await writer.close();
        expect(await linesOf(file)).toHaveLength(3);
      }),
      { numRuns: 60 },
    );
  });

  it('does not mix two runs, nor touch a file that is none', async () => {
    await writeRun('q1');
    const size = statSync(file).size;
    await expect(RunWriter.open(file, runHeader({ seed: 8 }))).rejects.toThrow(RunMismatch);
    await expect(RunWriter.open(file, runHeader({ seed: 8 }))).rejects.toThrow('seed 7, now 8');
    expect(statSync(file).size).toBe(size);
    writeFileSync(file, 'notes of mine');
    await expect(RunWriter.open(file, runHeader())).rejects.toThrow('is not a run; name another file');
    expect(readFileSync(file, 'utf8')).toBe('notes of mine');
  });

  it('answers a query once', async () => {
    const writer = await RunWriter.open(file, runHeader());
    await writer.append(gradedLine([1], [1]));
    await expect(writer.append(gradedLine([1], [1]))).rejects.toThrow('"q1" is in the run already');
    await writer.close();
  });

  it('names file, line and remedy of what cannot be read', async () => {
    const faults: [text: string, message: RegExp][] = [
      ['', /run\.ndjson is empty, not a run; make one with: fuserank evaluate/],
      ['q1 Q0 d1 1 2.5 tag\n', /is not a run: .*fuserank convert --to run/],
      ['{"fuserank_run":2}\n', /of version 2, this fuserank reads version 1/],
      ['{"fuserank_run":1}\n', /run\.ndjson:1: the run's header is broken: name:/],
    ];
    for (const [text, message] of faults) {
      writeFileSync(file, text);
      await expect(openRun(file), text).rejects.toThrow(message);
    }
    await expect(openRun(join(folder, 'absent'))).rejects.toThrow('absent: no such file');
    await writeRunAnew('q1');
    const good = readFileSync(file, 'utf8');
    const line = JSON.stringify(gradedLine([1], [1]));
    const broken: [text: string, message: RegExp][] = [
      [line, /run\.ndjson:3: query "q1" stands on line 2 already/],
      [line.replace('"score":1', '"score":NaN').replace('q1', 'q2'), /:3: not JSON \(NaN and a torn line are not\)/],
      ['{"query_id":"q3"}', /:3: not a line of a run: /],
      [JSON.stringify({ ...gradedLine([1, 1], [1]), query_id: 'q4' }).replace('"d1"', '"d0"'), /:3: hit "d0" stands in the list twice/],
    ];
    for (const [text, message] of broken) {
      writeFileSync(file, `${good}${text}\n`);
      await expect(linesOf(file), text).rejects.toThrow(message);
    }
  });

  it('is not gone on with when it is broken before its end', async () => {
    await writeRunAnew('q1');
    appendFileSync(file, 'garbage\n');
    await expect(RunWriter.open(file, runHeader())).rejects.toThrow(/:3: not JSON/);
    truncateSync(file, 0);
    await writeRun('q1');
    expect(await linesOf(file)).toHaveLength(1);
  });
});

async function writeRunAnew(...ids: string[]): Promise<void> {
  rmSync(file, { force: true });
  await writeRun(...ids);
}
