import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseCsv } from 'csv-parse/sync';
import { z } from 'zod';
import { ESCI_GAINS, type EsciGrade, type Gains } from './ndcg.js';

export interface EsciQuery {
  id: string;
  text: string;
  /** How the data's makers found the query: `negations`, `parse_pattern`, … */
  source: string;
  grades: ReadonlyMap<string, EsciGrade>;
  gains: Gains;
}

const queryRows = z.array(z.object({ query_id: z.string(), query: z.string(), source: z.string() }));
const judgmentRows = z.array(z.object({ query_id: z.string(), product_id: z.string(), grade: z.enum(['E', 'S', 'C', 'I']) }));

/** Queries and judgments of the `esci` folder. @throws ZodError when a file has other columns */
export function readEsciQueries(folder: string): EsciQuery[] {
  const read = (file: string): unknown => parseCsv(readFileSync(join(folder, file)), { columns: true });
  const grades = new Map<string, Map<string, EsciGrade>>();
  for (const { query_id, product_id, grade } of judgmentRows.parse(read('judgments.csv'))) {
    const ofQuery = grades.get(query_id) ?? new Map<string, EsciGrade>();
    grades.set(query_id, ofQuery.set(product_id, grade));
  }
  return queryRows.parse(read('queries.csv')).map(({ query_id, query, source }) => {
    const judged = grades.get(query_id) ?? new Map<string, EsciGrade>();
    return { id: query_id, text: query, source, grades: judged, gains: new Map([...judged].map(([id, grade]) => [id, ESCI_GAINS[grade]])) };
  });
}
