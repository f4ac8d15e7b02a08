"""What an encoder is worth on held-out products: does a text find its own product among them, and who resembles whom?"""

import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from shop_texts import Question, ShopProduct, ask_fragments, ask_lines

Encode = Callable[[list[str]], np.ndarray]  # texts → unit vectors [texts, dims]
NEIGHBOURS = 10
DRAWS = 2_000


@dataclass
class Findings:
    """One value a question, in the order of the probe's."""

    lines: np.ndarray  # 1 / rank of the own product, for sentences
    fragments: np.ndarray  # the same for fragments of titles
    agreement: np.ndarray | None  # share of the teacher's ten nearest titles among the encoder's own, for all questions

    def values(self) -> np.ndarray:
        """What decides, a question each: 1 / rank; with a teacher the mean of that and the agreement."""
        found = np.concatenate([self.lines, self.fragments])
        return found if self.agreement is None else (found + self.agreement) / 2

    def summary(self) -> dict[str, float]:
        parts = {"mrr of sentences": self.lines, "mrr of fragments": self.fragments, "agreement@10 with the teacher": self.agreement}
        return {name: round(float(values.mean()), 4) for name, values in parts.items() if values is not None and len(values) > 0}


class Probe:
    def __init__(self, held: list[ShopProduct], seed: int, teacher: Encode | None):
        chance = random.Random(seed)
        self.titles = [product.title for product in held]
        self.lines, self.fragments = ask_lines(held, chance), ask_fragments(held, chance)
        self.teacher = None if teacher is None else self.nearest(teacher)

    @property
    def questions(self) -> list[Question]:
        return [*self.lines, *self.fragments]

    @property
    def groups(self) -> list[str]:
        return [question.group for question in self.questions]

    def score(self, encode: Encode) -> np.ndarray:
        """→ cosines [questions, products]"""
        return encode([question.text for question in self.questions]) @ encode(self.titles).T

    def nearest(self, encode: Encode) -> np.ndarray:
        return np.argpartition(-self.score(encode), NEIGHBOURS, axis=1)[:, :NEIGHBOURS]

    def measure(self, encode: Encode) -> Findings:
        scores = self.score(encode)
        found = np.array([reciprocal_rank(row, question.answers) for row, question in zip(scores, self.questions, strict=True)])
        agreement = None
        if self.teacher is not None:
            own = np.argpartition(-scores, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
            agreement = np.array([len(set(a) & set(b)) / NEIGHBOURS for a, b in zip(own, self.teacher, strict=True)])
        return Findings(found[: len(self.lines)], found[len(self.lines) :], agreement)


def reciprocal_rank(scores: np.ndarray, answers: list[int]) -> float:
    """Of the best answer; what scores the same as it and is none stands before it."""
    best = scores[answers].max()
    before = scores >= best
    before[answers] = False
    return 1 / (1 + int(before.sum()))


def bound_gain(before: np.ndarray, after: np.ndarray, groups: list[str], seed: int) -> tuple[float, float, float]:
    """Mean paired difference and its 95 % interval, bootstrapped over groups: what is asked of variants of one product is one draw."""
    place = {group: i for i, group in enumerate(dict.fromkeys(groups))}
    own = np.array([place[group] for group in groups])
    sums, counts = np.bincount(own, after - before), np.bincount(own)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(place), (DRAWS, len(place)))
    low, high = np.percentile(sums[drawn].sum(1) / counts[drawn].sum(1), [2.5, 97.5])
    return float((after - before).mean()), float(low), float(high)
