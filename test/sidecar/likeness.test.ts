import { describe, expect, it } from 'vitest';
import { compareProducts } from '../../sidecar/scoring/likeness.js';

const unit = (...values: number[]): Float32Array => {
  const norm = Math.hypot(...values);
  return Float32Array.from(values, (value) => value / norm);
};
const both = { text: true, image: true };

describe('the likeness of products', () => {
  const a = { text: unit(1, 0), image: unit(1, 1) };
  const b = { text: unit(1, 1), image: unit(-1, -1) };
  const c = { text: unit(0, 1), image: null };

  it('is the mean of the cosines that both have, the same both ways, 0 to 1', () => {
    const likeness = [...compareProducts([a, b, c], both)];
    const cos45 = Math.SQRT1_2;
    const expected = [1, 0, 0, 0, 1, cos45, 0, cos45, 1]; // a·b: (cos 45° − 1) / 2 < 0
    likeness.forEach((value, at) => expect(value).toBeCloseTo(expected[at] ?? NaN, 6));
  });

  it('looks at nothing that the profile’s signals withhold', () => {
    expect(compareProducts([a, b], { text: true, image: false })[1]).toBeCloseTo(Math.SQRT1_2, 6);
    expect(compareProducts([a, b], { text: false, image: false })[1]).toBe(0);
  });

  it('is none for what is not known', () => {
    expect([...compareProducts([null, a], both)]).toEqual([1, 0, 0, 1]);
  });
});
