import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
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
