import type { RunHit, RunLine } from '../run/run-line.js';

/**
 * How often each document stood among the first k of the answers: what coverage and Gini are made of. Takes one line at a time, so a run
 * need not be held.
 */
export class CatalogueExposure {
  readonly #times = new Map<string, number>();
  readonly #k: number;

  constructor(k: number) {
    this.#k = k;
  }

  take({ hits }: Pick<RunLine, 'hits'>): void {
    for (const { id } of hits.slice(0, this.#k)) this.#times.set(id, (this.#times.get(id) ?? 0) + 1);
  }

  /** Catalogue coverage, 0–1: different documents shown, divided by the catalogue's size (Ge et al. 2010, "Beyond accuracy"). */
  coverage(catalogueSize: number): number | null {
    return catalogueSize === 0 ? null : this.#times.size / catalogueSize;
  }

  /**
   * Gini index of exposure, 0 (all documents equally often) to 1 − 1/n: Σ (2i − n − 1) xᵢ / (n Σ x), x rising, over all n documents of the
   * catalogue, those never shown with x = 0 (Fleder, Hosanagar 2009). Null where nothing was shown.
   */
  gini(catalogueSize: number): number | null {
    const shown = [...this.#times.values()].sort((a, b) => a - b);
    const size = Math.max(catalogueSize, shown.length);
    const total = shown.reduce((sum, times) => sum + times, 0);
    if (total === 0) return null;
    const never = size - shown.length;
    return shown.reduce((sum, times, place) => sum + (2 * (never + place + 1) - size - 1) * times, 0) / (size * total);
  }
}

/** How much of the readers' attention went to each group. Shares sum to 1. */
export interface GroupShares {
  readonly groups: Readonly<Record<string, number>>;
  /** Of hits without a group. */
  readonly ungrouped: number;
}

/** Attention by group over a run: each hit of the first k counts 1 / log2(rank + 1) (Singh, Joachims 2018, "Fairness of exposure in rankings"). */
export class GroupExposure {
  readonly #attention = new Map<string, number>();
  #ungrouped = 0;
  readonly #k: number;

  constructor(k: number) {
    this.#k = k;
  }

  take({ hits }: { readonly hits: readonly RunHit[] }): void {
    for (const [place, { group }] of hits.slice(0, this.#k).entries()) {
      const attention = 1 / Math.log2(place + 2);
      if (group === undefined) this.#ungrouped += attention;
      else this.#attention.set(group, (this.#attention.get(group) ?? 0) + attention);
    }
  }

  /** Largest share first; null where nothing was shown. */
  shares(): GroupShares | null {
    const total = [...this.#attention.values()].reduce((sum, attention) => sum + attention, this.#ungrouped);
    if (total === 0) return null;
    const falling = [...this.#attention].sort(([, a], [, b]) => b - a);
    return {
      groups: Object.fromEntries(falling.map(([group, attention]) => [group, attention / total])),
      ungrouped: this.#ungrouped / total,
    };
  }
}
