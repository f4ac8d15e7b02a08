import { z } from 'zod';
import { ALIAS } from './demo-config.js';
import { PRODUCT_ROLES } from './shop.js';
import type { ShopperEvent } from './shoppers.js';

/** How a search of the demo's shop is asked. */
export interface Question {
  query: string;
  size: number;
  /** Members of `ext.fuserank`; absent = no such block. */
  ranking?: { user_id?: string; profile?: string; consent?: 'full' | 'none'; budget_ms?: number };
  /** Shown fields; none for lists of ids. */
  fields?: readonly string[];
}

export interface Answer {
  ids: string[];
  /** The `X-Fuserank` header; null straight from the engine. */
  outcome: string | null;
  /** The `Server-Timing` header, by name, ms. */
  stages: Map<string, number>;
  /** From sending to the last byte, ms. */
  ms: number;
}

/** The shop's search did not work; the message says what came back. */
export class ShopSearchFailed extends Error {
  override readonly name = 'ShopSearchFailed';
}

const answerSchema = z.object({ hits: z.object({ hits: z.array(z.object({ _id: z.string() })) }) });

function readStages(header: string | null): Map<string, number> {
  const entries = (header ?? '').matchAll(/([\w-]+);dur=([\d.]+)/g);
  return new Map([...entries].map(([, name = '', ms = '0']) => [name, Number(ms)]));
}

/** Asks the engine itself or a sidecar in front of it, the very same way. @throws ShopSearchFailed */
export async function searchShop(url: string, question: Question): Promise<Answer> {
  const body = {
    query: {
      multi_match: { query: question.query, fields: PRODUCT_ROLES.text.map((field, place) => (place === 0 ? `${field}^3` : field)) },
    },
    size: question.size,
    _source: question.fields ?? false,
    ...(question.ranking ? { ext: { fuserank: { query_text: question.query, ...question.ranking } } } : {}),
  };
  const began = performance.now();
  const response = await fetch(`${url}/${ALIAS}/_search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const ms = performance.now() - began;
  if (!response.ok) throw new ShopSearchFailed(`${url} answered ${response.status} to “${question.query}”: ${text.slice(0, 300)}`);
  const parsed = answerSchema.parse(JSON.parse(text));
  return {
    ids: parsed.hits.hits.map((hit) => hit._id),
    outcome: response.headers.get('x-fuserank'),
    stages: readStages(response.headers.get('server-timing')),
    ms,
  };
}

/**
 * As {@link searchShop} through a sidecar, for figures: an answer that was not ranked says nothing about ranking.
 * Asked again twice; @throws ShopSearchFailed with the reason when it stays unranked.
 */
export async function searchRanked(url: string, question: Question): Promise<Answer> {
  let answer = await searchShop(url, question);
  for (let attempt = 0; attempt < 2 && !answer.outcome?.startsWith('applied'); attempt += 1) answer = await searchShop(url, question);
  if (!answer.outcome?.startsWith('applied'))
    throw new ShopSearchFailed(`“${question.query}” was not ranked: ${answer.outcome ?? 'no X-Fuserank header'}`);
  return answer;
}

/** Sends UBI events to the sidecar. @throws ShopSearchFailed */
export async function postEvents(url: string, events: readonly ShopperEvent[]): Promise<void> {
  const response = await fetch(`${url}/ubi/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(events),
  });
  if (!response.ok) throw new ShopSearchFailed(`${url}/ubi/events answered ${response.status}: ${(await response.text()).slice(0, 300)}`);
}
