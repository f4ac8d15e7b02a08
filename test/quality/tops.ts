import { join } from 'node:path';
import { HEAD_INDEX, readHeadDocument } from '../../mappings/head-index.js';
import { fitHead } from '../../indexer/statistics/head-fitting.js';
import { stampOf } from '../../indexer/vectors.js';
import { decodePictureHead, type PictureHead } from '../../models/picture-head.js';
import { openTextEncoder, type TextEncoder } from '../../models/text-encoder.js';
import { measureAlignment, type Alignment } from './alignment.js';
import { listEncoderSets, openCatalogue, type CatalogueDoor, type EncoderSet } from './catalogue-door.js';
import { drawContactSheet } from './contact-sheet.js';
import { DISTORTION, findByVector, findThroughSidecar, type OwnPhotoResult } from './own-photo.js';
import { formatShare, type QualitySection } from './quality-section.js';
import type { QualityRun } from './quality-run.js';
import { holdOut, readTops, type Top } from './tops-catalogue.js';
import { colourChance, COLOURS, measureColours, nearestPictures, SHOWN_WORDS, type ColourPrecision } from './typed-words.js';

const HELD_OUT = 1_075;
/** Photos that are sent through the whole sidecar. */
const THROUGH_SIDECAR = 500;
const SHOWN_HITS = 10;
const GOAL = { ownPhoto: 0.98, recallAt10: 0.25 } as const;

type Vectors = Awaited<ReturnType<CatalogueDoor['readVectors']>>;

interface TopsResult {
  encoders: EncoderSet;
  byVector: OwnPhotoResult;
  throughSidecar: OwnPhotoResult;
  /** Held-out titles to their own pictures, by a head fitted on the other products. */
  heldOut: Alignment;
  /** The same fitted on shuffled pairs; null: the fit was refused, as it should be. */
  control: Alignment | null;
  colours: { name: string; precision: ColourPrecision }[];
}

/** Photos that find their own product, and typed words that find pictures, on 4,000 photographed tops. */
export async function measureTops(run: QualityRun): Promise<QualitySection> {
  const folder = join(run.data, 'tops');
  const tops = readTops(folder);
  const results: TopsResult[] = [];
  for (const encoders of listEncoderSets(run.data)) {
    run.tell(`tops with ${encoders.name}: indexing`);
    const door = await openCatalogue({
      node: run.node,
      alias: `quality-tops-${encoders.key}`,
      encoders,
      inputs: [join(folder, 'products.jsonl.gz')],
      index: { id: 'id', map: { text: ['title'], image: '{id}.jpg', price: 'price', brand: 'brand', keywords: ['color', 'product_type'] } },
      imageFolder: join(folder, 'images'),
    });
    try {
      results.push(await measureOne(run, door, encoders, tops));
    } finally {
      await door.close();
    }
  }
  return describe(results, tops);
}

async function measureOne(run: QualityRun, door: CatalogueDoor, encoders: EncoderSet, tops: readonly Top[]): Promise<TopsResult> {
  run.tell(`tops with ${encoders.name}: own photos`);
  const byVector = await findByVector(door, encoders, tops);
  const throughSidecar = await findThroughSidecar(door, holdOut(tops, THROUGH_SIDECAR).test);
  run.tell(`tops with ${encoders.name}: typed words`);
  const vectors = await door.readVectors();
  const { fit, test } = holdOut(tops, HELD_OUT);
  const encoder = await openTextEncoder({ path: encoders.text });
  try {
    const head = await fitOn(fit, vectors, encoder);
    if (!head) throw new Error('the indexer’s fit refused these titles and photos');
    const shuffled = await fitOn(fit, vectors, encoder, fit.length >> 1);
    const colours = await measureTypedColours(door, { encoder, tops, test, head, vectors });
    await drawSheets(run, door, { encoder, encoders, tops });
    const control = shuffled && align(test, vectors, shuffled);
    return { encoders, byVector, throughSidecar, heldOut: align(test, vectors, head), control, colours };
  } finally {
    await encoder.close();
  }
}

/**
 * As the indexer fits it, on the given products alone.
 * @param shift pairs each title with the picture of a product so many places further: a control that has nothing to learn
 * @returns null where the fit was refused because held-out titles did not find their pictures
 */
async function fitOn(fit: readonly Top[], vectors: Vectors, encoder: TextEncoder, shift = 0): Promise<PictureHead | null> {
  const sample = fit.map(({ id, title }, place) => ({
    words: title,
    text: vectors.get(id)?.text ?? null,
    image: vectors.get(fit[(place + shift) % fit.length]?.id ?? id)?.image ?? null,
  }));
  const stamp = stampOf(encoder);
  const { head } = await fitHead(sample, { index: 'held-out', encoder, stamps: { text: stamp, image: stamp }, queryPrompt: '' });
  return head;
}

function align(test: readonly Top[], vectors: Vectors, head: PictureHead): Alignment {
  const pairs = test.flatMap(({ id }) => {
    const { text, image } = vectors.get(id) ?? {};
    return text && image ? [{ text: head.project(text), image }] : [];
  });
  return measureAlignment(
    pairs.map(({ text }) => text),
    pairs.map(({ image }) => image),
  );
}

async function measureTypedColours(
  door: CatalogueDoor,
  with_: { encoder: TextEncoder; tops: readonly Top[]; test: readonly Top[]; head: PictureHead; vectors: Vectors },
): Promise<TopsResult['colours']> {
  const { encoder, tops, test, head, vectors } = with_;
  const pictures = new Map(test.flatMap(({ id }) => (vectors.get(id)?.image ? [[id, vectors.get(id)?.image ?? new Float32Array()]] : [])));
  const seen = async (text: string): Promise<string[]> =>
    nearestPictures(head.project(await encoder.encodeQuery(text)), pictures, SHOWN_HITS);
  const bare = (word: string): string => word;
  const phrase = (word: string): string => `${word} women's top`;
  return [
    { name: 'typed colour → held-out pictures', precision: await measureColours(test, bare, seen) },
    { name: '“<colour> women’s top” → held-out pictures', precision: await measureColours(test, phrase, seen) },
    { name: 'engine, title, all products', precision: await measureColours(tops, bare, (text) => searchTitles(door, text, 'engine')) },
    { name: 'sidecar over it, all products', precision: await measureColours(tops, bare, (text) => searchTitles(door, text, 'sidecar')) },
  ];
}

async function searchTitles(door: CatalogueDoor, text: string, which: 'engine' | 'sidecar'): Promise<string[]> {
  const body = { query: { match: { title: text } }, size: SHOWN_HITS, _source: false };
  const hits = which === 'engine' ? await door.searchEngine(body) : await door.searchSidecar(body, { query_text: text });
  return hits.map(({ id }) => id);
}

/** Two sheets to look at: what the picture space alone finds for a typed word, and what the sidecar answers. */
async function drawSheets(
  run: QualityRun,
  door: CatalogueDoor,
  with_: { encoder: TextEncoder; encoders: EncoderSet; tops: readonly Top[] },
): Promise<void> {
  const { encoder, encoders, tops } = with_;
  const photos = new Map(tops.map(({ id, photo }) => [id, photo]));
  const head = await readHead(door);
  const vectors = await door.readVectors();
  const pictures = new Map([...vectors].flatMap(([id, { image }]) => (image ? [[id, image]] : [])));
  const search: Record<string, (word: string) => Promise<string[]>> = {
    pictures: async (word) => nearestPictures(head.project(await encoder.encodeQuery(word)), pictures, SHOWN_HITS),
    sidecar: (word) => searchTitles(door, word, 'sidecar'),
  };
  for (const [name, find] of Object.entries(search)) {
    const rows = [];
    for (const word of SHOWN_WORDS) {
      rows.push({ label: word, pictures: (await find(word)).flatMap((id) => photos.get(id) ?? []) });
    }
    const file = run.pathOf(`tops-${encoders.key}-${name}.png`);
    await drawContactSheet(file, rows);
    run.tell(`look at ${file}`);
  }
}

/** The head that the indexer fitted on the whole catalogue. */
async function readHead(door: CatalogueDoor): Promise<PictureHead> {
  const { index } = door.report;
  if (index === null) throw new Error('the catalogue has no index');
  return decodePictureHead(readHeadDocument((await door.engine.get({ index: HEAD_INDEX, id: index })).body._source));
}

function describe(results: readonly TopsResult[], tops: readonly Top[]): QualitySection {
  const verdict = (met: boolean): string => (met ? 'met' : 'MISSED');
  const shared = tops.length - new Set(tops.map(({ photoDigest }) => photoDigest)).size;
  return {
    name: 'tops',
    title: 'Tops: photos and typed words find pictures',
    about: `${tops.length.toLocaleString('en')} women's tops with photos, indexed by the indexer, which fits the picture head on the catalogue's own titles and photos.`,
    tables: [
      {
        caption: `A product's own photo, fitted into ${DISTORTION.longSide} pixels and compressed again at quality ${DISTORTION.quality}, finds it first`,
        table: {
          columns: ['encoders', 'way', 'searches', 'hit@1', 'the very id first'],
          rows: results.flatMap(({ encoders, byVector, throughSidecar }) => [
            ownPhotoRow(encoders, 'knn in the engine', byVector),
            ownPhotoRow(encoders, 'query_image through the sidecar', throughSidecar),
          ]),
        },
      },
      {
        caption: `Titles find their own pictures among ${HELD_OUT.toLocaleString('en')} held-out products, by a head fitted on the others`,
        table: {
          columns: ['encoders', 'head', 'R@1', 'R@10', 'MRR', 'median rank'],
          rows: results.flatMap(({ encoders, heldOut, control }) => [
            alignmentRow(encoders, 'fitted', heldOut),
            alignmentRow(encoders, 'control: fitted on shuffled pairs', control),
          ]),
        },
      },
      {
        caption: `Typed colours: P@10 by the colour field, mean over ${COLOURS.length} colours (chance ${formatShare(colourChance(tops), 2)})`,
        table: {
          columns: ['encoders', 'search', 'mean', ...COLOURS.map(([word]) => word)],
          rows: results.flatMap(({ encoders, colours }) =>
            colours.map(({ name, precision }) => [
              encoders.name,
              name,
              formatShare(precision.mean, 2),
              ...[...precision.byColour.values()].map((value) => formatShare(value, 1)),
            ]),
          ),
        },
      },
    ],
    remarks: [
      ...results.map(
        ({ encoders, byVector, heldOut }) =>
          `${encoders.name}: own photo first (hit@1 ≥ ${formatShare(GOAL.ownPhoto, 2)}) ${verdict(byVector.hitAt1 >= GOAL.ownPhoto)}; ` +
          `held-out R@10 ≥ ${formatShare(GOAL.recallAt10, 2)} ${verdict(heldOut.recallAt10 >= GOAL.recallAt10)}.`,
      ),
      `${shared} of the photos are byte-equal to another product's (one garment in several sizes): either of them counts as the own photo in hit@1.`,
      'That a title finds its own photo is alignment, not relevance; sizes and near-twins of a garment compete with it.',
      'The colour field is free text of sellers: “Multi” and “As Shown” are misses even where the eye sees the colour.',
      'Typed words are also drawn as contact sheets into `runs/quality/`: what picture space alone finds, and what the sidecar answers.',
    ],
  };
}

function ownPhotoRow(encoders: EncoderSet, way: string, { searches, hitAt1, sameIdAt1 }: OwnPhotoResult): string[] {
  return [encoders.name, way, String(searches), formatShare(hitAt1), formatShare(sameIdAt1)];
}

function alignmentRow(encoders: EncoderSet, head: string, result: Alignment | null): string[] {
  if (!result) return [encoders.name, head, 'refused', 'refused', '', ''];
  const { recallAt1, recallAt10, meanReciprocalRank, medianRank } = result;
  return [encoders.name, head, formatShare(recallAt1), formatShare(recallAt10), formatShare(meanReciprocalRank), String(medianRank)];
}
