/** The two searches of the page, and the events that it sends. */

import { send } from './door.js';

export const SIZE = 20;

/** An explanation ranks the list once for every signal: more time than a shopper's search is given. */
const EXPLAIN_BUDGET_MS = 2000;

/** Something the engine or the sidecar refused, in their own words. */
export class SearchRefused extends Error {}

function queryOf(text, textFields) {
  return textFields.length > 0
    ? { multi_match: { query: text, fields: textFields } }
    : { simple_query_string: { query: text, lenient: true } };
}

async function post(path, body, headers = {}) {
  const response = await send(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  let answer;
  try {
    answer = text === '' ? {} : JSON.parse(text);
  } catch {
    throw new SearchRefused(`${response.status}: the answer is not JSON`);
  }
  if (!response.ok) {
    const error = answer.error;
    throw new SearchRefused(`${response.status}: ${error?.root_cause?.[0]?.reason ?? error?.reason ?? error ?? response.statusText}`);
  }
  return { answer, headers: response.headers };
}

/** `name;dur=1.5, …` → [[name, milliseconds], …] */
function readServerTiming(header) {
  return (header ?? '')
    .split(',')
    .map((entry) => /^\s*([\w-]+);.*?dur=([\d.]+)/.exec(entry))
    .filter((match) => match !== null)
    .map((match) => [match[1], Number(match[2])]);
}

const countOf = (answer) => answer.hits.total?.value ?? answer.hits.hits.length;

/**
 * The same query twice: as OpenSearch orders it, and as fuserank orders it for one shopper.
 * @param {{index: string, query: string, textFields: string[], sourceFields: string[], user: string | null, session: string}} search
 */
export async function searchBothWays({ index, query, textFields, sourceFields, user, session }) {
  const path = `/${encodeURIComponent(index)}/_search`;
  const body = { query: queryOf(query, textFields), size: SIZE, _source: sourceFields };
  const shopper = user === null ? { session_id: session } : { user_id: user, session_id: session };
  const engineStarted = performance.now();
  const engine = await post(path, body, { 'x-fuserank-bypass': 'true' });
  const engineMs = performance.now() - engineStarted;
  const ranked = await post(path, {
    ...body,
    ext: { fuserank: { ...shopper, query_text: query, explain: true, budget_ms: EXPLAIN_BUDGET_MS } },
  });
  const rankedMs = performance.now() - engineStarted - engineMs;
  const serverTiming = readServerTiming(ranked.headers.get('server-timing'));
  const stages = serverTiming.length > 0 ? serverTiming : Object.entries(ranked.answer.ext?.fuserank?.stages ?? {});
  return {
    engine: engine.answer.hits.hits,
    ranked: ranked.answer.hits.hits,
    total: countOf(engine.answer),
    atLeast: engine.answer.hits.total?.relation === 'gte',
    rankedTotal: countOf(ranked.answer),
    outcome: ranked.headers.get('x-fuserank') ?? 'not ranked',
    timings: { engineMs, rankedMs, stages },
  };
}

/** Tells the sidecar that a shopper looked at a product: a UBI 1.3 event. */
export async function sendClick({ id, idField, ordinal, query, user, session }) {
  await post('/ubi/events', [
    {
      application: 'fuserank-ui',
      action_name: 'click',
      timestamp: new Date().toISOString(),
      ...(user === null ? {} : { user_id: user }),
      session_id: session,
      user_query: query,
      message_type: 'INFO',
      message: 'product clicked',
      event_attributes: { object: { object_id: id, object_id_field: idField }, position: { ordinal } },
    },
  ]);
}
