import { z } from 'zod';
import type { Answer } from '../sidecar/http-rig.js';
import { firstDifference, OWN_FIELDS, withoutOwnFields } from './invariants.js';
import { readJson } from './json-text.js';
import { unpacked } from './shop.js';

const SAME_HEADERS = [
  'content-type',
  'warning',
  'x-opaque-id',
  'x-opensearch-version',
  'allow',
  'location',
  'retry-after',
  'www-authenticate',
  'set-cookie',
];

export function headDifferences(direct: Answer, through: Answer): string[] {
  const differences = SAME_HEADERS.filter((name) => headerOf(direct, name) !== headerOf(through, name)).map(
    (name) => `${name}: ${headerOf(through, name)}, not ${headerOf(direct, name)}`,
  );
  if (direct.status !== through.status)
    differences.unshift(`status ${through.status}, not ${direct.status}: ${through.text.slice(0, 200)}`);
  // An answer of ours may be too short to be worth packing; one that nobody asked to be packed never is.
  const [engine, ours] = [direct, through].map((answer) => headerOf(answer, 'content-encoding'));
  if (engine !== ours && (ours !== '' || through.body.length > 1024)) differences.push(`content-encoding: ${ours}, not ${engine}`);
  return differences;
}

/** @param named fields of ours that stay; null = none is cut */
export function equalDifferences(direct: Answer, through: Answer, named: readonly string[] | null): string[] {
  const binary = /cbor|smile/.test(headerOf(direct, 'content-type'));
  const [due, got] = [direct, through].map((answer) =>
    binary ? maskBinary(answer.body.toString('latin1')) : maskClocks(unpacked(answer)),
  );
  if (due === undefined || got === undefined || due === got) return [];
  const cut = named === null || binary || !/^\s*\{/.test(due) ? due : withoutOwnFields(readJson(due), named);
  const plain = cut === due ? got : withoutOwnFields(readJson(got), OWN_FIELDS);
  return plain === cut ? [] : [firstDifference(plain, cut)];
}

export function refusalDifferences(answer: Answer, { status, type }: { status: number; type: string }): string[] {
  const shape = z.object({
    error: z.object({ root_cause: z.array(z.object({ type: z.literal(type), reason: z.string() })).length(1), type: z.literal(type) }),
    status: z.literal(status),
  });
  const parsed = shape.safeParse(JSON.parse(answer.text));
  return parsed.success && answer.status === status ? [] : [`refused with ${answer.status} ${answer.text.slice(0, 200)}`];
}

/** What no two answers share: times, and the names of contexts that the engine keeps open. */
export function maskClocks(text: string): string {
  const profile = text.indexOf('"profile":');
  const [answer, times] = profile < 0 ? [text, ''] : [text.slice(0, profile), text.slice(profile)];
  return (
    answer
      .replace(/("(?:took|creation_time)" ?: ?)\d+/g, '$10')
      .replace(/"(_scroll_id|pit_id|index_uuid)"( ?: ?)"[^"]*"/g, '"$1"$2"*"')
      .replace(/^took: \d+$/m, 'took: 0') + times.replace(/\d+/g, '0')
  );
}

/** The number after `took` in CBOR (one, two or three bytes) and Smile (one, or a marker and bytes up to one above 0x7f). */
function maskBinary(text: string): string {
  const at = text.indexOf('took') + 4;
  const first = text.charCodeAt(at);
  let end = at + 1;
  if (first === 0x18) end += 1;
  if (first === 0x19) end += 2;
  if (first === 0x24) while (text.charCodeAt(end++) < 0x80);
  return at < 4 ? text : `${text.slice(0, at)}*${text.slice(end)}`;
}

export function headerOf(answer: Answer, name: string): string {
  const value = answer.headers[name];
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
}
