// The `esci` pack: Amazon's Shopping Queries in a small catalogue, with human judgments.
import { z } from 'zod';
import { runWhenCalled, type Adapted, type Adapter, type AdapterRun } from '../kit/adapter.js';
import { findSource, readCsvRows, readJsonRows, refuse } from '../kit/source-rows.js';

const productSchema = z.looseObject({ id: z.string(), title: z.string() });
const querySchema = z.object({ query_id: z.string().min(1), query: z.string().min(1), source: z.string().min(1) });
const judgmentSchema = z.object({ query_id: z.string(), product_id: z.string().min(1), grade: z.enum(['E', 'S', 'C', 'I']) });

export const esci: Adapter = {
  name: 'esci',
  source:
    'folder with products.jsonl.gz, queries.csv (query_id, query, source) and judgments.csv (query_id, product_id, grade E, S, C or I)',
  adapt: adaptEsci,
};

async function adaptEsci({ source, output }: AdapterRun): Promise<Adapted> {
  const products = output.file('products.ndjson');
  for await (const { value } of readJsonRows(findSource(source, ['products.jsonl.gz', 'products.jsonl']), productSchema)) {
    await products.writeJson(withoutEmpty(value));
  }
  const queries = output.file('queries.ndjson');
  const texts = new Map<string, string>();
  for await (const { value } of readCsvRows(findSource(source, ['queries.csv']), querySchema)) {
    texts.set(value.query_id, value.query);
    await queries.writeJson({ query_id: value.query_id, query: value.query, tags: [value.source] });
  }
  const judgmentFile = findSource(source, ['judgments.csv']);
  const judgments = output.file('judgments.csv');
  await judgments.writeHeading(['query_id', 'query', 'product_id', 'grade']);
  for await (const { line, value } of readCsvRows(judgmentFile, judgmentSchema)) {
    const text = texts.get(value.query_id);
    if (text === undefined) throw refuse(judgmentFile, line, `query ${value.query_id} is not among the queries`);
    await judgments.writeCsv([value.query_id, text, value.product_id, value.grade]);
  }
  return {
    indexFlags:
      '--id-field id --text-fields title,bullet_points,brand,color --price-field price --rating-field rating ' +
      '--rating-count-field rating_count --brand-field brand --category-field category',
    remarks: ['gains of the grades are E 1, S 0.1, C 0.01, I 0: measure with --metrics ndcg_lin@10,judged@10'],
  };
}

/** An absent member says what null and an empty text say. */
function withoutEmpty(product: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(product).filter(([, value]) => value !== null && value !== ''));
}

await runWhenCalled(import.meta.url, esci);
