import { join } from 'node:path';
import { PRODUCT } from '../../mappings/product-index.js';
import { normalisationPipeline } from '../../mappings/search-pipelines.js';
import { openTextEncoder } from '../../models/text-encoder.js';
import { meanOf } from '../../tuning/significance/bootstrap.js';
import { comparePaired } from '../../tuning/significance/paired-comparison.js';
import { standardError } from '../../tuning/significance/student-t.js';
import { listEncoderSets, openCatalogue, type CatalogueDoor, type EncoderSet } from './catalogue-door.js';
import { readEsciQueries, type EsciQuery } from './esci-queries.js';
import { ESCI_GAINS, judgedAt, ndcgLin } from './ndcg.js';
import { differencesByQuery } from './paired.js';
import type { QualityRun } from './quality-run.js';
import { formatDifference, formatInterval, formatShare, type QualitySection } from './quality-section.js';

const DEPTH = 10;
const SEED = 20;
const TEXT_FIELDS = ['title', 'bullet_points', 'brand', 'color'];
const WEIGHTED_FIELDS = ['title^2', 'bullet_points', 'brand', 'color'];
/** How deep a hybrid's clauses are fetched before they are mixed. */
const HYBRID_DEPTH = 200;
/** What the sidecar's mean may lack to the better engine order. */
const ALLOWED_LOSS = 0.005;

/** One system's answer to every query. */
interface SystemRun {
  name: string;
  rankings: ReadonlyMap<string, readonly string[]>;
  ndcg: ReadonlyMap<string, number>;
  mean: number;
}

/** nDCG on the judged queries of ESCI's small catalogue: does ranking for nobody in particular keep the engine's quality? */
export async function measureEsci(run: QualityRun): Promise<QualitySection> {
  const folder = join(run.data, 'esci');
  const queries = readEsciQueries(folder);
  const tables: QualitySection['tables'] = [];
  const remarks: string[] = [];
  for (const encoders of listEncoderSets(run.data)) {
    run.tell(`esci with ${encoders.name}: indexing`);
    const door = await openEsci(run.node, encoders, join(folder, 'products.jsonl.gz'));
    try {
      run.tell(
        `esci with ${encoders.name}: ${door.report.products.written} products in ${door.report.seconds.total.toFixed(0)} s, searching`,
      );
      const { engine, others } = await runSystems(door, encoders, queries);
      const better = engine.reduce((best, system) => (system.mean > best.mean ? system : best));
      const systems = [...engine, ...others];
      run.keep(`esci-${encoders.key}`, describeQueries(queries, systems));
      tables.push({ caption: `Encoders: ${encoders.name}`, table: compareSystems(systems, better, queries) });
      remarks.push(`${encoders.name}: ${judgeSidecar(better, others)}`);
      if (tables.length === 1) remarks.push(resolvedBy(better));
    } finally {
      await door.close();
    }
  }
  return {
    name: 'esci',
    title: 'ESCI: the engine’s order and ours, for nobody in particular',
    about:
      `6,764 products of the Amazon Shopping Queries data with ${queries.length} judged queries, indexed by the indexer. ` +
      `\`ndcg_lin@${DEPTH}\`: gains E ${ESCI_GAINS.E}, S ${ESCI_GAINS.S}, C ${ESCI_GAINS.C}, I ${ESCI_GAINS.I}, discount log2(i + 1), ideal from all ` +
      `judged products cut at ${DEPTH}; the whole catalogue is ranked, unjudged products count 0. Every system is paired with the better of ` +
      `the two engine orders, query by query; intervals are percentile bootstraps over queries (95 %, 10,000 draws, seed ${SEED}). ` +
      `The sidecar gets the query as a shop sends it (\`multi_match\` over ${WEIGHTED_FIELDS.join(', ')}) and no shopper; window 200, blend .75, up to 50 added hits.`,
    tables,
    remarks: [
      ...remarks,
      'About a quarter of the queries are negations (“belt without buckle”) that neither terms nor these encoders understand.',
      'The weights of the hybrids were chosen on these same queries, so their figures are flattered.',
    ],
  };
}

function openEsci(node: string, encoders: EncoderSet, products: string): Promise<CatalogueDoor> {
  const map = { text: TEXT_FIELDS, price: 'price', rating: 'rating', ratingCount: 'rating_count', brand: 'brand', category: 'category' };
  return openCatalogue({ node, alias: `quality-esci-${encoders.key}`, encoders, inputs: [products], index: { id: 'id', map } });
}

async function runSystems(
  door: CatalogueDoor,
  encoders: EncoderSet,
  queries: readonly EsciQuery[],
): Promise<{ engine: SystemRun[]; others: SystemRun[] }> {
  const clause = (text: string, type: string): object => ({ multi_match: { query: text, type, fields: WEIGHTED_FIELDS } });
  const body = (text: string, type: string): object => ({ query: clause(text, type), size: DEPTH, _source: false });
  const engine = [
    await runSystem('engine, best_fields', queries, (text) => door.searchEngine(body(text, 'best_fields'))),
    await runSystem('engine, cross_fields', queries, (text) => door.searchEngine(body(text, 'cross_fields'))),
  ];
  const hybrid = await runHybrid(door, encoders, queries, (text) => clause(text, 'cross_fields'));
  const sidecar = [
    await runSystem('sidecar over best_fields', queries, (text) => door.searchSidecar(body(text, 'best_fields'), { query_text: text })),
    await runSystem('sidecar over cross_fields', queries, (text) => door.searchSidecar(body(text, 'cross_fields'), { query_text: text })),
  ];
  return { engine, others: [hybrid, ...sidecar] };
}

/** A real hybrid query through the normalisation pipeline that we ship, with the encoder's own weight for its clause. */
async function runHybrid(
  door: CatalogueDoor,
  encoders: EncoderSet,
  queries: readonly EsciQuery[],
  clause: (text: string) => object,
): Promise<SystemRun> {
  const weights = [1 - encoders.hybridWeight, encoders.hybridWeight];
  const encoder = await openTextEncoder({ path: encoders.text });
  const pipeline = `${door.alias}-hybrid`;
  await door.engine.transport.request({ method: 'PUT', path: `/_search/pipeline/${pipeline}`, body: normalisationPipeline({ weights }) });
  try {
    return await runSystem(`hybrid, cross_fields ${weights[0]} + vector ${weights[1]}`, queries, async (text) => {
      const vector = Array.from(await encoder.encodeQuery(text));
      const knn = { knn: { [PRODUCT.textVector]: { vector, k: HYBRID_DEPTH } } };
      const hybrid = { queries: [clause(text), knn], pagination_depth: HYBRID_DEPTH };
      return door.searchEngine({ query: { hybrid }, size: DEPTH, _source: false }, `?search_pipeline=${pipeline}`);
    });
  } finally {
    await door.engine.transport.request({ method: 'DELETE', path: `/_search/pipeline/${pipeline}` });
    await encoder.close();
  }
}

async function runSystem(
  name: string,
  queries: readonly EsciQuery[],
  search: (text: string) => Promise<readonly { id: string }[]>,
): Promise<SystemRun> {
  const rankings = new Map<string, string[]>();
  for (const { id, text } of queries)
    rankings.set(
      id,
      (await search(text)).map((hit) => hit.id),
    );
  const ndcg = new Map(queries.map(({ id, gains }) => [id, ndcgLin(rankings.get(id) ?? [], gains, DEPTH)]));
  return { name, rankings, ndcg, mean: meanOf([...ndcg.values()]) };
}

function compareSystems(
  systems: readonly SystemRun[],
  better: SystemRun,
  queries: readonly EsciQuery[],
): { columns: string[]; rows: string[][] } {
  const rows = systems.map((system) => {
    const judged = meanOf(queries.map(({ id, gains }) => judgedAt(system.rankings.get(id) ?? [], gains, DEPTH)));
    const figures = [formatShare(system.mean, 4), formatShare(judged, 2)];
    if (system === better) return [`${system.name} (the better)`, ...figures, '', '', '', ''];
    const paired = comparePaired(differencesByQuery(better.ndcg, system.ndcg), { seed: SEED });
    const counts = `${paired.wins} / ${paired.ties} / ${paired.losses}`;
    return [system.name, ...figures, formatDifference(paired.difference, 4), formatInterval(paired.interval), counts, paired.verdict];
  });
  return { columns: ['system', `ndcg_lin@${DEPTH}`, `judged@${DEPTH}`, 'difference', '95 %', 'wins / ties / losses', 'verdict'], rows };
}

function judgeSidecar(better: SystemRun, others: readonly SystemRun[]): string {
  const over = others.find(({ name }) => name === better.name.replace('engine,', 'sidecar over'));
  if (!over) throw new Error(`no sidecar was run over “${better.name}”`);
  const difference = over.mean - better.mean;
  const met = difference >= -ALLOWED_LOSS;
  return (
    `the sidecar over the better engine order changes its mean by ${formatDifference(difference, 4)}; ` +
    `the requirement (not below by more than ${formatShare(ALLOWED_LOSS)}) is ${met ? 'met' : 'MISSED'}.`
  );
}

function resolvedBy(better: SystemRun): string {
  const values = [...better.ndcg.values()];
  return `${values.length} queries resolve differences of about .03 (the standard error of one mean is ${formatShare(standardError(values))}): smaller ones are not news.`;
}

/** What each system made of each query, for those who ask where a difference comes from. */
function describeQueries(queries: readonly EsciQuery[], systems: readonly SystemRun[]): object[] {
  return queries.map(({ id, text, source, grades }) => ({
    id,
    text,
    source,
    systems: Object.fromEntries(
      systems.map(({ name, ndcg, rankings }) => [
        name,
        { ndcg: ndcg.get(id), top: (rankings.get(id) ?? []).map((product) => `${product} ${grades.get(product) ?? '-'}`) },
      ]),
    ),
  }));
}
