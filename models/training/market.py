"""A catalogue as a population of shoppers finds it: what attracts, what goes with what, what lies near what."""

import numpy as np

from catalogues import Catalogue, unit
from habits import Habits
from view import overlap_lists

STYLE_DIMS, HIDDEN_DIMS = 32, 12
NEAR_AISLES = 8
CONSIDERED = 32  # products among which the partners of one are chosen


class Draw:
    """Draws members of groups by their weights, many groups at once."""

    def __init__(self, group: np.ndarray, weight: np.ndarray, groups: int):
        self.order = np.argsort(group, kind="stable")
        self.order = self.order[np.searchsorted(group[self.order], 0) :]  # group -1: none
        self.sums = np.concatenate([[0.0], np.cumsum(weight[self.order])])
        bounds = np.searchsorted(group[self.order], np.arange(groups + 1))
        self.low, self.high = self.sums[bounds[:-1]], self.sums[bounds[1:]]
        self.size = np.diff(bounds)

    def __call__(self, group: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A member of each group named; groups must not be empty."""
        towards = self.low[group] + rng.random(group.shape) * (self.high - self.low)[group]
        place = np.searchsorted(self.sums, towards, "right") - 1
        return self.order[np.clip(place, 0, len(self.order) - 1)]


class Market:
    """n products in C aisles: of one list of categories, those without any in one."""

    def __init__(self, catalogue: Catalogue, habits: Habits, rng: np.random.Generator):
        self.rng, self.n = rng, len(catalogue)
        # The whole list: accessories of two branches are two aisles, though one query asks for both.
        _, aisle_of = np.unique(["\n".join(row) for row in catalogue.category_lists], return_inverse=True)
        _, self.aisle = np.unique(aisle_of[catalogue.category], return_inverse=True)
        self.aisles = int(self.aisle.max()) + 1
        self.brand = catalogue.brand
        self.attraction = self.attract(catalogue, habits)
        self.style = self.describe(catalogue, habits)
        self.price = self.level_prices(catalogue)
        # Launch and fading, in shares of the horizon; most products were there from the start.
        self.launch = np.where(rng.random(self.n) < 0.5, rng.uniform(-0.5, 1, self.n), -0.5)
        self.in_aisle = Draw(self.aisle, self.attraction, self.aisles)
        self.everything = Draw(np.zeros(self.n, int), self.attraction, 1)
        self.of_brand = Draw(self.brand, self.attraction, int(max(0, self.brand.max() + 1)))
        self.near = self.join_aisles(catalogue)
        self.partners = self.join_products(habits)

    def attract(self, catalogue: Catalogue, habits: Habits) -> np.ndarray:
        """How often each product would be met, ratios [n]"""
        rng = self.rng
        told = np.nan_to_num(standard(np.log1p(catalogue.reviews))) + 0.2 * np.nan_to_num(standard(catalogue.rating))
        share = habits.told_by_reviews if (told != 0).any() else 0.0
        # Skewed to the right even in the logarithm: a few products draw far more than the others.
        own = standard(rng.normal(size=self.n) + 1.2 * rng.exponential(size=self.n))
        brands = rng.normal(size=int(max(0, self.brand.max() + 1)) + 1)[self.brand] * (self.brand >= 0)
        own = np.sqrt(1 - habits.brand_pull) * own + np.sqrt(habits.brand_pull) * brands
        logarithm = np.sqrt(share) * standard(told) + np.sqrt(1 - share) * own
        attraction = np.exp(habits.attraction * logarithm)
        attraction[rng.random(self.n) < habits.cold] *= 0.05
        # Large aisles are not visited in proportion to their assortment.
        visits = rng.lognormal(0, 0.6, self.aisles)
        return attraction * visits[self.aisle]

    def describe(self, catalogue: Catalogue, habits: Habits) -> np.ndarray:
        """What a taste may be about: parts of text, picture and of what nobody wrote down [n, d], unit rows"""
        rng, parts = self.rng, []
        for weight, vectors in ((habits.text, catalogue.texts), (habits.image, catalogue.images)):
            if not vectors:
                continue
            name = next(iter(vectors))
            parts.append(weight * self.reduce(vectors[name]))
        self.hidden = self.hide(habits)
        parts.append((habits.hidden + 0.05) * self.hidden)
        for trait in list(catalogue.traits.values())[:5]:
            directions = unit(rng.normal(size=(int(trait.max()) + 2, 6)))
            parts.append(0.4 * rng.random() * directions[trait] * (trait >= 0)[:, None])
        return unit(np.concatenate(parts, 1))

    def hide(self, habits: Habits) -> np.ndarray:
        """What nobody wrote down [n, HIDDEN_DIMS], unit rows: products are of circles, circles of worlds (the hunter's gloves, the cyclist's), and
        most of an aisle is of few worlds."""
        rng = self.rng
        count = max(3, round(habits.worlds))
        each = max(2, self.n // (30 * count))  # circles of a world
        self.world = rng.normal(size=(count, HIDDEN_DIMS))
        self.worlds_of = rng.integers(count, size=(self.aisles, 3))
        own = self.worlds_of[self.aisle, (3 * rng.random(self.n) ** 2).astype(int)]
        world = np.where(rng.random(self.n) < habits.settled, own, rng.integers(count, size=self.n))
        circle = rng.normal(size=(count, each, HIDDEN_DIMS))[world, rng.integers(each, size=self.n)]
        return unit(habits.world * self.world[world] + circle + 0.5 * rng.normal(size=(self.n, HIDDEN_DIMS)))

    def reduce(self, vectors: np.ndarray) -> np.ndarray:
        """The first directions of what distinguishes products of one aisle, and a little of what the aisle is [n, STYLE_DIMS]"""
        sums = np.zeros((self.aisles, vectors.shape[1]), np.float32)
        np.add.at(sums, self.aisle, vectors)
        means = sums / np.maximum(1, np.bincount(self.aisle, minlength=self.aisles))[:, None]
        rest = vectors - 0.8 * means[self.aisle]
        rest -= rest.mean(0)
        some = rest[self.rng.permutation(self.n)[:2000]]
        _, _, axes = np.linalg.svd(some.T @ some)
        return unit(rest @ axes[:STYLE_DIMS].T)

    def level_prices(self, catalogue: Catalogue) -> np.ndarray:
        """Logarithm of the price against its aisle, in the aisle's spreads [n], 0 where unknown"""
        price = np.log(np.maximum(catalogue.price, 0.01))
        known = np.isfinite(price)
        count = np.maximum(1, np.bincount(self.aisle[known], minlength=self.aisles))
        mean = np.bincount(self.aisle[known], price[known], self.aisles) / count
        spread = np.sqrt(np.bincount(self.aisle[known], (price[known] - mean[self.aisle[known]]) ** 2, self.aisles) / count) + 0.1
        level = np.zeros(self.n)
        level[known] = ((price - mean[self.aisle]) / spread[self.aisle])[known]
        return level

    def join_aisles(self, catalogue: Catalogue) -> np.ndarray:
        """The aisles that go with each, best first [C, K]: of one branch, of one hidden purpose, of much traffic"""
        rng = self.rng
        _, first = np.unique(self.aisle, return_index=True)
        overlap = overlap_lists([catalogue.category_lists[row] for row in catalogue.category[first]])
        purpose = unit(self.world[self.worlds_of[:, 0]] + rng.normal(size=(self.aisles, HIDDEN_DIMS)))
        traffic = np.log(self.in_aisle.high - self.in_aisle.low + 1e-9)
        k = min(NEAR_AISLES, self.aisles)
        score = 1.5 * purpose @ purpose.T + rng.uniform(1, 6) * overlap + 0.15 * traffic
        np.fill_diagonal(score, -np.inf if self.aisles > 1 else 0)
        return np.argsort(-score, axis=1)[:, :k]

    def join_products(self, habits: Habits) -> np.ndarray:
        """Products that go with each, closest first [n, P]: from its own aisle, from near aisles, from its brand"""
        rng, count = self.rng, max(2, round(habits.partners))
        own, alike = rng.uniform(0.02, 0.4), rng.uniform(0, 0.8)
        choice = rng.random((self.n, CONSIDERED))
        aisles = np.where(choice < own, self.aisle[:, None], self.near[self.aisle[:, None], rng.integers(self.near.shape[1], size=choice.shape)])
        considered = self.in_aisle(aisles, rng)
        branded = (choice > 1 - rng.uniform(0, 0.3)) & (self.brand >= 0)[:, None]
        rows, columns = np.nonzero(branded)
        considered[rows, columns] = self.of_brand(self.brand[rows], rng)
        closeness = np.empty(considered.shape, np.float32)
        for start in range(0, self.n, 2000):
            part = slice(start, start + 2000)
            closeness[part] = np.einsum("nd,nkd->nk", self.hidden[part], self.hidden[considered[part]])
            closeness[part] += alike * np.einsum("nd,nkd->nk", self.style[part], self.style[considered[part]])
        closeness += 0.2 * rng.normal(size=closeness.shape)
        closeness[considered == np.arange(self.n)[:, None]] = -9
        best = np.argsort(-closeness, axis=1)[:, :count]
        return np.take_along_axis(considered, best, 1)


def standard(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).any():
        return values
    return (values - np.nanmean(values)) / max(1e-9, np.nanstd(values))
