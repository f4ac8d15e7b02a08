"""A catalogue as one shop shows it that keeps a log: its search, its vectors, its statistics."""

from dataclasses import replace

import numpy as np

from behaviour import Behaviour, count_behaviour, narrowest
from catalogues import Catalogue, unit
from derived_queries import DerivedQueries
from first_phase import FieldSearch, Found, find
from sequences import Sequences
from view import View, overlap_lists, split_categories

# What a search over the fields gives their words, the title's counting double.
BOOSTS = {"title": 2.0, "brand": 1.0, "category": 1.0}


class LoggedView(View):
    """`plain`: everything the catalogue has, as OpenSearch would be asked; else encoders, fields and the first phase are drawn, and
    `nameless` tells whether products are called by their brand and category alone."""

    def __init__(
        self, catalogue: Catalogue, queries: DerivedQueries, brands: list[str] | None, rng: np.random.Generator, *, plain: bool, nameless: bool = False
    ):
        if nameless:
            catalogue = take_names(catalogue)
        self.catalogue, self.queries, self.rng = catalogue, queries, rng
        draw = lambda chance: not plain and rng.random() < chance  # noqa: E731
        n = len(catalogue)
        encoders = [name for name in catalogue.texts if name in queries.vectors]
        share = np.array([0.3 if name == "hashed" else 1.0 for name in encoders])
        encoder = encoders[0] if plain else str(rng.choice(encoders, p=share / share.sum()))
        missing = 0.0 if plain else rng.choice([0, 0.1, 1], p=[0.75, 0.15, 0.1])
        self.text = catalogue.texts[encoder] * (rng.random(n) >= missing)[:, None]
        self.query_text = queries.vectors[encoder]
        self.image = np.zeros((n, 8), np.float32)
        if catalogue.images and not draw(0.25):
            gaps = 0.0 if plain else rng.choice([0, 0.05, 0.3, 0.6], p=[0.45, 0.25, 0.2, 0.1])
            images = list(catalogue.images)
            self.image = catalogue.images[images[0] if plain else str(rng.choice(images))] * (rng.random(n) >= gaps)[:, None]
        self.has_text, self.has_image = (np.abs(rows).sum(1) > 0 for rows in (self.text, self.image))
        self.query_head = self.fit_head() if self.has_image.mean() > 0.3 and self.has_text.mean() > 0.3 and not draw(0.3) else None
        self.brand = np.full(n, -1) if draw(0.15) else catalogue.brand
        self.knows_category = not draw(0.15)
        self.category_overlap = overlap_lists(catalogue.category_lists) * self.knows_category
        self.price, self.rating, self.reviews = (
            np.full(n, np.nan) if draw(chance) else values for values, chance in ((catalogue.price, 0.15), (catalogue.rating, 0.2), (catalogue.reviews, 0.2))
        )
        self.category_words = split_categories(catalogue)
        self.statistics = self.measure_cosines()
        self.behaviour: Behaviour | None = None
        self.open_search(brands, plain)

    def open_search(self, brands: list[str] | None, plain: bool) -> None:
        catalogue, rng = self.catalogue, self.rng
        texts = {
            "title": [title or "" for title in catalogue.titles],
            "brand": [brands[number] if brands and number >= 0 else "" for number in catalogue.brand],
            "category": [" ".join(catalogue.category_lists[row]) for row in catalogue.category],
        }
        boosts = dict(BOOSTS)
        self.window, self.added, self.mix = 200, 50, 0.0
        if not plain:
            form = rng.random()
            if form < 0.15:
                boosts = {"title": 1.0}
            elif form < 0.5:
                boosts = {name: float(rng.lognormal(0, 0.7)) for name in boosts}
            self.window = int(rng.choice([rng.integers(30, 90), rng.integers(90, 200), 200], p=[0.15, 0.35, 0.5]))
            self.added = int(rng.choice([0, self.window // 4], p=[0.35, 0.65]))
            self.mix = float(rng.choice([0, rng.uniform(0.1, 0.7)], p=[0.6, 0.4])) if self.has_text.any() else 0.0
        self.search = FieldSearch([(boost, texts[name]) for name, boost in boosts.items()])
        self.found: dict[int, Found] = {}

    def keep_log(self, events: Sequences, moment: float, *, min_users_per_pair: int = 2) -> None:
        category = narrowest(self.catalogue.category, self.catalogue.category_lists)
        self.behaviour = count_behaviour(events, category, moment=moment, min_users_per_pair=min_users_per_pair)

    def ask(self, query: int) -> Found:
        """`query`: place among the derived ones."""
        found = self.found.get(query)
        if found is None:
            cosines = np.where(self.has_text, self.text @ self.query_text[query], -np.inf) if self.has_text.any() else None
            found = find(self.search.score(self.queries.texts[query]), cosines, window=self.window, mix=self.mix, rng=self.rng)
            self.found[query] = found
        return found

    def forget_search(self) -> None:
        """Lists are made: neither the index nor the answers are needed any more."""
        del self.search
        self.found.clear()


def take_names(catalogue: Catalogue) -> Catalogue:
    """Products called by brand and category, as feeds without titles are: all of one brand and category read alike."""
    said = [f"{brand} {row}" for brand, row in zip(catalogue.brand, catalogue.category, strict=True)]
    _, first, group = np.unique(said, return_index=True, return_inverse=True)
    sums = {name: np.zeros((len(first), rows.shape[1]), np.float32) for name, rows in catalogue.texts.items()}
    for name, rows in catalogue.texts.items():
        np.add.at(sums[name], group, rows)
    leaf = [(lists[-1:] or [""])[0] for lists in catalogue.category_lists]
    titles = [f"brand{brand} {leaf[row]}" if brand >= 0 else leaf[row] for brand, row in zip(catalogue.brand, catalogue.category, strict=True)]
    return replace(catalogue, titles=titles, texts={name: unit(rows)[group] for name, rows in sums.items()})
