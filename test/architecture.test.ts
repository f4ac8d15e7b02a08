import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../config/package-root.js';

const ROOMS = ['config', 'opensearch', 'mappings', 'models', 'indexer', 'sidecar', 'tuning', 'demo'] as const;
type Room = (typeof ROOMS)[number];

/** Who may import whom; `demo` may import all, the leaves none of the rooms. */
const ARROWS: Record<Room, readonly Room[]> = {
  config: [],
  mappings: [],
  opensearch: ['config'],
  models: ['config'],
  indexer: ['config', 'opensearch', 'mappings', 'models'],
  sidecar: ['config', 'opensearch', 'mappings', 'models'],
  tuning: ['config', 'opensearch', 'mappings', 'models', 'sidecar'],
  demo: ROOMS,
};

/** Packages that one place alone may import. */
const SOLE_IMPORTERS: Record<string, RegExp> = {
  'onnxruntime-node': /^models\/onnx-session\.ts$/,
  sharp: /^(models\/picture-decoder\.ts|demo\/)/,
  express: /^sidecar\/http\//,
  '@opensearch-project/opensearch': /^opensearch\//,
  '@huggingface/transformers': /^models\//,
  commander: /^(fuserank\.ts|config\/whole-number\.ts|demo\/|[a-z]+\/(.*\/)?command\.ts)/,
};

/** Names that say nothing. */
const EMPTY_NAMES = /(^|\/)(utils?|helpers?|common|misc|types|manager|shared)(\.ts|\/)/;

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

const files = [...ROOMS.flatMap(sourceFiles), 'fuserank.ts'];
const imports = files.flatMap(importsOf);

function sourceFiles(folder: string): string[] {
  return readdirSync(join(packageRoot, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(packageRoot, join(entry.parentPath, entry.name)));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(packageRoot, file), 'utf8');
  const found: Import[] = [];
  for (const match of text.matchAll(/^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)';/gms)) {
    const target = match[2] ?? '';
    const to = target.startsWith('.') ? relative(packageRoot, join(packageRoot, dirname(file), target)).replace(/\.js$/, '.ts') : target;
    found.push({ from: file, to, typeOnly: match[1] !== undefined });
  }
  return found;
}

function roomOf(path: string): Room | null {
  return ROOMS.find((room) => path.startsWith(`${room}/`)) ?? null;
}

describe('the house', () => {
  it('has the rooms that the plan names', () => {
    for (const room of ROOMS) expect(sourceFiles(room).length, room).toBeGreaterThan(0);
    expect(imports.length).toBeGreaterThan(100);
  });

  it('has arrows only where the plan draws them', () => {
    const wrong = imports.filter(({ from, to }) => {
      const [source, target] = [roomOf(from), roomOf(to)];
      return source && target && source !== target && !ARROWS[source].includes(target);
    });
    expect(wrong).toEqual([]);
  });

  it('enters each room by its command, and the sidecar from tuning by its public face', () => {
    const entrance = imports.filter(({ from, to }) => from === 'fuserank.ts' && roomOf(to) !== null);
    expect(entrance.filter(({ to }) => !/^(config\/|opensearch\/)|\/command\.ts$/.test(to))).toEqual([]);
    const past = imports.filter(({ from, to }) => roomOf(from) === 'tuning' && roomOf(to) === 'sidecar' && to !== 'sidecar/index.ts');
    expect(past).toEqual([]);
  });

  it('keeps each outside package behind its one door', () => {
    const wrong = imports.filter(({ from, to }) => {
      const door = SOLE_IMPORTERS[to];
      return door !== undefined && !door.test(from);
    });
    expect(wrong).toEqual([]);
  });

  it('has no cycles', () => {
    const graph = new Map(
      files.map((file) => [file, imports.filter(({ from, typeOnly }) => from === file && !typeOnly).map(({ to }) => to)]),
    );
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) throw new Error(`cycle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`);
      if (done.has(file)) return;
      for (const next of graph.get(file) ?? []) if (graph.has(next)) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(done.size).toBe(files.length);
  });

  it('spells stored field names in mappings/ alone', () => {
    const spelled = files
      .filter((file) => !file.startsWith('mappings/'))
      .filter((file) => /'(rank_key|text_vector|image_vector|content_hash|group_key)'/.test(readFileSync(join(packageRoot, file), 'utf8')));
    expect(spelled).toEqual([]);
  });

  it('names files by what they are, and keeps them short', () => {
    expect(files.filter((file) => EMPTY_NAMES.test(file))).toEqual([]);
    const long = files.filter((file) => readFileSync(join(packageRoot, file), 'utf8').split('\n').length > 330);
    expect(long).toEqual([]);
  });
});
