import { z } from 'zod';
import { HEAD_INDEX, headIndexBody, type HeadDocument } from '../mappings/head-index.js';
import { productIndexBody, productIndexMetaMember, readProductIndexMeta, type ProductIndexMeta } from '../mappings/product-index.js';
import { refuseUnsafeVectors } from '../mappings/vector-safety.js';
import type { EngineClient } from '../opensearch/connection.js';
import { askEngine, describeRefusal, indexPath } from '../opensearch/engine-request.js';

/** The alias, or the index behind it, is not what it must be. */
export class AliasConflict extends Error {
  override readonly name = 'AliasConflict';
}

/** The engine will not make the index: an analyzer, field type or name that it does not take, or another run made it first. */
export class IndexRefused extends Error {
  override readonly name = 'IndexRefused';
}

/** An index version that searches reach through the alias. */
export interface LiveIndex {
  name: string;
  meta: ProductIndexMeta;
  documents: number;
}

const mappingAnswer = z.record(z.string(), z.object({ mappings: z.unknown() }));
const countAnswer = z.object({ count: z.number() });

/**
 * The index behind the alias; null when there is none yet.
 * @throws AliasConflict when the name is an index of its own, stands for several, or for one that is not ours
 */
export async function findLiveIndex(client: EngineClient, alias: string): Promise<LiveIndex | null> {
  const found = await askEngine(client, { method: 'GET', path: indexPath(alias, '_mapping'), expect: [404] });
  if (found.status === 404) return null;
  const entries = Object.entries(mappingAnswer.parse(found.body));
  const [entry] = entries;
  if (entry === undefined) return null;
  const [name, { mappings }] = entry;
  if (name === alias)
    throw new AliasConflict(`"${alias}" is an index, not an alias; choose another --alias, since an index cannot be swapped`);
  if (entries.length > 1) {
    const names = entries.map(([index]) => index).join(', ');
    throw new AliasConflict(`alias "${alias}" stands for several indices (${names}); leave it one, or choose another --alias`);
  }
  const meta = readProductIndexMeta(mappings);
  if (meta === null) throw new AliasConflict(`alias "${alias}" stands for "${name}", which fuserank did not make; choose another --alias`);
  return { name, meta, documents: await countDocuments(client, name) };
}

/** Makes the next version `<alias>-v<n>`, tuned for filling: no refresh, no replicas. @throws UnsafeVectors, IndexRefused */
export async function createVersion(
  client: EngineClient,
  alias: string,
  meta: ProductIndexMeta,
  options: { localNode: boolean },
): Promise<string> {
  const body = productIndexBody({ meta });
  refuseUnsafeVectors(body, options);
  const index = `${alias}-v${(await lastVersion(client, alias)) + 1}`;
  const filling = { refresh_interval: '-1', auto_expand_replicas: false, number_of_replicas: 0 };
  const settings = { index: { ...body.settings.index, ...filling } };
  const made = await askEngine(client, {
    method: 'PUT',
    path: indexPath(index),
    body: { settings, mappings: body.mappings },
    expect: [400],
  });
  if (made.status === 400) throw new IndexRefused(`the engine will not make ${index}: ${describeRefusal(made.body)}`);
  return index;
}

async function lastVersion(client: EngineClient, alias: string): Promise<number> {
  const found = await askEngine(client, { method: 'GET', path: indexPath(`${alias}-v*`, '_alias'), expect: [404] });
  const names = found.status === 404 ? [] : Object.keys(z.record(z.string(), z.unknown()).parse(found.body));
  const numbers = names.map((name) => /^\d+$/.exec(name.slice(`${alias}-v`.length))?.[0]).filter((digits) => digits !== undefined);
  return Math.max(0, ...numbers.map(Number));
}

/** Ends the filling: everything written is searchable, replicas as the mapping means them, the final stamp in place. */
export async function completeVersion(client: EngineClient, index: string, meta: ProductIndexMeta): Promise<void> {
  const { auto_expand_replicas, number_of_replicas } = productIndexBody({ meta }).settings.index;
  const replicas = auto_expand_replicas === undefined ? { number_of_replicas } : { auto_expand_replicas };
  await askEngine(client, { method: 'PUT', path: indexPath(index, '_settings'), body: { index: { ...replicas, refresh_interval: null } } });
  await askEngine(client, { method: 'PUT', path: indexPath(index, '_mapping'), body: { _meta: productIndexMetaMember(meta) } });
  await refreshIndex(client, index);
}

export async function refreshIndex(client: EngineClient, index: string): Promise<void> {
  await askEngine(client, { method: 'POST', path: indexPath(index, '_refresh') });
}

/** Takes the alias from the old version to the new one in a single step: no search sees neither or both. The old index stays. */
export async function swapAlias(client: EngineClient, alias: string, from: string | null, to: string): Promise<void> {
  const remove = from === null ? [] : [{ remove: { index: from, alias } }];
  const actions = [...remove, { add: { index: to, alias, is_write_index: true } }];
  await askEngine(client, { method: 'POST', path: '/_aliases', body: { actions } });
}

/** Removes a version that never went live. */
export async function deleteVersion(client: EngineClient, index: string): Promise<void> {
  await askEngine(client, { method: 'DELETE', path: indexPath(index), expect: [404] });
}

/** What a new version must be before searches are sent to it. */
export interface Gates {
  /** Documents, and documents with text, as a share of those in the version before. */
  minShareOfLive: number;
  /** Products with a text vector, as a share of those that have text to embed. */
  minTextCoverage: number;
  /** Products with a picture vector, as a share of those that name a picture. */
  minImageCoverage: number;
}

export const DEFAULT_GATES: Readonly<Gates> = { minShareOfLive: 0.9, minTextCoverage: 0.95, minImageCoverage: 0.5 };

export interface VersionCounts {
  written: number;
  withText: number;
  textVectors: number;
  withPicture: number;
  imageVectors: number;
}

/** Faults of a new version, each one sentence; none: it may go live. */
export async function checkGates(
  client: EngineClient,
  options: { index: string; meta: ProductIndexMeta; live: LiveIndex | null; counts: VersionCounts; gates: Gates },
): Promise<string[]> {
  const { index, meta, live, counts, gates } = options;
  const faults: string[] = [];
  const documents = await countDocuments(client, index);
  if (documents !== counts.written) faults.push(`${index} holds ${documents} documents though ${counts.written} were written`);
  if (documents === 0) faults.push(`${index} is empty`);
  if (live !== null && documents < live.documents * gates.minShareOfLive) {
    faults.push(`${index} holds ${documents} documents, ${live.name} holds ${live.documents}: less than ${percent(gates.minShareOfLive)}`);
  }
  const cover = (have: number, of: number, min: number, what: string): void => {
    if (have < of * min) faults.push(`only ${have} of ${of} products with ${what} have its vector: less than ${percent(min)}`);
  };
  cover(counts.textVectors, counts.withText, gates.minTextCoverage, 'text');
  cover(counts.imageVectors, counts.withPicture, gates.minImageCoverage, 'a picture');
  if (documents > 0) faults.push(...(await findLostText(client, { index, meta, live, counts, gates, documents })));
  return faults;
}

/** A shop whose products have no text finds nothing, however many documents it holds. */
async function findLostText(
  client: EngineClient,
  options: {
    index: string;
    meta: ProductIndexMeta;
    live: LiveIndex | null;
    counts: VersionCounts;
    gates: Gates;
    documents: number;
  },
): Promise<string[]> {
  const { index, meta, live, counts, gates, documents } = options;
  const withText = await countDocumentsWith(client, index, meta.roles.text);
  if (withText === 0) return [`not one product of ${index} has text to search in ${meta.roles.text.join(', ')}`];
  const faults: string[] = [];
  if (meta.encoders.text !== null && counts.withText === 0)
    faults.push(`not one product of ${index} has text to embed in ${meta.vector_fields.join(', ')}`);
  if (live === null) return faults;
  const liveWithText = await countDocumentsWith(client, live.name, live.meta.roles.text);
  // Too few documents is a fault of its own; the text that went with them is not told again.
  const fewer = documents < live.documents * gates.minShareOfLive ? documents / live.documents : 1;
  if (withText < liveWithText * fewer * gates.minShareOfLive) {
    faults.push(
      `${withText} of ${documents} products of ${index} have text to search, ${liveWithText} of ${live.documents} have in ${live.name}: ` +
        `less than ${percent(gates.minShareOfLive)}`,
    );
  }
  return faults;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Documents that have any of the fields. */
async function countDocumentsWith(client: EngineClient, index: string, fields: readonly string[]): Promise<number> {
  const should = fields.map((field) => ({ exists: { field } }));
  const body = { query: { bool: { should, minimum_should_match: 1 } } };
  return countAnswer.parse((await askEngine(client, { method: 'POST', path: indexPath(index, '_count'), body })).body).count;
}

async function countDocuments(client: EngineClient, index: string): Promise<number> {
  const answer = await askEngine(client, { method: 'GET', path: indexPath(index, '_count') });
  return countAnswer.parse(answer.body).count;
}

/** Stores the head of an index version under that index's name. */
export async function storeHead(client: EngineClient, head: HeadDocument): Promise<void> {
  const body = headIndexBody();
  const found = await askEngine(client, { method: 'HEAD', path: indexPath(HEAD_INDEX), expect: [404] });
  // Two runs at once may both find none; the loser of that race is told 400 and goes on with the winner's.
  if (found.status === 404) await askEngine(client, { method: 'PUT', path: indexPath(HEAD_INDEX), body: { ...body }, expect: [400] });
  await askEngine(client, {
    method: 'PUT',
    path: indexPath(HEAD_INDEX, '_doc', encodeURIComponent(head.index)),
    query: { refresh: 'true' },
    body: { ...head },
  });
}
