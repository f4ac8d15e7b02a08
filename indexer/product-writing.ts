import type { Config } from '../config/schema.js';
import type { EngineClient } from '../opensearch/connection.js';
import { BulkWriter, sendBulkTo } from './bulk-writer.js';
import type { Product, Reject } from './catalogue.js';
import type { SampledProduct } from './statistics/catalogue-statistics.js';
import { joinContentHash, NOTHING, UNREAD, VIDEO, type ContentHash } from './vectors/content-hash.js';
import type { IndexProgress, ListedReject } from './report/index-report.js';
import { writeDocument } from './vectors/product-document.js';
import { embedProducts, isUnchanged, knownPictureFault, type EmbeddedProduct } from './vectors/product-embedding.js';
import type { PreparedProduct } from './vectors/product-preparation.js';
import { seedStream } from '../models/random-stream.js';
import { Reservoir } from './statistics/sample.js';
import { readContentHashes } from './vectors/stored-products.js';
import type { Embedder } from './vectors.js';

export interface WritingCounts {
  read: number;
  /** Products handed to the engine; what it refused is in `writes`. */
  written: number;
  unchanged: number;
  /** Products that are not in the index. */
  rejected: number;
  /** Of the catalogue's products with text, those that have its vector; likewise pictures, videos and unread ones left out. */
  withText: number;
  textVectors: number;
  withPicture: number;
  imageVectors: number;
  withoutPicture: number;
  picturesRefused: number;
  videosIgnored: number;
}

export interface WritingOptions {
  client: EngineClient;
  embedder: Embedder;
  bulk: Config['index']['bulk'];
  /** The live version: where unchanged products and their vectors are looked up. Null: nothing is reused. */
  reuseFrom: string | null;
  /** An update leaves unchanged products alone; a build writes them all. */
  skipUnchanged: boolean;
  /** Names the index to write to, making it where needed; called before the first write only. Null: a dry run, nothing is written. */
  openTarget: (() => Promise<string>) | null;
  onReject: (reject: ListedReject) => void;
}

/** Products kept aside for statistics and the head: at 1,400 floats each about 45 MB. */
const SAMPLE = 8_000;
const SEED = 20;

/** Takes prepared products in batches: compares, embeds what is new, writes; counts all of it. */
export class ProductWriting {
  readonly counts: WritingCounts = {
    read: 0,
    written: 0,
    unchanged: 0,
    rejected: 0,
    withText: 0,
    textVectors: 0,
    withPicture: 0,
    imageVectors: 0,
    withoutPicture: 0,
    picturesRefused: 0,
    videosIgnored: 0,
  };
  readonly writes = { indexed: 0, retried: 0, rejected: 0 };
  /** Ids of this catalogue that the live version holds. */
  knownInLive = 0;
  target: string | null = null;
  private readonly sample = new Reservoir<SampledProduct>(SAMPLE, seedStream(SEED));
  private writer: BulkWriter<Product> | null = null;

  constructor(private readonly options: WritingOptions) {}

  get sampled(): readonly SampledProduct[] {
    return this.sample.items;
  }

  progress(): Omit<IndexProgress, 'seconds'> {
    const { read, written, unchanged, rejected } = this.counts;
    // What the engine rejected was read as a product before.
    return { rows: read + rejected - this.writes.rejected, read, written, unchanged, rejected, ...this.options.embedder.counts };
  }

  /** A row that never became a product. */
  refuseRow({ input, line, id, reason }: Reject): void {
    this.counts.rejected += 1;
    this.options.onReject({ input, line, id, reason, indexed: false });
  }

  async take(batch: readonly PreparedProduct[]): Promise<void> {
    const { client, reuseFrom, skipUnchanged, openTarget, embedder } = this.options;
    const ids = batch.map(({ product }) => product.id);
    const hashes = reuseFrom === null ? new Map<string, ContentHash>() : await readContentHashes(client, reuseFrom, ids);
    this.knownInLive += hashes.size;
    const changed: PreparedProduct[] = [];
    for (const given of batch) {
      const stored = hashes.get(given.product.id);
      const prepared = skipUnchanged && stored !== undefined ? keepPicture(given, stored) : given;
      this.counts.read += 1;
      if (prepared.picture.kind === 'video' || prepared.video) this.counts.videosIgnored += 1;
      if (prepared.picture.kind === 'none') this.counts.withoutPicture += 1;
      if (!skipUnchanged || stored === undefined || !isUnchanged(prepared.hash, stored)) {
        changed.push(prepared);
        continue;
      }
      this.counts.unchanged += 1;
      this.countVectors(prepared, stored.text !== NOTHING, !stored.image.startsWith(UNREAD));
      this.reportPicture(prepared, knownPictureFault(prepared, stored));
    }
    if (changed.length === 0) return;
    if (openTarget === null) {
      this.counts.written += changed.length;
      return;
    }
    const stored = reuseFrom === null ? null : { client, index: reuseFrom, hashes };
    for (const product of await embedProducts(changed, { embedder, stored })) await this.write(product, openTarget);
  }

  /** Waits for the engine's last answer. */
  async finish(): Promise<void> {
    if (this.writer === null) return;
    const report = await this.writer.finish();
    this.writes.indexed = report.indexed;
    this.writes.retried = report.retried;
    this.writes.rejected = report.rejected.length;
    this.counts.written -= report.rejected.length;
    this.counts.rejected += report.rejected.length;
    for (const { origin, reason } of report.rejected) {
      this.options.onReject({ input: origin.input, line: origin.line, id: origin.id, reason, indexed: false });
    }
  }

  private async write(embedded: EmbeddedProduct, openTarget: () => Promise<string>): Promise<void> {
    const { prepared, textVector, imageVector, hash, pictureFault } = embedded;
    this.target ??= await openTarget();
    this.writer ??= new BulkWriter(sendBulkTo(this.options.client, this.target), this.options.bulk);
    this.countVectors(prepared, textVector !== null, imageVector !== null);
    this.reportPicture(prepared, pictureFault);
    this.sample.offer({ words: prepared.text, text: textVector, image: imageVector });
    const own = { contentHash: joinContentHash(hash), groupKey: prepared.groupKey, textVector, imageVector };
    await this.writer.add({ id: prepared.product.id, source: writeDocument(prepared.product, own), origin: prepared.product });
    this.counts.written += 1;
  }

  private countVectors(prepared: PreparedProduct, hasText: boolean, hasImage: boolean): void {
    if (prepared.text !== null) {
      this.counts.withText += 1;
      if (hasText) this.counts.textVectors += 1;
    }
    if (prepared.picture.kind === 'bytes' || prepared.picture.kind === 'refused') {
      this.counts.withPicture += 1;
      if (hasImage) this.counts.imageVectors += 1;
    }
  }

  private reportPicture(prepared: PreparedProduct, fault: string | null): void {
    if (fault === null) return;
    const { input, line, id } = prepared.product;
    this.counts.picturesRefused += 1;
    this.options.onReject({ input, line, id, reason: `picture: ${fault}`, indexed: true });
  }
}

/** A picture that can't be had just now (its host is down) is no reason to lose the vector made when it could. */
function keepPicture(prepared: PreparedProduct, stored: ContentHash): PreparedProduct {
  const hasVector = stored.image !== NOTHING && stored.image !== VIDEO && !stored.image.startsWith(UNREAD);
  return prepared.picture.kind === 'refused' && hasVector ? { ...prepared, hash: { ...prepared.hash, image: stored.image } } : prepared;
}
