import { CatalogueExposure, GroupExposure } from '../../tuning/metrics/catalogue-exposure.js';
import { measureDiversity, measureNovelty, type Popularity } from '../../tuning/metrics/list-variety.js';
import { openRun } from '../../tuning/run/run-file.js';
import { meanOf } from '../../tuning/significance/bootstrap.js';
import type { Table } from '../measured-page.js';
import { formatPercent } from './gain-table.js';
import { formatShare } from './quality-section.js';

/** What is known of a catalogue's products, by id. */
export interface CatalogueFacts {
  readonly size: number;
  readonly vectors: ReadonlyMap<string, Float32Array>;
  readonly popularity: Popularity;
  /** Groups of products that share the attention: members by the group's name. */
  readonly groups: ReadonlyMap<string, ReadonlySet<string>>;
}

/** What the readers of a run get to see, of the first ten hits. */
export interface RunExposure {
  readonly coverage: number;
  readonly gini: number;
  /** Mean over the queries of 1 − cosine between the hits of a list. */
  readonly diversity: number;
  /** Bits. */
  readonly novelty: number;
  /** By group: share of the attention, a hit counting 1 / log2(rank + 1). */
  readonly shares: ReadonlyMap<string, number>;
}

const DEPTH = 10;

export async function measureExposure(file: string, facts: CatalogueFacts): Promise<RunExposure> {
  const catalogue = new CatalogueExposure(DEPTH);
  const groups = [...facts.groups].map(([name, members]) => ({ name, members, exposure: new GroupExposure(DEPTH) }));
  const [diversity, novelty]: [number[], number[]] = [[], []];
  for await (const line of (await openRun(file)).lines) {
    catalogue.take(line);
    for (const { members, exposure } of groups) {
      exposure.take({ hits: line.hits.map(({ id, score, grade }) => ({ id, score, grade, ...(members.has(id) ? { group: 'in' } : {}) })) });
    }
    diversity.push(...defined(measureDiversity(line, DEPTH, facts.vectors)));
    novelty.push(...defined(measureNovelty(line, DEPTH, facts.popularity)));
  }
  return {
    coverage: catalogue.coverage(facts.size) ?? Number.NaN,
    gini: catalogue.gini(facts.size) ?? Number.NaN,
    diversity: meanOf(diversity),
    novelty: meanOf(novelty),
    shares: new Map(groups.map(({ name, exposure }) => [name, exposure.shares()?.groups['in'] ?? 0])),
  };
}

/** One row a system; the first row is the catalogue itself: how many of its products each group has. */
export function exposureTable(systems: readonly { name: string; exposure: RunExposure }[], facts: CatalogueFacts): Table {
  const names = [...facts.groups.keys()];
  const shareOf = (name: string): string => formatPercent((facts.groups.get(name)?.size ?? 0) / facts.size);
  return {
    columns: ['system', 'coverage@10', 'Gini@10', 'diversity@10', 'novelty@10, bits', ...names.map((name) => `attention: ${name}`)],
    rows: [
      ['share of the products', '', '', '', '', ...names.map(shareOf)],
      ...systems.map(({ name, exposure }) => [
        name,
        formatShare(exposure.coverage),
        formatShare(exposure.gini),
        formatShare(exposure.diversity),
        exposure.novelty.toFixed(2),
        ...names.map((group) => formatPercent(exposure.shares.get(group) ?? Number.NaN)),
      ]),
    ],
  };
}

function defined(value: number | null): number[] {
  return value === null ? [] : [value];
}
