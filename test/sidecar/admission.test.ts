import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Admission } from '../../sidecar/walk/admission.js';

/** A machine that ranks `capacity` searches in time; with more at once all of them are late. Gives the share of its capacity that is used well. */
function runRounds(admission: Admission, options: { capacity: number; asked: number; rounds: number; clock: { now: number } }): number {
  let useful = 0;
  for (let round = 0; round < options.rounds; round += 1) {
    options.clock.now += 100;
    const inside = Array.from({ length: options.asked }, () => admission.enter()).filter((leave) => leave !== null);
    const outcome = inside.length <= options.capacity ? 'in-time' : 'late';
    if (outcome === 'in-time') useful += inside.length;
    for (const leave of inside) leave(outcome);
  }
  return useful / (options.capacity * options.rounds);
}

describe('admission', () => {
  test('finds what a machine can rank, and stays near it', () => {
    const clock = { now: 0 };
    const admission = new Admission(() => clock.now);
    runRounds(admission, { capacity: 6, asked: 40, rounds: 50, clock });
    expect(runRounds(admission, { capacity: 6, asked: 40, rounds: 200, clock })).toBeGreaterThan(0.5);
    expect(admission.limit).toBeLessThanOrEqual(7);
  });

  test('lets more in again when the load is gone', () => {
    const clock = { now: 0 };
    const admission = new Admission(() => clock.now);
    runRounds(admission, { capacity: 1, asked: 40, rounds: 50, clock });
    expect(admission.limit).toBeLessThanOrEqual(2);
    runRounds(admission, { capacity: 100, asked: 20, rounds: 200, clock });
    expect(admission.limit).toBeGreaterThanOrEqual(20);
  });

  test('a search alone is always let in, however the ones before it ended', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('in-time' as const, 'late' as const, 'other' as const), { maxLength: 60 }), (outcomes) => {
        const clock = { now: 0 };
        const admission = new Admission(() => (clock.now += 100));
        for (const outcome of outcomes) {
          const leave = admission.enter();
          expect(leave).not.toBeNull();
          leave?.(outcome);
        }
      }),
    );
  });

  test('searches that are late together count once', () => {
    const admission = new Admission(() => 0);
    const before = admission.limit;
    const inside = Array.from({ length: 10 }, () => admission.enter());
    for (const leave of inside) leave?.('late');
    expect(admission.limit).toBeGreaterThanOrEqual(Math.floor(before * 0.7));
    expect(admission.limit).toBeLessThan(before);
  });
});
