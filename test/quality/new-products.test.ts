import { expect, test } from 'vitest';
import { isNew } from './new-products.js';

test('about one product in five is made new, always the same', () => {
  const ids = Array.from({ length: 5_000 }, (_, place) => `B${String(place).padStart(9, '0')}`);
  const share = ids.filter(isNew).length / ids.length;
  expect(share).toBeGreaterThan(0.18);
  expect(share).toBeLessThan(0.22);
  expect(ids.filter(isNew)).toEqual(ids.filter(isNew));
});
