"""Packs of simulated shoppers over permitted catalogues, in the form of packs.py: what ships is trained on these.

    python simulated_packs.py --catalogues CATALOGUES --models DIR --out PACKS --count 24 --seed 1

Of ten packs six are shops drawn from nothing, three ESCI with its narrow categories merged into aisles, one the project's rendered shop.
In half of them products that few events speak of are left out, as in the packs that rankers are measured on; the others keep their cold
products.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from catalogues import Catalogue, HashedWords, embed_titles
from dataset import load_catalogues
from derived_queries import DerivedQueries, derive_queries
from drawn_shop import draw_shop
from habits import Habits, draw_habits
from packs import KNOWN_EVENTS, Pack, write_pack
from sequences import Sequences
from shoppers import simulate_sequences

KINDS = {"drawn": 0.6, "esci": 0.3, "shop": 0.1}


def simulate_pack(catalogues: dict[str, Catalogue], models: Path | None, rng: np.random.Generator, kind: str, *, kept: bool) -> tuple[Pack, Habits]:
    """`models`: None leaves the queries without vectors. `kept`: cold products stay."""
    if kind == "drawn":
        catalogue, queries = draw_shop(int(rng.integers(2**31)))
        catalogue = hide_fields(catalogue, rng)
    else:
        catalogue = hide_fields(shelve(catalogues[kind], least=int(np.exp(rng.uniform(np.log(20), np.log(250)))), rng=rng), rng)
        queries = derive_queries(catalogue, encoders_of(catalogue, models) if models else {}, rng)
    habits = draw_habits(rng)
    known = float(np.exp(rng.uniform(np.log(5), np.log(16))))  # events a product
    mean_length = habits.shortest + (habits.length - habits.shortest + 1) * np.exp(habits.length_spread**2 / 2)
    shoppers = int(np.clip(known * len(catalogue) / mean_length, 500, 40_000))
    sequences = simulate_sequences(catalogue, rng, shoppers=shoppers, habits=habits)
    pack = Pack(catalogue, queries, sequences, from_end(sequences))
    return (pack if kept else leave_out_cold(pack)), habits


def from_end(sequences: Sequences) -> np.ndarray:
    """Events of the same shopper after each one [E]"""
    ends = np.append(np.flatnonzero(np.diff(sequences.shopper)), len(sequences) - 1)
    return np.repeat(ends, np.diff(ends, prepend=-1)) - np.arange(len(sequences))


def shelve(catalogue: Catalogue, *, least: int, rng: np.random.Generator) -> Catalogue:
    """Category lists cut where a value, so placed, still has `least` products; a third of the catalogues are a part of their shop."""
    prefixes = [tuple(row[: depth + 1]) for row in catalogue.category_lists for depth in range(len(row))]
    size = dict.fromkeys(prefixes, 0)
    of_row = np.bincount(catalogue.category, minlength=len(catalogue.category_lists))
    for row, count in zip(catalogue.category_lists, of_row, strict=True):
        for depth in range(len(row)):
            size[tuple(row[: depth + 1])] += int(count)
    cut = [next((row[:depth] for depth in range(len(row), 0, -1) if size[tuple(row[:depth])] >= least), row[:1]) for row in catalogue.category_lists]
    return replace(catalogue, category_lists=cut)


def hide_fields(catalogue: Catalogue, rng: np.random.Generator) -> Catalogue:
    """Brands that many products do not state, and shops without prices or reviews."""
    nothing = np.full(len(catalogue), np.nan)
    without_reviews = rng.random() < 0.4
    return replace(
        catalogue,
        brand=hide_brands(catalogue.brand, rng.uniform(0, 0.45), rng),
        price=nothing if rng.random() < 0.4 else catalogue.price,
        rating=nothing if without_reviews else catalogue.rating,
        reviews=nothing if without_reviews else catalogue.reviews,
    )


def hide_brands(brand: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """About so many products do not state theirs: those of the smallest brands, or anybody's [n]"""
    if rng.random() < 0.5:
        return np.where(rng.random(len(brand)) < share, -1, brand)
    size = np.bincount(brand[brand >= 0])[brand] * (brand >= 0) + rng.uniform(0, 0.9, len(brand))
    return np.where(size < np.quantile(size, share), -1, brand)


def encoders_of(catalogue: Catalogue, models: Path) -> dict:
    """Those of the catalogue's own vectors that derived queries can be read with."""
    sentences = lambda texts: embed_titles(models / "all-minilm-l6-v2", texts)  # noqa: E731
    return {"minilm": sentences, "hashed": HashedWords(catalogue.titles)}


def leave_out_cold(pack: Pack) -> Pack:
    """Without products that fewer than KNOWN_EVENTS events before everybody's last two speak of (packs.order_events)."""
    n = len(pack.catalogue)
    kept = np.bincount(pack.sequences.item[pack.from_end >= 2], minlength=n) >= KNOWN_EVENTS
    return keep_products(pack, np.flatnonzero(kept))


def keep_products(pack: Pack, rows: np.ndarray) -> Pack:
    catalogue, queries, events = pack.catalogue, pack.queries, pack.sequences
    number = np.full(len(catalogue), -1)
    number[rows] = np.arange(len(rows))
    mine = number[events.item] >= 0
    take = lambda vectors: {name: values[rows] for name, values in vectors.items()}  # noqa: E731
    return Pack(
        catalogue=replace(
            catalogue,
            texts=take(catalogue.texts), images=take(catalogue.images), traits=take(catalogue.traits), titles=[catalogue.titles[row] for row in rows],
            brand=catalogue.brand[rows], category=catalogue.category[rows],
            price=catalogue.price[rows], rating=catalogue.rating[rows], reviews=catalogue.reviews[rows],
            queries=[], query_source=np.zeros(0, int), query_texts={},
        ),
        queries=DerivedQueries(queries.texts, queries.bare[rows], queries.worded[rows], queries.vectors),
        sequences=Sequences(events.shopper[mine], number[events.item[mine]].astype(np.int32), events.action[mine], events.time[mine]),
        from_end=pack.from_end[mine],
    )  # fmt: skip


def draw_kind(catalogues: dict[str, Catalogue], rng: np.random.Generator) -> str:
    names = [name for name in KINDS if name == "drawn" or name in catalogues]
    chances = np.array([KINDS[name] for name in names])
    return str(rng.choice(names, p=chances / chances.sum()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("catalogues", "models", "out"):
        parser.add_argument(f"--{option}", type=Path, required=True)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rendered = load_catalogues(options.catalogues)
    for number in range(options.count):
        draw = np.random.default_rng([options.seed, number])
        chosen = draw_kind(rendered, draw)
        made, _ = simulate_pack(rendered, options.models, draw, chosen, kept=bool(draw.random() < 0.5))
        write_pack(made, options.out / f"{chosen}-{number:03d}.pickle")
        print(number, chosen, len(made.catalogue), "products,", len(made.sequences), "events,", len(made.queries.texts), "queries", flush=True)
