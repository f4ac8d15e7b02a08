import { appendFile, mkdtemp, readFile, readdir, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FEATURE_SET, featureSetHash } from '../../models/feature-set.js';
import { FeatureLog, isSampled } from '../../sidecar/feature-log.js';
import { describeList, loggedListSchema, writeListLine, type ListFacts, type LoggedList } from '../../sidecar/logged-list.js';

const WIDTH = FEATURE_SET.columns.length;
const facts: ListFacts = {
  time: '2026-01-31T12:00:00.000Z',
  list_id: 'l1',
  query_id: 'q1',
  index: 'products',
  profile: 'shop',
  model: 'fusion-base-4@00000000',
  variant: 'shop@0.75',
  user: null,
  query: 'line\nbreak, "quote" and \u2028',
  history_length: 0,
  statistics_until: null,
  missing: 0,
};

function listOf(values: Float32Array, order: readonly number[]): LoggedList {
  const candidates = Array.from({ length: values.length / WIDTH }, (_, place) => ({ id: `p${place}`, firstPhaseRank: place || null }));
  return describeList(facts, { candidates, columns: values, order });
}

function bitsOf(values: ArrayLike<number>): Uint32Array {
  return new Uint32Array(Float32Array.from(values).buffer);
}

/** Finite floats of every kind: negative zero, denormals and the largest among them. */
const float = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(-0, 0, 1.401298464324817e-45, 3.4028234663852886e38),
);

describe('a logged list', () => {
  it('comes back from its line bit for bit', () => {
    const rows = fc.integer({ min: 1, max: 6 }).chain((n) => fc.array(float, { minLength: n * WIDTH, maxLength: n * WIDTH }));
    fc.assert(
      fc.property(rows, (values) => {
        const columns = Float32Array.from(values);
        const line = writeListLine(listOf(columns, []));
        expect(line).not.toContain('\n');
        const read = loggedListSchema.parse(JSON.parse(line));
        expect(bitsOf(read.candidates.flatMap((candidate) => candidate.columns))).toEqual(new Uint32Array(columns.buffer));
      }),
    );
  });

  it('says where each candidate stood, before and after', () => {
    const list = listOf(new Float32Array(3 * WIDTH), [2, 0]);
    expect(list.candidates.map(({ id, first_phase_rank, position }) => [id, first_phase_rank, position])).toEqual([
      ['p0', null, 1],
      ['p1', 1, null],
      ['p2', 2, 0],
    ]);
    expect(list).toMatchObject({ ...facts, feature_set: featureSetHash(), columns: FEATURE_SET.columns.map(({ name }) => name) });
    expect(JSON.parse(writeListLine(list))).toEqual(list);
  });

  it('is refused with a value that no log can hold, naming the column and the product', () => {
    const values = new Float32Array(2 * WIDTH);
    values[WIDTH + 3] = Number.NaN;
    expect(() => listOf(values, [])).toThrow(`column ${FEATURE_SET.columns[3]?.name} of p1 is NaN`);
  });
});

describe('the sample', () => {
  it('is decided by the key alone, and takes the wanted share', () => {
    const keys = Array.from({ length: 20_000 }, (_, place) => `query-${place}`);
    const kept = keys.filter((key) => isSampled(key, 0.05));
    expect(Math.abs(kept.length / keys.length - 0.05)).toBeLessThan(5 * Math.sqrt((0.05 * 0.95) / keys.length));
    expect(keys.filter((key) => isSampled(key, 0.05))).toEqual(kept);
    expect(kept.every((key) => isSampled(key, 0.06))).toBe(true);
    expect(keys.some((key) => isSampled(key, 0))).toBe(false);
    expect(keys.every((key) => isSampled(key, 1))).toBe(true);
  });
});

describe('the log’s files', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'fuserank-log-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const list = listOf(new Float32Array(WIDTH).fill(0.1), [0]);
  const named = (id: string): LoggedList => ({ ...list, list_id: id });
  const idsIn = async (name: string): Promise<string[]> =>
    (await readFile(join(folder, name), 'utf8'))
      .split('\n')
      .slice(0, -1)
      .map((line) => loggedListSchema.parse(JSON.parse(line)).list_id);

  it('hold whole lines, a file an hour', async () => {
    let now = new Date('2026-01-31T12:59:59.900Z');
    const log = new FeatureLog(join(folder, 'made', 'by us'), { onLost: (_, cause) => expect.unreachable(cause), now: () => now });
    log.take(named('a'));
    log.take(named('b'));
    await log.close();
    now = new Date('2026-01-31T13:00:00.000Z');
    log.take(named('c'));
    await log.close();
    folder = join(folder, 'made', 'by us');
    const names = (await readdir(folder)).sort();
    expect(names.map((name) => name.slice(0, 25))).toEqual(['fuserank-log-20260131T12-', 'fuserank-log-20260131T13-']);
    expect(names.every((name) => name.endsWith(`-${process.pid}.ndjson`))).toBe(true);
    expect(await idsIn(names[0] ?? '')).toEqual(['a', 'b']);
    expect(await idsIn(names[1] ?? '')).toEqual(['c']);
  });

  it('go on without the half line that a crash left', async () => {
    const open = (): FeatureLog => new FeatureLog(folder, { onLost: (_, cause) => expect.unreachable(cause), now: () => new Date(0) });
    const first = open();
    first.take(named('a'));
    await first.close();
    const [name = ''] = await readdir(folder);
    await appendFile(join(folder, name), `{"fuserank_log":1,"padding":"${'x'.repeat(200_000)}`);
    const second = open();
    second.take(named('b'));
    await second.close();
    expect(await idsIn(name)).toEqual(['a', 'b']);
  });

  it('lose lists where the disk is full or the folder is none, tell it, and go on when there is room', async () => {
    const lost: string[] = [];
    let kept = 0;
    const log = new FeatureLog(folder, {
      onKept: (count) => (kept += count),
      onLost: (count, cause) => lost.push(`${count} ${cause}`),
      now: () => new Date(0),
    });
    const probe = new FeatureLog(folder, { onLost: () => undefined, now: () => new Date(0) });
    probe.take(list);
    await probe.close();
    const [name = ''] = await readdir(folder);
    await unlink(join(folder, name));
    await symlink('/dev/full', join(folder, name));
    log.take(named('a'));
    await log.close();
    expect(lost).toEqual([expect.stringContaining('ENOSPC')]);
    await unlink(join(folder, name));
    log.take(named('b'));
    await log.close();
    expect([kept, await idsIn(name)]).toEqual([1, ['b']]);

    await writeFile(join(folder, 'file'), '');
    const nowhere = new FeatureLog(join(folder, 'file'), { onLost: (count, cause) => lost.push(`${count} ${cause}`) });
    nowhere.take(list);
    await nowhere.close();
    expect(lost).toHaveLength(2);
  });

  it('take no more than memory should hold while the disk is slow', async () => {
    let lost = 0;
    const log = new FeatureLog(folder, { onLost: (count) => (lost += count) });
    for (let place = 0; place < 700; place += 1) log.take(list);
    expect(lost).toBe(200);
    await log.close();
  });
});
