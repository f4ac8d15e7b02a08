import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { builtinImageFolder, openImageEncoder } from '../../models/image-encoder.js';
import { openModelFolder } from '../../models/model-folder.js';
import { dot } from './alignment.js';
import { describeEncoders } from './encoder-tables.js';
import { gradeVectors, gradeWords, searchTitles } from './judged-texts.js';
import { drawQuestions, measureKnownItems } from './known-item.js';
import { measurePictures } from './picture-encoders.js';
import type { QualityRun } from './quality-run.js';
import type { QualitySection } from './quality-section.js';
import { findTeacher, fitOn, listStanding, measureCost, withEncoder, type TextCandidate } from './text-encoders.js';
import { keepApart, readJudgedQueries, readTextPack, type JudgedQuery, type TextProduct } from './text-packs.js';

/** Products of a pack that no fit sees. */
const APART = 600;
const SEED = 20;
const HALVES: readonly number[] = [0, 1];
/** Catalogues that the built-in encoder has never met; it learnt from the titles of `esci`. */
const UNMET = ['icecat', 'magento', 'beauty', 'tops'] as const;

const values = z.array(z.number());
const kinds = z.array(z.enum(['sentence', 'fragment']));
const knownSchema = z.object({ name: z.string(), kinds, reciprocalRanks: values, nearest: z.array(values) });
export type Known = z.output<typeof knownSchema>;
/** `places`: which queries the figures are of; a fit of one half alone is asked those of that half. */
const judgedSchema = z.object({ name: z.string(), places: values.optional(), alone: values, mixed: values, weights: values });
const wordsSchema = z.array(z.array(z.tuple([z.number(), z.number()])));
export interface Judged {
  readonly words: readonly number[];
  readonly systems: readonly z.output<typeof judgedSchema>[];
}
const costSchema = z.object({ name: z.string(), bytes: z.number(), itemMs: z.number(), queryMs: z.number() });
export type Cost = z.output<typeof costSchema>;
const pictureSchema = z.object({
  ...{ name: z.string(), bytes: z.number(), cpuMs: z.number(), clothing: z.number(), grocery: z.number() },
  ...{ clothingPhotos: z.number(), groceryPhotos: z.number() },
});
export type Picture = z.output<typeof pictureSchema>;

/**
 * Bytes, CPU and quality of the text and picture encoders, and what `fuserank model fit-text` makes of the built-in text encoder. The figures
 * of each part are kept in `runs/quality/encoders-*.json` and not measured again while they lie there.
 */
export async function measureEncoders(run: QualityRun): Promise<QualitySection> {
  const refused: string[] = [];
  const minutes = new Set<number>();
  const fit = async (name: string, learn: readonly TextProduct[]): Promise<TextCandidate[]> => {
    if (!process.env['FUSERANK_PYTHON']) return [];
    const outcome = await fitOn(run, name, learn);
    refused.push(...outcome.refused);
    if (outcome.fitted.length + outcome.refused.length > 0) minutes.add(outcome.minutes);
    return outcome.fitted;
  };
  const known = new Map<string, Known[]>();
  const measurePack = async (pack: string, test: readonly TextProduct[], fits: readonly TextCandidate[]): Promise<void> => {
    known.set(pack, await measureKnown(run, pack, test, fits));
  };
  const products = await readTextPack(run.data, 'esci');
  const queries = await readJudgedQueries(run.data);
  const halves = new Map<number, TextCandidate[]>();
  for (const half of HALVES) {
    const judged = judgedBy(queries, half);
    const learn = products.filter(({ id }) => !judged.has(id));
    halves.set(half, await fit(`esci-without-${half}`, learn));
    if (half === 0) await measurePack('esci', products.filter(({ id }) => judged.has(id)).slice(0, APART), halves.get(half) ?? []);
  }
  for (const pack of UNMET) {
    const { learn, test } = keepApart(await readTextPack(run.data, pack), APART);
    await measurePack(pack, test, await fit(pack, learn));
  }

  const judged = await measureJudged(run, { products, queries, halves });
  const costs = await measureCosts(
    run,
    products,
    queries.map(({ query }) => query),
  );
  const pictures = await resume(run, 'pictures', z.array(pictureSchema), () => measurePictureEncoders(run));
  return describeEncoders({ known, judged, costs, pictures, refused, minutes: [...minutes], teacher: findTeacher(run.data)?.name ?? null });
}

/** What lies in the file, else what is measured now. */
async function resume<Schema extends z.ZodType>(
  run: QualityRun,
  name: string,
  schema: Schema,
  measure: () => Promise<z.output<Schema>>,
): Promise<z.output<Schema>> {
  const file = run.pathOf(`encoders-${name}.json`);
  if (existsSync(file)) return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const found = await measure();
  writeFileSync(file, JSON.stringify(found));
  return found;
}

async function measureKnown(run: QualityRun, pack: string, test: readonly TextProduct[], fits: readonly TextCandidate[]): Promise<Known[]> {
  const questions = drawQuestions(test, SEED);
  const measured: Known[] = [];
  for (const candidate of [...listStanding(run.data), ...fits]) {
    const known = await resume(run, `known-${pack}-${nameFile(candidate)}`, knownSchema, async () => {
      run.tell(`encoders: ${pack}, known items, ${candidate.name}`);
      const vectors = await withEncoder(candidate, async (encoder) => ({
        questions: await encoder.encode(questions.map(({ text }) => text)),
        titles: await encoder.encode(test.map(({ title }) => title)),
      }));
      const { reciprocalRanks, nearest } = measureKnownItems(questions, vectors);
      return {
        ...{ name: candidate.name, kinds: questions.map(({ kind }) => kind) },
        ...{ reciprocalRanks: [...reciprocalRanks], nearest: nearest.map((places) => [...places]) },
      };
    });
    measured.push(known);
  }
  return measured;
}

const nameFile = ({ name }: TextCandidate): string => name.replace(/[^\w.-]+/g, '-');

const halfOf = ({ id }: JudgedQuery): number => Number(id) % HALVES.length;

function judgedBy(queries: readonly JudgedQuery[], half: number): Set<string> {
  return new Set(queries.filter((query) => halfOf(query) === half).flatMap(({ gains }) => [...gains.keys()]));
}

/** Each half of the queries is asked of the fit that never saw a product which it judges. */
async function measureJudged(
  run: QualityRun,
  {
    products,
    queries,
    halves,
  }: { products: readonly TextProduct[]; queries: readonly JudgedQuery[]; halves: ReadonlyMap<number, TextCandidate[]> },
): Promise<Judged> {
  const found = await resume(run, 'judged-words', wordsSchema, async () => {
    run.tell('encoders: esci, BM25 of the engine');
    return (await searchTitles(run.node, products, queries)).map((scores) => [...scores]);
  });
  const words = found.map((scores) => new Map(scores));
  const systems = new Map<string, (half: number) => TextCandidate | undefined>();
  for (const candidate of listStanding(run.data)) systems.set(candidate.name, () => candidate);
  for (const { name } of [...halves.values()].flat()) systems.set(name, (half) => halves.get(half)?.find((fit) => fit.name === name));
  const measured: z.output<typeof judgedSchema>[] = [];
  for (const [name, choose] of systems) {
    const asked = HALVES.filter((half) => choose(half) !== undefined);
    const places = [...queries.keys()].filter((place) => queries[place] !== undefined && asked.includes(halfOf(queries[place])));
    const key = nameFile({ name: asked.length === HALVES.length ? name : `${name} half ${asked.join()}`, path: '' });
    const system = await resume(run, `judged-${key}`, judgedSchema, async () => {
      run.tell(`encoders: esci, judged queries, ${name}`);
      const cosines = new Map<string, Float32Array>();
      for (const candidate of new Set(asked.flatMap((half) => choose(half) ?? []))) {
        const own = queries.filter((query) => choose(halfOf(query)) === candidate);
        for (const [id, row] of await askTitles(candidate, products, own)) cosines.set(id, row);
      }
      const chosen = places.flatMap((place) => queries[place] ?? []);
      const { alone, mixed, weights } = gradeVectors(
        places.map((place) => words[place] ?? new Map<number, number>()),
        chosen.map(({ id }) => cosines.get(id) ?? new Float32Array()),
        { queries: chosen, products },
      );
      return { name, places, alone: [...alone], mixed: [...mixed], weights: [...weights] };
    });
    measured.push(system);
  }
  return { words: gradeWords(words, queries, products), systems: measured };
}

/** Cosines of each query with the titles of all products, by the query's id. */
async function askTitles(
  candidate: TextCandidate,
  products: readonly TextProduct[],
  queries: readonly JudgedQuery[],
): Promise<Map<string, Float32Array>> {
  return withEncoder(candidate, async (encoder) => {
    const titles = await encoder.encode(products.map(({ title }) => title));
    const asked = await encoder.encode(queries.map(({ query }) => query));
    return new Map(
      queries.map(({ id }, place) => [id, Float32Array.from(titles, (title) => dot(asked[place] ?? new Float32Array(), title))] as const),
    );
  });
}

async function measureCosts(run: QualityRun, products: readonly TextProduct[], queries: readonly string[]): Promise<Cost[]> {
  const titles = products.map(({ title }) => title);
  const costs: Cost[] = [];
  for (const candidate of listStanding(run.data)) {
    const cost = await resume(run, `cost-${nameFile(candidate)}`, costSchema, async () => {
      run.tell(`encoders: CPU of ${candidate.name}`);
      return { name: candidate.name, ...(await measureCost(candidate, titles, queries)) };
    });
    costs.push(cost);
  }
  return costs;
}

async function measurePictureEncoders(run: QualityRun): Promise<Picture[]> {
  const local = join(run.data, '..', 'models', 'mobilenet-v2-224');
  const candidates = [
    { name: 'built-in, with colours', path: builtinImageFolder, colourHistogram: true },
    ...(existsSync(local)
      ? [
          { name: 'mobilenet-v2-224, with colours', path: local, colourHistogram: true },
          { name: 'mobilenet-v2-224 alone', path: local, colourHistogram: false },
        ]
      : []),
  ];
  const pictures: Picture[] = [];
  for (const { name, path, colourHistogram } of candidates) {
    run.tell(`encoders: pictures, ${name}`);
    const encoder = await openImageEncoder({ path, colourHistogram });
    try {
      const { modelFile } = await openModelFolder(path, 'image-encoder');
      pictures.push({ name, bytes: statSync(modelFile).size, ...(await measurePictures(run.data, encoder)) });
    } finally {
      await encoder.close();
    }
  }
  return pictures;
}
