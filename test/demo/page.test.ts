import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';

const folder = join(packageRoot, 'tuning', 'ui');
const files = readdirSync(folder);
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

type Moves = Map<string, number | null>;
const movesModule = z.object({
  countMoves: z.custom<(before: string[], after: string[]) => Moves>((value) => typeof value === 'function'),
  countMovesFromEngine: z.custom<(engine: string[], ranked: object[]) => Moves>((value) => typeof value === 'function'),
  describeMove: z.custom<(move: number | null) => { text: string; kind: string; spoken: string }>((value) => typeof value === 'function'),
  describeChange: z.custom<(before: string[], after: string[], title: (id: string) => string) => string>(
    (value) => typeof value === 'function',
  ),
});

describe('the page', () => {
  it('keeps a strict content policy: no script or style in the markup, nothing from elsewhere', () => {
    const html = read('index.html');
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son[a-z]+=/i);
    for (const name of files.filter((file) => !file.endsWith('.svg')))
      expect(read(name), name).not.toMatch(/(https?:)?\/\/[a-z0-9.-]+\.[a-z]{2,}/i);
    for (const name of files.filter((file) => file.endsWith('.js')))
      expect(read(name), name).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|\beval\b|new Function/);
  });

  it('refers only to files that are there', () => {
    const named = [
      ...[...read('index.html').matchAll(/(?:src|href)="([\w.-]+)"/g)].map((match) => match[1]),
      ...files
        .filter((file) => file.endsWith('.js'))
        .flatMap((file) => [...read(file).matchAll(/from '\.\/([\w.-]+)'/g)].map((match) => match[1])),
    ];
    expect(named.length).toBeGreaterThan(5);
    for (const name of named) expect(files).toContain(name);
  });

  it('labels every box', () => {
    const html = read('index.html');
    const labelled = new Set([...html.matchAll(/<label for="([\w-]+)"/g)].map((match) => match[1]));
    const boxes = [...html.matchAll(/<(?:input|select)[^>]*\bid="([\w-]+)"/g)].map((match) => match[1]);
    // The user box takes over the shopper picker's label where there is no picker.
    for (const box of boxes.filter((id) => id !== 'user')) expect(labelled).toContain(box);
  });
});

describe('moves on the page', () => {
  let moves: z.output<typeof movesModule>;
  beforeAll(async () => {
    const loaded: unknown = await import(pathToFileURL(join(folder, 'moves.js')).href);
    moves = movesModule.parse(loaded);
  });

  it('add up to nothing over a permutation, and undo themselves', () => {
    const ids = fc.uniqueArray(fc.string(), { maxLength: 20 });
    const shuffled = ids.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })));
    fc.assert(
      fc.property(shuffled, ([before, after]) => {
        const there = moves.countMoves(before, after);
        const back = moves.countMoves(after, before);
        expect([...there.values()].reduce<number>((sum, move) => sum + (move ?? Number.NaN), 0)).toBe(0);
        for (const [id, move] of there) expect((move ?? Number.NaN) + (back.get(id) ?? Number.NaN)).toBe(0);
      }),
    );
  });

  it('are told in signs and in words', () => {
    expect(moves.describeMove(3)).toMatchObject({ text: '▲3', kind: 'up', spoken: 'up 3' });
    expect(moves.describeMove(-2)).toMatchObject({ text: '▼2', kind: 'down', spoken: 'down 2' });
    expect(moves.describeMove(0).kind).toBe('same');
    expect(moves.describeMove(null)).toMatchObject({ text: 'new', kind: 'new' });
  });

  it('count from the engine’s own rank where the hit explains itself', () => {
    const explained = { _id: 'far', fields: { _fuserank: [{ first_phase: { rank: 87 } }] } };
    const added = { _id: 'added', fields: { _fuserank: [{ first_phase: { rank: null } }] } };
    const counted = moves.countMovesFromEngine(['near', 'other'], [explained, { _id: 'near' }, added]);
    expect([...counted]).toEqual([
      ['far', 87],
      ['near', -1],
      ['added', null],
    ]);
  });

  it('say what a click changed', () => {
    const title = (id: string): string => id.toUpperCase();
    expect(moves.describeChange(['a', 'b'], ['a', 'b'], title)).toMatch(/moved nothing/);
    expect(moves.describeChange(['a', 'b', 'c'], ['c', 'a', 'd'], title)).toBe(
      'The click moved 3 of 3 products. “C” went up 2. 1 came into the list.',
    );
  });
});

const wordsModules = z.object({
  describeFound: z.custom<(result: { total: number; atLeast: boolean; rankedTotal: number; ranked: object[]; moves: Moves }) => string>(
    (value) => typeof value === 'function',
  ),
  describeHistory: z.custom<(history: { object_id: string | null; weight: number }[], name: (id: string) => string) => string[]>(
    (value) => typeof value === 'function',
  ),
  describeRetrievers: z.custom<(why: object) => { name: string; score: string; place: string }[]>((value) => typeof value === 'function'),
  describeWithout: z.custom<(without: Record<string, { rank: number | null }> | undefined) => string[]>(
    (value) => typeof value === 'function',
  ),
  describeRule: z.custom<(move: object | undefined, name: (id: string) => string) => string | null>((value) => typeof value === 'function'),
  STAGES: z.record(z.string(), z.string()),
  openShop: z.custom<() => Promise<{ index: string }>>((value) => typeof value === 'function'),
});

describe('sentences on the page', () => {
  let words: z.output<typeof wordsModules>;
  beforeAll(async () => {
    const loaded: unknown[] = await Promise.all(
      ['found.js', 'why.js', 'timings.js', 'shop.js'].map((name) => import(pathToFileURL(join(folder, name)).href)),
    );
    words = wordsModules.parse(Object.assign({}, ...loaded));
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  const hit = (id: string, rank: number | null): object => ({ _id: id, fields: { _fuserank: [{ first_phase: { rank } }] } });

  it('tell where a hit would stand without a group of facts', () => {
    expect(words.describeWithout({ history: { rank: 0 }, counts: { rank: null } })).toEqual([
      'without what the shopper did: 1',
      'without what all shoppers did: –',
    ]);
    expect(words.describeWithout(undefined)).toEqual([]);
  });

  it('tell what OpenSearch found from what vectors added', () => {
    const ranked = [hit('a', 1), hit('b', 0), hit('new', null), hit('c', 3)];
    const moves: Moves = new Map<string, number | null>([
      ['a', 1],
      ['b', -1],
      ['new', null],
      ['c', 0],
    ]);
    expect(words.describeFound({ total: 9, atLeast: false, rankedTotal: 50, ranked, moves })).toBe(
      'OpenSearch found 9; 41 more that look or read alike were added. Of the 4 shown, 1 was added by vectors and 2 stand elsewhere than in OpenSearch’s order.',
    );
  });

  it('do not speak of an order of OpenSearch where it found nothing', () => {
    const ranked = [hit('x', null), hit('y', null)];
    const moves: Moves = new Map([
      ['x', null],
      ['y', null],
    ]);
    expect(words.describeFound({ total: 0, atLeast: false, rankedTotal: 2, ranked, moves })).toBe(
      'OpenSearch found nothing; 2 that look or read alike were added.',
    );
  });

  it('name the known items of a history and count the others', () => {
    const history = [
      { object_id: null, weight: 0.3 },
      { object_id: 'p1', weight: 0.25 },
      { object_id: null, weight: 0.2 },
    ];
    expect(words.describeHistory(history, (id) => id.toUpperCase())).toEqual([
      'P1 (0.25)',
      '2 earlier products that this search did not return (0.50)',
    ]);
    expect(words.describeHistory([], String)).toEqual([]);
  });

  it('tell what each retriever said of a hit', () => {
    const why = {
      first_phase: { score: 7.25, rank: 11, z: 0.3 },
      lexical: { score: 2, rank: 3 },
      text_knn: { score: 0.8125, rank: 0 },
      image_knn: { score: null, rank: null },
    };
    expect(words.describeRetrievers(why)).toEqual([
      { name: 'OpenSearch’s own search', score: '7.25', place: '12' },
      { name: 'the words of a hybrid search', score: '2', place: '4' },
      { name: 'text vectors', score: '0.81', place: '1' },
      { name: 'picture vectors', score: '–', place: '–' },
    ]);
    expect(words.describeRetrievers({})).toEqual([]);
  });

  it.each([
    [{ rule: 'pin', from: 8 }, 'Pinned to this place; by score alone it would stand at 9.'],
    [{ rule: 'max_per_group', from: 0, group: 'Ada' }, 'Moved down since enough of “Ada” stand above; by score alone it would stand at 1.'],
    [
      { rule: 'mmr', from: 2, similarity: 0.914, like: 'p1' },
      'Moved for variety, being like “P1” (0.91); by score alone it would stand at 3.',
    ],
    [
      { rule: 'mmr', from: 2, similarity: 0.5, like: null },
      'Moved for variety, being like a product above it (0.50); by score alone it would stand at 3.',
    ],
    [{ rule: 'floor', from: 30 }, 'Raised, so that its group has its share of the top; by score alone it would stand at 31.'],
    [undefined, null],
  ])('tell the rule that moved a hit: %j', (move, told) => {
    expect(words.describeRule(move, (id) => id.toUpperCase())).toBe(told);
  });

  it('explain every part of the time that the sidecar tells', () => {
    const clock = readFileSync(join(packageRoot, 'sidecar', 'walk', 'search-clock.ts'), 'utf8');
    const names = [...(/type StageName =([^;]+);/.exec(clock)?.[1] ?? '').matchAll(/'(\w+)'/g)].map((match) => match[1]);
    expect(names.length).toBeGreaterThan(5);
    expect(Object.keys(words.STAGES).sort()).toEqual([...names, 'engine', 'ours'].sort());
  });

  it.each([
    [[{ name: 'any', index: 'products*' }], 'products*'],
    [
      [
        { name: 'any', index: 'products*' },
        { name: 'one', index: 'shoes' },
      ],
      'shoes',
    ],
    [[], ''],
  ])('offer an index of the profiles: %j', async (profiles, index) => {
    vi.stubGlobal('fetch', (path: string) => Promise.resolve(path === 'settings.json' ? Response.json({ profiles }) : Response.error()));
    expect((await words.openShop()).index).toBe(index);
  });
});

const doorModule = z.object({
  openDoor: z.custom<
    (house: {
      storage: { getItem: (key: string) => string | null; setItem: (key: string, value: string) => void };
      ask: (wanted: { scope: string; again: boolean }) => Promise<string | null>;
    }) => (path: string, options?: RequestInit) => Promise<Response>
  >((value) => typeof value === 'function'),
});

describe('a token that the sidecar wants to see', () => {
  let openDoor: z.output<typeof doorModule>['openDoor'];
  beforeAll(async () => {
    const loaded: unknown = await import(pathToFileURL(join(folder, 'door.js')).href);
    openDoor = doorModule.parse(loaded).openDoor;
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  /** A sidecar whose route takes one token, and a person who gives these answers. */
  function meet({ challenge, right = 'right', answers }: { challenge?: string; right?: string; answers: (string | null)[] }) {
    const kept = new Map<string, string>();
    const shown: (string | null)[] = [];
    const asked: { scope: string; again: boolean }[] = [];
    vi.stubGlobal('fetch', (_path: string, options: RequestInit) => {
      const token = new Headers(options.headers).get('x-fuserank-token');
      shown.push(token);
      if (token === right) return Promise.resolve(Response.json({ accepted: 1 }));
      const headers = { 'www-authenticate': challenge ?? 'Bearer realm="fuserank", scope="events"' };
      return Promise.resolve(Response.json({}, { status: 401, headers }));
    });
    const send = openDoor({
      storage: { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) },
      ask: (wanted) => {
        asked.push(wanted);
        return Promise.resolve(answers.shift() ?? null);
      },
    });
    return { send, kept, shown, asked };
  }

  it('is asked for once, kept, and sent from then on', async () => {
    const { send, kept, shown, asked } = meet({ answers: ['right'] });
    for (let click = 0; click < 3; click += 1) expect((await send('/ubi/events', { method: 'POST' })).status).toBe(200);
    expect(asked).toEqual([{ scope: 'events', again: false }]);
    expect(shown).toEqual([null, 'right', 'right', 'right']);
    expect([...kept]).toEqual([['token:events', 'right']]);
  });

  it('is asked for again where it was not taken; without an answer the refusal stands', async () => {
    const { send, asked } = meet({ answers: ['wrong', null] });
    expect((await send('/ubi/events')).status).toBe(401);
    expect(asked).toEqual([
      { scope: 'events', again: false },
      { scope: 'events', again: true },
    ]);
  });

  it('is asked for once by requests side by side', async () => {
    const { send, asked } = meet({ answers: ['right'] });
    const answers = await Promise.all([send('/ubi/events'), send('/ubi/events')]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(asked).toHaveLength(1);
  });

  it('is none of the engine’s own credentials', async () => {
    const { send, asked } = meet({ challenge: 'Basic realm="OpenSearch Security"', answers: ['right'] });
    expect((await send('/products/_search')).status).toBe(401);
    expect(asked).toEqual([]);
  });
});
