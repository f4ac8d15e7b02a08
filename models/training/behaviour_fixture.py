"""Ties the statistics of Python and TypeScript together: writes test/indexer/behaviour.fixture.json anew.

    python behaviour_fixture.py
"""

import json

import numpy as np

from behaviour import count_behaviour
from columns import COUNTERS
from contract import ACTION, MODELS
from sequences import Sequences

ACTIONS = ["impression", "click", "add_to_cart", "purchase"]
DAY = 86_400.0


def write_fixture() -> None:
    """The first shop is small enough that factors have all the dimensions they need; in the second, lists of neighbours are cut."""
    cases = [draw_case(np.random.default_rng(3), items=24, shoppers=60, length=14), draw_case(np.random.default_rng(4), items=140, shoppers=260, length=24)]
    (MODELS.parent / "test" / "indexer" / "behaviour.fixture.json").write_text(json.dumps({"cases": cases}) + "\n")


def draw_case(rng: np.random.Generator, *, items: int, shoppers: int, length: int) -> dict:
    share = rng.dirichlet(np.full(items, 0.6))
    category = np.where(rng.random(items) < 0.15, -1, rng.integers(4, size=items))
    rows = []
    for shopper in range(shoppers):
        count = int(rng.integers(1, length))
        # Whole seconds before the moment, oldest first.
        age = np.sort(rng.integers(1, int(14 * DAY), count))[::-1]
        rows.append([[int(i), int(a), int(-t)] for i, a, t in zip(rng.choice(items, count, p=share), rng.choice(4, count, p=[0.2, 0.5, 0.2, 0.1]), age, strict=True)])
    flat = np.array([event for row in rows for event in row])
    events = Sequences(
        shopper=np.repeat(np.arange(shoppers, dtype=np.int32), [len(row) for row in rows]),
        item=flat[:, 0].astype(np.int32),
        action=np.array([ACTION[ACTIONS[action]] for action in flat[:, 1]], np.int8),
        time=flat[:, 2].astype(float),
    )
    behaviour = count_behaviour(events, category, moment=0.0)
    weights, cosines = behaviour.weights.tocoo(), behaviour.cosines.tocoo()
    place = lambda values: [None if np.isnan(value) else float(f"{value:.8g}") for value in values]  # noqa: E731
    return {
        "categories": [None if number < 0 else f"category {number}" for number in category],
        "shoppers": rows,  # [item, place in `actions`, seconds before the moment, negative]
        "actions": ACTIONS,
        "counters": {name: place(getattr(behaviour, name)) for name in COUNTERS},
        "pairs": [[int(a), int(b), float(f"{w:.6g}"), float(f"{c:.6g}")] for a, b, w, c in zip(weights.row, weights.col, weights.data, cosines.data, strict=True) if a < b],
        "factorProducts": [place(row) for row in (behaviour.factor @ behaviour.factor.T)[:24, :24]],
    }


if __name__ == "__main__":
    write_fixture()
