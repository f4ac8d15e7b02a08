"""Large shops drawn from nothing: a tree of categories, brands with lines, titles of made-up words, an encoder's vectors of them.

What `latent_shop.py` is to looks, this is to counts: thousands of products, so that histories meet and fall apart as in real shops. Words
of a category stand in some titles only, and categories share words and even names, so the first phase is as weak on bare categories as it
is in reality.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from catalogues import Catalogue, build, unit
from derived_queries import DerivedQueries, derive_queries

CONSONANTS, VOWELS = "bdfgklmnprstvz", "aeiou"
SYLLABLES = len(CONSONANTS) * len(VOWELS)


@dataclass
class Tree:
    """K narrow categories: each level's number of every one [K, levels], what the values are called, and which of the broader are shown."""

    path: np.ndarray
    names: list[list[str]]  # [levels][values]
    shown: np.ndarray  # [K] broader levels that a category list tells
    ends: np.ndarray  # [K] levels it tells at all: some products are told by a broader category alone

    def list(self, k: int) -> list[str]:
        """Values from broad to narrow."""
        levels = range(self.ends[k])
        return [self.names[level][self.path[k, level]] for level in levels if level == levels[-1] or level < self.shown[k]]


def spell(number: int) -> str:
    """A made-up word of its own for every number."""
    syllables = []
    number += SYLLABLES
    while number:
        number, syllable = divmod(number, SYLLABLES)
        syllables.append(CONSONANTS[syllable // len(VOWELS)] + VOWELS[syllable % len(VOWELS)])
    return "".join(syllables) + "x"


def draw_shop(seed: int, *, n: int | None = None) -> tuple[Catalogue, DerivedQueries]:
    rng = np.random.default_rng(seed)
    n = n or int(np.exp(rng.uniform(np.log(5_000), np.log(30_000))))
    words = iter(rng.permutation(400_000))
    tree = draw_tree(rng, leaves=max(12, int(n / np.exp(rng.uniform(np.log(18), np.log(150))))), words=words)
    k = len(tree.path)
    leaf = rng.choice(k, size=n, p=shares(rng.lognormal(0, rng.uniform(0.9, 1.7), k)))
    # A brand sells in a few neighbouring leaves, in lines that share words and looks.
    brands = max(10, int(n / np.exp(rng.uniform(np.log(6), np.log(60)))))
    brand = rng.choice(brands, size=n, p=shares(rng.lognormal(0, 1.1, brands)))
    home = rng.integers(k, size=brands)
    faithful = rng.random(n) < rng.uniform(0.3, 0.9)
    spread = np.clip(home[brand] + np.round(rng.laplace(0, rng.uniform(1, 0.06 * k + 2), n)).astype(int), 0, k - 1)
    leaf = np.where(faithful, spread, leaf)
    line = brand * 4 + rng.integers(4, size=n)
    kinds = int(rng.integers(4, 30))  # of each trait, told by words of their own
    traits = {name: rng.integers(kinds, size=n) for name in ("scent", "shade", "make")}
    wording = Wording(rng, tree, brands, kinds, words)
    titles = wording.write(rng, leaf, brand, line, traits)
    space = WordSpace(rng, tree)
    lists = [tree.list(place) for place in range(k)]
    level = rng.lognormal(2.8, 0.8, k)[leaf] * rng.lognormal(0, 0.35, brands)[brand]
    catalogue = build(
        f"drawn-{seed}",
        titles=titles,
        texts={"drawn": space.embed(titles, leaf, rng)},
        images={"drawn": draw_pictures(rng, leaf, traits, k, kinds)} if rng.random() < 0.4 else {},
        brand=[wording.brand[number] for number in brand],
        category=[lists[place] for place in leaf],
        price=list((level * rng.lognormal(0, 0.35, n)).round(2)),
        rating=list(np.clip(rng.normal(4.1, 0.5, n), 1, 5).round(1)),
        reviews=list(rng.lognormal(3, 1.3, n).astype(int).astype(float)),
        traits=traits | {"line": line},
    )
    of_name: dict[str, list[int]] = {}
    for place, names in enumerate(lists):
        of_name.setdefault(names[-1], []).append(place)
    # A query means one of the categories that bear its name.
    meant = lambda text: int(rng.choice(of_name.get(text) or of_name.get(text.rsplit(" ", 1)[0]) or [-1]))  # noqa: E731
    queries = derive_queries(catalogue, {"drawn": lambda texts: space.embed(texts, np.array([meant(text) for text in texts]), rng)}, rng)
    return catalogue, queries


def shares(weights: np.ndarray) -> np.ndarray:
    return weights / weights.sum()


def draw_tree(rng: np.random.Generator, *, leaves: int, words: Iterator[int]) -> Tree:
    """Two to four levels."""
    levels = int(rng.integers(2, 5))
    sizes = [int(rng.integers(3, 12))]
    for _ in range(levels - 2):
        sizes.append(int(sizes[-1] * rng.uniform(2, 5)))
    path = np.zeros((leaves, levels), int)
    path[:, -1] = np.arange(leaves)
    for level in range(levels - 1):
        size = min(sizes[level], leaves)
        bounds = np.sort(rng.choice(leaves, size, replace=False))
        path[:, level] = np.maximum(0, np.searchsorted(bounds, np.arange(leaves), "right") - 1)
    ends = np.where(rng.random(leaves) < rng.uniform(0, 0.25), levels - 1, levels)
    return Tree(path, name_values(rng, path, words), rng.integers(1, levels + 1, leaves), ends)


def name_values(rng: np.random.Generator, path: np.ndarray, words: Iterator[int]) -> list[list[str]]:
    """A head and perhaps what qualifies it; both may be anybody's, and the head the parent's: knives, hunting knives, folding knives."""
    leaves, levels = path.shape
    common = [spell(next(words)) for _ in range(max(10, int(leaves * rng.uniform(0.2, 0.8))))]
    shared, inherited = rng.uniform(0.1, 0.7), rng.uniform(0, 0.5)
    pick = lambda: common[int(len(common) * rng.random() ** 2)] if rng.random() < shared else spell(next(words))  # noqa: E731
    names: list[list[str]] = []
    for level in range(levels):
        of_level = []
        for value in range(int(path[:, level].max()) + 1):
            first = int(np.argmax(path[:, level] == value))
            parent = names[level - 1][path[first, level - 1]].split() if level else []
            head = parent[-1] if parent and rng.random() < inherited else pick()
            of_level.append(" ".join([*(pick() for _ in range(int(rng.integers(0, 3)))), head]))
        names.append(of_level)
    return names


class Wording:
    """What products are called: brand, line, words of their traits, filling words of their leaf, and perhaps the leaf's own."""

    def __init__(self, rng: np.random.Generator, tree: Tree, brands: int, kinds: int, words: Iterator[int]):
        fresh = lambda count: [spell(next(words)) for _ in range(count)]  # noqa: E731
        self.brand, self.line = fresh(brands), fresh(brands * 4)
        self.trait = {name: fresh(kinds) for name in ("scent", "shade", "make")}
        self.leaf = tree.names[-1]
        self.synonym = fresh(len(self.leaf))  # what a title may say instead
        self.filling = fresh(300)
        self.own = [fresh(8) for _ in self.leaf]
        self.told = {name: rng.uniform(0.1, 0.8) for name in ("brand", "line", "scent", "shade", "make")}
        self.named, self.meant = rng.uniform(0.3, 0.9), rng.uniform(0.2, 0.8)
        self.filled, self.owned = int(rng.integers(0, 6)), int(rng.integers(0, 4))
        if rng.random() < 0.3:  # a shop that calls its products by brand and category alone
            self.told = dict.fromkeys(self.told, 0.0) | {"brand": 1.0}
            self.named, self.filled, self.owned = 1.0, 0, 0

    def write(self, rng: np.random.Generator, leaf: np.ndarray, brand: np.ndarray, line: np.ndarray, traits: dict[str, np.ndarray]) -> list[str]:
        titles = []
        say = {name: rng.random(len(leaf)) < chance for name, chance in self.told.items()}
        named, meant = rng.random(len(leaf)) < self.named, rng.random(len(leaf)) < self.meant
        for i in range(len(leaf)):
            parts = [self.brand[brand[i]]] if say["brand"][i] else []
            parts += [self.line[line[i]]] if say["line"][i] else []
            parts += [self.trait[name][traits[name][i]] for name in self.trait if say[name][i]]
            parts += [self.own[leaf[i]][j] for j in rng.integers(8, size=self.owned)]
            if named[i]:
                parts.append(self.leaf[leaf[i]])
            elif meant[i]:
                parts.append(self.synonym[leaf[i]])
            parts += [self.filling[j] for j in (300 * rng.random(self.filled) ** 2).astype(int)]
            titles.append(" ".join(parts) or self.leaf[leaf[i]])
        return titles


class WordSpace:
    """An encoder: a sum of directions of the words, drawn to where a text's leaf lies in the tree."""

    def __init__(self, rng: np.random.Generator, tree: Tree):
        self.dims = int(rng.integers(48, 129))
        self.seed = int(rng.integers(2**31))
        self.common = unit(rng.normal(size=self.dims)) * rng.uniform(0, 1.2)
        place = np.zeros((len(tree.path), self.dims))
        for level in range(tree.path.shape[1]):
            place += rng.uniform(0.3, 0.9) * unit(rng.normal(size=(int(tree.path[:, level].max()) + 1, self.dims)))[tree.path[:, level]]
        self.place = place
        self.word, self.noise = rng.uniform(0.5, 1.3), rng.uniform(0.1, 0.6)
        self.known: dict[str, np.ndarray] = {}

    def embed(self, texts: list[str], leaf: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        rows = np.zeros((len(texts), self.dims))
        for row, text in enumerate(texts):
            words = text.split()
            rows[row] = sum(self.direction(word) for word in words) / np.sqrt(max(1, len(words)))
        rows = self.common + self.place[leaf] * (leaf >= 0)[:, None] + self.word * rows
        return unit(rows + self.noise * unit(rng.normal(size=rows.shape)))

    def direction(self, word: str) -> np.ndarray:
        if word not in self.known:
            self.known[word] = unit(np.random.default_rng([self.seed, *word.encode()]).normal(size=self.dims))
        return self.known[word]


def draw_pictures(rng: np.random.Generator, leaf: np.ndarray, traits: dict[str, np.ndarray], leaves: int, kinds: int) -> np.ndarray:
    dims = int(rng.integers(24, 97))
    rows = unit(rng.normal(size=dims)) * rng.uniform(0, 1) + rng.uniform(0.3, 1.2) * unit(rng.normal(size=(leaves, dims)))[leaf]
    for values in traits.values():
        rows = rows + rng.uniform(0.1, 0.9) * unit(rng.normal(size=(kinds, dims)))[values]
    return unit(rows + rng.uniform(0.3, 0.9) * unit(rng.normal(size=rows.shape)))
