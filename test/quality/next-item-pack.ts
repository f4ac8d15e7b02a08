import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { packageVersion } from '../../config/package-root.js';
import { profileSchema, type Profile } from '../../config/schema.js';
import type { Adapter } from '../../docs/examples/kit/adapter.js';
import { readQuestionSet } from '../../tuning/evaluate/question-set.js';
import { listEncoderSets, type EncoderSet } from './catalogue-door.js';
import { MeasuredPack } from './measured-pack.js';
import { withNewProducts } from './new-products.js';
import type { QualityRun } from './quality-run.js';
import { SHELF_FIELD, writeShelves } from './shelves.js';
import { exportTrainingRows, type TrainingRows } from './training-rows.js';

/** A 5-core gives every product five events; where they are all known, none of them betrays a target (core-packs.ts). */
export const KNOWN_EVENTS = 5;
/** Share of the places that a floor holds open for the tail. */
export const FLOORS = [0.1, 0.2] as const;

/** A pack of shoppers, and the same asked otherwise. */
export interface NextItemPack {
  /** With the shopper's history, and statistics of all that is known. */
  readonly known: MeasuredPack;
  /** Of shoppers nobody knows: statistics, and no history. */
  readonly anonymous: MeasuredPack;
  /** Of a shop without any log: no history, no statistics. */
  readonly bare: MeasuredPack;
  /** Shoppers whose target is a product of which statistics know nothing; null of a pack that is not cut. */
  readonly fresh: MeasuredPack | null;
  readonly encoders: EncoderSet;
  /** Null where no Python is named. */
  readonly rows: TrainingRows | null;
}

/** The pack, cut and brought in, and rows to train on. */
export async function openNextItemPack(
  run: QualityRun,
  adapter: Adapter,
  { knownEvents, cut }: { knownEvents: number; cut?: string },
): Promise<NextItemPack> {
  const encoders = listEncoderSets(run.data).at(-1);
  if (!encoders) throw new Error('there are no encoders');
  const flags = { 'known-events': String(knownEvents) };
  const refine = { name: 'shelves', files: writeShelves };
  const opened = await MeasuredPack.open({
    run,
    adapter,
    encoders,
    queries: run.shoppers,
    flags,
    refine,
    ...(cut === undefined ? {} : { cut }),
  });
  try {
    const behaving = await opened.withBehaviour();
    const known = behaving.seenAs('', {
      profiles: Object.fromEntries(FLOORS.map((share) => [nameFloor(share), floorProfile(behaving.alias, share)])),
    });
    const questions = await askWithoutHistory(known.folder);
    return {
      known,
      anonymous: known.seenAs('anonymous', { questions }),
      bare: known.seenAs('no log', { questions, statistics: null }),
      fresh: cut === undefined ? await withNewProducts(known) : null,
      encoders,
      rows: await exportTrainingRows(known),
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

export function nameFloor(share: number): string {
  return `floor-${share}`;
}

/** At least this share of the first 24 places for products of the tail; nobody moves by more than 12 (the defaults). */
function floorProfile(alias: string, share: number): Profile {
  return profileSchema.parse({ index: `${alias}-floors`, diversity: { floor: { field: SHELF_FIELD, values: ['tail'], share } } });
}

const querySchema = z.looseObject({ history: z.unknown() });

async function askWithoutHistory(folder: string): Promise<MeasuredPack['questions']> {
  const queries = join(folder, 'anonymous.ndjson');
  const lines = (await readFile(join(folder, 'queries.ndjson'), 'utf8')).split('\n').filter((line) => line !== '');
  const stripped = lines.map((line) => {
    const { history, ...rest } = querySchema.parse(JSON.parse(line));
    return history === undefined ? line : JSON.stringify(rest);
  });
  await writeFile(queries, stripped.map((line) => `${line}\n`).join(''));
  return readQuestionSet({ queries, judgments: join(folder, 'judgments.csv') }, packageVersion);
}
