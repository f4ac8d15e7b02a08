"""LightGBM's LambdaMART on the evidence that fusion-base weighs, from a table of lists: the rival that needs no network."""

import lightgbm
import numpy as np
import torch
from torch import Tensor, nn

from boosted import score_rows
from model import FusionBase
from tuned.list_table import ListTable
from tuned.trainer import HELD_OUT

BATCH, CANDIDATES = 64, 96
TREES, PATIENCE = 600, 40


class Trees(nn.Module):
    """Speaks as a network: score [B, N], and a gate that trusts it."""

    def __init__(self, booster: lightgbm.Booster):
        super().__init__()
        self.booster, self.weightless = booster, FusionBase().eval()

    def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        evidence = self.weightless.candidate_rows(x)
        return {"score": score_rows(self.booster, evidence), "gate": torch.ones(len(evidence))}


@torch.no_grad()
def gather_rows(table: ListTable, places: np.ndarray, *, keep: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Evidence [R, FEATURES], grades [R] and lengths of the lists [G]"""
    weightless, generator = FusionBase().eval(), torch.Generator().manual_seed(seed)
    rows, grades, lengths = [], [], []
    for start in range(0, len(places), BATCH):
        batch = table.batch(places[start : start + BATCH], keep=keep, generator=generator)
        here = batch.inputs["candidate_mask"].numpy() > 0
        rows.append(weightless.candidate_rows(batch.inputs).numpy()[here])
        grades.append(batch.grades.numpy()[here].astype(int))
        lengths.append(here.sum(1))
    return np.concatenate(rows), np.concatenate(grades), np.concatenate(lengths)


def fit_trees(table: ListTable, *, seed: int, split_seed: int = 1) -> lightgbm.Booster:
    """Stops where the held-out tenth is ranked best, as the networks do."""
    learn, held = table.split(HELD_OUT, split_seed)
    rows, grades, lengths = gather_rows(table, learn, keep=CANDIDATES, seed=seed)
    held_rows, held_grades, held_lengths = gather_rows(table, held, keep=0, seed=seed)
    model = lightgbm.LGBMRanker(
        n_estimators=TREES, num_leaves=31, learning_rate=0.05, min_child_samples=50, random_state=seed, n_jobs=1, verbose=-1,
        colsample_bytree=0.7, subsample=0.8, subsample_freq=1, reg_lambda=1.0, eval_at=[10],
    )  # fmt: skip
    model.fit(
        rows, grades, group=lengths, eval_set=[(held_rows, held_grades)], eval_group=[held_lengths], eval_metric="ndcg",
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
    )  # fmt: skip
    return model.booster_
