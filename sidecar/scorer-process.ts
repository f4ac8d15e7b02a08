import { readHeadDocument, HEAD_INDEX } from '../mappings/head-index.js';
import { openImageEncoder, type ImageEncoder } from '../models/image-encoder.js';
import { decodePicture, UnreadablePicture } from '../models/picture-decoder.js';
import { decodePictureHead, type PictureHead } from '../models/picture-head.js';
import { COLUMN_NAMES } from '../models/feature-set.js';
import { openLocatedRanker } from '../models/named-ranker.js';
import { INPUT_NAMES, NonFiniteScores, valuesOf, type Ranker, type WantedInputs } from '../models/ranker.js';
import { openTextEncoder, type TextEncoder } from '../models/text-encoder.js';
import { connectEngine, type EngineClient } from '../opensearch/connection.js';
import { attributeScores, seenSignals } from './explanation.js';
import { assembleFeatures } from './features.js';
import { scoreWithout } from './withheld-groups.js';
import { FloatSlab } from './scoring/float-slab.js';
import { unpackCandidates } from './scoring/packed-candidates.js';
import { ProductMemory } from './scoring/product-memory.js';
import {
  ScorerFailure,
  type EmbedReply,
  type EmbedRequest,
  type EncodeRequest,
  type FromScorer,
  type QueryVectors,
  type RankReply,
  type RankRequest,
  type ScorerResult,
  type ScorerSettings,
  type ScorerTask,
  type ToScorer,
} from './scoring/scorer-tasks.js';

/** All that a scorer process holds; it is alone with it, and dies alone with it. */
class Scorer {
  readonly #engine: EngineClient;
  readonly #products: ProductMemory;
  readonly #text: TextEncoder;
  readonly #image: ImageEncoder;
  readonly #rankers: ReadonlyMap<string, Ranker>;
  /** Those of them that look at item statistics. */
  readonly #counting: ReadonlySet<Ranker>;
  readonly #heads = new Map<string, Promise<PictureHead>>();
  /** Memory that no ranking uses now. */
  readonly #slabs: FloatSlab[] = [];

  private constructor(parts: {
    engine: EngineClient;
    products: ProductMemory;
    text: TextEncoder;
    image: ImageEncoder;
    rankers: ReadonlyMap<string, Ranker>;
  }) {
    this.#engine = parts.engine;
    this.#products = parts.products;
    this.#text = parts.text;
    this.#image = parts.image;
    this.#rankers = parts.rankers;
    this.#counting = new Set([...parts.rankers.values()].filter((ranker) => seenSignals(ranker).includes('behaviour')));
  }

  static async open(settings: ScorerSettings): Promise<Scorer> {
    const engine = connectEngine(settings.opensearch);
    const { text, image } = settings.encoders;
    const rankers = new Map<string, Ranker>();
    for (const [name, place] of Object.entries(settings.rankers)) rankers.set(name, await openLocatedRanker(name, place));
    return new Scorer({
      engine,
      products: new ProductMemory(engine, { bytes: settings.memoryBytes }),
      text: await openTextEncoder({ path: text.path, queryPrompt: text.queryPrompt, batch: text.batch }),
      image: await openImageEncoder({ path: image.path, colourHistogram: image.colourHistogram, batch: image.batch }),
      rankers,
    });
  }

  facts(): Extract<FromScorer, { kind: 'ready' }>['facts'] {
    return {
      rankers: Object.fromEntries([...this.#rankers].map(([name, ranker]) => [name, ranker.id])),
      wantsStatistics: this.#counting.size > 0,
      textEncoder: { id: this.#text.id, dims: this.#text.dims, normalised: true, preprocessing: this.#text.preprocessing },
      imageEncoder: { id: this.#image.id, dims: this.#image.dims, normalised: true, preprocessing: this.#image.preprocessing },
    };
  }

  async perform(task: ScorerTask): Promise<ScorerResult> {
    switch (task.kind) {
      case 'encode':
        return this.#encode(task.request);
      case 'embed':
        return this.#embed(task.request);
      case 'rank':
        return this.#rank({ ...task.request, candidates: unpackCandidates(task.request.candidates) });
      case 'compare':
        return this.#products.compare(task.request);
      case 'warm':
        return this.#products.warm(task.request);
    }
  }

  async close(): Promise<void> {
    await Promise.all([
      this.#text.close(),
      this.#image.close(),
      this.#engine.close(),
      ...[...this.#rankers.values()].map((ranker) => ranker.close()),
    ]);
  }

  async #encode(request: EncodeRequest): Promise<QueryVectors> {
    const text = request.text === null ? null : unlessZero(await this.#text.encodeQuery(request.text));
    const [image] = request.image === null ? [] : await this.#image.encode([await decodePicture(request.image)]);
    const head = request.head && text ? (await this.#head(request.head)).project(text) : null;
    return { text, image: image ?? null, head };
  }

  async #embed(request: EmbedRequest): Promise<EmbedReply> {
    switch (request.what) {
      case 'picture':
        return { vectors: await this.#image.encode([await decodePicture(request.bytes)]) };
      case 'documents':
        return { vectors: (await this.#text.encode(request.texts)).map(unlessZero) };
      case 'queries':
        return { vectors: await Promise.all(request.texts.map(async (text) => unlessZero(await this.#text.encodeQuery(text)))) };
    }
  }

  #head(wanted: { index: string; sha256: string }): Promise<PictureHead> {
    let head = this.#heads.get(wanted.sha256);
    if (!head) {
      head = this.#fetchHead(wanted);
      head.catch(() => this.#heads.delete(wanted.sha256));
      this.#heads.set(wanted.sha256, head);
    }
    return head;
  }

  /** A head of another catalogue, or one that was fitted on other encoders, is refused. */
  async #fetchHead(wanted: { index: string; sha256: string }): Promise<PictureHead> {
    const answer = await this.#engine.get({ index: HEAD_INDEX, id: wanted.index });
    const document = readHeadDocument(answer.body._source);
    if (document.index !== wanted.index || document.sha256 !== wanted.sha256) {
      throw new ScorerFailure(
        'encoder_mismatch',
        `the head in ${HEAD_INDEX} is not the one that ${wanted.index} was stamped with; index the catalogue again`,
      );
    }
    if (document.text_encoder !== this.#text.id || document.image_encoder !== this.#image.id) {
      throw new ScorerFailure(
        'encoder_mismatch',
        `the head of ${wanted.index} was fitted on ${document.text_encoder} and ${document.image_encoder}`,
      );
    }
    return decodePictureHead(document);
  }

  async #rank(request: RankRequest): Promise<RankReply> {
    const started = performance.now();
    const ranker = this.#rankers.get(request.ranker);
    if (!ranker) throw new ScorerFailure('scorer_failed', `ranker ${request.ranker} was not opened`);
    const statistics = request.columns || request.inputs || this.#counting.has(ranker) ? request.statistics : null;
    const missing = await this.#products.fetchMissing({ ...request, statistics });
    const list = this.#products.assembleList({ ...request, statistics });
    const itemsAt = performance.now();
    const slab = this.#slabs.pop() ?? new FloatSlab();
    const input = assembleFeatures(list, ranker, (length) => slab.take(length));
    const featuresAt = performance.now();
    const output = await ranker.score(input).finally(() => {
      slab.clear();
      this.#slabs.push(slab);
    });
    const explanations = request.explain ? await attributeScores(ranker, list, request.deadline) : null;
    const without = request.explain ? await scoreWithout(ranker, list) : {};
    const scoredAt = performance.now();
    return {
      model: ranker.id,
      scores: output.scores,
      gate: output.gate?.[0] ?? 1,
      explanations,
      without,
      columns: request.columns ? valuesOf(assembleFeatures(list, ALL_COLUMNS), 'columns') : null,
      inputs: request.inputs ? assembleFeatures(list, ALL_INPUTS) : null,
      missing: missing.vectors,
      missingStatistics: missing.statistics,
      stages: { items: itemsAt - started, features: featuresAt - itemsAt, score: scoredAt - featuresAt },
    };
  }
}

/** What a feature log keeps of a list. */
const ALL_COLUMNS: WantedInputs = { inputs: ['columns'], columns: COLUMN_NAMES };

/** What a network is trained on. */
const ALL_INPUTS: WantedInputs = { inputs: INPUT_NAMES, columns: COLUMN_NAMES };

function unlessZero(vector: Float32Array): Float32Array | null {
  return vector.some((value) => value !== 0) ? vector : null;
}

/** When the sidecar has gone, nobody waits for the answer. */
function reply(message: FromScorer): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

let opening: Promise<Scorer> | null = null;

process.on('message', (message: ToScorer) => {
  if (message.kind === 'open') {
    opening = Scorer.open(message.settings);
    opening.then(
      (scorer) => reply({ kind: 'ready', facts: scorer.facts() }),
      (error: unknown) => {
        reply({ kind: 'refused', message: error instanceof Error ? error.message : String(error) });
        process.disconnect();
      },
    );
    return;
  }
  const { id, ...task } = message;
  Promise.resolve(opening)
    .then((scorer) => {
      if (!scorer) throw new ScorerFailure('scorer_unavailable', 'the scorer is not open');
      return scorer.perform(task);
    })
    .then(
      (result) => reply({ kind: 'done', id, result }),
      (error: unknown) => reply({ kind: 'failed', id, ...failureOf(error) }),
    );
});

function failureOf(error: unknown): { name: Extract<FromScorer, { kind: 'failed' }>['name']; message: string } {
  if (error instanceof ScorerFailure) return { name: error.reason, message: error.message };
  if (error instanceof UnreadablePicture) return { name: 'query_image_unreadable', message: error.message };
  if (error instanceof NonFiniteScores) return { name: 'bad_scores', message: error.message };
  return { name: 'scorer_failed', message: error instanceof Error ? error.message : String(error) };
}

// The channel is our life line: when the sidecar goes, however it goes, so do we.
process.on('disconnect', () => {
  void Promise.resolve(opening)
    .then((scorer) => scorer?.close())
    .catch(() => undefined)
    .finally(() => process.exit(0));
});
