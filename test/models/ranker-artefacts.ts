import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';
import { RANKER_INPUTS, dimsOf, type RankerInputName, type RankingInput, type RankingShape } from '../../models/ranker.js';

const artefacts = join(packageRoot, 'models', 'artefacts');
const manifestSchema = z.looseObject({ kind: z.string() });

/** The folders of all rankers in the repository. */
export function rankerFolders(): string[] {
  return readdirSync(artefacts)
    .map((name) => join(artefacts, name))
    .filter((folder) => manifestSchema.parse(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))).kind === 'ranker');
}

const paritySchema = z.object({
  tolerance: z.number(),
  cases: z.array(
    z.object({
      shape: z.object({ lists: z.number(), candidates: z.number(), history: z.number(), textDims: z.number(), imageDims: z.number() }),
      inputs: z.record(z.string(), z.array(z.number())),
      outputs: z.record(z.string(), z.array(z.number())),
    }),
  ),
});

/** What PyTorch gave for recorded inputs. */
export function readParity(folder: string): z.output<typeof paritySchema> {
  return paritySchema.parse(JSON.parse(readFileSync(join(folder, 'parity.json'), 'utf8')));
}

/** A full input from recorded ones; inputs that the ranker does not read are zero. */
export function rankingInput(shape: RankingShape, recorded: Record<string, ArrayLike<number>>): RankingInput {
  const read = (name: RankerInputName): Float32Array =>
    Float32Array.from(recorded[name] ?? new Float32Array(dimsOf(name, shape).reduce((product, size) => product * size, 1)));
  return {
    shape,
    values: {
      candidate_mask: read('candidate_mask'),
      query_text: read('query_text'),
      query_text_mask: read('query_text_mask'),
      query_image: read('query_image'),
      query_image_mask: read('query_image_mask'),
      query_head: read('query_head'),
      query_head_mask: read('query_head_mask'),
      item_text: read('item_text'),
      item_text_mask: read('item_text_mask'),
      item_image: read('item_image'),
      item_image_mask: read('item_image_mask'),
      history_mask: read('history_mask'),
      history_text: read('history_text'),
      history_text_mask: read('history_text_mask'),
      history_image: read('history_image'),
      history_image_mask: read('history_image_mask'),
      history_brand: read('history_brand'),
      history_category: read('history_category'),
      history_event: read('history_event'),
      history_age: read('history_age'),
      history_session: read('history_session'),
      cosine_stats: read('cosine_stats'),
      columns: read('columns'),
    },
  };
}

/** Names of RANKER_INPUTS with a given axis. */
export function inputsAlong(axis: string): RankerInputName[] {
  return (Object.keys(RANKER_INPUTS) as RankerInputName[]).filter((name) => (RANKER_INPUTS[name] as readonly string[]).includes(axis));
}
