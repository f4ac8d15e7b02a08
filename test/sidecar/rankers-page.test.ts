import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../config/package-root.js';
import { COLUMN_RANKERS } from '../../models/column-ranker.js';
import { FEATURE_SET } from '../../models/feature-set.js';
import { INPUT_NAMES } from '../../models/ranker.js';

const page = readFileSync(join(packageRoot, 'docs', 'reference', 'rankers.md'), 'utf8');
/** Cells of the rows that begin with a name in code, without Markdown's escapes. */
const rows = [...page.matchAll(/^\| (`\w.*) \|$/gm)].map(([, line = '']) =>
  line.split(/(?<!\\)\|/).map((cell) => cell.trim().replace(/\\(?=[|*])/g, '')),
);

test('the page of rankers defines every column as the feature set does, in its order', () => {
  const defined = FEATURE_SET.columns.map(({ name, scope, signal, transform, missing, clip: [least, most] }) => [
    `\`${name}\``,
    scope,
    signal,
    transform,
    String(missing),
    `${least} to ${most}`,
  ]);
  expect(rows.filter((cells) => cells.length === 6)).toEqual(defined);
});

test('the page of rankers names every ranker and every input', () => {
  for (const name of Object.keys(COLUMN_RANKERS)) expect(rows.map(([first]) => first)).toContain(`\`${name}\``);
  for (const name of INPUT_NAMES.filter((each) => !each.endsWith('_mask'))) expect(page).toContain(`\`${name}\``);
});
