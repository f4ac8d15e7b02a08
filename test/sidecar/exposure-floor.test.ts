import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { raiseToFloor } from '../../sidecar/exposure-floor.js';

const list = fc.array(fc.boolean(), { maxLength: 40 });
const rule = fc.record({
  share: fc.double({ min: 0, max: 1, noNaN: true }),
  depth: fc.integer({ min: 1, max: 50 }),
  maxDisplacement: fc.nat(45),
});

function raise(members: readonly boolean[], options: { share: number; depth: number; maxDisplacement: number }) {
  return raiseToFloor(
    members.map((_, position) => position),
    { ...options, isMember: (position) => members[position] === true },
  );
}

describe('a floor of exposure', () => {
  it('raises the next of the group as soon as a beginning has too few', () => {
    // a–f with c and f of the group: of two places one, of four places two
    const members = [false, false, true, false, false, true];
    expect(raise(members, { share: 0.5, depth: 4, maxDisplacement: 9 }).order).toEqual([0, 2, 1, 5, 3, 4]);
    expect(raise(members, { share: 0.5, depth: 4, maxDisplacement: 1 }).order).toEqual([0, 2, 1, 3, 4, 5]);
    expect(raise(members, { share: 0.25, depth: 4, maxDisplacement: 9 }).order).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('counts .3 of 10 places as 3', () => {
    const members = Array.from({ length: 13 }, (_, place) => place >= 10);
    const { order } = raise(members, { share: 0.3, depth: 10, maxDisplacement: 12 });
    expect(order.slice(0, 10).filter((position) => members[position])).toHaveLength(3);
  });

  it('keeps every hit, the order inside and outside of the group, and moves nobody further than is allowed', () => {
    fc.assert(
      fc.property(list, rule, (members, options) => {
        const { order, raised } = raise(members, options);
        expect(order.toSorted((a, b) => a - b)).toEqual(members.map((_, position) => position));
        for (const group of [true, false]) {
          const inside = order.filter((position) => members[position] === group);
          expect(inside).toEqual(inside.toSorted((a, b) => a - b));
        }
        order.forEach((position, place) => {
          expect(Math.abs(position - place)).toBeLessThanOrEqual(options.maxDisplacement);
          if (place < position) expect(raised.has(position)).toBe(true);
        });
      }),
    );
  });

  it('is met at every place up to its depth where ways are free and the group is large enough', () => {
    fc.assert(
      fc.property(list, rule, (members, { share, depth }) => {
        const { order } = raise(members, { share, depth, maxDisplacement: members.length });
        const whole = members.filter(Boolean).length;
        let counted = 0;
        order.slice(0, depth).forEach((position, place) => {
          if (members[position]) counted++;
          expect(counted).toBeGreaterThanOrEqual(Math.min(whole, Math.floor(share * (place + 1) + 1e-9)));
        });
      }),
    );
  });

  it('leaves a list alone that meets it', () => {
    fc.assert(
      fc.property(list, rule, (members, { share, depth }) => {
        const free = { share, depth, maxDisplacement: members.length, isMember: (position: number) => members[position] === true };
        const { order } = raise(members, free);
        expect(raiseToFloor(order, free)).toEqual({ order, raised: new Set() });
      }),
    );
  });
});
