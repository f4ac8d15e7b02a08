import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bandKnownEvents } from './known-events.js';

const shopper = (items: string) => ({ met: items.split(' ').map((itemId) => ({ itemId, time: null })) });

test('bandKnownEvents tells products apart by what is known of them before the target', () => {
  const shoppers = [shopper('a b c'), shopper('a a d'), shopper('a b d')];
  const bands = bandKnownEvents(shoppers, { products: ['a', 'b', 'c', 'd', 'e'], hidden: 1 });
  expect(bands.filter(({ products }) => products > 0)).toEqual([
    { name: '0', products: 3, events: 0, targets: 3 },
    { name: '2', products: 1, events: 2, targets: 0 },
    { name: '4', products: 1, events: 4, targets: 0 },
  ]);
  expect(bands.map(({ name }) => name)).toEqual(['0', '1', '2', '3', '4', '5–7', '8–11', '12–24', '25+']);
  const earlier = bandKnownEvents(shoppers, { products: ['a', 'b'], hidden: 2 });
  expect(earlier.find(({ name }) => name === '3')).toEqual({ name: '3', products: 1, events: 3, targets: 1 });
});

test('bandKnownEvents counts every product, event and target once', () => {
  const met = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 2, maxLength: 30 });
  fc.assert(
    fc.property(fc.array(met, { minLength: 1 }), fc.constantFrom(1, 2), (histories, hidden) => {
      const bands = bandKnownEvents(
        histories.map((items) => shopper(items.join(' '))),
        { products: ['a', 'b', 'c', 'd'], hidden },
      );
      const sum = (of: (band: (typeof bands)[number]) => number): number => bands.reduce((total, band) => total + of(band), 0);
      expect(sum(({ products }) => products)).toBe(4);
      expect(sum(({ events }) => events)).toBe(histories.reduce((total, items) => total + items.length - hidden, 0));
      expect(sum(({ targets }) => targets)).toBe(histories.length);
    }),
  );
});
