"""LightGBM's LambdaMART over the same evidence that fusion-base weighs, and the two together.

    python boosted.py --lists LISTS... --out trees.txt
"""

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import lightgbm
import numpy as np
import torch

from dataset import Batch
from list_batches import load_lists, walk_lists
from model import FusionBase

BATCH = 32


def gather_evidence(batches: Iterator[Batch], count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Evidence of the candidates of `count` batches [rows, F'], what became of each, and the lists' lengths. Lists without a target are out."""
    weightless = FusionBase().eval()
    rows, grades, lengths = [], [], []
    for batch in islice(batches, count):
        with torch.no_grad():
            evidence = weightless.gather(batch.inputs)[0].transpose(1, 2).numpy()
        present = batch.inputs["candidate_mask"].numpy() > 0
        present &= (batch.outcome.numpy() > 0).any(1)[:, None]
        rows.append(evidence[present])
        grades.append(batch.outcome.numpy()[present].astype(int))
        lengths.append(present.sum(1)[present.any(1)])
    return np.concatenate(rows), np.concatenate(grades), np.concatenate(lengths)


def fit_trees(rows: np.ndarray, grades: np.ndarray, lengths: np.ndarray, *, trees: int, leaves: int, rate: float, seed: int) -> lightgbm.Booster:
    model = lightgbm.LGBMRanker(
        n_estimators=trees, num_leaves=leaves, learning_rate=rate, min_child_samples=50, random_state=seed, n_jobs=1, verbose=-1,
        colsample_bytree=0.7, subsample=0.8, subsample_freq=1, reg_lambda=1.0, label_gain=[0, 1, 1.5, 2],
    )  # fmt: skip
    model.fit(rows, np.minimum(grades, 3), group=lengths)
    return model.booster_


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lists", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--batches", type=int, default=300, help="of 32 lists")
    parser.add_argument("--trees", type=int, default=300)
    parser.add_argument("--leaves", type=int, default=31)
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows, grades, lengths = gather_evidence(walk_lists(load_lists(options.lists), batch=BATCH, seed=options.seed), options.batches)
    booster = fit_trees(rows, grades, lengths, trees=options.trees, leaves=options.leaves, rate=options.rate, seed=options.seed)
    booster.save_model(str(options.out))
    print(f"{len(lengths)} lists, {len(rows)} rows, {booster.num_trees()} trees")


if __name__ == "__main__":
    main()
