import { PRODUCT } from '../../mappings/product-index.js';
import { asList, isJsonObject, wholeNumber, type Json, type JsonObject } from '../json/value.js';
import { DEEPEST_CLAUSE, SCORING_CHILDREN } from './text-clauses.js';

/** A clause of the client's own that looks by vector in one of our fields, as it is asked for alone. */
export interface VectorClause {
  readonly role: 'text' | 'image';
  /** With a hybrid's common filter inside. */
  readonly clause: JsonObject;
  /** How many it looks for. */
  readonly k: number;
  /** The engine makes the vector, with the model that the clause or the search pipeline names. */
  readonly encodedByEngine: boolean;
}

/** Where a clause names no k, as in a radial search. */
const DEFAULT_K = 100;

/**
 * The client's own `knn` and `neural` clauses on our vector fields, the first of each, so that each candidate's rank in them
 * is known. A clause keeps its own filter and gets the hybrid's; what stands beside it in a bool filters after its k nearest,
 * so it changes no rank in them.
 */
export function findVectorClauses(query: Json | undefined): VectorClause[] {
  const found = new Map<VectorClause['role'], VectorClause>();
  const walk = (clause: Json | undefined, common: Json | undefined, depth: number): void => {
    if (!isJsonObject(clause) || depth > DEEPEST_CLAUSE) return;
    for (const [type, body] of Object.entries(clause)) {
      if (!isJsonObject(body)) continue;
      const own = type === 'knn' || type === 'neural' ? readVectorClause(type, body, common) : null;
      if (own && !found.has(own.role)) found.set(own.role, own);
      const names = Object.hasOwn(SCORING_CHILDREN, type) ? (SCORING_CHILDREN[type] ?? []) : [];
      const filter = type === 'hybrid' ? body.filter : common;
      for (const name of names) for (const child of asList(body[name])) walk(child, filter, depth + 1);
    }
  };
  walk(query, undefined, 0);
  return [...found.values()];
}

function readVectorClause(type: 'knn' | 'neural', body: JsonObject, common: Json | undefined): VectorClause | null {
  const roles = { [PRODUCT.textVector]: 'text', [PRODUCT.imageVector]: 'image' } as const;
  for (const [field, role] of Object.entries(roles)) {
    const asked = body[field];
    if (!isJsonObject(asked)) continue;
    const filters = [asked.filter, common].filter((filter) => isJsonObject(filter));
    const filter = filters.length > 1 ? { bool: { filter: filters } } : filters[0];
    const clause = { [type]: { ...body, [field]: filter === undefined ? asked : { ...asked, filter } } };
    return { role, clause, k: wholeNumber(asked.k) ?? DEFAULT_K, encodedByEngine: type === 'neural' };
  }
  return null;
}
