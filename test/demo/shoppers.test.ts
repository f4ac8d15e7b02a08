import { describe, expect, it } from 'vitest';
import { generateShop } from '../../demo/shop.js';
import { demoQueries, makeShoppers } from '../../demo/shoppers.js';
import { excludesTaste, hasTaste, listTastes, nameTaste } from '../../demo/taste.js';
import { pairStrangers } from '../../demo/figures/taste-share.js';
import { demoValues } from '../../demo/values.js';
import { ubiEventSchema } from '../../mappings/ubi-event.js';

const now = new Date('2026-03-01T12:00:00Z');
const entries = [...generateShop({ values: 'demo', count: 2700, seed: 11 })];
const catalogue = new Map(entries.map((entry) => [entry.product.id, entry]));
const shoppers = makeShoppers({ entries, seed: 3, now });

describe('the shoppers', () => {
  it('are at least 24, one for each taste, and the same for the same seed and hour', () => {
    expect(shoppers.length).toBeGreaterThanOrEqual(24);
    expect(new Set(shoppers.map((shopper) => nameTaste(shopper.taste))).size).toBe(shoppers.length);
    expect(new Set(shoppers.map((shopper) => shopper.user)).size).toBe(shoppers.length);
    expect(makeShoppers({ entries, seed: 3, now })).toEqual(shoppers);
  });

  it('each left 8 to 25 events on several kinds of product, mostly to their taste, oldest first, within the last days', () => {
    for (const shopper of shoppers) {
      expect(shopper.events.length).toBeGreaterThanOrEqual(8);
      expect(shopper.events.length).toBeLessThanOrEqual(25);
      const products = [...new Set(shopper.events.map((event) => event.event_attributes.object.object_id))].map((id) => catalogue.get(id));
      const known = products.filter((entry) => entry !== undefined);
      expect(known.length).toBe(products.length);
      expect(new Set(known.map((entry) => entry.latent.kind)).size).toBeGreaterThanOrEqual(4);
      expect(known.filter((entry) => hasTaste(entry.latent, shopper.taste)).length / known.length).toBeGreaterThan(0.6);
      const times = shopper.events.map((event) => Date.parse(event.timestamp));
      expect([...times].sort((a, b) => a - b)).toEqual(times);
      expect(times.at(-1)).toBeLessThanOrEqual(now.getTime() - 3_600_000);
      expect(times[0]).toBeGreaterThan(now.getTime() - 10 * 86_400_000);
    }
  });

  it('send events that the sidecar takes for UBI 1.3, all three actions among them', () => {
    const events = shoppers.flatMap((shopper) => shopper.events);
    for (const event of events) expect(ubiEventSchema.parse(event)).toMatchObject({ user_id: event.user_id });
    expect(new Set(events.map((event) => event.action_name))).toEqual(new Set(['click', 'add_to_cart', 'purchase']));
  });

  it('type at least ten queries, none of which tells a taste', () => {
    expect(demoQueries.length).toBeGreaterThanOrEqual(10);
    const words = new Set(listTastes(demoValues).flatMap((taste) => [taste.colour, taste.pattern]));
    for (const { text } of demoQueries) expect(text.split(' ').some((word) => words.has(word))).toBe(false);
  });

  it('each have a stranger whose taste no product can share with theirs', () => {
    const strangers = pairStrangers(shoppers);
    expect(strangers.size).toBe(shoppers.length);
    for (const [shopper, stranger] of strangers) {
      expect(excludesTaste(shopper.taste, stranger.taste)).toBe(true);
      expect(entries.some(({ latent }) => hasTaste(latent, shopper.taste) && hasTaste(latent, stranger.taste))).toBe(false);
    }
  });
});
