/**
 * b − a, query by query. @throws RangeError when the two do not hold the same queries, which would compare other things
 * than the systems.
 */
export function differencesByQuery(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number[] {
  if (a.size !== b.size || [...a.keys()].some((query) => !b.has(query))) {
    throw new RangeError(`a pair needs the same queries on both sides; these have ${a.size} and ${b.size}`);
  }
  return [...a].map(([query, value]) => (b.get(query) ?? Number.NaN) - value);
}
