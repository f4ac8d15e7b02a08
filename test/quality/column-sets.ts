import { FEATURE_SET, type FeatureColumn } from '../../models/feature-set.js';

/** Columns that a ranker is trained on. */
export interface ColumnSet {
  /** Names the artefact's folder. */
  readonly key: string;
  /** As tables name it. */
  readonly name: string;
  readonly columns: readonly string[];
}

/** How often a product was met, by whomever. */
const isPopularity = ({ name, scope, signal }: FeatureColumn): boolean =>
  signal === 'behaviour' && (scope === 'item' || name === 'popularity_by_history');
/** What else those met who met what this shopper did. */
const isCoVisitation = (column: FeatureColumn): boolean => column.signal === 'behaviour' && !isPopularity(column);
/** What is known of this shopper, but for co-visitation. */
const isHistory = (column: FeatureColumn): boolean =>
  ['user', 'user-item'].includes(column.scope) && !isPopularity(column) && !isCoVisitation(column);
const isFirstPhase = ({ signal }: FeatureColumn): boolean => signal === 'first_phase';
const isCategoryMatch = ({ name }: FeatureColumn): boolean => name === 'query_category_match';
/** What takes an encoder: a shop without one has none of these. */
const isOfVectors = ({ name }: FeatureColumn): boolean => /cosine$|_knn_rr$|_similarity$/.test(name) && name !== 'factor_cosine';

export const ALL_COLUMNS: ColumnSet = setOf('cosines', 'columns with cosines', () => true);
export const WITHOUT_COSINES: ColumnSet = setOf('counts', 'columns without cosines', (column) => !isOfVectors(column));
export const WITHOUT_POPULARITY: ColumnSet = setOf('no-popularity', 'without popularity', (column) => !isPopularity(column));

/** What the gain of all columns is taken apart by: groups left out, then groups alone. */
export const ABLATIONS: readonly ColumnSet[] = [
  setOf('no-category-match', 'without the category match', (column) => !isCategoryMatch(column)),
  WITHOUT_POPULARITY,
  setOf('no-history', 'without co-visitation and history', (column) => !isCoVisitation(column) && !isHistory(column)),
  setOf('no-first-phase', 'without the first phase’s', (column) => !isFirstPhase(column)),
  setOf('first-phase-match', 'the first phase’s and the category match', (column) => isFirstPhase(column) || isCategoryMatch(column)),
  setOf('first-phase-popularity', 'the first phase’s and popularity', (column) => isFirstPhase(column) || isPopularity(column)),
  setOf('popularity', 'popularity alone', isPopularity),
  setOf('covisits', 'co-visitation alone', isCoVisitation),
];

function setOf(key: string, name: string, has: (column: FeatureColumn) => boolean): ColumnSet {
  return { key, name, columns: FEATURE_SET.columns.filter(has).map((column) => column.name) };
}
