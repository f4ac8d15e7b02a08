"""A catalogue as one shop shows it."""

import numpy as np

from behaviour import Behaviour
from catalogues import Catalogue, unit, words
from columns import match_words, words_of
from first_phase import FieldSearch


class View:
    """A catalogue as one shop shows it: one encoder a modality, some pictures, texts and attributes missing."""

    behaviour: Behaviour | None = None

    def __init__(self, catalogue: Catalogue, rng: np.random.Generator):
        self.catalogue, self.rng = catalogue, rng
        n = len(catalogue)
        encoders = list(catalogue.texts)
        share = np.array([0.3 if name == "hashed" else 1.0 for name in encoders])
        encoder = str(rng.choice(encoders, p=share / share.sum()))
        self.text = catalogue.texts[encoder] * (rng.random(n) >= rng.choice([0, 0, 0, 0.1, 1], p=[0.3, 0.3, 0.15, 0.17, 0.08]))[:, None]
        self.query_text = catalogue.query_texts[encoder]
        if catalogue.name == "esci":
            # Bags of title words are poorer sentences than what people type: vectors lean to what was meant, so that vector search
            # is between .9 and 1.15 times as good as BM25, and their mix better than both (on real queries: .92 to 1.04).
            self.query_text = unit(self.query_text + rng.uniform(0.08, 0.24) * catalogue.texts[encoder][catalogue.query_source])
        self.image = np.zeros((n, 8), np.float32)
        if catalogue.images and rng.random() > 0.12:
            missing = rng.choice([0, 0.05, 0.3, 0.6], p=[0.45, 0.25, 0.2, 0.1])
            self.image = catalogue.images[str(rng.choice(list(catalogue.images)))] * (rng.random(n) >= missing)[:, None]
        self.has_text, self.has_image = (np.abs(rows).sum(1) > 0 for rows in (self.text, self.image))
        self.query_head = self.fit_head() if self.has_image.mean() > 0.3 and self.has_text.mean() > 0.3 and rng.random() < 0.7 else None
        self.brand = catalogue.brand if rng.random() > 0.25 else np.full(n, -1)
        self.knows_category = rng.random() > 0.2
        self.category_overlap = overlap_lists(catalogue.category_lists) * self.knows_category
        self.category_words = split_categories(catalogue)
        self.price, self.rating, self.reviews = (
            values if rng.random() > chance else np.full(n, np.nan)
            for values, chance in ((catalogue.price, 0.15), (catalogue.rating, 0.2), (catalogue.reviews, 0.2))
        )
        self.kind_overlap = overlap_lists(catalogue.category_lists)
        self.index_words()
        self.statistics = self.measure_cosines()

    def index_words(self) -> None:
        catalogue = self.catalogue
        with_category = self.rng.random() < 0.4
        texts = [title + (" " + " ".join(catalogue.category_lists[c]) if with_category else "") for title, c in zip(catalogue.titles, catalogue.category, strict=True)]
        search = FieldSearch([(1.0, texts)])
        self.vocabulary, self.idf, self.bm25 = search.vocabulary, search.idf, search.fields[0]
        self.holds = self.bm25.copy()
        self.holds.data = np.ones_like(self.bm25.data)
        self.profile = self.holds.multiply(self.idf[None, :]).tocsr()

    def score_words(self, query: str) -> tuple[np.ndarray, np.ndarray]:
        """BM25 of every product, and the share of the query's idf weight that it holds."""
        known = sorted({self.vocabulary[w] for w in words(query) if w in self.vocabulary})
        if not known:
            return np.zeros(len(self.catalogue)), np.zeros(len(self.catalogue))
        share = self.holds[:, known] @ self.idf[known] / self.idf[known].sum()
        return np.asarray(self.bm25[:, known].sum(1)).ravel(), np.asarray(share).ravel()

    def forget_search(self) -> None:
        """Lists are made: the index of words is not needed any more."""
        del self.bm25, self.holds, self.profile, self.vocabulary, self.kind_overlap

    def match_category(self, query: str, items: np.ndarray) -> np.ndarray:
        """Share of the query's words that each product's categories hold [N]"""
        if not self.knows_category:
            return np.full(len(items), np.nan)
        asked, category = words_of(query), self.catalogue.category[items]
        matches = {row: match_words(asked, self.category_words[row]) if self.catalogue.category_lists[row] else np.nan for row in np.unique(category)}
        return np.array([matches[row] for row in category])

    def fit_head(self) -> np.ndarray:
        """Ridge from text to picture space on this catalogue's pairs, applied to every query."""
        pairs = np.flatnonzero(self.has_text & self.has_image)
        text, image = self.text[pairs], self.image[pairs]
        strength = float(10 ** self.rng.uniform(-2.5, 0)) * len(pairs) / text.shape[1]
        matrix = np.linalg.solve(text.T @ text + strength * np.eye(text.shape[1], dtype=np.float32), text.T @ image)
        return unit(self.query_text @ matrix)

    def measure_cosines(self) -> np.ndarray:
        """[5, 2] in the order of contract.COSINE_PAIRS, measured on random pairs, then shaken."""
        rng = self.rng
        texts, images = np.flatnonzero(self.has_text), np.flatnonzero(self.has_image)
        draw = lambda rows, places: rows[rng.choice(places, 1500)]  # noqa: E731
        some = lambda rows: rows[rng.integers(len(rows), size=1500)]  # noqa: E731
        pairs = [None] * 5
        if len(texts):
            pairs[0] = (some(self.query_text), draw(self.text, texts))
            pairs[3] = (draw(self.text, texts), draw(self.text, texts))
        if len(images):
            pairs[1] = pairs[4] = (draw(self.image, images), draw(self.image, images))
            if self.query_head is not None:
                pairs[2] = (some(self.query_head), draw(self.image, images))
        statistics = np.tile([0.0, 1.0], (5, 1))
        for place, pair in enumerate(pairs):
            if pair is None:
                continue
            cosine = (pair[0] * pair[1]).sum(1)
            spread = max(0.02, float(cosine.std()))
            statistics[place] = cosine.mean() + rng.normal(0, 0.25) * spread, spread * rng.lognormal(0, 0.2)
        return statistics.astype(np.float32)


def split_categories(catalogue: Catalogue) -> list[set[str]]:
    """The words of each category list."""
    return [{word for value in row for word in words_of(value)} for row in catalogue.category_lists]


def overlap_lists(lists: list[list[str]]) -> np.ndarray:
    """Jaccard index of every two category lists [C, C]"""
    values = sorted({value for row in lists for value in row})
    place = {value: index for index, value in enumerate(values)}
    holds = np.zeros((len(lists), max(1, len(values))), np.float32)
    for row, value in enumerate(lists):
        holds[row, [place[v] for v in value]] = 1
    shared = holds @ holds.T
    sizes = holds.sum(1)
    return shared / np.maximum(1, sizes[:, None] + sizes[None, :] - shared)


def compare_attributes(view: View, items: np.ndarray, history: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Same brand, and overlap of the category lists [N, L]."""
    same = (view.brand[items][:, None] == view.brand[history][None, :]) & (view.brand[items] >= 0)[:, None]
    category = view.catalogue.category
    return same.astype(np.float32), view.category_overlap[category[items][:, None], category[history][None, :]]
