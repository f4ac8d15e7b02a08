import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../config/package-root.js';
import { COLUMN_NAMES } from '../../models/feature-set.js';
import { ABLATIONS, ALL_COLUMNS, WITHOUT_COSINES, WITHOUT_POPULARITY } from './column-sets.js';

const leftOut = (columns: readonly string[]): string[] => COLUMN_NAMES.filter((name) => !columns.includes(name));

test('column sets take the columns whole, each under a name of its own', () => {
  expect(ALL_COLUMNS.columns).toEqual(COLUMN_NAMES);
  expect(leftOut(WITHOUT_POPULARITY.columns)).toEqual([
    ...['popularity', 'popularity_7d', 'popularity_in_category', 'log_views_7d', 'log_carts_7d', 'log_purchases_7d', 'ctr', 'cvr'],
    'popularity_by_history',
  ]);
  const sets = [ALL_COLUMNS, WITHOUT_COSINES, ...ABLATIONS];
  expect(new Set(sets.map(({ key }) => key)).size).toBe(sets.length);
  for (const { columns } of sets) expect(columns.length).toBeGreaterThan(0);
});

test('what needs vectors is what the training script means by it', () => {
  const script = readFileSync(join(packageRoot, 'models', 'training', 'train_lambdamart.py'), 'utf8');
  const named = /FROM_VECTORS = \{([^}]*)\}/.exec(script)?.[1] ?? '';
  expect(leftOut(WITHOUT_COSINES.columns).toSorted()).toEqual([...named.matchAll(/"([^"]+)"/g)].map(([, name]) => name ?? '').toSorted());
});
