import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { packageVersion } from '../../config/package-root.js';
import { readQuestionSet } from '../../tuning/evaluate/question-set.js';
import type { MeasuredPack } from './measured-pack.js';

/** One product in five is new. */
const EVERY = 5;
const NAME = 'new';

const eventSchema = z.looseObject({ event_attributes: z.looseObject({ object: z.looseObject({ object_id: z.string() }) }) });
const querySchema = z.looseObject({ query_id: z.string() });

/** Whether a product is made new: by a hash of its id, so by nothing that ranks. */
export function isNew(id: string): boolean {
  return createHash('sha256').update(id).digest().readUInt32BE(4) % EVERY === 0;
}

/**
 * The pack as if one product in five had come today: no event of theirs is in the log that statistics are made of. Asked are the shoppers
 * whose target is one of them, with their histories as they are.
 */
export async function withNewProducts(pack: MeasuredPack): Promise<MeasuredPack> {
  const { folder } = pack;
  const events = join(folder, `events-${NAME}.ndjson`);
  const known = (await readLines(join(folder, 'events.ndjson'))).filter(
    (line) => !isNew(eventSchema.parse(JSON.parse(line)).event_attributes.object.object_id),
  );
  await writeLines(events, known);
  const files = { queries: join(folder, `queries-${NAME}.ndjson`), judgments: join(folder, `judgments-${NAME}.csv`) };
  const [heading = '', ...judged] = await readLines(join(folder, 'judgments.csv'));
  const wanted = judged.filter((line) => isNew(line.split(',').at(-2) ?? ''));
  const asked = new Set(wanted.map((line) => line.split(',', 1)[0]));
  await writeLines(files.judgments, [heading, ...wanted]);
  const queries = await readLines(join(folder, 'queries.ndjson'));
  await writeLines(
    files.queries,
    queries.filter((line) => asked.has(querySchema.parse(JSON.parse(line)).query_id)),
  );
  const behaving = await pack.withBehaviour({ name: NAME, events });
  return behaving.seenAs('new products', { questions: await readQuestionSet(files, packageVersion) });
}

async function readLines(file: string): Promise<string[]> {
  return (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
}

function writeLines(file: string, lines: readonly string[]): Promise<void> {
  return writeFile(file, lines.map((line) => `${line}\n`).join(''));
}
