"""The two ways to learn from a shop's texts: after a teacher, or from what a product's own texts say of each other.

Either gives batches and a loss; what the encoder itself made of a text before (`anchor`) keeps it from drifting.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from shop_texts import ShopProduct, split_words

Encode = Callable[[list[str]], np.ndarray]
BATCH = 96
PAIRS = 64
KIN, KIN_HEAT = 0.5, 0.06
CONTRAST_HEAT, CONTRAST = 0.05, 0.1
ANCHOR = 1.0
TWINS = 0.9


@dataclass
class Batch:
    texts: list[str]
    loss: Callable[[Tensor], Tensor]  # unit vectors [texts, D] → scalar


def measure_kin(own: Tensor, wanted: Tensor) -> Tensor:
    """Divergence of who resembles whom within a batch, both [B, D] of unit length."""
    hide = torch.eye(len(own), dtype=torch.bool)
    like, should = ((rows @ rows.T).masked_fill(hide, -4) / KIN_HEAT for rows in (own, wanted))
    return F.kl_div(like.log_softmax(-1), should.log_softmax(-1), log_target=True, reduction="batchmean")


class TaughtLessons:
    """Texts with the vectors [texts, D] that they should have: the teacher's, turned into the encoder's own space."""

    def __init__(self, texts: list[str], wanted: np.ndarray):
        self.texts, self.wanted = texts, torch.from_numpy(wanted.astype(np.float32))
        self.length = np.array([len(text) for text in texts])

    def batches(self, chance: random.Random) -> list[Callable[[], Batch]]:
        """Every text once, each batch made when it is called for; texts of about the same length together, since padding is wasted work."""
        rng = np.random.default_rng(chance.randrange(2**31))
        order = np.lexsort((rng.random(len(self.texts)), np.floor(self.length / 6 + rng.random())))
        chunks = [order[start : start + BATCH] for start in range(0, len(order) - 1, BATCH)]
        return [partial(self.batch, chunks[i]) for i in rng.permutation(len(chunks))]

    def batch(self, chosen: np.ndarray) -> Batch:
        wanted = self.wanted[torch.from_numpy(chosen)]
        return Batch([self.texts[i] for i in chosen], lambda own: 1 - (own * wanted).sum(-1).mean() + KIN * measure_kin(own, wanted))


def turn_into(space: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """The rotation [Dt, D] of the teacher's `vectors` [T, Dt] that comes nearest to the encoder's `space` [T, D] (orthogonal Procrustes).

    Of a wider teacher its leading D directions (uncentred) are kept, so that cosines survive; a narrower one fills Dt of the D dims.
    """
    _, directions = np.linalg.eigh(vectors.T @ vectors)
    leading = directions[:, ::-1][:, : space.shape[1]]
    left, _, right = np.linalg.svd((vectors @ leading).T @ space, full_matrices=False)
    return leading @ (left @ right)


def says(product: ShopProduct, text: str) -> bool:
    return text in product.lines or text in product.labels or text in product.title.lower()


class OwnLessons:
    """Titles against other texts of the same product (in-batch contrast, InfoNCE: van den Oord et al. 2018), beside the anchor."""

    def __init__(self, products: list[ShopProduct], anchor: Encode):
        self.products = products
        self.anchor = anchor

    def partner(self, product: ShopProduct, chance: random.Random) -> str:
        kinds = [product.lines] * 3 + [product.labels]
        told = [kind for kind in kinds if kind]
        if told and chance.random() < 0.7:
            return chance.choice(chance.choice(told))
        words = split_words(product.title)
        count = min(chance.choice((1, 2, 2, 3, 3, 4)), len(words))
        start = chance.randrange(len(words) - count + 1) if words else 0
        return " ".join(words[start : start + count]) or product.title

    def batches(self, chance: random.Random) -> list[Callable[[], Batch]]:
        """Every product once, each batch made when it is called for."""
        order = chance.sample(range(len(self.products)), len(self.products))
        return [partial(self.batch, [self.products[i] for i in order[at : at + PAIRS]], chance) for at in range(0, len(order) - 1, PAIRS)]

    def batch(self, products: list[ShopProduct], chance: random.Random) -> Batch:
        partners = [self.partner(product, chance) for product in products]
        texts = [*(product.title for product in products), *partners]
        wanted = torch.from_numpy(self.anchor(texts))
        count = len(products)
        # Who has the very text, or is all but the same product, is no counter-example.
        twins = wanted[:count] @ wanted[:count].T > TWINS
        shared = torch.tensor([[says(other, partner) for other in products] for partner in partners])
        hide = (twins | shared | shared.T) & ~torch.eye(count, dtype=torch.bool)

        def loss(own: Tensor) -> Tensor:
            like = (own[:count] @ own[count:].T / CONTRAST_HEAT).masked_fill(hide, -1e4)
            truth = torch.arange(count)
            contrast = (F.cross_entropy(like, truth) + F.cross_entropy(like.T, truth)) / 2
            return CONTRAST * contrast + ANCHOR * (1 - (own * wanted).sum(-1).mean())

        return Batch(texts, loss)

