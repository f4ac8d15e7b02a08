import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootstrapMean, meanOf, quantile } from '../../tuning/significance/bootstrap.js';
import { type Catalogue, compareArm, measureShare } from '../../demo/figures/taste-share.js';
import { generateShop } from '../../demo/shop.js';
import { type Shopper, makeShoppers } from '../../demo/shoppers.js';
import { hasTaste, isUntitled } from '../../demo/taste.js';

const entries = [...generateShop({ values: 'demo', count: 2700, seed: 11 })];
const catalogue: Catalogue = new Map(entries.map((entry) => [entry.product.id, entry]));
const shoppers = makeShoppers({ entries, seed: 3, now: new Date('2026-03-01T12:00:00Z') });
const lamps = entries.filter((entry) => entry.latent.kind === 'lamp');
const ids = (list: readonly (typeof entries)[number][]): string[] => list.map((entry) => entry.product.id);

function firstShopper(): Shopper {
  const [shopper] = shoppers;
  if (!shopper) throw new Error('no shopper');
  return shopper;
}

describe('quantile', () => {
  it('interpolates as R’s type 7 does', () => {
    // quantile(c(1, 2, 4, 8), c(.25, .5, .9), type = 7)
    expect(quantile([1, 2, 4, 8], 0.25)).toBeCloseTo(1.75, 12);
    expect(quantile([1, 2, 4, 8], 0.5)).toBeCloseTo(3, 12);
    expect(quantile([1, 2, 4, 8], 0.9)).toBeCloseTo(6.8, 12);
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe('the bootstrap interval of a mean', () => {
  it('is the one that enumeration gives for three values', () => {
    // All 27 equally likely resamples of {0, 0, 3}: the sum is 3k with k ~ Binomial(3, 1/3), so the mean is k.
    // P(k = 0) = 8/27 and P(k = 3) = 1/27 = 3.7 %, hence both ends of a 95 % interval are the extremes.
    expect(bootstrapMean([0, 0, 3], { seed: 1 })).toEqual([0, 3]);
    // With 90 % the upper 5 % tail still begins below k = 3: P(k ≥ 3) = 3.7 % < 5 %, so the upper end is k = 2.
    expect(bootstrapMean([0, 0, 3], { seed: 1, level: 0.9 })).toEqual([0, 2]);
  });

  it('agrees with the normal interval where that holds', () => {
    const values = Array.from({ length: 400 }, (_, index) => Math.sin(index * 12.9898) * 2);
    const mean = values.reduce((sum, value) => sum + value, 0) / 400;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 400);
    const [low, high] = bootstrapMean(values, { seed: 5 });
    expect(low).toBeCloseTo(mean - (1.96 * deviation) / 20, 2);
    expect(high).toBeCloseTo(mean + (1.96 * deviation) / 20, 2);
  });

  it('depends on the seed alone, holds the mean, and moves and stretches with the values', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 }), fc.nat(), (values, seed) => {
        const options = { seed, draws: 400 };
        const [low, high] = bootstrapMean(values, options);
        expect(bootstrapMean(values, options)).toEqual([low, high]);
        expect(low).toBeLessThanOrEqual(high);
        const [movedLow, movedHigh] = bootstrapMean(
          values.map((value) => value * 2 + 1),
          options,
        );
        expect(movedLow).toBeCloseTo(low * 2 + 1, 9);
        expect(movedHigh).toBeCloseTo(high * 2 + 1, 9);
      }),
      { numRuns: 30 },
    );
    expect(bootstrapMean([], { seed: 1 })).toEqual([Number.NaN, Number.NaN]);
  });
});

describe('the taste share', () => {
  const shopper = firstShopper();
  const options = { catalogue, kind: 'lamp', taste: shopper.taste, history: new Set<string>(), untitledOnly: false };
  const liked = lamps.filter((entry) => hasTaste(entry.latent, shopper.taste));
  const others = lamps.filter((entry) => !hasTaste(entry.latent, shopper.taste));

  it('counts the first ten only', () => {
    expect(measureShare(ids([...liked.slice(0, 3), ...others.slice(0, 7), ...liked.slice(3)]), options)).toBeCloseTo(0.3, 12);
    expect(measureShare(ids([...others.slice(0, 10), ...liked]), options)).toBe(0);
    expect(measureShare([], options)).toBe(0);
  });

  it('leaves out what the shopper has seen, so that the next product moves up', () => {
    const [seen, ...rest] = liked;
    if (!seen) throw new Error('nothing liked');
    const list = ids([seen, ...others.slice(0, 9), ...rest.slice(0, 1)]);
    expect(measureShare(list, options)).toBeCloseTo(0.1, 12);
    expect(measureShare(list, { ...options, history: new Set([seen.product.id]) })).toBeCloseTo(0.1, 12);
    expect(measureShare(ids([seen, ...others.slice(0, 10)]), { ...options, history: new Set([seen.product.id]) })).toBe(0);
  });

  it('gives nothing for a product of another kind, however much to the taste', () => {
    const mugs = entries.filter((entry) => entry.latent.kind === 'mug' && hasTaste(entry.latent, shopper.taste));
    expect(mugs.length).toBeGreaterThan(0);
    expect(measureShare(ids(mugs), options)).toBe(0);
  });

  it('among untitled products counts ten of those whose text is silent', () => {
    const titled = liked.filter((entry) => !isUntitled(entry.product, shopper.taste));
    const silent = liked.filter((entry) => isUntitled(entry.product, shopper.taste));
    const silentOthers = others.filter((entry) => isUntitled(entry.product, shopper.taste));
    const list = ids([...titled, ...silent.slice(0, 2), ...silentOthers.slice(0, 8), ...silent.slice(2)]);
    expect(measureShare(list, { ...options, untitledOnly: true })).toBeCloseTo(0.2, 12);
  });
});

describe('an arm', () => {
  it('averages within shoppers, then over them, and takes the interval over shoppers', () => {
    const pairs = shoppers.flatMap((shopper) =>
      ['one', 'two'].map((query, place) => {
        const liked = lamps.filter((entry) => hasTaste(entry.latent, shopper.taste));
        const others = lamps.filter((entry) => !hasTaste(entry.latent, shopper.taste));
        return {
          shopper,
          query,
          kind: 'lamp',
          engine: ids([...others, ...liked]),
          ranked: place === 0 ? ids([...liked, ...others]) : ids([...others, ...liked]),
        };
      }),
    );
    const result = compareArm(pairs, { catalogue, seed: 9 });
    const byHand = shoppers.map((shopper) => {
      const seen = new Set(shopper.events.map((event) => event.event_attributes.object.object_id));
      const liked = lamps.filter((entry) => hasTaste(entry.latent, shopper.taste) && !seen.has(entry.product.id)).length;
      return Math.min(10, liked) / 10 / 2;
    });
    expect(result.engine).toBe(0);
    expect(result.ranked).toBeCloseTo(meanOf(byHand), 12);
    expect(result.interval).toEqual(bootstrapMean(byHand, { seed: 9 }));
  });

  it('of the same order twice gains nothing, surely', () => {
    const pairs = shoppers.map((shopper) => ({ shopper, query: 'lamp', kind: 'lamp', engine: ids(lamps), ranked: ids(lamps) }));
    const result = compareArm(pairs, { catalogue, seed: 9 });
    expect(result.interval).toEqual([0, 0]);
    expect(result.untitled.interval).toEqual([0, 0]);
  });
});
