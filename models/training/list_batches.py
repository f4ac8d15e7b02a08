"""Stored lists -> batches without end, each as a shop of its own (augment.py)."""

import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from augment import randomise
from dataset import Batch, collate
from pack_lists import ViewLists
from simulator import SimulatedList


THINNED, THIN_SHARE = 96, 0.75


def load_lists(files: list[Path]) -> list[ViewLists]:
    return [views for file in files for views in pickle.loads(file.read_bytes())]


def walk_lists(views: list[ViewLists], *, batch: int, seed: int, randomised: bool = True) -> Iterator[Batch]:
    """Every list once a round, in batches of one view and of histories of like length, in an order of its own each round. Most are
    thinned when randomised: half the candidates teach nearly as much at half the cost."""
    rng, shops = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    while True:
        batches = [(each, chunk) for each in views for chunk in chunk_lists(each, batch, rng)]
        for place in rng.permutation(len(batches)):
            each, chunk = batches[place]
            thinned = THINNED if randomised and rng.random() < THIN_SHARE else None
            made = collate(each.view, [thin(each.lists[i], thinned, rng) if thinned else each.lists[i] for i in chunk])
            yield replace(made, inputs=randomise(made.inputs, shops)) if randomised else made


def thin(one: SimulatedList, count: int, rng: np.random.Generator) -> SimulatedList:
    """Those that something came of, the likeliest, and others at random; `count` in all."""
    n = len(one.items)
    if n <= count:
        return one
    value = one.chosen + one.outcome + np.where(one.chosen * n > 1, 1, 0) + 1e-3 * rng.random(n)
    kept = np.sort(np.argpartition(-value, count)[:count])
    chosen = one.chosen[kept] / max(1e-9, one.chosen[kept].sum())
    return replace(one, items=one.items[kept], columns=one.columns[kept], chosen=chosen, outcome=one.outcome[kept])


def chunk_lists(views: ViewLists, batch: int, rng: np.random.Generator) -> list[np.ndarray]:
    length = np.array([len(one.history) for one in views.lists])
    order = np.lexsort((rng.random(len(length)), np.floor(np.log1p(length) * 1.5 + rng.random())))
    return [order[start : start + batch] for start in range(0, len(order) - batch + 1, batch)]
