import { expect, test } from 'vitest';
import { withoutEvaluated } from './training-rows.js';

const met = (...ids: readonly (string | number)[]) => ids.map((id) => ({ object_id: String(id) }));

test('withoutEvaluated knows a shopper by what she met, also where histories are cut', () => {
  const long = Array.from({ length: 70 }, (_, place) => place);
  const derived = [
    { name: 'evaluated', history: met('a', 'b'), target: 'c' },
    { name: 'other', history: met('a', 'b'), target: 'd' },
    { name: 'evaluated, long', history: met(...long.slice(-51, -1)), target: '69' },
  ];
  const evaluated = [{ history: met('a', 'b', 'c') }, { history: met(...long.slice(-50)) }, {}];
  expect(withoutEvaluated(derived, evaluated).map(({ name }) => name)).toEqual(['other']);
});
