import { expect, test } from 'vitest';
import { FloatSlab } from '../../sidecar/scoring/float-slab.js';

test('what is taken is zero, apart from what was taken before, and the same memory after a clear', () => {
  const slab = new FloatSlab();
  slab.take(3);
  slab.take(4);
  slab.clear();
  const [first, second] = [slab.take(3), slab.take(4)];
  first.fill(1);
  expect([...second]).toEqual([0, 0, 0, 0]);
  expect(second.buffer).toBe(first.buffer);
  slab.clear();
  const again = slab.take(7);
  expect([...again]).toEqual([0, 0, 0, 0, 0, 0, 0]);
  expect(again.buffer).toBe(first.buffer);
});

test('more than there is room for comes from elsewhere, and has room the next time', () => {
  const slab = new FloatSlab();
  slab.take(2);
  slab.clear();
  const [held, beyond] = [slab.take(2), slab.take(100)];
  expect(beyond.length).toBe(100);
  expect(beyond.buffer).not.toBe(held.buffer);
  slab.clear();
  expect(slab.take(2).buffer).toBe(slab.take(100).buffer);
});
