import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { loadConfig } from '../../config/load.js';
import { packageRoot } from '../../config/package-root.js';
import { listSettings } from '../../config/schema-shape.js';
import { configSchema } from '../../config/schema.js';

const page = readFileSync(join(packageRoot, 'docs', 'reference', 'configuration.md'), 'utf8');
const rows = new Map(
  page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, path = '', fallback = '']) => [path.replaceAll('`', ''), fallback]),
);

function valueAt(tree: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (node, key) => (typeof node === 'object' && node !== null ? new Map<string, unknown>(Object.entries(node)).get(key) : undefined),
    tree,
  );
}

test('docs/reference/configuration.md lists every setting, in the schema’s order, and no other', () => {
  expect([...rows.keys()]).toEqual(listSettings(configSchema).map(({ path }) => path.join('.')));
});

test('… with its true default', () => {
  const flags = { profiles: { any: { index: 'products' } } };
  const config = loadConfig({ env: {}, flags });
  const signed = { type: 'sigv4', region: 'r', accessKeyId: 'k', secretAccessKey: 's' } as const;
  // A kind of account has members that the default kind has not.
  const configured = loadConfig({ env: {}, flags: { ...flags, opensearch: { auth: signed } } });
  for (const { path, schema } of listSettings(configSchema)) {
    const documented = rows.get(path.join('.')) ?? '';
    if (documented === 'required') continue;
    const keys = path.map((key) => (key === '*' ? 'any' : key));
    const given = valueAt(config, keys);
    // A part that is null by default has the defaults of its members all the same.
    // What had to be given to be valid says nothing of its default.
    const made = path.slice(0, 2).join('.') === 'opensearch.auth' && path.length === 3 && path[2] !== 'type' && (path[2] ?? '') in signed;
    const actual = made
      ? z.safeParse(schema, undefined).data
      : given === undefined
        ? (valueAt(configured, keys) ?? z.safeParse(schema, undefined).data)
        : given;
    expect(`${path.join('.')} ${documented}`).toBe(`${path.join('.')} \`${JSON.stringify(actual)}\``);
  }
});
