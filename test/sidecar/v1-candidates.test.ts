import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuseSources } from '../../sidecar/v1/fused-candidates.js';
import { excludedIds, weighInterests } from '../../sidecar/v1/interest.js';
import { nearestQuery } from '../../sidecar/v1/vector-neighbours.js';

const ids = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { maxLength: 30 });
const action = fc.constantFrom('click', 'purchase', 'add_to_cart', 'impression', 'stroke', '__proto__');
const history = fc.array(
  fc.record({
    objectId: fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor'),
    action,
    ageSeconds: fc.nat(),
    runningSession: fc.boolean(),
  }),
  { maxLength: 50 },
);

describe('fuseSources', () => {
  it('holds every id once, scores as the formula gives them over the best, best first', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ ids, weight: fc.double({ min: 0.01, max: 5, noNaN: true }) }), { maxLength: 4 }), (sources) => {
        const fused = fuseSources(sources);
        expect(new Set(fused.map(({ id }) => id))).toEqual(new Set(sources.flatMap((source) => source.ids)));
        const raw = (id: string): number =>
          sources.reduce((sum, source) => sum + (source.ids.includes(id) ? source.weight / (61 + source.ids.indexOf(id)) : 0), 0);
        const best = Math.max(0, ...fused.map(({ id }) => raw(id)));
        for (const { id, score } of fused) expect(score).toBeCloseTo(raw(id) / best, 12);
        expect(fused.map(({ score }) => score)).toEqual(fused.map(({ score }) => score).toSorted((a, b) => b - a));
      }),
    );
  });

  it('keeps the order of a single source', () => {
    fc.assert(
      fc.property(ids, (given) => {
        expect(fuseSources([{ ids: given, weight: 1 }]).map(({ id }) => id)).toEqual(given);
      }),
    );
  });
});

describe('weighInterests', () => {
  it('weighs each product once, between 0 and 1, the heaviest first', () => {
    fc.assert(
      fc.property(history, (events) => {
        const interests = weighInterests(events);
        expect(new Set(interests.map(({ id }) => id))).toEqual(new Set(events.map(({ objectId }) => objectId)));
        for (const { weight } of interests) expect(weight).toBeGreaterThanOrEqual(0);
        if (interests.length > 0) expect(interests[0]?.weight).toBe(1);
        expect(interests).toEqual(interests.toSorted((a, b) => b.weight - a.weight));
      }),
    );
  });

  it('lets a newer event and a stronger one weigh more', () => {
    const event = (objectId: string, did = 'click') => ({ objectId, action: did, ageSeconds: 0, runningSession: false });
    expect(weighInterests([event('old'), event('new')]).map(({ id }) => id)).toEqual(['new', 'old']);
    expect(weighInterests([event('cart', 'add_to_cart'), event('seen', 'item_impression')]).map(({ id }) => id)).toEqual(['cart', 'seen']);
  });

  it('counts an event .6 for each other product that was met since; what was merely shown is not met', () => {
    const weigh = (...events: string[]): Record<string, number> => {
      const history = events.map((event) => {
        const [objectId = '', action = 'click'] = event.split(' ');
        return { objectId, action, ageSeconds: 0, runningSession: false };
      });
      return Object.fromEntries(weighInterests(history).map(({ id, weight }) => [id, Number(weight.toFixed(6))]));
    };
    expect(weigh('a', 'b', 'a', 'c')).toEqual({ c: 1, a: 0.96, b: 0.36 }); // .6 + .36: b and c came after its first event
    expect(weigh('a', 'x item_impression', 'y item_impression', 'b')).toMatchObject({ a: 0.6, b: 1 });
    expect(weigh('a', 'b', 'b add_to_cart', 'b purchase')).toMatchObject({ b: 1, a: Number((0.6 / (1 + 1.5 + 0.7)).toFixed(6)) });
  });

  it('leaves out what the page says', () => {
    const event = (objectId: string, did: string) => ({ objectId, action: did, ageSeconds: 0, runningSession: false });
    const events = [event('a', 'click'), event('b', 'buy'), event('a', 'click')];
    expect(excludedIds(events, 'nothing')).toEqual([]);
    expect(excludedIds(events, 'bought')).toEqual(['b']);
    expect(excludedIds(events, 'seen')).toEqual(['a', 'b']);
  });
});

describe('nearestQuery', () => {
  const filter = [{ term: { brand: 'x' } }];
  const around = { k: 5, filter, mustNot: [], meta: null };

  it('puts every constraint into each knn clause, so that none of its k is spent on what is filtered out', () => {
    const text = { field: 'text', vector: [1, 0], pair: 'item_text:item_text' } as const;
    const image = { field: 'image', vector: [0, 1], pair: 'item_image:item_image' } as const;
    const inner = { bool: { filter, must_not: [] } };
    expect(nearestQuery([text], around)).toEqual({ knn: { text_vector: { vector: [1, 0], k: 5, filter: inner } } });
    expect(nearestQuery([text, image], around)).toEqual({
      bool: {
        should: [
          { knn: { text_vector: { vector: [1, 0], k: 5, filter: inner } } },
          { knn: { image_vector: { vector: [0, 1], k: 5, filter: inner } } },
        ],
        minimum_should_match: 1,
        filter,
        must_not: [],
      },
    });
  });
});
