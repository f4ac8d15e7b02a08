import type { Scenario } from '../scenario.js';
import { aggregations, suggestions } from './around.js';
import { constraints } from './constraints.js';
import { indices } from './indices.js';
import { engineErrors, oddities, writing } from './oddities.js';
import { cursorReads, orders } from './orders.js';
import { paging } from './paging.js';
import { highlighting, presentation } from './presentation.js';
import { queries } from './queries.js';
import { collapse, joins, nested } from './relations.js';
import { scoring } from './scoring.js';
import { multiSearches, otherReads, templateSearches, wire } from './spellings.js';
import { vectors } from './vectors.js';

/** All scenarios, in the order of the page. */
export const scenarios: readonly Scenario[] = [
  ...queries,
  ...constraints,
  ...scoring,
  ...vectors,
  ...paging,
  ...presentation,
  ...highlighting,
  ...aggregations,
  ...suggestions,
  ...collapse,
  ...nested,
  ...joins,
  ...templateSearches,
  ...multiSearches,
  ...indices,
  ...wire,
  ...oddities,
  ...orders,
  ...cursorReads,
  ...otherReads,
  ...engineErrors,
  ...writing,
];
