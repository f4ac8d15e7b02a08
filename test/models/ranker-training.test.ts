import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../config/package-root.js';
import { runProgram } from '../quality/own-command.js';

const python = process.env.FUSERANK_PYTHON;
const cwd = join(packageRoot, 'models', 'training');
/** Importing torch takes its time where others work too. */
const PYTHON_MS = 120_000;
const ask = (program: string): Promise<string> => runProgram(python ?? '', ['-c', program], { cwd, name: 'python' });

const PREPARED = `
import tempfile
from pathlib import Path
import numpy as np
import torch
from contract import COLUMNS
from dataset import Batch
from ensemble import Ensemble
from export import draw_inputs
from model import FusionBase
from train import TEACHERS_SHARE, teach, train
torch.manual_seed(1)
runs = [Path(tempfile.mkdtemp()) for _ in range(2)]
networks = [FusionBase().eval() for _ in runs]
for run, network in zip(runs, networks):
    torch.save({"weights": network.state_dict()}, run / "weights.pt")
inputs = draw_inputs(np.random.default_rng(1), (2, 5, 3, 8, 8), len(COLUMNS))
inputs["candidate_mask"][1, 3:] = 0
chosen = torch.zeros(2, 5)
chosen[:, 0] = 1
batch = Batch(inputs=inputs, chosen=chosen, outcome=chosen, families=["", ""], catalogue="drawn")
`;

test.skipIf(!python)(
  'a list is taught as nine parts of the softmax of the teachers’ mean logits, one part of what became of it (FUSERANK_PYTHON)',
  async () => {
    const said = await ask(`${PREPARED}
[taught] = teach(iter([batch]), Ensemble(runs, None))
with torch.no_grad():
    scores = [network(inputs)["score"].numpy() for network in networks]
for row, count in ((0, 5), (1, 3)):
    mean = sum(score[row, :count] - score[row, :count].mean() for score in scores) / 2
    share = np.exp(mean) / np.exp(mean).sum()
    expected = 0.9 * share + 0.1 * chosen[row, :count].numpy()
    print(np.abs(taught.chosen[row, :count].numpy() - expected).max() < 1e-6, float(taught.chosen[row, count:].sum()))
`);
    expect(said.trim().split('\n')).toEqual(['True 0.0', 'True 0.0']);
  },
  PYTHON_MS,
);

test.skipIf(!python)(
  'simulated lists teach all but the ceiling, which no gate is above (FUSERANK_PYTHON)',
  async () => {
    const said = await ask(`${PREPARED}
before = {name: value.clone() for name, value in networks[0].state_dict().items()}
after = train(iter([batch] * 12), out=runs[0], start={"weights": before}, steps=12, seed=1, device="cpu", rate=1e-3)
changed = {name for name, value in after.state_dict().items() if not torch.equal(value, before[name])}
print(sorted(set(before) - changed))
torch.nn.init.constant_(after.ceiling, 0.3)
with torch.no_grad():
    print(bool((after(inputs)["gate"] <= 0.3).all()))
`);
    expect(said.trim().split('\n').at(-2)).toBe("['ceiling']");
    expect(said.trim().split('\n').at(-1)).toBe('True');
  },
  PYTHON_MS,
);
