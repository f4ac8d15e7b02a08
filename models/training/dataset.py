"""Simulated lists -> batches of the contract's inputs."""

from dataclasses import dataclass
from pathlib import Path
import pickle

import numpy as np
import torch
from torch import Tensor

from catalogues import Catalogue, unit
from contract import ALL_COLUMNS, COLUMNS
from latent_shop import draw_latent_shop
from simulator import SimulatedList
from view import View, compare_attributes

# Shares of the views drawn from each catalogue; the rest are latent shops.
SHARES = {"esci": 0.3, "shop": 0.25, "photos": 0.05}
COLUMN_PLACES = [ALL_COLUMNS.index(name) for name in COLUMNS]


@dataclass
class Batch:
    inputs: dict[str, Tensor]
    chosen: Tensor  # [B, N]
    outcome: Tensor  # [B, N]
    families: list[str]
    catalogue: str


def load_catalogues(folder: Path) -> dict[str, Catalogue]:
    catalogues = {file.stem: Catalogue(**pickle.loads(file.read_bytes())) for file in sorted(folder.glob("*.pickle"))}
    for catalogue in catalogues.values():
        for vectors in (catalogue.texts, catalogue.images, catalogue.query_texts):
            vectors.update({name: unit(rows.astype(np.float32)) for name, rows in vectors.items()})
            if "hashed" in vectors:  # an encoder of middling worth
                vectors["mixed"] = unit(np.concatenate([vectors["minilm"], vectors["hashed"]], 1))
    return catalogues


def draw_view(catalogues: dict[str, Catalogue], rng: np.random.Generator) -> View:
    names = [name for name in SHARES if name in catalogues]
    shares = [SHARES[name] for name in names]
    name = str(rng.choice([*names, "latent"], p=[*shares, 1 - sum(shares)]))
    return View(draw_latent_shop(int(rng.integers(2**31))) if name == "latent" else catalogues[name], rng)


def collate(view: View, lists: list[SimulatedList]) -> Batch:
    b, n, length = len(lists), max(len(one.items) for one in lists), max(1, max(len(one.history) for one in lists))
    zeros = lambda *dims: np.zeros((b, *dims), np.float32)  # noqa: E731
    text_dims, image_dims = view.text.shape[1], view.image.shape[1]
    x = {
        "candidate_mask": zeros(n),
        "query_text": zeros(text_dims), "query_text_mask": zeros(), "query_image": zeros(image_dims), "query_image_mask": zeros(),
        "query_head": zeros(image_dims), "query_head_mask": zeros(),
        "item_text": zeros(n, text_dims), "item_text_mask": zeros(n), "item_image": zeros(n, image_dims), "item_image_mask": zeros(n),
        "history_mask": zeros(length), "history_text": zeros(length, text_dims), "history_text_mask": zeros(length),
        "history_image": zeros(length, image_dims), "history_image_mask": zeros(length),
        "history_brand": zeros(n, length), "history_category": zeros(n, length),
        "history_covisits": zeros(n, length), "history_covisits_norm": zeros(n, length), "history_factor": zeros(n, length),
        "history_event": zeros(length), "history_age": zeros(length), "history_session": zeros(length),
        "cosine_stats": np.repeat(view.statistics[None], b, 0), "columns": zeros(n, len(COLUMNS)),
    }  # fmt: skip
    chosen, outcome = zeros(n), zeros(n)
    for row, one in enumerate(lists):
        c, e = len(one.items), len(one.history)
        x["candidate_mask"][row, :c] = 1
        if one.sees_text and view.has_text.any():
            x["query_text"][row], x["query_text_mask"][row] = view.query_text[one.query], 1
            if view.query_head is not None:
                x["query_head"][row], x["query_head_mask"][row] = view.query_head[one.query], 1
        if one.photo is not None:
            x["query_image"][row], x["query_image_mask"][row] = one.photo, 1
        x["item_text"][row, :c], x["item_text_mask"][row, :c] = view.text[one.items], view.has_text[one.items]
        x["item_image"][row, :c], x["item_image_mask"][row, :c] = view.image[one.items], view.has_image[one.items]
        x["columns"][row, :c] = one.columns[:, COLUMN_PLACES]
        chosen[row, :c], outcome[row, :c] = one.chosen, one.outcome
        if not e:
            continue
        x["history_mask"][row, :e] = 1
        x["history_text"][row, :e], x["history_text_mask"][row, :e] = view.text[one.history], view.has_text[one.history]
        x["history_image"][row, :e], x["history_image_mask"][row, :e] = view.image[one.history], view.has_image[one.history]
        x["history_brand"][row, :c, :e], x["history_category"][row, :c, :e] = compare_attributes(view, one.items, one.history)
        if view.behaviour:
            weights, cosines = view.behaviour.meet(one.items, one.history)
            x["history_covisits"][row, :c, :e], x["history_covisits_norm"][row, :c, :e] = np.log1p(weights), cosines
            x["history_factor"][row, :c, :e] = view.behaviour.factor[one.items] @ view.behaviour.factor[one.history].T
        x["history_event"][row, :e], x["history_age"][row, :e], x["history_session"][row, :e] = one.action, one.age, one.session
    return Batch(
        inputs={name: torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)) for name, values in x.items()},
        chosen=torch.from_numpy(chosen),
        outcome=torch.from_numpy(outcome),
        families=[one.family for one in lists],
        catalogue=view.catalogue.name.split("-")[0],
    )
