import type { z } from 'zod';
import { InputInvalid } from './input-lines.js';

/** The value of a JSON text. @throws InputInvalid naming what the parser says */
export function parseJsonDocument(text: string, input: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (cause) {
    throw new InputInvalid(`${input} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** The value of a JSON text; undefined for anything else. */
export function parseJsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Says in one line what a schema found wrong. */
export function describeIssues(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`)).join('; ');
}
