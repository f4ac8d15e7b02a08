import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { House } from '../../house.js';

/** A query of which one product is good, by the rating given. */
export interface JudgedQuery {
  readonly query: { readonly query_id: string; readonly query: string; readonly history?: readonly object[] };
  readonly good: string;
  readonly rating: number;
}

/** Writes `queries.ndjson` and `judgments.csv` into the folder. @returns the words with which `fuserank rows export` reads them */
export async function writeJudgedQueries(house: House, folder: string, judged: readonly JudgedQuery[]): Promise<string[]> {
  const [queries, judgments] = [join(folder, 'queries.ndjson'), join(folder, 'judgments.csv')];
  await writeFile(queries, judged.map(({ query }) => `${JSON.stringify(query)}\n`).join(''));
  const lines = judged.map(({ query, good, rating }) => `${query.query_id},${query.query},${good},${rating}`);
  await writeFile(judgments, `query_id,query,docid,rating\n${lines.join('\n')}\n`);
  return ['--from', 'judgments', '--index', house.alias, '--queries', queries, '--judgments', judgments];
}
