import { seedStream } from '../models/random-stream.js';

/** A small seeded source of chance: the same seed gives the same shop, pictures and shoppers everywhere. */
export interface Chance {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** Whole number, low and high included. */
  whole(low: number, high: number): number;
  /** True with probability p. */
  happens(p: number): boolean;
  /** One of a list that is not empty; throws RangeError on an empty one. */
  pick<T>(list: readonly T[]): T;
  /** Standard normal (Box–Muller). */
  normal(): number;
  /** A shuffled copy (Fisher–Yates). */
  shuffle<T>(list: readonly T[]): T[];
}

/** 32-bit FNV-1a of the parts, so that a product's chance depends on its own name and not on its neighbours. */
export function hashSeed(...parts: readonly (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const character of parts.join('\u0000')) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  return hash >>> 0;
}

export function seedChance(seed: number): Chance {
  const next = seedStream(seed);
  const whole = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  const pick = <T>(list: readonly T[]): T => {
    const chosen = list[whole(0, list.length - 1)];
    if (chosen === undefined) throw new RangeError('nothing to pick from an empty list');
    return chosen;
  };
  const shuffle = <T>(list: readonly T[]): T[] => {
    const rest = [...list];
    const shuffled: T[] = [];
    while (rest.length > 0) shuffled.push(...rest.splice(whole(0, rest.length - 1), 1));
    return shuffled;
  };
  return {
    next,
    between: (low, high) => low + next() * (high - low),
    whole,
    happens: (p) => next() < p,
    pick,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    shuffle,
  };
}
