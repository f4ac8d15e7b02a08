import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';

export interface Top {
  id: string;
  title: string;
  /** Free text: `Onyx Black/ Stone`. */
  colour: string;
  /** The photo's file. */
  photo: string;
  /** Equal for products that share one and the same photo file. */
  photoDigest: string;
}

const rowSchema = z.object({ id: z.string(), title: z.string(), color: z.string() });

/** Products of the `tops` folder with their photos. */
export function readTops(folder: string): Top[] {
  const lines = gunzipSync(readFileSync(join(folder, 'products.jsonl.gz')))
    .toString('utf8')
    .trim()
    .split('\n');
  return lines.map((line) => {
    const { id, title, color } = rowSchema.parse(JSON.parse(line));
    const photo = join(folder, 'images', `${id}.jpg`);
    return { id, title, colour: color, photo, photoDigest: createHash('sha256').update(readFileSync(photo)).digest('hex') };
  });
}

/** Items kept out of every fit: the same ones each time, whatever the order of the file. */
export function holdOut(tops: readonly Top[], count: number): { fit: Top[]; test: Top[] } {
  const keyed = tops.map((top) => ({ top, key: createHash('sha256').update(`held-out ${top.id}`).digest('hex') }));
  const drawn = keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ top }) => top);
  return { fit: drawn.slice(count), test: drawn.slice(0, count) };
}

/** Whether the free-text colour says one of the words. */
export function hasColour(top: Pick<Top, 'colour'>, words: readonly string[]): boolean {
  const said = top.colour.toLowerCase().split(/[^a-z]+/);
  return words.some((word) => said.includes(word));
}
