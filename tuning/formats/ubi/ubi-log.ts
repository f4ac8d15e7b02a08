import { z } from 'zod';
import { identifyAction } from '../../../models/feature-set.js';
import type { ImportReport, Origin } from '../import-report.js';
import { splitLines } from '../input-lines.js';
import { describeIssues, parseJsonOrUndefined } from '../json-document.js';

/** One search as the lines of a UBI log tell it together. */
export interface LoggedSearch {
  /** What was typed, without blanks around it; null where no line says. */
  readonly words: string | null;
  /** Rank by product, as far as it is known what was shown; ranks count from the same number in all searches of a log. */
  readonly shown: ReadonlyMap<string, number>;
  /** Products that were clicked, or carted or bought, which takes a click. */
  readonly clicked: ReadonlySet<string>;
  /** Where its first line stood. */
  readonly origin: Origin;
  /** Impressions and clicks. */
  readonly events: readonly Origin[];
}

/** A search while its lines are gathered. */
interface Gathered {
  words: string | null;
  /** As the engine answered, best first. */
  hits: readonly string[];
  readonly impressions: Map<string, number>;
  readonly clicked: Set<string>;
  readonly origin: Origin;
  readonly events: Origin[];
}

const IMPRESSIONS: ReadonlySet<string> = new Set(['impression', 'item_impression']);
/** Class of actions that take a click: looked at, carted, bought. */
const FIRST_CLICK = 2;

const id = z.union([z.string().min(1), z.int().transform(String)], { error: 'must be a text that is not empty, or a whole number' });
const eventSchema = z.looseObject({
  action_name: z.string().min(1),
  query_id: id.nullish(),
  user_query: z.string().nullish(),
  event_attributes: z
    .looseObject({
      object: z.looseObject({ object_id: id.nullish() }).nullish(),
      position: z.looseObject({ ordinal: z.int().nonnegative().nullish() }).nullish(),
    })
    .nullish(),
});
const querySchema = z.looseObject({
  user_query: z.string(),
  query_id: id.nullish(),
  query_response_hit_ids: z.array(id).nullish(),
});

/** What a line holds: itself, or the document that a dump wraps in `_source`. */
function unwrap(value: unknown): unknown {
  return hasMember(value, '_source') ? value._source : value;
}

/** Whether a JSON value is a line of `ubi_queries` or `ubi_events`. */
export function isUbiRecord(value: unknown): boolean {
  const record = unwrap(value);
  return hasMember(record, 'action_name') || hasMember(record, 'user_query');
}

/**
 * The searches of a UBI log: documents of `ubi_queries` and of `ubi_events`, a JSON object a line, in any order. A line that is neither is a
 * reject; events that belong to no search are counted in a note. What a search showed is told by its impressions; where they have no
 * positions, by the `query_response_hit_ids` of its query.
 */
export function readUbiLog(text: string, report: ImportReport): LoggedSearch[] {
  const searches = new UbiLog(report);
  for (const { line, text: raw } of splitLines(text)) {
    if (raw.trim() === '') continue;
    const record = unwrap(parseJsonOrUndefined(raw));
    const origin = { line, raw };
    if (hasMember(record, 'action_name')) searches.addEvent(record, origin);
    else if (hasMember(record, 'user_query')) searches.addQuery(record, origin);
    else report.reject(origin, 'neither an event (action_name) nor a query (user_query) of UBI');
  }
  return searches.finish();
}

class UbiLog {
  readonly #byId = new Map<string, Gathered>();
  /** Searches without an id: nothing can follow them. */
  readonly #alone: Gathered[] = [];
  readonly #report: ImportReport;
  #lowest = Number.POSITIVE_INFINITY;

  constructor(report: ImportReport) {
    this.#report = report;
  }

  addQuery(record: unknown, origin: Origin): void {
    const parsed = querySchema.safeParse(record);
    if (!parsed.success) return this.#report.reject(origin, describeIssues(parsed.error));
    const { user_query: words, query_id, query_response_hit_ids } = parsed.data;
    const search = query_id ? this.#searchOf(query_id, origin) : gather(origin);
    if (!query_id) this.#alone.push(search);
    this.#tellWords(search, words, origin);
    if (search.hits.length === 0) search.hits = query_response_hit_ids ?? [];
  }

  addEvent(record: unknown, origin: Origin): void {
    const parsed = eventSchema.safeParse(record);
    if (!parsed.success) return this.#report.reject(origin, describeIssues(parsed.error));
    const { action_name: action, query_id, user_query, event_attributes } = parsed.data;
    const item = event_attributes?.object?.object_id;
    const isImpression = IMPRESSIONS.has(action.toLowerCase());
    if (!isImpression && identifyAction(action) < FIRST_CLICK) {
      return this.#report.note('events that are neither impressions nor clicks say nothing of a list', origin.line);
    }
    if (!query_id || !item) return this.#report.note('events without a query_id or an object_id belong to no search', origin.line);
    const search = this.#searchOf(query_id, origin);
    search.events.push(origin);
    if (user_query) this.#tellWords(search, user_query, origin);
    if (!isImpression) return void search.clicked.add(item);
    const ordinal = event_attributes.position?.ordinal ?? null;
    if (ordinal === null)
      return this.#report.note('impressions without position.ordinal do not say where a product was shown', origin.line);
    this.#lowest = Math.min(this.#lowest, ordinal);
    if (!search.impressions.has(item)) search.impressions.set(item, ordinal);
  }

  finish(): LoggedSearch[] {
    // UBI does not say whether positions start at 0 or 1; hit lists are counted as this log counts.
    const first = this.#lowest === Number.POSITIVE_INFINITY ? 0 : Math.min(this.#lowest, 1);
    return [...this.#byId.values(), ...this.#alone].map(({ words, hits, impressions, clicked, origin, events }) => {
      const shown = impressions.size > 0 ? impressions : new Map([...new Set(hits)].map((item, place) => [item, first + place]));
      return { words, shown, clicked, origin, events };
    });
  }

  #searchOf(queryId: string, origin: Origin): Gathered {
    const known = this.#byId.get(queryId);
    if (known) return known;
    const made = gather(origin);
    this.#byId.set(queryId, made);
    return made;
  }

  #tellWords(search: Gathered, text: string, origin: Origin): void {
    const words = text.trim();
    if (words === '') return this.#report.note('searches without words ask for nothing that could be asked again', origin.line);
    if (search.words !== null && search.words !== words)
      this.#report.note('a query_id comes with several texts; the first is kept', origin.line);
    search.words ??= words;
  }
}

function gather(origin: Origin): Gathered {
  return { words: null, hits: [], impressions: new Map(), clicked: new Set(), origin, events: [] };
}

function hasMember<Name extends string>(value: unknown, name: Name): value is Record<Name, unknown> {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name);
}
