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


def load_lists(files: list[Path]) -> list[ViewLists]:
    return [views for file in files for views in pickle.loads(file.read_bytes())]


def walk_lists(views: list[ViewLists], *, batch: int, seed: int, randomised: bool = True) -> Iterator[Batch]:
    """Every list once a round, in batches of one view and of histories of like length, in an order of its own each round."""
    rng, shops = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    while True:
        batches = [(each, chunk) for each in views for chunk in chunk_lists(each, batch, rng)]
        for place in rng.permutation(len(batches)):
            each, chunk = batches[place]
            made = collate(each.view, [each.lists[i] for i in chunk])
            yield replace(made, inputs=randomise(made.inputs, shops)) if randomised else made


def chunk_lists(views: ViewLists, batch: int, rng: np.random.Generator) -> list[np.ndarray]:
    length = np.array([len(one.history) for one in views.lists])
    order = np.lexsort((rng.random(len(length)), np.floor(np.log1p(length) * 1.5 + rng.random())))
    return [order[start : start + batch] for start in range(0, len(order) - batch + 1, batch)]
