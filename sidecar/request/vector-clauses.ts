import { PRODUCT } from '../../mappings/product-index.js';
import { asList, isJsonObject, wholeNumber, type Json, type JsonObject } from '../json/value.js';
import { DEEPEST_CLAUSE, SCORING_CHILDREN } from './text-clauses.js';

/** A clause of the client's own that looks by vector in one of our fields, as it is asked for alone. */
export interface VectorClause {
  readonly role: 'text' | 'image';
  readonly clause: JsonObject;
  /** How many it looks for. */
  readonly k: number;
}

/** Where a clause names no k, as in a radial search. */
const DEFAULT_K = 100;

/**
 * The client's own `knn` and `neural` clauses on our vector fields, the first of each, so that each candidate's rank in them
 * is known. A hybrid's common filter goes into a clause that is one of its queries; around one that lies deeper it filters
 * after the k nearest, as the engine has it. What stands beside a clause in a bool changes no rank in it and is left out.
 */
export function findVectorClauses(query: Json | undefined): VectorClause[] {
  const found = new Map<VectorClause['role'], VectorClause>();
  const walk = (clause: Json | undefined, common: CommonFilter | null, depth: number): void => {
    if (!isJsonObject(clause) || depth > DEEPEST_CLAUSE) return;
    for (const [type, body] of Object.entries(clause)) {
      if (!isJsonObject(body)) continue;
      const own = type === 'knn' || type === 'neural' ? readVectorClause(type, body, common) : null;
      if (own && !found.has(own.role)) found.set(own.role, own);
      const inner =
        type === 'hybrid' && isJsonObject(body.filter) ? { filter: body.filter, inside: true } : common && { ...common, inside: false };
      const names = Object.hasOwn(SCORING_CHILDREN, type) ? (SCORING_CHILDREN[type] ?? []) : [];
      for (const name of names) for (const child of asList(body[name])) walk(child, inner, depth + 1);
    }
  };
  walk(query, null, 0);
  return [...found.values()];
}

/** A hybrid's filter, and whether it goes inside the clause. */
interface CommonFilter {
  readonly filter: JsonObject;
  readonly inside: boolean;
}

const ROLES = { [PRODUCT.textVector]: 'text', [PRODUCT.imageVector]: 'image' } as const;

function readVectorClause(type: 'knn' | 'neural', body: JsonObject, common: CommonFilter | null): VectorClause | null {
  for (const [field, role] of Object.entries(ROLES)) {
    const asked = body[field];
    if (!isJsonObject(asked)) continue;
    const alone = { [type]: body };
    const k = wholeNumber(asked.k) ?? DEFAULT_K;
    if (common === null) return { role, clause: alone, k };
    if (!common.inside) return { role, clause: { bool: { must: [alone], filter: [common.filter] } }, k };
    const filter = isJsonObject(asked.filter) ? { bool: { filter: [asked.filter, common.filter] } } : common.filter;
    return { role, clause: { [type]: { ...body, [field]: { ...asked, filter } } }, k };
  }
  return null;
}
