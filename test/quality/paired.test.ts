import { describe, expect, test } from 'vitest';
import { differencesByQuery } from './paired.js';

describe('differencesByQuery', () => {
  test('takes b − a by the query, whatever the order', () => {
    const a = new Map([
      ['q1', 0.5],
      ['q2', 0.25],
    ]);
    const b = new Map([
      ['q2', 1],
      ['q1', 0.25],
    ]);
    expect(differencesByQuery(a, b)).toEqual([-0.25, 0.75]);
  });

  test('refuses other queries on the other side', () => {
    const one = new Map([['a', 1]]);
    expect(() => differencesByQuery(new Map([...one, ['b', 2]]), one)).toThrow('the same queries');
    expect(() => differencesByQuery(one, new Map([['b', 1]]))).toThrow('the same queries');
  });
});
