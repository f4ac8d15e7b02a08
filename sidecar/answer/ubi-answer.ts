import type { SearchRecorder } from '../behaviour/search-recorder.js';
import { applyEdits, isObject, readMembers, type Edit } from '../json/spans.js';
import type { SearchCall } from '../request/search-call.js';
import type { UbiCall } from '../request/ubi-call.js';
import type { PassThrough, Rankable } from '../search-request.js';
import type { SearchClock } from '../walk/search-clock.js';

/** A search whose answer is ready, but for what is told around it. */
export interface AnsweredSearch {
  readonly call: SearchCall;
  readonly search: Rankable | PassThrough;
  readonly clock: SearchClock;
  /** The ranker that made its order, or why none did: members of the `query_attributes` of a search that is taken down. */
  readonly ranking: { readonly fuserank_model: string } | { readonly fuserank_reason: string };
}

/** The answer with `ext.ubi` in it where it was held back; the search is taken down where that is ours to do. */
export function answerUbi(ubi: UbiCall, body: Buffer, answered: AnsweredSearch, recorder: SearchRecorder | null): Buffer {
  const { call, search, clock, ranking } = answered;
  const told = ubi.held && !call.query.has('filter_path') ? tellQueryId(body, ubi.queryId) : body;
  const { options } = search;
  if (!ubi.recorded || options === null) return told;
  recorder?.take({
    ubi,
    startedAt: performance.now() - clock.elapsedMs,
    user: options.user,
    client: ubi.clientId ?? options.client,
    session: options.session,
    queryText: search.kind === 'rankable' ? search.queryText : options.queryText,
    query: search.body.query === undefined ? null : JSON.stringify(search.body.query),
    body: told,
    ranking: {
      ...ranking,
      fuserank: 'fuserank_model' in ranking ? 'applied' : 'skipped',
      ...(search.kind === 'rankable' ? { fuserank_variant: `${search.profileName}@${search.blend}` } : {}),
    },
  });
  return told;
}

/** Tells the id of the search in `ext.ubi`, where the UBI plugin tells it; an answer that is no JSON object stays as it is. */
export function tellQueryId(body: Buffer, queryId: string): Buffer {
  try {
    return applyEdits(body, [queryIdEdit(body, queryId)]);
  } catch {
    return body; // YAML, CBOR, or cut off: whatever it is, it goes back as it came
  }
}

function queryIdEdit(body: Buffer, queryId: string): Edit {
  const members = readMembers(body);
  const text = `"ubi":{"query_id":${JSON.stringify(queryId)}}`;
  const ext = members.find(({ key }) => key === 'ext');
  if (ext && isObject(body, ext.value)) {
    const at = ext.value.end - 1;
    return { start: at, end: at, replacement: readMembers(body, ext.value.start).length === 0 ? text : `,${text}` };
  }
  const last = members.at(-1);
  if (!last) throw new Error('an answer without members');
  return { start: last.value.end, end: last.value.end, replacement: `,"ext":{${text}}` };
}
