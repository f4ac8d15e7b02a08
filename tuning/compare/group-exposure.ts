import type { GroupShares } from '../metrics/catalogue-exposure.js';
import type { RunHeader } from '../run/run-line.js';

/** Attention by group in two runs. */
export interface ComparedExposure {
  readonly field: string;
  /** Hits of a list that count. */
  readonly k: number;
  /** The largest share in either run first; group null = hits without one. */
  readonly groups: readonly { readonly group: string | null; readonly a: number; readonly b: number }[];
}

/** Null unless both runs keep the same field of their hits. */
export function compareExposure(given: {
  k: number;
  a: RunHeader;
  b: RunHeader;
  shares: { a: GroupShares | null; b: GroupShares | null };
}): ComparedExposure | null {
  const { k, a, b, shares } = given;
  if (a.group_field === undefined || a.group_field !== b.group_field || !shares.a || !shares.b) return null;
  const [before, after] = [shares.a, shares.b];
  const names = [...new Set([...Object.keys(before.groups), ...Object.keys(after.groups)])];
  const groups = [
    ...names.map((group) => ({ group, a: before.groups[group] ?? 0, b: after.groups[group] ?? 0 })),
    ...(before.ungrouped + after.ungrouped > 0 ? [{ group: null, a: before.ungrouped, b: after.ungrouped }] : []),
  ];
  return { field: a.group_field, k, groups: groups.sort((one, other) => Math.max(other.a, other.b) - Math.max(one.a, one.b)) };
}
