import type { Json } from '../json/value.js';

/**
 * How many of `count` optional clauses must match under a `minimum_should_match`: `2`, `-1`, `"75%"`, `"-25%"`,
 * `"2<75%"`, `"2<-25% 9<-3"`, as the engine's own `Queries.calculateMinShouldMatch` counts them (percentages in single
 * precision, cut off towards zero; never below 0, but it may ask for more than there are). Null where the engine would
 * not understand it.
 */
export function countRequired(spec: Json, count: number): number | null {
  if (typeof spec !== 'string' && typeof spec !== 'number') return null;
  return required(String(spec).trim(), count);
}

function required(spec: string, count: number): number | null {
  if (spec.includes('<')) {
    let result = count;
    // Blanks around < are none. A regular expression for them would walk a long row of blanks from each of its places.
    const conditions = spec.split('<').map((part) => part.trim());
    for (const condition of conditions.join('<').split(/\s+/)) {
      const [bound = '', rest = '', ...more] = condition.split('<');
      const above = wholeNumber(bound);
      if (above === null || more.length > 0) return null;
      if (count <= above) return result;
      const next = required(rest, count);
      if (next === null) return null;
      result = next;
    }
    return result;
  }
  if (spec.endsWith('%')) {
    const percent = wholeNumber(spec.slice(0, -1));
    if (percent === null) return null;
    const share = Math.trunc(Math.fround(Math.fround(count * percent) * Math.fround(1 / 100)));
    return Math.max(0, share < 0 || percent < 0 ? count + share : share);
  }
  const number = wholeNumber(spec);
  return number === null ? null : Math.max(0, number < 0 ? count + number : number);
}

function wholeNumber(text: string): number | null {
  return /^[-+]?\d{1,9}$/.test(text) ? Number(text) : null;
}
