"""The first phase offline: what OpenSearch's `cross_fields` query finds over a catalogue's fields, and what vectors add."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from catalogues import words

BM25_K1, BM25_B = 1.2, 0.75
DEPTH = 100  # neighbours that a vector leg brings


@dataclass
class Found:
    """Of one query: hits in order, and the order of the text vectors."""

    hits: np.ndarray  # [H] products
    scores: np.ndarray  # [H]
    near: np.ndarray  # [K] products


class FieldSearch:
    """BM25 of each word in the field where it weighs most, summed over the words; frequencies are those of the field that holds a word most
    often, as `cross_fields` blends them."""

    def __init__(self, fields: list[tuple[float, list[str]]]):
        """`fields`: boost and the texts of all n products."""
        rows = [[words(text) for text in texts] for _, texts in fields]
        self.vocabulary = {word: place for place, word in enumerate(sorted({word for field in rows for row in field for word in row}))}
        self.size = len(rows[0])
        counts = [self.count(field) for field in rows]
        held = np.max([np.diff(count.indptr) for count in counts], axis=0)
        self.idf = np.log(1 + (self.size - held + 0.5) / (held + 0.5))
        self.fields = [self.weigh(count, field, boost, self.idf) for count, field, (boost, _) in zip(counts, rows, fields, strict=True)]

    def count(self, rows: list[list[str]]) -> sparse.csc_matrix:
        columns = np.array([self.vocabulary[word] for row in rows for word in row], int)
        places = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        counts = sparse.coo_matrix((np.ones(len(columns)), (places, columns)), (len(rows), len(self.vocabulary))).tocsc()
        counts.sum_duplicates()
        return counts

    def weigh(self, counts: sparse.csc_matrix, rows: list[list[str]], boost: float, idf: np.ndarray) -> sparse.csc_matrix:
        length = np.array([len(row) for row in rows])
        norm = BM25_K1 * (1 - BM25_B + BM25_B * length / max(1, length[length > 0].mean() if length.any() else 1))
        weights = counts.copy()
        weights.data = boost * counts.data / (counts.data + norm[counts.indices]) * np.repeat(idf, np.diff(counts.indptr))
        return weights

    def score(self, query: str) -> np.ndarray:
        """[n], 0 where no word is held."""
        total = np.zeros(self.size)
        for word in dict.fromkeys(words(query)):
            place = self.vocabulary.get(word)
            if place is None:
                continue
            best = np.zeros(self.size)
            for field in self.fields:
                start, end = field.indptr[place], field.indptr[place + 1]
                at = field.indices[start:end]
                best[at] = np.maximum(best[at], field.data[start:end])
            total += best
        return total


def find(scores: np.ndarray, cosines: np.ndarray | None, *, window: int, mix: float, rng: np.random.Generator) -> Found:
    """`mix` 0: words alone; else the share of the cosines in a convex sum of both. `cosines` [n], -inf without a vector; None: no vectors."""
    first = np.where(scores > 0, scores, -np.inf)
    if mix > 0 and cosines is not None:
        present = np.isfinite(cosines)
        top = cosines.max()
        mean = cosines[present].mean()
        dense = np.where(present, np.clip((cosines - mean) / max(1e-6, top - mean), 0, 1), 0)
        first = (1 - mix) * scores / max(1e-6, scores.max()) + mix * dense
        first = np.where(first > 0.05, first, -np.inf)
    hits = np.lexsort((rng.random(len(first)), -first))[:window]  # products of one score come in no order
    hits = hits[np.isfinite(first[hits])]
    near = np.zeros(0, int)
    if cosines is not None:
        near = np.argpartition(-cosines, min(DEPTH, len(cosines) - 1))[:DEPTH]
        near = near[np.argsort(-cosines[near], kind="stable")]
        near = near[np.isfinite(cosines[near])]
    return Found(hits, first[hits], near)
