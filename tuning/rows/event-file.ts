import { z } from 'zod';
import { InputInvalid, openLines } from '../formats/input-lines.js';
import { parseJsonOrUndefined } from '../formats/json-document.js';
import { addLabel } from './behaviour-events.js';

const text = z.union([z.string(), z.number().transform(String)]);
const eventSchema = z.object({
  action_name: z.string(),
  query_id: text.nullish(),
  event_attributes: z.object({ object: z.object({ object_id: text.nullish() }).nullish() }).nullish(),
});

/** Labels by search and item from a file of UBI events, one JSON object a line. @throws InputInvalid with the line at fault */
export async function readEventFile(input: string): Promise<Map<string, Map<string, number>>> {
  const labels = new Map<string, Map<string, number>>();
  for await (const { line, text: raw } of openLines(input)) {
    if (raw.trim() === '') continue;
    const parsed = eventSchema.safeParse(parseJsonOrUndefined(raw));
    if (!parsed.success)
      throw new InputInvalid(
        `${input} line ${line}: no UBI event (${parsed.error.issues[0]?.message ?? ''}); mend the line or take it out`,
      );
    const itemId = parsed.data.event_attributes?.object?.object_id;
    const { query_id: queryId, action_name: action } = parsed.data;
    if (queryId && itemId) addLabel(labels, { queryId, itemId, action });
  }
  return labels;
}
