import { expect, test } from 'vitest';
import { askPython, python, PYTHON_MS } from '../training-python.js';

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
    const said = await askPython(`${PREPARED}
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
  'trees teach beside the networks with what they say of each candidate’s evidence (FUSERANK_PYTHON)',
  async () => {
    const said = await askPython(`${PREPARED}
class Popularity:  # trees that say the popularity
    def predict(self, rows, num_threads):
        return rows[:, COLUMNS.index("popularity")].astype(np.float64)
both = Ensemble(runs, None)
both.trees = Popularity()
alone = Ensemble(runs, None)(inputs)
for row, count in ((0, 5), (1, 3)):
    said = inputs["columns"][row, :count, COLUMNS.index("popularity")]
    print(float((both(inputs)[row, :count] - alone[row, :count] - (said - said.mean())).abs().max()) < 1e-5, float(both(inputs)[row, count:].abs().sum()))
`);
    expect(said.trim().split('\n')).toEqual(['True 0.0', 'True 0.0']);
  },
  PYTHON_MS,
);

test.skipIf(!python)(
  'simulated lists teach all but the ceiling, which no gate is above (FUSERANK_PYTHON)',
  async () => {
    const said = await askPython(`${PREPARED}
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

test.skipIf(!python)(
  'tuning moves the ceiling, unless the gate is frozen, and keeps a mean of first and last weights where that ranks best (FUSERANK_PYTHON)',
  async () => {
    const said = await askPython(`${PREPARED}
from types import SimpleNamespace
import tune
lists = SimpleNamespace(columns=COLUMNS, places=[0], batches=lambda rng: [[0]], inputs=lambda places, names: inputs, chosen=lambda places: chosen)
start = {name: value.clone() for name, value in networks[0].state_dict().items()}
weights = SimpleNamespace(model=start, write=lambda state: {name: value.clone() for name, value in state.items()})
def run(best, **options):
    """With a measure by which the trial of that number is the best one: 0 is the start, 1 and 2 the epochs, 3 and 4 the means."""
    trials = []
    def measure(state, held):
        trials.append(state)
        return 0.5, float(len(trials) - 1 == best)
    tune.measure = measure
    networks[0].load_state_dict(start)
    kept, history = tune.tune(weights, networks[0], lists, lists, tune.Options(rate=0.03, epochs=2, patience=8, decay=0.01, **options))
    return kept, trials, len(history)
for best in range(5):
    kept, trials, told = run(best)
    print(best, told, all(torch.equal(value, trials[best][name]) for name, value in kept.items()))
_, trials, _ = run(0)
moved = (trials[2]["ceiling"] - start["ceiling"]).abs().item()
print(moved > 0.01, 0 <= trials[2]["ceiling"].item() <= 1)
print(all(torch.allclose(trials[4][name], start[name] + 0.7 * (trials[2][name] - start[name]), atol=1e-6) for name in start))
_, trials, _ = run(0, freeze=["gate"])
print(torch.equal(trials[2]["ceiling"], start["ceiling"]))
_, trials, told = run(0, fresh=True)
print(told)
`);
    const lines = said
      .trim()
      .split('\n')
      .filter((line) => !/^(before|epoch|0\.[57] of)/.test(line));
    expect(lines).toEqual([...[0, 1, 2, 3, 4].map((best) => `${best} 5 True`), 'True True', 'True', 'True', '3']);
  },
  PYTHON_MS,
);

test.skipIf(!python)(
  'rows of like length come together, each shopper once (FUSERANK_PYTHON)',
  async () => {
    const said = await askPython(`
import torch
from train_sasrec import chunk_alike
torch.manual_seed(1)
lengths = torch.randint(2, 51, (500,))
shoppers = torch.nonzero(lengths > 4).flatten()
chunks = chunk_alike(shoppers, lengths, 32)
print(torch.equal(torch.cat(chunks).sort().values, shoppers), max(len(chunk) for chunk in chunks))
inside = sum(float(lengths[chunk].float().std()) for chunk in chunks) / len(chunks)
print(inside < 0.5 * float(lengths[shoppers].float().std()))
`);
    expect(said.trim().split('\n')).toEqual(['True 32', 'True']);
  },
  PYTHON_MS,
);
