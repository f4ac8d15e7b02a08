import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { builtinFolder } from '../../models/named-ranker.js';
import { makeFolder } from '../examples/small-source.js';
import { python, PYTHON_MS, trainingFolder } from '../training-python.js';
import {
  calibrationSchema,
  calibrationTables,
  drawCalibration,
  measureCalibration,
  tellCalibration,
  type CalibratedRanker,
  type Calibration,
} from './calibration.js';
import { runProgram } from './own-command.js';
import type { QualityRun } from './quality-run.js';
import type { TrainingRows } from './training-rows.js';

function rankerOf(name: string, bins: Calibration['bins'], shown = true): CalibratedRanker {
  const figures = { 'calibration error': 0.00123, misplaced: 0.1305, 'by chance': 0.034, 'log loss': 3.2647, 'uniform log loss': 5.3278 };
  return { name, shown, calibration: { artefact: 'some-1@01234567', lists: 4334, candidates: 900_000, ...figures, bins } };
}

const bin = (from: number, to: number, [predicted, observed]: readonly [number, number]): Calibration['bins'][number] => ({
  ...{ from, to, candidates: 53_417, predicted, observed },
  interval: [observed / 2, Math.min(1, observed * 2)],
});
const SHIPPED = rankerOf('shipped', [bin(0, 1e-4, [0.00003, 0]), bin(0.01, 0.03, [0.02, 0.02]), bin(0.3, 1, [0.57478, 0.41503])]);
const BESIDE = rankerOf('beside', [bin(0.1, 0.3, [0.2, 0.1])], false);
const TUNED = rankerOf('tuned', [bin(0.3, 1, [0.5, 0.25])]);

describe('what is told of calibration', () => {
  test('has a row of figures a ranker, and a row a bin that any shown one has', () => {
    const [figures, bins] = calibrationTables([SHIPPED, BESIDE, TUNED]);
    expect(figures?.table.rows.map(([name]) => name)).toEqual(['shipped', 'beside', 'tuned']);
    expect(figures?.table.rows[0]).toEqual(['shipped', '4,334', '3.26', '5.33', '.0012', '.131', '.034']);
    expect(bins?.table.columns).toHaveLength(1 + 2 * 3);
    expect(bins?.table.rows).toEqual([
      ['0 to 0.01 %', '53,417', '0.003 %', '0 % [0, 0]', '0', '', ''],
      ['1 to 3 %', '53,417', '2 %', '2 % [1, 4]', '0', '', ''],
      ['30 to 100 %', '53,417', '57.5 %', '41.5 % [20.8, 83]', '53,417', '50 %', '25 % [12.5, 50]'],
    ]);
  });

  test('says what a simulated ranker’s chances are, and which were not measured', () => {
    const [told] = tellCalibration([SHIPPED]);
    expect(told).toMatch(/shop that it never saw; those of the tuned one were not measured/);
    const tuned = { ...TUNED, name: 'fusion-base tuned, lists held out' };
    expect(tellCalibration([SHIPPED, tuned])[0]).toMatch(/never saw; the tuned one’s are of this shop’s own lists/);
    expect(tellCalibration([])).toHaveLength(1);
    expect(calibrationTables([])).toEqual([]);
  });

  test('is drawn beside the diagonal: what is calibrated lies on it, what was never chosen is left out', () => {
    const [plot] = drawCalibration('beauty', [SHIPPED, BESIDE, TUNED]);
    expect(plot?.name).toBe('beauty-calibration');
    const svg = plot?.svg ?? '';
    const numbers = (pattern: RegExp): number[] => (pattern.exec(svg) ?? []).slice(1).map(Number);
    const [left = 0, bottom = 0, right = 0, top = 0] = numbers(/class="guide" points="([\d.]+),([\d.]+) ([\d.]+),([\d.]+)"/);
    const heightAt = (x: number): number => bottom + ((x - left) / (right - left)) * (top - bottom);
    const marks = [...svg.matchAll(/<circle [^>]*cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => ({ x: Number(x), y: Number(y) }));
    const [onIt, below, legend] = marks;
    expect(legend?.y).toBeGreaterThan(bottom); // two bins of the shipped one, then its sign
    expect(marks).toHaveLength(3);
    expect(onIt?.y).toBeCloseTo(heightAt(onIt?.x ?? 0), 0);
    expect(below?.y).toBeGreaterThan(heightAt(below?.x ?? 0) + 5); // more was said than was chosen: lower on the page
    expect(svg).not.toContain('NaN');
    expect(drawCalibration('beauty', [])).toEqual([]);
  });
});

describe('calibration', () => {
  const runOf = (folder: string, present: boolean): QualityRun => ({
    ...{ node: '', data: '', present, shoppers: 1, seeds: [3], artefacts: new Map<string, string>() },
    ...{ tell: () => undefined, keep: () => undefined, pathOf: (file) => join(folder, file) },
  });
  const rowsOf = (python: string): TrainingRows => ({ python, inputs: 'rows.inputs', lists: 1, rows: 1, stamp: { drawn: 1 } });

  test('is measured once of all lists, and of those held out by the seed; where nothing may be computed, what was kept is taken', async () => {
    const folder = await makeFolder();
    const [program, calls] = [join(folder, 'python'), join(folder, 'calls')];
    await writeFile(program, `#!/bin/sh\nshift\necho "$*" >> "${calls}"\necho '${JSON.stringify(SHIPPED.calibration)}'\n`);
    await chmod(program, 0o755);
    const measure = (present: boolean, tuned?: { folder: string; seed: number }): Promise<CalibratedRanker[]> =>
      measureCalibration({ known: { alias: 'pack', folder, run: runOf(folder, present) }, rows: rowsOf(program) }, tuned);
    const tuned = { folder: builtinFolder, seed: 3 };
    expect(await measure(true, tuned)).toEqual([]);
    expect(await measure(false)).toHaveLength(1);
    expect(await measure(true, tuned)).toHaveLength(1);
    expect((await measure(false, tuned)).map(({ shown }) => shown)).toEqual([true, false, true]);
    expect(await measure(true, tuned)).toHaveLength(3);
    expect(await measure(true, { ...tuned, seed: 4 })).toHaveLength(1);
    const whole = `--artefact ${builtinFolder} --rows rows.inputs`;
    const held = `${whole} --held-out --seed 3`;
    expect((await readFile(calls, 'utf8')).split('\n')).toEqual([whole, held, held, '']);
  });

  test('is left out without lists to learn from', async () => {
    const known = { alias: 'pack', folder: '/nowhere', run: runOf('/nowhere', false) };
    expect(await measureCalibration({ known, rows: null }, undefined)).toEqual([]);
  });
});

/** Lists of rising candidates and a graph that gives their first column as the score; what was written is printed. */
const FIXTURE = `
import hashlib, json, sys, zlib
from pathlib import Path
import numpy as np, onnx
from onnx import TensorProto, helper
from contract import feature_set_hash
folder = Path(sys.argv[1]); inputs = folder / 'rows.inputs'; inputs.mkdir()
rng = np.random.default_rng(5)
columns = ['first_phase_z', 'popularity']
lists = []
for place in range(90):
    count = 2 + place % 60
    values = rng.normal(0, 3, (count, 2)).astype(np.float32)
    grades = np.zeros(count, np.float32)
    if place != 40:
        grades[rng.integers(count)] = 1
    if place == 41:
        grades[:2] = [1, 3]
    lists.append((f'l{place}', values, grades))
flat = {'columns': ['B', 'N', 'F']}
header = {'fuserank_inputs': 1, 'feature_set': feature_set_hash(columns), 'columns': columns, 'flat': flat, 'gathered': {}}
(inputs / 'header.json').write_text(json.dumps(header))
(inputs / 'lists.ndjson').write_text(''.join(json.dumps({'list_id': key}) + '\\n' for key, _, _ in lists))
save = lambda name, values: np.save(inputs / f'{name}.npy', np.asarray(values))
save('sizes', np.array([[len(grades), 1] for _, _, grades in lists], np.int32))
save('columns', np.concatenate([values.ravel() for _, values, _ in lists]))
save('label', np.concatenate([grades for _, _, grades in lists]))
save('vectors_text', np.zeros((1, 1), np.float32)); save('vectors_image', np.zeros((1, 1), np.float32))
place = helper.make_tensor('place', TensorProto.INT64, [], [0])
graph = helper.make_graph([helper.make_node('Gather', ['columns', 'place'], ['score'], axis=2)], 'first',
    [helper.make_tensor_value_info('columns', TensorProto.FLOAT, ['B', 'N', 2])],
    [helper.make_tensor_value_info('score', TensorProto.FLOAT, ['B', 'N'])], [place])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 15)], ir_version=10), str(folder / 'model.onnx'))
sha256 = hashlib.sha256((folder / 'model.onnx').read_bytes()).hexdigest()
(folder / 'manifest.json').write_text(json.dumps({'name': 'first', 'version': '1', 'columns': columns, 'model': {'sha256': sha256}}))
print(json.dumps([{'score': values[:, 0].tolist(), 'grades': grades.tolist(), 'held': zlib.crc32(f'3:{key}'.encode()) / 2**32 < 0.1} for key, values, grades in lists]))
`;
const fixtureSchema = z.array(z.object({ score: z.array(z.number()), grades: z.array(z.number()), held: z.boolean() }));

interface Candidate {
  readonly chance: number;
  readonly chosen: number;
}

/** Chances by definition, candidate by candidate. */
function listChances({ score, grades }: z.output<typeof fixtureSchema>[number]): Candidate[] {
  const all = score.reduce((sum, each) => sum + Math.exp(each), 0);
  const good = grades.reduce((sum, each) => sum + each, 0);
  return score.map((each, place) => ({ chance: Math.exp(each) / all, chosen: (grades[place] ?? 0) / good }));
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, each) => sum + each, 0);

test.skipIf(python === undefined)(
  'calibration.py says what the definitions say, of all lists with something good and of those that tune.py holds out (needs FUSERANK_PYTHON)',
  async () => {
    const folder = await makeFolder();
    const script = join(folder, 'fixture.py');
    await writeFile(script, `import sys; sys.path.insert(0, ${JSON.stringify(trainingFolder)})\n${FIXTURE}`);
    const written = fixtureSchema.parse(JSON.parse(await runProgram(python ?? '', [script, folder])));
    const good = written.filter(({ grades }) => sumOf(grades) > 0);
    expect(good).toHaveLength(89);
    const words = [join(trainingFolder, 'calibration.py'), '--artefact', folder, '--rows', join(folder, 'rows.inputs'), '--seed', '3'];
    for (const [flags, mine] of [
      [[], good],
      [['--held-out'], good.filter(({ held }) => held)],
    ] as const) {
      const told = calibrationSchema.parse(JSON.parse(await runProgram(python ?? '', [...words, ...flags])));
      const lists = mine.map(listChances);
      const candidates = lists.flat();
      expect(told.lists).toBe(lists.length);
      expect(told.candidates).toBe(candidates.length);
      expect(told['log loss']).toBeCloseTo(sumOf(candidates.map(({ chance, chosen }) => -chosen * Math.log(chance))) / lists.length, 5);
      expect(told['uniform log loss']).toBeCloseTo(sumOf(lists.map((list) => Math.log(list.length))) / lists.length, 9);
      let [apart, stray, held] = [0, 0, 0];
      for (const { from, to, candidates: count, predicted, observed, interval } of told.bins) {
        const isIn = ({ chance }: Candidate): boolean => chance >= from && (chance < to || to === 1);
        const inside = candidates.filter(isIn);
        expect(count).toBe(inside.length);
        expect(predicted).toBeCloseTo(sumOf(inside.map(({ chance }) => chance)) / count, 6);
        expect(observed).toBeCloseTo(sumOf(inside.map(({ chosen }) => chosen)) / count, 9);
        // Wilson's ends are the shares from which the observed one is just 1.96 standard deviations away.
        for (const end of interval.filter((each) => each > 0 && each < 1)) {
          expect(Math.abs(observed - end)).toBeCloseTo(1.96 * Math.sqrt((end * (1 - end)) / count), 9);
        }
        held += count;
        apart += count * Math.abs(predicted - observed);
        const masses = lists.map((list) => sumOf(list.filter(isIn).map(({ chance }) => chance)));
        stray += Math.sqrt((2 / Math.PI) * sumOf(masses.map((mass) => mass * (1 - mass))));
      }
      expect(held).toBe(candidates.length);
      expect(told['calibration error']).toBeCloseTo(apart / candidates.length, 9);
      expect(told.misplaced).toBeCloseTo(apart / 2 / lists.length, 9);
      expect(told['by chance']).toBeCloseTo(stray / 2 / lists.length, 5);
    }
  },
  PYTHON_MS,
);
