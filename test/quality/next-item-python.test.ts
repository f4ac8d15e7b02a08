import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../config/package-root.js';
import { runProgram } from './own-command.js';

const python = process.env.FUSERANK_PYTHON;
const cwd = join(packageRoot, 'models', 'training');
/** Importing torch takes its time where others work too. */
const PYTHON_MS = 120_000;
const ask = (program: string): Promise<string> => runProgram(python ?? '', ['-c', program], { cwd, name: 'python' });

test.skipIf(!python)(
  'targets are ranked among what was not met, ties by a draw; the position before knows nothing of the last (FUSERANK_PYTHON)',
  async () => {
    const said = await ask(`
import numpy as np
from next_item import NextItemTask, gains, leave_rare_out, rank_targets
scores = np.array([[9.0, 5.0, 5.0, 1.0], [0.0, 2.0, 2.0, 2.0]])
print(rank_targets(scores.copy(), [np.array([0]), np.array([0])], np.array([1, 2]), np.array([0.1, 0.2, 0.9, 0.5])).tolist())
print(np.round(gains(np.array([0, 1, 9, 10, -1])), 3).tolist())
task = NextItemTask(4, [np.array([0, 1, 0]), np.array([2]), np.array([0, 3])], np.array([2, 3, -1]))
before = task.step_back()
print([row.tolist() for row in before.rows], before.target.tolist())
cut, kept = leave_rare_out(task, 1)
print(kept.tolist(), [row.tolist() for row in cut.rows], cut.target.tolist())
`);
    expect(said.trim().split('\n')).toEqual([
      '[1, 0]',
      '[[1.0, 1.0, 1.0, 0.0, 0.0], [1.0, 0.631, 0.289, 0.0, 0.0]]',
      '[[0, 1], [], [0]] [0, -1, 3]',
      '[True, True, False, False] [[0, 1, 0], [], [0]] [-1, -1, -1]',
    ]);
  },
);

test.skipIf(!python)(
  'SASRec sees the past alone, and pads before it change nothing (FUSERANK_PYTHON)',
  async () => {
    const said = await ask(`
import torch
from sasrec import SasRec, Shape
torch.manual_seed(1)
model = SasRec(20, Shape(length=8, width=16)).eval()
past = torch.tensor([[3, 7, 1, 9, 4]])
later = past.clone()
later[0, 4] = 12
padded = torch.tensor([[0, 0, 3, 7, 1, 9, 4]])
same = lambda one, other: float((one - other).abs().max()) < 1e-5
print(same(model(past)[:, :4], model(later)[:, :4]), same(model(past)[:, 4], model(later)[:, 4]), same(model(past), model(padded)[:, 2:]))
print(torch.isfinite(model.loss(padded, torch.roll(padded, -1, 1), 5)).item(), torch.isfinite(model.loss(padded, torch.roll(padded, -1, 1), 0)).item())
`);
    expect(said.trim().split('\n')).toEqual(['True False True', 'True True']);
  },
  PYTHON_MS,
);
