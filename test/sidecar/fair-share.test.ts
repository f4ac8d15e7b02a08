import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FairShare } from '../../sidecar/walk/fair-share.js';

/** Rounds of 10 ms in each of which every caller asks for some requests, which all end with the round. Gives the share that each got of what it asked. */
function runRounds(asked: Record<string, number>, options: { limit: number; rounds: number; first: string }): Map<string, number> {
  const clock = { now: 0 };
  const share = new FairShare(() => clock.now);
  const got = new Map(Object.keys(asked).map((caller) => [caller, 0]));
  const order = Object.keys(asked).toSorted((a, b) => Number(b === options.first) - Number(a === options.first));
  for (let round = 0; round < options.rounds; round += 1) {
    clock.now += 10;
    const leaving: (() => void)[] = [];
    for (const caller of order) {
      for (let request = 0; request < (asked[caller] ?? 0); request += 1) {
        const leave = share.enter(caller, options.limit);
        if (!leave) continue;
        leaving.push(leave);
        got.set(caller, (got.get(caller) ?? 0) + 1);
      }
    }
    for (const leave of leaving) leave();
  }
  return new Map([...got].map(([caller, count]) => [caller, count / ((asked[caller] ?? 1) * options.rounds)]));
}

describe('room shared among callers', () => {
  test('who asks for ten times as much, and always first, does not starve the other', () => {
    const got = runRounds({ greedy: 100, modest: 10 }, { limit: 32, rounds: 500, first: 'greedy' });
    expect(got.get('modest')).toBeGreaterThan(0.98); // the first rounds teach how much it wants
    expect(got.get('greedy')).toBeGreaterThan(0.2); // and still has what is left: 22 of its 100
  });

  test('many modest ones beside a greedy one', () => {
    const modest = Object.fromEntries(Array.from({ length: 8 }, (_, number) => [`modest-${number}`, 2]));
    const got = runRounds({ greedy: 200, ...modest }, { limit: 32, rounds: 500, first: 'greedy' });
    for (const caller of Object.keys(modest)) expect(got.get(caller)).toBeGreaterThan(0.99);
    expect(got.get('greedy')).toBeGreaterThan(0.07);
  });

  test('one alone has it all, also soon after another went', () => {
    expect(runRounds({ alone: 32 }, { limit: 32, rounds: 10, first: 'alone' }).get('alone')).toBe(1);
    const clock = { now: 0 };
    const share = new FairShare(() => clock.now);
    const others = Array.from({ length: 17 }, () => share.enter('other', 16));
    expect(others.at(-1)).toBeNull(); // room is scarce
    for (const leave of others) leave?.();
    const taken = (): number => Array.from({ length: 32 }, () => share.enter('alone', 32)).filter((leave) => leave !== null).length;
    expect(taken()).toBe(16);
    clock.now += 2_500;
    expect(taken()).toBe(16);
    expect(share.running).toBe(32);
  });

  test('many that come one after another keep nothing back from one who wants two places at once', () => {
    const share = new FairShare(() => 0);
    for (let number = 0; number < 300; number += 1) share.enter(`shopper-${number}`, 32)?.();
    const taken = Array.from({ length: 33 }, () => share.enter('page', 32)).filter((leave) => leave !== null);
    expect(taken).toHaveLength(32);
  });

  test('never more than the limit, one at least, and all of it given back', () => {
    const step = fc.record({ caller: fc.constantFrom('a', 'b', 'c'), enters: fc.boolean(), wait: fc.nat(3_000) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 6 }), (steps, limit) => {
        const clock = { now: 0 };
        const share = new FairShare(() => clock.now);
        const inside: (() => void)[] = [];
        for (const { caller, enters, wait } of steps) {
          clock.now += wait;
          if (enters) {
            const leave = share.enter(caller, limit);
            if (leave) inside.push(leave);
            else expect(share.running).toBeGreaterThan(0); // an empty house refuses nobody
          } else inside.pop()?.();
          expect(share.running).toBe(inside.length);
          expect(share.running).toBeLessThanOrEqual(limit);
        }
        for (const leave of inside) leave();
        expect(share.running).toBe(0);
      }),
    );
  });
});
