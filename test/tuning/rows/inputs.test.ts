import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../config/package-root.js';
import { builtinFolder } from '../../../models/named-ranker.js';
import { openRanker } from '../../../models/ranker.js';
import { openHouse, type House } from '../../house.js';
import { readInputs } from './inputs-folder.js';
import { writeJudgedQueries } from './judged-queries.js';
import { bitsOf, columnsOf, exportRows, readRows, runRows } from './rows-command.js';

const python = process.env['FUSERANK_PYTHON'];

let house: House;
let folder: string;
let judgments: string[];
const rowFile = (): string => join(folder, 'rows.ndjson');

beforeAll(async () => {
  house = await openHouse({ products: 90 });
  folder = await mkdtemp(join(tmpdir(), 'fuserank-inputs-'));
  const ids = (kind: string): string[] =>
    house.entries.filter(({ product }) => product.id.startsWith(kind)).map(({ product }) => product.id);
  const past = house.entries.slice(0, 5).map(({ product }) => product.id);
  const history = [
    ...past.map((id, place) => ({ object_id: id, action_name: place === 0 ? 'purchase' : 'click', age_s: 90 })),
    { object_id: 'gone' },
  ];
  const queries = [
    { query_id: 'q1', query: 'lamp', history },
    { query_id: 'q2', query: 'mug' },
    { query_id: 'q3', query: 'modern chair', history: history.slice(0, 2) },
  ];
  judgments = await writeJudgedQueries(
    house,
    folder,
    queries.map((query, place) => ({ query, good: ids(['lamp', 'mug', 'chair'][place] ?? '')[0] ?? '', rating: place + 1 })),
  );
  await exportRows(house, ...judgments, '--out', rowFile(), '--inputs');
});
afterAll(async () => {
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

describe('fuserank rows export --inputs', () => {
  it('writes what the ranker was fed, bit for bit: scored again, it gives what was served', async () => {
    const ranker = await openRanker(builtinFolder);
    try {
      const { header, lists } = await readInputs(join(folder, 'rows.inputs'), ranker.columns);
      expect(header.models).toEqual([ranker.id]);
      expect(lists).toHaveLength(3);
      for (const { input, scores } of lists) expect(bitsOf([...(await ranker.score(input)).scores])).toBe(bitsOf([...scores]));
    } finally {
      await ranker.close();
    }
  });

  it('holds the lists of the rows, with their labels and columns', async () => {
    const { header, rows } = await readRows(rowFile());
    const { lists } = await readInputs(join(folder, 'rows.inputs'), header.columns);
    expect(lists.flatMap(({ items }) => items)).toEqual(rows.map((row) => row.item_id));
    expect(lists.flatMap(({ labels }) => [...labels])).toEqual(rows.map((row) => row.label));
    const columns = lists.flatMap(({ input }) => [...(input.values.columns ?? [])]);
    expect(bitsOf(columns)).toBe(bitsOf(rows.flatMap((row) => columnsOf(row, header))));
    expect(lists.map(({ history }) => history.length)).toEqual([6, 1, 2]);
    expect(lists[0]?.history.at(-1), 'an event whose product is gone keeps its id').toBe('gone');
    expect(lists[1]?.history, 'nobody’s history is a pad').toEqual([null]);
  });

  it('stores each product’s vectors once', async () => {
    const { lists } = await readInputs(join(folder, 'rows.inputs'), []);
    const distinct = new Set(lists.flatMap(({ items, history }) => [...items, ...history.filter((id) => id !== null)]));
    const sizes = lists.reduce((sum, { items }) => sum + items.length, 0);
    expect(distinct.size).toBeLessThan(sizes);
  });

  it('replaces a folder of its own, and nothing else', async () => {
    const words = ['export', ...judgments];
    await runRows(house, ...words, '--out', rowFile(), '--inputs');
    expect((await readInputs(join(folder, 'rows.inputs'), [])).lists).toHaveLength(3);
    await mkdir(join(folder, 'other.inputs'));
    await writeFile(join(folder, 'other.inputs', 'diary.txt'), 'mine');
    await expect(runRows(house, ...words, '--out', join(folder, 'other.parquet'), '--inputs')).rejects.toThrow(/holds no inputs of lists/);
    expect(await readdir(join(folder, 'other.inputs'))).toEqual(['diary.txt']);
    expect(existsSync(join(folder, 'other.parquet'))).toBe(false);
  });

  it('is not for the log, which keeps columns alone', async () => {
    await expect(runRows(house, 'export', '--from', 'log', '--log', folder, '--out', rowFile(), '--inputs')).rejects.toThrow(
      '--inputs says nothing to --from log',
    );
  });

  it.skipIf(python === undefined)('is read by Python to the same bits (needs FUSERANK_PYTHON)', async () => {
    const script = [
      'import sys; sys.path.insert(0, sys.argv[1])',
      'import numpy as np, onnxruntime',
      'from pathlib import Path',
      'from inputs import open_inputs',
      'import json',
      'lists = open_inputs(Path(sys.argv[2])); artefact = Path(sys.argv[3])',
      'columns = json.loads((artefact / "manifest.json").read_text())["columns"]',
      'session = onnxruntime.InferenceSession(str(artefact / "model.onnx"))',
      'names = [each.name for each in session.get_inputs()]',
      'alone = [session.run(["score"], lists.read(place, names, columns))[0][0] for place in range(len(lists))]',
      'together = session.run(["score"], lists.stack([0, 1, 2], names, columns))[0]',
      'print(max(float(np.abs(alone[p] - lists.served(p)[0]).max()) for p in range(3)))',
      'print(max(float(np.abs(together[p][: len(alone[p])] - alone[p]).max()) for p in range(3)))',
    ].join('\n');
    const training = join(packageRoot, 'models', 'training');
    const { stdout } = await promisify(execFile)(python ?? '', ['-c', script, training, rowFile(), builtinFolder]);
    const [served, padded] = stdout.trim().split('\n').map(Number);
    expect(served).toBeLessThan(1e-5);
    expect(padded).toBeLessThan(1e-5);
  });
});
