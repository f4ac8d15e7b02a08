import type { z } from 'zod';
import { nearestName } from '../../config/nearest-name.js';
import { listMembers } from '../../config/schema-shape.js';

/**
 * What is wrong with one member of what a client sent: where, and what to write instead.
 * @param checked what was sent, and what it was to be
 * @param nameOf how the place is called; as it stands, a dotted path; empty for the whole
 */
export function describeFault(
  issue: z.core.$ZodIssue,
  { value, schema }: { value: unknown; schema: z.ZodType },
  nameOf: (path: string) => string = (path) => path,
): string {
  const path = issue.path.map(String);
  const told = (message: string, at: readonly string[] = path): string => [nameOf(at.join('.')), message].filter(Boolean).join(': ');
  if (issue.code === 'unrecognized_keys') {
    const known = listMembers(schema, issue.path);
    return issue.keys.map((key) => told(`unknown member${suggest(key, known)}`, [...path, key.slice(0, 100)])).join(', ');
  }
  const { message } = issue;
  if (path.length === 0 || memberAt(value, issue.path) !== undefined) return told(message);
  return told(message.startsWith('Invalid ') ? 'required' : `required; ${message}`);
}

function suggest(key: string, known: readonly string[]): string {
  const nearest = nearestName(key, known);
  if (nearest !== null) return `; did you mean ${nearest}?`;
  return known.length === 0 ? '' : `; known here: ${known.join(', ')}`;
}

function memberAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (node, key) => (typeof node === 'object' && node !== null && Object.hasOwn(node, key) ? Reflect.get(node, key) : undefined),
    value,
  );
}
