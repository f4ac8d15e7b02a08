import { COLUMN_NAMES, findColumn } from '../models/feature-set.js';
import { ATTRIBUTE_COLUMNS } from './columns/attribute-columns.js';
import { BEHAVIOUR_COLUMNS } from './columns/behaviour-columns.js';
import type { ColumnValues } from './columns/column-values.js';
import { COSINE_COLUMNS } from './columns/cosine-columns.js';
import { FIRST_PHASE_COLUMNS } from './columns/first-phase-columns.js';
import type { ListFacts } from './columns/list-facts.js';

/** How each column of the feature set is computed. */
const COMPUTE: ReadonlyMap<string, (list: ListFacts) => ColumnValues> = new Map(
  Object.entries({ ...FIRST_PHASE_COLUMNS, ...ATTRIBUTE_COLUMNS, ...COSINE_COLUMNS, ...BEHAVIOUR_COLUMNS }),
);

/**
 * Columns of the feature set, [N·F] row-major in the order of the names, missing values as declared, clipped. A column is the same
 * whichever others are asked for beside it.
 * @throws Error for a name that the feature set does not have
 */
export function computeColumns(list: ListFacts, names: readonly string[]): Float32Array {
  const width = names.length;
  const columns = new Float32Array(list.candidates.length * width);
  names.forEach((name, place) => {
    const column = findColumn(name);
    const compute = COMPUTE.get(name);
    if (!column || !compute) throw new Error(`nothing computes the column "${name}"; there are ${COLUMN_NAMES.join(', ')}`);
    const { missing } = column;
    const [least, most] = column.clip;
    const values = compute(list);
    for (let row = 0, at = place; row < values.length; row += 1, at += width) {
      const value = values[row] ?? null;
      columns[at] = value === null ? missing : Math.min(most, Math.max(least, value));
    }
  });
  return columns;
}
