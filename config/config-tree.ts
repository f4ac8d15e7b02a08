/**
 * What a person wrote, before the schema has judged it: null-prototype objects, so that no key can reach
 * `Object.prototype`, arrays and scalars.
 */
export type ConfigTree = { [key: string]: ConfigValue };
export type ConfigValue = string | number | boolean | null | ConfigValue[] | ConfigTree;

/** Where something is wrong (`server.port`, `FUSERANK_SERVER_PORT`) and what to do about it. */
export interface ConfigFault {
  path: string;
  message: string;
}

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

export function emptyTree(): ConfigTree {
  // In a literal this sets the prototype, it makes no member.
  return { __proto__: null };
}

export function isTree(value: unknown): value is ConfigTree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Copies plain data or YAML maps into a tree; leaves out `undefined`; reports what no configuration can hold. */
export function growTree(value: unknown, path: string, faults: ConfigFault[]): ConfigValue | undefined {
  if (value === undefined) return undefined;
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) {
    return value.flatMap((element: unknown, position) => {
      const grown = growTree(element, `${path}[${position}]`, faults);
      return grown === undefined ? [] : [grown];
    });
  }
  if (typeof value === 'object') {
    const tree = emptyTree();
    const entries: [unknown, unknown][] = value instanceof Map ? [...value.entries()] : Object.entries(value);
    for (const [rawKey, member] of entries) {
      const key = typeof rawKey === 'string' ? rawKey : JSON.stringify(rawKey);
      const memberPath = joinPath(path, key);
      if (FORBIDDEN_KEYS.has(key)) {
        faults.push({ path: memberPath, message: 'this name is reserved by the language; choose another' });
        continue;
      }
      const grown = growTree(member, memberPath, faults);
      if (grown !== undefined) tree[key] = grown;
    }
    return tree;
  }
  faults.push({ path, message: `a ${typeof value} cannot be configured; write a string, number, boolean, list or map` });
  return undefined;
}

/** Lays `upper` over `lower`: maps are joined key by key, everything else is replaced. */
export function layTree(lower: ConfigTree, upper: ConfigTree): ConfigTree {
  const laid = emptyTree();
  for (const [key, value] of Object.entries(lower)) laid[key] = value;
  for (const [key, value] of Object.entries(upper)) {
    const below = laid[key];
    // A kind of authentication owns its members: a bearer token does not inherit a user name from below.
    const changesType = isTree(value) && isTree(below) && 'type' in value && value.type !== below.type;
    laid[key] = isTree(value) && isTree(below) && !changesType ? layTree(below, value) : value;
  }
  return laid;
}

export function plantLeaf(tree: ConfigTree, path: readonly string[], value: ConfigValue): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) {
    tree[key] = value;
    return;
  }
  const below = tree[key];
  const branch = isTree(below) ? below : emptyTree();
  tree[key] = branch;
  plantLeaf(branch, rest, value);
}

export function joinPath(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
