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
from torch import Tensor

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
            evidence = weightless.candidate_rows(batch.inputs).numpy()
        present = batch.inputs["candidate_mask"].numpy() > 0
        present &= (batch.outcome.numpy() > 0).any(1)[:, None]
        rows.append(evidence[present])
        grades.append(batch.outcome.numpy()[present].astype(int))
        lengths.append(present.sum(1)[present.any(1)])
    return np.concatenate(rows), np.concatenate(grades), np.concatenate(lengths)


def fit_trees(rows: np.ndarray, grades: np.ndarray, lengths: np.ndarray, *, trees: int, leaves: int, rate: float, seed: int) -> lightgbm.Booster:
    choices = {
        "objective": "lambdarank", "num_leaves": leaves, "learning_rate": rate, "min_data_in_leaf": 50, "seed": seed, "num_threads": 1, "verbose": -1,
        "feature_fraction": 0.7, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 1.0, "label_gain": [0, 1, 1.5, 2],
    }  # fmt: skip
    return lightgbm.train(choices, lightgbm.Dataset(rows, np.minimum(grades, 3), group=lengths), num_boost_round=trees)


def score_rows(trees: lightgbm.Booster, rows: Tensor) -> Tensor:
    """What the trees say of each candidate's evidence: [B, N, F'] -> [B, N]"""
    said = trees.predict(rows.reshape(-1, rows.shape[2]).numpy(), num_threads=1)
    return torch.from_numpy(said).float().reshape(rows.shape[:2])


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
