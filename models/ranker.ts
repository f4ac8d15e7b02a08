import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ArtefactMismatch, openArtefact, type ArtefactManifest } from './artefact.js';
import { COLUMN_NAMES, featureSetHash } from './feature-set.js';
import { openOnnxSession, type OnnxFeed } from './onnx-session.js';
import { contributeColumns, type ColumnContributions } from './tree-contributions.js';
import { readTreeEnsemble, type TreeEnsemble } from './tree-ensemble.js';

/**
 * Every input a ranker may ask for, with its axes: B lists, N candidates, L history entries (oldest first, pads last),
 * Dt and Di the encoders' dims, K kinds of cosine (COSINE_KINDS), F the ranker's own columns, S mean and spread. All float32; a mask is 1
 * for present and 0 for absent, vectors are unit length, ages are seconds, co-visits are ln(1 + weight), their norm is the item-kNN cosine.
 * A pad is 0 in every mask and in `columns`.
 */
export const RANKER_INPUTS = {
  candidate_mask: ['B', 'N'],
  query_text: ['B', 'Dt'],
  query_text_mask: ['B'],
  query_image: ['B', 'Di'],
  query_image_mask: ['B'],
  query_head: ['B', 'Di'],
  query_head_mask: ['B'],
  item_text: ['B', 'N', 'Dt'],
  item_text_mask: ['B', 'N'],
  item_image: ['B', 'N', 'Di'],
  item_image_mask: ['B', 'N'],
  history_mask: ['B', 'L'],
  history_text: ['B', 'L', 'Dt'],
  history_text_mask: ['B', 'L'],
  history_image: ['B', 'L', 'Di'],
  history_image_mask: ['B', 'L'],
  history_brand: ['B', 'N', 'L'],
  history_category: ['B', 'N', 'L'],
  history_covisits: ['B', 'N', 'L'],
  history_covisits_norm: ['B', 'N', 'L'],
  history_factor: ['B', 'N', 'L'],
  history_event: ['B', 'L'],
  history_age: ['B', 'L'],
  history_session: ['B', 'L'],
  cosine_stats: ['B', 'K', 'S'],
  columns: ['B', 'N', 'F'],
} as const;

export type RankerInputName = keyof typeof RANKER_INPUTS;
export const INPUT_NAMES: readonly RankerInputName[] = Object.keys(RANKER_INPUTS).filter(isRankerInput);
type Axis = (typeof RANKER_INPUTS)[RankerInputName][number];

/** Length of the K axis: the kinds of cosine, in the order of mappings' COSINE_PAIRS. */
export const COSINE_KINDS = 5;

const FIXED_AXES: { K: number; S: number } & Partial<Record<Axis, number>> = { K: COSINE_KINDS, S: 2 };

/** Sizes of the axes of one run. */
export interface RankingShape {
  lists: number;
  candidates: number;
  history: number;
  textDims: number;
  imageDims: number;
  columns: number;
}

/** What is to be computed of a list; a ranker wants its own inputs and columns. */
export interface WantedInputs {
  readonly inputs: readonly RankerInputName[];
  /** Names of the feature set's columns in the order of the input `columns`. */
  readonly columns: readonly string[];
}

/** One run's inputs, those that were wanted, row-major, as long as RANKER_INPUTS and the shape say. */
export interface RankingInput {
  shape: RankingShape;
  values: Readonly<Partial<Record<RankerInputName, Float32Array>>>;
}

/** What a ranker says about lists × candidates; outputs an artefact does not have are null. */
export interface RankingOutput {
  /** [B·N], higher is better; finite. The scale is the model's own: only the order within a list counts. */
  scores: Float32Array;
  /** [B·N·L], the share of each history entry in what the model used of the history; the rest went to "ignore the user". */
  attention: Float32Array | null;
  /** [B], 0–1: how far the list's order may be trusted against the first phase (g of the blend). */
  gate: Float32Array | null;
  /** [B·N·M], what each of the ranker's modalities gave to a score, which is their sum; null where it is none. */
  contributions: Float32Array | null;
}

export interface Ranker extends WantedInputs {
  /** `name-version@sha8`, as headers write it. */
  readonly id: string;
  /** Dims of the encoders that it is bound to; null = it takes any. */
  readonly dims: { readonly text: number | null; readonly image: number | null };
  /** What the score is a sum over, in the order of the axis M of `contributions`; empty where it is no such sum. */
  readonly modalities: readonly string[];
  /** @throws NonFiniteScores, ArtefactMismatch (an encoder of other dims than the model is bound to) */
  score(input: RankingInput): Promise<RankingOutput>;
  /**
   * What each column gave to each score, exactly, in the order of `columns`; null for a model that is more than trees over columns, or whose
   * trees do not say what they met in training. The trees are read when it is first asked.
   * @param until epoch milliseconds after which nobody waits for it: then it is given up, and null
   */
  contributeColumns(input: RankingInput, until?: number): Promise<ColumnContributions | null>;
  /** Waits for runs in flight. */
  close(): Promise<void>;
}

/** The model gave NaN or infinity: its order means nothing. */
export class NonFiniteScores extends Error {
  override readonly name = 'NonFiniteScores';
}

/**
 * What a ranker's manifest adds to every artefact's: the columns it was trained with, the hash of their definitions, and the names of
 * what its output CONTRIBUTIONS is split into.
 */
const rankerManifestSchema = z.looseObject({
  featureSet: z.string(),
  columns: z.array(z.string()),
  modalities: z.array(z.string().regex(/^[a-z][a-z0-9_]*$/)).default([]),
});

/** Output [B, N, M] of a ranker whose score is a sum over modalities. */
const CONTRIBUTIONS = 'modality_contributions';

/**
 * Opens the artefact of a ranker.
 *
 * @param folder absolute path of `manifest.json` and the model
 * @throws ArtefactMismatch when it was trained on columns that do not exist or are defined otherwise, asks for an input that does not
 *   exist or has other axes, or when model and manifest disagree
 */
export async function openRanker(folder: string): Promise<Ranker> {
  const artefact = await openArtefact(folder, { kind: 'ranker' });
  const { manifest } = artefact;
  const { columns, modalities } = checkManifest(artefact.id, manifest);
  const bound = new Map<Axis, number>([['F', columns.length]]);
  const inputs = Object.entries(manifest.inputs).map(([name, dims]) => checkInput(artefact.id, name, dims, bound));
  const session = await openOnnxSession(artefact.modelFile);
  try {
    requireSameNames(`${artefact.id}: inputs`, Object.keys(manifest.inputs), session.inputNames);
    requireSameNames(`${artefact.id}: outputs`, Object.keys(manifest.outputs), session.outputNames);
    if (!('score' in manifest.outputs)) throw new ArtefactMismatch(`${artefact.id} has no output "score", which a ranker must have`);
  } catch (error) {
    await session.close();
    throw error;
  }
  let trees: Promise<TreeEnsemble | null> | null = null;
  return {
    id: artefact.id,
    inputs,
    columns,
    dims: { text: bound.get('Dt') ?? null, image: bound.get('Di') ?? null },
    modalities,
    async score(input) {
      requireBoundAxes(artefact.id, bound, input.shape);
      const feeds: Record<string, OnnxFeed> = {};
      for (const name of inputs) feeds[name] = { type: 'float32', data: valuesOf(input, name), dims: dimsOf(name, input.shape) };
      const outputs = await session.run(feeds);
      const scores = outputs['score']?.data;
      if (!scores?.every(Number.isFinite)) throw new NonFiniteScores(`${artefact.id} gave a score that is not a number`);
      return {
        scores,
        attention: outputs['attention']?.data ?? null,
        gate: outputs['gate']?.data ?? null,
        contributions: outputs[CONTRIBUTIONS]?.data ?? null,
      };
    },
    async contributeColumns(input, until) {
      if (inputs.join() !== 'columns') return null;
      trees ??= readFile(artefact.modelFile).then((model) => readTreeEnsemble(model, columns.length));
      const ensemble = await trees;
      return ensemble && contributeColumns(ensemble, valuesOf(input, 'columns'), until);
    },
    close: () => session.close(),
  };
}

/**
 * An input's values.
 * @throws Error when they were not computed
 */
export function valuesOf(input: RankingInput, name: RankerInputName): Float32Array {
  const values = input.values[name];
  if (!values) throw new Error(`the input "${name}" was not computed; assemble the features that the ranker wants`);
  return values;
}

/** The names in a manifest: columns, all of which exist and mean what they meant when the ranker was trained, and modalities. */
function checkManifest(id: string, manifest: ArtefactManifest): { columns: readonly string[]; modalities: readonly string[] } {
  const parsed = rankerManifestSchema.safeParse(manifest);
  const remedy = 'train it again, or use the version of fuserank that it came with';
  if (!parsed.success) {
    throw new ArtefactMismatch(
      `${id}: the manifest must list its "columns" and their hash "featureSet", and "modalities" as words; export it again`,
    );
  }
  const { columns, featureSet, modalities } = parsed.data;
  const unknown = columns.filter((name) => !COLUMN_NAMES.includes(name));
  if (unknown.length > 0) throw new ArtefactMismatch(`${id} asks for columns that do not exist here: ${unknown.join(', ')}; ${remedy}`);
  if (new Set(columns).size < columns.length)
    throw new ArtefactMismatch(`${id} lists a column twice: ${columns.join(', ')}; export it again`);
  const computed = featureSetHash(columns);
  if (featureSet !== computed) {
    throw new ArtefactMismatch(
      `${id} was trained with other definitions of its columns (feature set ${featureSet}, here ${computed} for ${columns.join(', ')}); ${remedy}`,
    );
  }
  checkModalities(id, modalities, manifest.outputs[CONTRIBUTIONS]);
  return { columns, modalities };
}

/** The names and the output that they name go together. */
function checkModalities(id: string, modalities: readonly string[], output: readonly (string | number)[] | undefined): void {
  if (new Set(modalities).size < modalities.length)
    throw new ArtefactMismatch(`${id} lists a modality twice: ${modalities.join(', ')}; export it again`);
  if (output ? output.length === 3 && output[2] === modalities.length : modalities.length === 0) return;
  const given = output ? `[${output.join(', ')}]` : 'missing';
  throw new ArtefactMismatch(
    `${id} names ${modalities.length} modalities, its output "${CONTRIBUTIONS}" is ${given}; it must be [B, N, ${modalities.length}]: export it again`,
  );
}

function isRankerInput(name: string): name is RankerInputName {
  return Object.hasOwn(RANKER_INPUTS, name);
}

/** One input of a manifest against the contract; axes that the model fixes are noted in `bound`. */
function checkInput(id: string, name: string, dims: readonly (string | number)[], bound: Map<Axis, number>): RankerInputName {
  if (!isRankerInput(name)) {
    throw new ArtefactMismatch(`${id} asks for input "${name}"; a ranker may ask for ${Object.keys(RANKER_INPUTS).join(', ')}`);
  }
  const axes: readonly Axis[] = RANKER_INPUTS[name];
  if (axes.length !== dims.length)
    throw new ArtefactMismatch(`${id}: ${name} has axes [${dims.join(', ')}], here it has [${axes.join(', ')}]`);
  axes.forEach((axis, place) => {
    const size = dims[place];
    if (typeof size !== 'number') return;
    const fixed = bound.get(axis) ?? FIXED_AXES[axis] ?? size;
    if (fixed !== size) throw new ArtefactMismatch(`${id}: ${name} has ${size} along ${axis}, here it has ${fixed}`);
    bound.set(axis, size);
  });
  return name;
}

function requireSameNames(what: string, manifest: readonly string[], model: readonly string[]): void {
  if ([...manifest].sort().join() !== [...model].sort().join()) {
    throw new ArtefactMismatch(
      `${what} of the manifest are ${manifest.join(', ')}, those of the model ${model.join(', ')}; export it again`,
    );
  }
}

function requireBoundAxes(id: string, bound: ReadonlyMap<Axis, number>, shape: RankingShape): void {
  const sizes = axisSizes(shape);
  for (const [axis, size] of bound) {
    if (sizes[axis] !== size)
      throw new ArtefactMismatch(
        `${id} is bound to ${size} along ${axis}, the input has ${sizes[axis]}; use the encoder it was trained with`,
      );
  }
}

function axisSizes(shape: RankingShape): Record<Axis, number> {
  return {
    B: shape.lists,
    N: shape.candidates,
    L: shape.history,
    Dt: shape.textDims,
    Di: shape.imageDims,
    F: shape.columns,
    ...FIXED_AXES,
  };
}

/** The lengths of an input's axes in one run. */
export function dimsOf(name: RankerInputName, shape: RankingShape): number[] {
  const sizes = axisSizes(shape);
  return RANKER_INPUTS[name].map((axis) => sizes[axis]);
}
