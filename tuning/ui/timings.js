/** Where the time of a search went. */

import { element } from './element.js';

/** What each part of the `Server-Timing` header is; the names are the sidecar's own. Parts run side by side and overlap. */
export const STAGES = {
  client: 'the request as it was sent, answered by OpenSearch',
  render: 'a template, rendered so that its search is known',
  first_phase: 'the top hits of the same query, ids and scores only',
  text_leg: 'products whose text vectors are near the query',
  image_leg: 'products whose picture vectors are near the query',
  pinned_leg: 'pinned products that the query would admit',
  lexical_leg: 'the word clauses of a hybrid query, by themselves',
  history: 'what this shopper did before, read from ubi_events',
  encode: 'the query made into vectors',
  rank: 'the model, with the way to its process and back; items, features and score are parts of it',
  items: 'vectors and fields of the products, those not yet held read from OpenSearch',
  features: 'the model’s input put together',
  score: 'the model itself',
  compare: 'how alike the products at the top are, for diversity',
  bodies: 'the documents of hits that came up from below the page, or were added',
  tail: 'the hits after the ranked list',
  engine: 'at least one request to OpenSearch was open',
  ours: 'the rest of the total: what fuserank adds',
};

const OWN = {
  'OpenSearch alone': 'the same query past fuserank’s ranking, as this page measured it',
  'through fuserank, explained': 'the ranked search as this page measured it; the arithmetic of each hit makes it slower than a shopper’s',
};

/** @param {{engineMs: number, rankedMs: number, stages: [string, number][]}} timings */
export function drawTimings(bar, { engineMs, rankedMs, stages }) {
  const entries = [
    ['OpenSearch alone', engineMs],
    ['through fuserank, explained', rankedMs],
    ...stages.filter(([name]) => name !== 'total'),
  ];
  bar.hidden = false;
  bar.replaceChildren(
    element(
      'dl',
      {},
      entries.map(([name, milliseconds]) =>
        element('div', { title: OWN[name] ?? STAGES[name] ?? false }, [
          element('dt', {}, [name]),
          element('dd', {}, [`${Number(milliseconds).toFixed(1)} ms`]),
        ]),
      ),
    ),
  );
}
