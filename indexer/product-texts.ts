import type { Config } from '../config/schema.js';
import { connectEngine } from '../opensearch/connection.js';
import { streamIndex } from '../opensearch/point-in-time.js';
import { readCatalogue, readColumns } from './catalogue.js';
import { resolveFieldMap } from './catalogue/field-map.js';
import { parseFieldPath, readFirstText, readJoinedText } from './catalogue/field-path.js';
import { describeMissingColumns } from './catalogue/mapped-field.js';
import { AliasConflict, findLiveIndex } from './index-lifecycle.js';

/** What a product says of itself, as the indexer reads it. */
export interface ProductTexts {
  /** The text that is embedded. */
  readonly title: string;
  /** What variants share; null where no group is mapped, or the product has none. */
  readonly group: string | null;
  /** The other searched fields, a text each; of a list each member. */
  readonly texts: readonly string[];
  /** Brand and narrowest category as one line. */
  readonly labels: readonly string[];
}

/** Where texts are read: a catalogue's file by the configuration's field map, or a live index by the roles that it was built with. */
export type TextsOrigin = { readonly products: string } | { readonly alias: string };

/** The texts cannot be read; the message says what to mend. */
export class TextsUnreadable extends Error {
  override readonly name = 'TextsUnreadable';
  readonly exitCode = 6;
}

interface Roles {
  readonly text: readonly string[];
  readonly vector: readonly string[];
  readonly brand: string | null;
  readonly category: string | null;
  readonly group: string | null;
}

/** Every product that has a text to embed, in the order of the file or the index. @throws TextsUnreadable, EngineUnreachable */
export async function* readProductTexts(config: Config, origin: TextsOrigin): AsyncGenerator<ProductTexts> {
  yield* 'products' in origin ? readFile(config, origin.products) : readIndex(config, origin.alias);
}

async function* readFile(config: Config, file: string): AsyncGenerator<ProductTexts> {
  try {
    const map = resolveFieldMap(config.index);
    if (map.vectorFields.length === 0) {
      throw new Error('no text field is mapped; name them in index.map.text of the configuration, as they are indexed');
    }
    const missing = describeMissingColumns(await readColumns({ inputs: [file] }), map.fields);
    if (missing !== null) throw new Error(missing);
    const read = readerOf({ ...map.roles, vector: map.vectorFields });
    for await (const row of readCatalogue({ inputs: [file], id: map.paths.id, numberFields: [] })) {
      const texts = row.kind === 'product' ? read(row.fields) : null;
      if (texts !== null) yield texts;
    }
  } catch (cause) {
    throw new TextsUnreadable(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

async function* readIndex(config: Config, alias: string): AsyncGenerator<ProductTexts> {
  const client = connectEngine(config.opensearch);
  try {
    const live = await findLiveIndex(client, alias);
    if (live === null)
      throw new TextsUnreadable(`there is no index behind "${alias}"; index the catalogue first: fuserank index … --alias ${alias}`);
    const { roles, vector_fields: vector } = live.meta;
    const read = readerOf({ ...roles, vector });
    const names = [...vector, ...roles.text, roles.brand, roles.category, roles.group].filter((name) => name !== null);
    // The engine's source filter knows neither positions nor patterns: the first member of each place is enough.
    const source = [...new Set(names.flatMap((name) => parseFieldPath(name).places).map((place) => place.replace(/[.[].*$/, '')))];
    for await (const page of streamIndex(client, live.name, { query: { match_all: {} }, sort: [], source, page: 1_000 })) {
      for (const hit of page) {
        const texts = read(hit.source);
        if (texts !== null) yield texts;
      }
    }
  } catch (error) {
    throw error instanceof AliasConflict ? new TextsUnreadable(error.message, { cause: error }) : error;
  } finally {
    await client.close();
  }
}

function readerOf(roles: Roles): (fields: Readonly<Record<string, unknown>>) => ProductTexts | null {
  const [vector, others] = [roles.vector, roles.text.filter((name) => !isOther(name, roles))].map((names) =>
    names.map((name) => parseFieldPath(name)),
  );
  const [brand, category, group] = [roles.brand, roles.category, roles.group].map((name) => (name === null ? null : parseFieldPath(name)));
  return (fields) => {
    const title = (vector ?? []).flatMap((path) => readJoinedText(path.read(fields)) ?? []).join(' ');
    if (title === '') return null;
    const label = [brand ? readFirstText(brand.read(fields)) : null, category ? readNarrowest(category.read(fields)) : null];
    return {
      title,
      group: group ? readFirstText(group.read(fields)) : null,
      texts: (others ?? []).flatMap((path) => [path.read(fields)].flat()).flatMap((value) => readFirstText(value) ?? []),
      labels: [label.filter((part) => part !== null).join(' ')].filter((text) => text !== ''),
    };
  };
}

/** Embedded already, or said by the label. */
function isOther(name: string, roles: Roles): boolean {
  return roles.vector.includes(name) || name === roles.brand || name === roles.category;
}

/** Categories are listed from broad to narrow. */
function readNarrowest(value: unknown): string | null {
  return readFirstText(Array.isArray(value) ? value.at(-1) : value);
}
