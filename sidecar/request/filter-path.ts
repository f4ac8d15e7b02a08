import { matchesWildcard } from './wildcard.js';

/**
 * `filter_path` as the engine reads it: comma-separated paths of members, `*` for any part of a name, `**` for one
 * name or more, a leading `-` takes out. What is named is kept with all below it; lists count for nothing in a path.
 */
export interface FilterPath {
  /** Null: nothing is named, so all is kept that is not taken out. */
  readonly included: readonly (readonly string[])[] | null;
  readonly excluded: readonly (readonly string[])[];
}

/** Null where nothing is filtered. */
export function parseFilterPath(text: string | null): FilterPath | null {
  const paths = (text ?? '')
    .split(',')
    .map((path) => path.trim())
    .filter(Boolean);
  if (paths.length === 0) return null;
  const included = paths.filter((path) => !path.startsWith('-')).map(splitPath);
  return {
    included: included.length === 0 ? null : included,
    excluded: paths.filter((path) => path.startsWith('-')).map((path) => splitPath(path.slice(1))),
  };
}

/** True where the member at this path is left in an answer, whole. */
export function keepsMember(filter: FilterPath, path: readonly string[]): boolean {
  const covers = (pattern: readonly string[]): boolean => coversPath(pattern, path);
  return (filter.included?.some(covers) ?? true) && !filter.excluded.some(covers);
}

/** The same filter seen from inside the member `name` that it begins at; null where all of the inside is kept. */
export function filterWithin(filter: FilterPath, name: string): FilterPath | null {
  const enter = (pattern: readonly string[]): (readonly string[])[] => {
    const [first, ...rest] = pattern;
    if (first === undefined) return [];
    if (first === '**') return [rest, pattern];
    return matchesWildcard(name, first) ? [rest] : [];
  };
  const included = filter.included?.flatMap(enter) ?? null;
  const excluded = filter.excluded.flatMap(enter);
  const whole = included?.some((pattern) => pattern.length === 0) ?? true;
  if (whole && excluded.length === 0) return null;
  return { included: whole ? null : included, excluded };
}

/** As `filter_path` is written. */
export function printFilterPath({ included, excluded }: FilterPath): string {
  const print = (path: readonly string[]): string => path.map((name) => name.replaceAll('.', '\\.')).join('.');
  return [...(included ?? []).map(print), ...excluded.map((path) => `-${print(path)}`)].join(',');
}

/** A dot with a backslash before it belongs to a name. */
function splitPath(path: string): string[] {
  return path.split(/(?<!\\)\./).map((name) => name.replaceAll('\\.', '.'));
}

/** True where the pattern names the path or something above it. */
function coversPath(pattern: readonly string[], path: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return true;
  const [name, ...below] = path;
  if (name === undefined) return false;
  if (first === '**') return coversPath(rest, below) || coversPath(pattern, below);
  return matchesWildcard(name, first) && coversPath(rest, below);
}
