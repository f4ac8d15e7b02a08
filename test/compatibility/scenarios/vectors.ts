import { scenariosOf, type Scenario } from '../scenario.js';
import { HYBRID_PIPELINE, NAMES, TEXT_DIMS } from '../names.js';
import { MATCH } from './queries.js';

const { ranked, passed } = scenariosOf('Vectors and hybrid', NAMES.items);
const vector = Array.from({ length: TEXT_DIMS }, (_, at) => Math.fround(Math.sin(at + 1)));
const knn = { knn: { text_vector: { vector, k: 20 } } };
const lean = { _source: ['title', 'price'] };
const hybrid = { hybrid: { queries: [MATCH, { match: { description: 'days' } }], pagination_depth: 60 } };

/** The client's own retrieval by vectors. */
export const vectors: Scenario[] = [
  ranked('knn', { query: knn, ...lean }, { adds: false }),
  ranked(
    'knn with a filter',
    { query: { knn: { text_vector: { vector, k: 10, filter: { range: { price: { lte: 80 } } } } } }, ...lean },
    { adds: false },
  ),
  ranked('knn, min_score', { query: { knn: { text_vector: { vector, min_score: 0.45 } } }, ...lean }, { adds: false }),
  ranked('knn beside words', { query: { bool: { should: [MATCH, knn] } }, ...lean }, { adds: false }),
  ranked('exact knn by script', {
    query: {
      script_score: {
        query: MATCH,
        script: { lang: 'knn', source: 'knn_score', params: { field: 'text_vector', query_value: vector, space_type: 'cosinesimil' } },
      },
    },
    ...lean,
  }),
  ranked('the vector asked for by name', { query: MATCH, _source: ['title', 'text_vector'], size: 2 }, { named: ['text_vector'] }),
  ranked('hybrid with a pipeline by URL', { query: hybrid, ...lean }, { query: `search_pipeline=${NAMES.pipeline}`, adds: false }),
  ranked('hybrid, explained', { query: hybrid, explain: true, size: 3 }, { query: `search_pipeline=${NAMES.pipeline}`, adds: false }),
  ranked('hybrid with a pipeline by name in the body', { query: hybrid, search_pipeline: NAMES.pipeline }, { adds: false }),
  ranked(
    'hybrid with a pipeline in the body',
    { query: hybrid, search_pipeline: HYBRID_PIPELINE, highlight: { fields: { title: {} } } },
    { adds: false },
  ),
  ranked(
    'hybrid of words and knn',
    { query: { hybrid: { queries: [MATCH, knn], pagination_depth: 40 } }, ...lean },
    { query: `search_pipeline=${NAMES.pipeline}`, adds: false },
  ),
  ranked('hybrid, second page', { query: hybrid, from: 10, size: 10 }, { query: `search_pipeline=${NAMES.pipeline}` }),
  ranked(
    'hybrid, post_filter and aggregations',
    { query: hybrid, post_filter: { range: { price: { lte: 80 } } }, aggs: { brands: { terms: { field: 'brand' } } } },
    { query: `search_pipeline=${NAMES.pipeline}` },
  ),
  ranked('hybrid, reciprocal ranks', {
    query: hybrid,
    search_pipeline: { phase_results_processors: [{ 'score-ranker-processor': { combination: { technique: 'rrf' } } }] },
  }),
  passed('hybrid without its pipeline', 'negative_scores', { query: hybrid, ...lean }),
  ranked('a photo to search by', { query: { match_all: {} }, size: 5 }, { own: { query_image: { format: 'base64', value: PIXEL() } } }),
];

/** The smallest picture there is. */
function PIXEL(): string {
  return 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
}
