import { applyEdits, isObject, readMembers, type Edit } from '../json/spans.js';

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
