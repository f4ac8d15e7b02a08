/** `1 text`, `2 texts`, `0 texts`. */
export function describeCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `12 texts (3.4/s)`; where there are none, no rate. @param rate a second; two digits below 1, so that slow is not told as nothing */
export function describeRated(count: number, noun: string, rate: number): string {
  if (count === 0 || !Number.isFinite(rate)) return describeCount(count, noun);
  return `${describeCount(count, noun)} (${rate < 1 ? Number(rate.toPrecision(2)) : rate.toFixed(rate < 100 ? 1 : 0)}/s)`;
}
