import { expect, test } from 'vitest';
import { askPython, python, PYTHON_MS } from '../training-python.js';

test.skipIf(!python)(
  'targets are ranked among what was not met, ties by a draw; the position before knows nothing of the last (FUSERANK_PYTHON)',
  async () => {
    const said = await askPython(`
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
    const said = await askPython(`
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

test.skipIf(!python)(
  'LambdaMART learns from the lists of the position before and scores every candidate of a batch (FUSERANK_PYTHON)',
  async () => {
    const said = await askPython(`
from types import SimpleNamespace
import numpy as np
import torch
import measure_next_item
from contract import COLUMN, COLUMNS
from dataset import Batch
from export import draw_inputs
def collate(view, lists):
    inputs = draw_inputs(np.random.default_rng(lists[0]), (len(lists), 7, 3, 8, 8), len(COLUMNS))
    best = inputs["columns"][..., COLUMN["popularity"]].argmax(1)
    chosen = torch.nn.functional.one_hot(best, 7).float()
    return Batch(inputs=inputs, chosen=chosen, outcome=chosen, families=[""] * len(lists), catalogue="drawn")
measure_next_item.collate = collate
measure_next_item.load_lists = lambda files: [SimpleNamespace(lists=list(range(960)), view=None)]
trees = measure_next_item.Trees("drawn", 1, None)
batch = collate(None, list(range(1000, 1032)))
[(name, scores)] = trees(batch.inputs, []).items()
print(name, list(scores.shape), float((scores.argmax(1) == batch.chosen.argmax(1)).float().mean()) > 0.8)
`);
    expect(said.trim().split('\n').at(-1)).toBe('LambdaMART in-domain [32, 7] True');
  },
  PYTHON_MS,
);
