import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { plainBody, unpackedBytes } from '../../sidecar/request/plain-body.js';
import { PhotoRoom } from '../../sidecar/http/photo-room.js';
import { call, errorOf, openEngine, openRig, type Answer } from './http-rig.js';

const MB = 1024 ** 2;
const toClose: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

describe('the room for photos', () => {
  it('holds so many bytes; short bodies take none of it', () => {
    const room = new PhotoRoom(10 * MB);
    const leave = room.enter(6 * MB);
    expect(room.enter(5 * MB)).toBeNull();
    expect(room.enter(MB)).not.toBeNull();
    leave?.();
    leave?.();
    expect(room.enter(10 * MB)).not.toBeNull();
    expect(room.enter(2 * MB)).toBeNull();
  });

  it(
    'is shared by our routes and by searches, counts what is packed unpacked, and is held until the answer',
    { timeout: 30_000 },
    async () => {
      const engine = await openEngine();
      toClose.push(() => engine.close());
      const waiting: (() => void)[] = [];
      const searched: number[] = [];
      const never = () => Promise.reject(new Error('not asked'));
      const rig = await openRig({
        engineUrl: engine.url,
        dependencies: {
          ownRoutes: {
            rank: () => new Promise((resolve) => waiting.push(() => resolve({ took: 1, applied: true, items: [] }))),
            ...{ similar: never, recommend: never, searchByPhoto: never, embed: never },
          },
          answerSearch: ({ body }) => {
            searched.push(body.length);
            return Promise.resolve({ status: 200, headers: {}, body: Buffer.from('{}') });
          },
        },
      });
      toClose.push(() => rig.close());
      const padded = (megabytes: number): Buffer => gzipSync(`{"items":[{"id":"a"}]}${' '.repeat(megabytes * MB - 100)}`);
      const send = (path: string, body: Buffer | string): Promise<Answer> =>
        call(rig.url, path, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json', ...(typeof body === 'string' ? {} : { 'content-encoding': 'gzip' }) },
        });
      const held = Array.from({ length: 8 }, () => send('/v1/rank', padded(8)));
      await expect.poll(() => waiting.length, { timeout: 20_000 }).toBe(8);
      const refused = await send('/v1/rank', padded(4));
      expect(errorOf(refused)).toMatchObject({ status: 429, reason: expect.stringContaining('photos of 64 MB') as string });
      expect(refused.headers['retry-after']).toBe('1');
      for (const body of [padded(4), ' '.repeat(3 * MB)]) {
        const passed = await send('/shop/_search', body);
        expect([passed.status, passed.headers['x-fuserank']]).toEqual([200, 'skipped; reason=body_too_large']);
      }
      expect(engine.arrivals).toHaveLength(2);
      const short = padded(1);
      expect((await send('/shop/_search', short)).headers['x-fuserank']).toBeUndefined();
      expect(searched).toEqual([short.length]);
      waiting.forEach((finish) => finish());
      expect((await Promise.all(held)).map(({ status }) => status)).toEqual(held.map(() => 200));
      const long = padded(4);
      expect((await send('/shop/_search', long)).headers['x-fuserank']).toBeUndefined();
      expect(searched).toEqual([short.length, long.length]);
    },
  );
});

describe('a packed body', () => {
  const read = (body: Buffer): Buffer | null =>
    plainBody({
      method: 'POST',
      rawUrl: '/shop/_search',
      index: 'shop',
      query: new URLSearchParams(),
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body,
      signal: new AbortController().signal,
    });

  it('unpacks to what it says of itself, 8 MB at most', () => {
    expect(read(gzipSync('{}'))?.toString()).toBe('{}');
    expect(read(gzipSync(' '.repeat(8 * MB)))?.length).toBe(8 * MB);
    expect(read(gzipSync(' '.repeat(8 * MB + 1)))).toBeNull();
    expect(read(Buffer.from('no'))).toBeNull();
  });

  it('that says too little of itself is not unpacked beyond 1 MB', () => {
    const lying = Buffer.concat([gzipSync(' '.repeat(5 * MB)), gzipSync('{}')]);
    expect(unpackedBytes(lying, 8 * MB)).toBe(MB);
    expect(read(lying)).toBeNull();
    expect(read(Buffer.concat([gzipSync('{"size":'), gzipSync('3}')]))?.toString()).toBe('{"size":3}');
  });
});
