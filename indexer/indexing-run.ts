import type { Readable } from 'node:stream';
import type { Config } from '../config/schema.js';
import { openImageEncoder, type ImageEncoder } from '../models/image-encoder.js';
import { openTextEncoder, type TextEncoder } from '../models/text-encoder.js';
import { connectEngine, type EngineClient } from '../opensearch/connection.js';
import { readCatalogue, readColumns, type CatalogueFormat, type Product } from './catalogue.js';
import { CatalogueUnreadable } from './catalogue/catalogue-bytes.js';
import { isLocalNode } from './lifecycle/engine-kind.js';
import { resolveFieldMap, FieldMapError, type FieldMap, type FieldMapInput } from './catalogue/field-map.js';
import { describeMissingColumns, FieldSightings, type MappedField, type TableColumns } from './catalogue/mapped-field.js';
import { completeBuild, type Completion } from './lifecycle/index-completion.js';
import { createVersion, DEFAULT_GATES, deleteVersion, findLiveIndex, refreshIndex, type Gates } from './index-lifecycle.js';
import { draftMeta, planIndex } from './lifecycle/index-plan.js';
import { SHOWN_REJECTS, type IndexProgress, type IndexReport, type ListedReject } from './report/index-report.js';
import { openPictureSource, type PictureSource } from './picture.js';
import { prepareProduct } from './vectors/product-preparation.js';
import { ProductWriting } from './product-writing.js';
import { Embedder, stampOf } from './vectors.js';

export interface IndexOptions {
  /** Files, or `-` for stdin. */
  inputs: readonly string[];
  config: Config;
  /** Default: `config.index.alias`. */
  alias?: string | undefined;
  /** Field maps over the configuration's, later ones first to be heard. */
  maps?: readonly FieldMapInput[];
  imageFolder?: string | null | undefined;
  format?: CatalogueFormat | undefined;
  /** Products at most; for a try. */
  limit?: number | undefined;
  /** Read, compare and count; embed and write nothing. */
  dryRun?: boolean;
  /** Build a new version from nothing, reusing no vectors. */
  restart?: boolean;
  /** Only ever update the live version; refuse where a new one would be needed. For inputs that are a part of the catalogue. */
  inPlace?: boolean;
  /** Take the alias to the new version though a gate failed. */
  forceSwap?: boolean;
  gates?: Partial<Gates>;
  /** Whether the node lacks native vector libraries; default: told by the cluster's name. */
  localNode?: boolean;
  onProgress?: (progress: IndexProgress) => void;
  /** Every reject as it comes. */
  onReject?: (reject: ListedReject) => void;
  /** Where the rejects are listed, for the report. */
  rejectFile?: string | null;
  /** Ends the run after what is under way; a version under construction is removed. */
  signal?: AbortSignal;
  stdin?: Readable;
}

/** Products read, compared, embedded and written together. */
const BATCH = 128;

/**
 * Brings a catalogue into the index behind an alias. Unchanged products cost no inference and no write. Changes go into
 * the live version; another encoder, field map or language builds a new version beside it, to which the alias moves when
 * it is complete.
 * @throws CatalogueUnreadable, FieldMapError, PictureFolderMissing, AliasConflict, IndexMismatch, IndexRefused, UnsafeVectors,
 *   EngineUnreachable, BulkRefused, and the encoders' own errors
 */
export async function indexCatalogue(options: IndexOptions): Promise<IndexReport> {
  const { config } = options;
  const map = resolveFieldMap(config.index, ...(options.maps ?? []));
  if (map.roles.text.length === 0) throw new FieldMapError('no text field is mapped; name them with --text-fields or index.map.text');
  refuseMissingColumns(await readColumns(options), map.fields);
  const client = connectEngine(config.opensearch);
  try {
    const localNode = options.localNode ?? (await isLocalNode(client));
    const folder = options.imageFolder ?? null;
    const pictures = map.roles.image === null ? null : await openPictureSource({ folder, fetch: config.index.fetch });
    try {
      const encoders = await openEncoders(config, map);
      try {
        return await runIndexing({ options, map, client, localNode, encoders, pictures });
      } finally {
        await Promise.all([encoders.text?.close(), encoders.image?.close()]);
      }
    } finally {
      await pictures?.close();
    }
  } finally {
    await client.close();
  }
}

function refuseMissingColumns(tables: readonly TableColumns[], fields: readonly MappedField[]): void {
  const fault = describeMissingColumns(tables, fields);
  if (fault !== null) throw new FieldMapError(fault);
}

interface Encoders {
  text: TextEncoder | null;
  image: ImageEncoder | null;
}

async function openEncoders(config: Config, map: FieldMap): Promise<Encoders> {
  const { text, image } = config.encoders;
  return {
    text: map.vectorFields.length === 0 ? null : await openTextEncoder(text),
    image: map.roles.image === null ? null : await openImageEncoder(image),
  };
}

interface Run {
  options: IndexOptions;
  map: FieldMap;
  client: EngineClient;
  localNode: boolean;
  encoders: Encoders;
  pictures: PictureSource | null;
}

async function runIndexing(run: Run): Promise<IndexReport> {
  const { options, map, client, encoders } = run;
  const { config, dryRun = false, restart = false, inPlace = false, signal } = options;
  const alias = options.alias ?? config.index.alias;
  const clock = startClock();
  const stamps = { text: encoders.text && stampOf(encoders.text), image: encoders.image && stampOf(encoders.image) };
  const meta = draftMeta({ map, encoders: stamps, language: config.index.language, engine: config.index.engine });
  const live = await findLiveIndex(client, alias);
  const plan = planIndex({ live, wanted: meta, restart, inPlace });
  // What an earlier run wrote last must be seen when hashes are compared.
  if (live) await refreshIndex(client, live.name);

  const rejects = collectRejects(options);
  const embedder = new Embedder(encoders, { maxPixels: config.index.fetch.maxPixels });
  const openTarget = (): Promise<string> =>
    plan.kind === 'update' ? Promise.resolve(plan.live.name) : createVersion(client, alias, meta, { localNode: run.localNode });
  const writing = new ProductWriting({
    client,
    embedder,
    bulk: config.index.bulk,
    reuseFrom: live && !restart ? live.name : null,
    skipUnchanged: plan.kind === 'update',
    openTarget: dryRun ? null : openTarget,
    onReject: rejects.take,
  });

  const sightings = new FieldSightings(map.fields);

  try {
    await fill(run, { writing, sightings }, () => options.onProgress?.({ ...writing.progress(), seconds: clock() }));
    const filling = clock();
    const aborted = signal?.aborted ?? false;
    if (writing.counts.read === 0 && !aborted) throw new CatalogueUnreadable(describeEmptiness(options.inputs, rejects.shown));
    const built = plan.kind === 'build' ? writing.target : null;
    let completion: Completion = { live: plan.kind === 'update', gateFaults: [], cosineStats: null, head: null };
    if (built !== null && aborted) await deleteVersion(client, built);
    else if (built !== null) {
      const gates = { ...DEFAULT_GATES, ...options.gates };
      const forceSwap = options.forceSwap ?? false;
      completion = await completeBuild(client, {
        alias,
        index: built,
        live,
        meta,
        writing,
        textEncoder: encoders.text,
        queryPrompt: config.encoders.text.queryPrompt,
        gates,
        forceSwap,
      });
    } else if (writing.target !== null) await refreshIndex(client, writing.target);

    const { counts } = writing;
    const whole = plan.kind === 'update' && options.limit === undefined && !aborted;
    return {
      alias,
      index: built ?? live?.name ?? null,
      previous: built === null ? null : (live?.name ?? null),
      outcome: dryRun ? 'planned' : built !== null ? 'built' : counts.written > 0 ? 'updated' : 'unchanged',
      reason: plan.kind === 'build' ? plan.reason : null,
      aborted,
      ...completion,
      absentFields: aborted ? [] : sightings.absent(),
      products: {
        rows: writing.progress().rows,
        read: counts.read,
        written: counts.written,
        unchanged: counts.unchanged,
        rejected: counts.rejected,
        withoutPicture: map.roles.image === null ? 0 : counts.withoutPicture,
        notInCatalogue: whole && live ? Math.max(0, live.documents - writing.knownInLive) : null,
      },
      inferences: { ...embedder.counts },
      vectors: { text: counts.textVectors, image: counts.imageVectors },
      pictures: { refused: counts.picturesRefused, videosIgnored: counts.videosIgnored },
      writes: { ...writing.writes },
      encoders: { text: stamps.text?.id ?? null, image: stamps.image?.id ?? null },
      rejects: { count: rejects.count(), first: rejects.shown, file: options.rejectFile ?? null },
      seconds: { total: clock(), filling },
      rates: { products: counts.read / filling, texts: embedder.counts.texts / filling, pictures: embedder.counts.pictures / filling },
    };
  } catch (error) {
    // Half a version is of no use to anybody; the one that is live was not touched.
    if (plan.kind === 'build' && writing.target !== null) await deleteVersion(client, writing.target).catch(() => undefined);
    throw error;
  }
}

/** Reads and prepares one batch while the one before is embedded and written. */
async function fill(
  run: Run,
  { writing, sightings }: { writing: ProductWriting; sightings: FieldSightings },
  onProgress: () => void,
): Promise<void> {
  const { options, map, encoders, pictures } = run;
  const preparation = {
    map,
    pictures,
    encoders: { text: encoders.text && stampOf(encoders.text), image: encoders.image && stampOf(encoders.image) },
  };
  const { price, rating, ratingCount } = map.roles;
  const rows = readCatalogue({
    inputs: options.inputs,
    id: map.paths.id,
    numberFields: [price, rating, ratingCount].filter((field) => field !== null),
    format: options.format,
    limit: options.limit,
    stdin: options.stdin,
    onColumns: (table) => refuseMissingColumns([table], map.fields),
  });
  let underWay: Promise<void> = Promise.resolve();
  const hand = async (batch: readonly Product[]): Promise<void> => {
    const prepared = await Promise.all(batch.map((product) => prepareProduct(product, preparation)));
    await underWay;
    underWay = writing.take(prepared).then(onProgress);
    // Its failure is thrown by the next await; until then it must not count as unhandled.
    underWay.catch(() => undefined);
  };
  let batch: Product[] = [];
  for await (const row of rows) {
    if (options.signal?.aborted) break;
    if (row.kind === 'reject') {
      writing.refuseRow(row);
      continue;
    }
    sightings.see(row.fields);
    if (batch.push(row) >= BATCH) {
      await hand(batch);
      batch = [];
    }
  }
  if (batch.length > 0 && !options.signal?.aborted) await hand(batch);
  await underWay;
  await writing.finish();
  onProgress();
}

function startClock(): () => number {
  const began = performance.now();
  return () => (performance.now() - began) / 1000;
}

function collectRejects(options: IndexOptions): { take: (reject: ListedReject) => void; shown: ListedReject[]; count: () => number } {
  const shown: ListedReject[] = [];
  let count = 0;
  const take = (reject: ListedReject): void => {
    count += 1;
    if (shown.length < SHOWN_REJECTS) shown.push(reject);
    options.onReject?.(reject);
  };
  return { take, shown, count: () => count };
}

function describeEmptiness(inputs: readonly string[], rejects: readonly ListedReject[]): string {
  const [first] = rejects;
  const why = first === undefined ? '' : `; the first row was refused: ${first.reason} (line ${first.line} of ${first.input})`;
  return `no product could be read from ${inputs.join(', ')}${why}`;
}
