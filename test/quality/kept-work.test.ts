import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { makeFolder } from '../examples/small-source.js';
import { keepWork, writeStamp } from './kept-work.js';

async function openRoom(): Promise<{
  file: string;
  made: string[];
  work: (name: string, stamp: object, isThere?: () => boolean) => Promise<string>;
}> {
  const file = join(await makeFolder(), 'deep', 'work.json');
  const made: string[] = [];
  const work = async (name: string, stamp: object, isThere?: () => boolean): Promise<string> => {
    const { result } = await keepWork({
      file,
      stamp: { ...stamp },
      result: z.string(),
      ...(isThere === undefined ? {} : { isThere }),
      make: () => {
        made.push(name);
        return Promise.resolve(name);
      },
    });
    return result;
  };
  return { file, made, work };
}

describe('work that is kept', () => {
  test('is done once while its stamp is the same, and again for another one', async () => {
    const { made, work } = await openRoom();
    expect(await work('first', { model: 'a', seed: 1 })).toBe('first');
    expect(await work('second', { seed: 1, model: 'a' })).toBe('first');
    expect(await work('third', { model: 'b', seed: 1 })).toBe('third');
    expect(await work('fourth', { model: 'a', seed: 1 })).toBe('fourth'); // one result is kept, not all
    expect(made).toEqual(['first', 'third', 'fourth']);
  });

  test('is done again where what it made is gone, where its file broke off, and where it holds something else', async () => {
    const { file, made, work } = await openRoom();
    await work('first', { model: 'a' });
    await work('gone', { model: 'a' }, () => false);
    await writeFile(file, (await readFile(file, 'utf8')).slice(0, 12));
    await work('torn', { model: 'a' });
    await writeFile(file, JSON.stringify({ stamp: writeStamp({ model: 'a' }), result: 7 }));
    await work('other', { model: 'a' });
    expect(made).toEqual(['first', 'gone', 'torn', 'other']);
  });

  test('that fails is not kept, nor is what was there before it', async () => {
    const { file, made, work } = await openRoom();
    await work('first', { model: 'a' });
    const failing = keepWork({ file, stamp: { model: 'b' }, result: z.string(), make: () => Promise.reject(new Error('killed')) });
    await expect(failing).rejects.toThrow('killed');
    await work('second', { model: 'a' });
    expect(made).toEqual(['first', 'second']);
  });
});

test('a stamp does not hang on the order of its members, but on that of a list', () => {
  expect(writeStamp({ b: { d: 1, c: [2, 1] }, a: null })).toBe(writeStamp({ a: null, b: { c: [2, 1], d: 1 } }));
  expect(writeStamp({ a: [1, 2] })).not.toBe(writeStamp({ a: [2, 1] }));
});
