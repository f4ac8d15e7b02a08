import { meanOf } from '../../tuning/significance/bootstrap.js';
import { dot } from './alignment.js';
import { precisionAt } from './precision.js';
import { hasColour, type Top } from './tops-catalogue.js';

/** Colours that shoppers type, with the other spellings that a catalogue uses. */
export const COLOURS: readonly (readonly [word: string, ...spellings: string[]])[] = [
  ['black'],
  ['white'],
  ['blue', 'navy'],
  ['red'],
  ['pink'],
  ['grey', 'gray'],
  ['green'],
  ['purple'],
  ['yellow'],
];

/** What no colour field says and only a picture shows, beside some colours: the rows of the contact sheet. */
export const SHOWN_WORDS = ['red', 'blue', 'yellow', 'black', 'striped', 'floral', 'lace', 'plaid', 'leopard print', 'polka dot', 'denim'];

const DEPTH = 10;

/** Mean P@10 by the colour field over the typed colours, and by colour. */
export interface ColourPrecision {
  mean: number;
  byColour: ReadonlyMap<string, number>;
}

/** @param search ids for a typed text, best first */
export async function measureColours(
  tops: readonly Top[],
  phrase: (word: string) => string,
  search: (text: string) => Promise<readonly string[]>,
): Promise<ColourPrecision> {
  const byId = new Map(tops.map((top) => [top.id, top]));
  const byColour = new Map<string, number>();
  for (const words of COLOURS) {
    const isWanted = (id: string): boolean => {
      const top = byId.get(id);
      return top !== undefined && hasColour(top, words);
    };
    byColour.set(words[0], precisionAt(await search(phrase(words[0])), isWanted, DEPTH));
  }
  return { mean: meanOf([...byColour.values()]), byColour };
}

/** P@10 of a random order. */
export function colourChance(tops: readonly Top[]): number {
  return meanOf(COLOURS.map((words) => tops.filter((top) => hasColour(top, words)).length / tops.length));
}

/** Exact search: ids of the products whose pictures are nearest to a vector of picture space, best first. */
export function nearestPictures(vector: Float32Array, pictures: ReadonlyMap<string, Float32Array>, count: number): string[] {
  return [...pictures]
    .map(([id, picture]) => ({ id, score: dot(vector, picture) }))
    .sort((a, b) => b.score - a.score)
    .slice(0, count)
    .map(({ id }) => id);
}
