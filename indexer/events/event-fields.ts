import { EVENT } from '../../mappings/behaviour-index.js';
import { fieldMappingsAnswer, findField, keywordPath, type FieldMapping } from '../../mappings/exact-field.js';
import type { EngineClient } from '../../opensearch/connection.js';
import { askEngine, indexPath } from '../../opensearch/engine-request.js';

/** Ids that name a shopper, the strongest first: an event belongs to the strongest that it has. */
export const SHOPPER_FIELDS = [EVENT.userId, EVENT.clientId, EVENT.sessionId] as const;
type ShopperField = (typeof SHOPPER_FIELDS)[number];

/** Fields by which the events of an index can be read exactly. */
export interface EventFields {
  /** By the id's own name; absent where no event has such an id. */
  shopper: Map<ShopperField, string>;
  action: string;
  object: string;
}

/** The events are not there, or can't be read by exact values. */
export class EventsUnreadable extends Error {
  override readonly name = 'EventsUnreadable';
  readonly exitCode = 6;
}

const NUMBERS = new Set(['long', 'integer', 'short', 'unsigned_long']);

/**
 * Looks up under which names the indices behind `index` hold exact values: a keyword, the keyword twin of a text (indices made by others), or a
 * whole number. @throws EventsUnreadable when there is no index, nothing exact, or indices that differ
 */
export async function findEventFields(client: EngineClient, index: string): Promise<EventFields> {
  const answer = await askEngine(client, { method: 'GET', path: indexPath(index, '_mapping'), expect: [404] });
  const indices = answer.status === 404 ? [] : Object.entries(fieldMappingsAnswer.parse(answer.body));
  if (indices.length === 0)
    throw new EventsUnreadable(`there is no index ${index} of events; import some (fuserank events import FILE) or set behaviour.events`);
  const find = (field: string): string | null => {
    const exact = new Map<string, string>();
    for (const [name, { mappings }] of indices) {
      const mapped = findField(mappings.properties, field);
      if (mapped === undefined) continue;
      const path = exactPath(field, mapped);
      if (path === null)
        throw new EventsUnreadable(
          `${name} maps ${field} as ${mapped.type ?? 'an object'} without a keyword twin, so it can't be read by exact values; ` +
            `reindex it into an index with the mapping that "fuserank mappings" prints`,
        );
      exact.set(path, name);
    }
    const [first, second] = exact.keys();
    if (first !== undefined && second !== undefined)
      throw new EventsUnreadable(
        `${index} stands for indices that hold ${field} differently (${exact.get(first)}: ${first}, ${exact.get(second)}: ${second}); ` +
          'reindex them alike, or set behaviour.events to one of them',
      );
    return first ?? null;
  };
  const [action, object] = [find(EVENT.actionName), find(EVENT.objectId)];
  if (action === null || object === null)
    throw new EventsUnreadable(
      `no event in ${index} has ${action === null ? EVENT.actionName : EVENT.objectId}; is it an index of UBI events?`,
    );
  const shopper = new Map(SHOPPER_FIELDS.map((field) => [field, find(field)] as const).filter(hasPath));
  if (shopper.size === 0) throw new EventsUnreadable(`no event in ${index} names its shopper: they need ${SHOPPER_FIELDS.join(', ')}`);
  return { shopper, action, object };
}

function hasPath(entry: readonly [ShopperField, string | null]): entry is readonly [ShopperField, string] {
  return entry[1] !== null;
}

function exactPath(field: string, mapped: FieldMapping): string | null {
  return NUMBERS.has(mapped.type ?? '') ? field : keywordPath(field, mapped);
}
