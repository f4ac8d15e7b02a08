import { z } from 'zod';
import type { EngineClient } from '../../opensearch/connection.js';
import { InputInvalid, openLines } from '../formats/input-lines.js';

/** Ids of one request; an engine answers at most 10,000 hits unless it is told otherwise. */
const IDS_A_REQUEST = 5_000;
/** Named in the error. */
const SHOWN = 5;

const hitsSchema = z.object({ hits: z.object({ hits: z.array(z.object({ _id: z.string() })) }) });

/** Those of the judged documents that the index does not hold, in the order given. */
export async function findUnknownDocuments(engine: EngineClient, index: string, ids: readonly string[]): Promise<string[]> {
  const known = new Set<string>();
  for (let start = 0; start < ids.length; start += IDS_A_REQUEST) {
    const values = ids.slice(start, start + IDS_A_REQUEST);
    const answer = await engine.search(
      { index, body: { query: { ids: { values } }, size: values.length, _source: false, track_total_hits: false } },
      { headers: { 'x-fuserank-bypass': 'true' } }, // where a sidecar stands before the engine
    );
    for (const { _id } of hitsSchema.parse(answer.body).hits.hits) known.add(_id);
  }
  return ids.filter((id) => !known.has(id));
}

/** The error that tells of them, with the lines on which they stand. */
export async function describeUnknownDocuments(
  unknown: readonly string[],
  of: { judged: number; index: string; judgments: string },
): Promise<InputInvalid> {
  const { judged, index, judgments } = of;
  const shown = unknown.slice(0, SHOWN);
  const lines = judgments === '-' ? new Map<string, number>() : await findLines(judgments, shown);
  const named = shown.map((id) => (lines.has(id) ? `line ${lines.get(id)}: "${id}"` : `"${id}"`));
  const more = unknown.length > SHOWN ? [`and ${unknown.length - SHOWN} more`] : [];
  const none = unknown.length === judged ? ' Not one is: are these the ids (_id) of this index?' : '';
  return new InputInvalid(
    [
      `${judgments}: ${unknown.length} of ${judged} judged documents are not in ${index}.${none}`,
      ...[...named, ...more].map((line) => `  ${line}`),
      'index them, take them out, or count them as not found knowingly with --allow-unknown',
    ].join('\n'),
  );
}

/** The first line that names each id as a word of its own. */
async function findLines(file: string, ids: readonly string[]): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for await (const { line, text } of openLines(file)) {
    for (const id of ids) if (!found.has(id) && namesWord(text, id)) found.set(id, line);
    if (found.size === ids.length) break;
  }
  return found;
}

function namesWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (!isInside(text[at - 1]) && !isInside(text[at + word.length])) return true;
  }
  return false;
}

/** Whether a character would make the word a part of a longer one. */
function isInside(character: string | undefined): boolean {
  return character !== undefined && /[\w-]/.test(character);
}
