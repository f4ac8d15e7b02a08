"""Queries that nobody typed: what stands for a shopper's search for a product (deriveQuery of tuning/rows/next-item-query.ts)."""

import re
from dataclasses import dataclass

import numpy as np

from catalogues import Catalogue

EMPTY_WORDS = {"and", "for", "the", "with", "from", "your"}
SHORTEST_WORD = 3


@dataclass
class DerivedQueries:
    """Q distinct texts, and which of them stand for each of n products; -1: none."""

    texts: list[str]
    bare: np.ndarray  # [n] the narrowest category
    worded: np.ndarray  # [n] the same and a word of the title
    vectors: dict[str, np.ndarray]  # encoder -> [Q, Dt]


def derive_queries(catalogue: Catalogue, encoders: dict, rng: np.random.Generator) -> DerivedQueries:
    """`encoders`: name -> function from texts to unit rows."""
    places: dict[str, int] = {}
    bare, worded = np.full((2, len(catalogue)), -1)
    for item, (title, row) in enumerate(zip(catalogue.titles, catalogue.category, strict=True)):
        category = catalogue.category_lists[row]
        leaf = next((value.strip() for value in reversed(category) if value.strip()), None)
        if leaf is None:
            continue
        bare[item] = places.setdefault(leaf, len(places))
        if telling := title_words(title or "", category):
            worded[item] = places.setdefault(f"{leaf} {telling[rng.integers(len(telling))]}", len(places))
    texts = list(places)
    return DerivedQueries(texts, bare, worded, {name: encode(texts) for name, encode in encoders.items()})


def title_words(title: str, category: list[str]) -> list[str]:
    """Words of a title that say something the category does not, each once."""
    said = {stem(word) for value in category for word in split_words(value)}
    words: dict[str, str] = {}
    for word in split_words(title):
        tells = len(word) >= SHORTEST_WORD and re.search(r"[^\W\d_]", word) and word.lower() not in EMPTY_WORDS
        if tells and stem(word) not in said:
            words.setdefault(stem(word), word)
    return list(words.values())


def split_words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text)


def stem(word: str) -> str:
    return re.sub(r"(?<=[^\W\d_]{2})s$", "", word.lower())
