"""Rivals that rank all items for a shopper: popularity, neighbours, factors, likeness of texts, and order-aware co-visits.

Each is a matrix of what one item says of another [n, n], sparse or as a product, weighed with the history's recency. The decay is chosen on
the position before.
"""

from collections.abc import Callable, Iterator

import numpy as np
from scipy import sparse

from behaviour import MEETING_WINDOW, count_behaviour
from next_item import NextItemTask, gains, rank_targets
from sequences import Sequences

DECAYS = (0.3, 0.6, 0.8, 0.95)
SHOPPERS_AT_ONCE, HISTORY = 500, 50
DAY = 86_400.0
Scores = Callable[[sparse.csr_matrix], np.ndarray]  # weights of the history's items [B, n] -> [B, n]


def to_sequences(task: NextItemTask, action: int) -> Sequences:
    """The known events, one a day, everybody's last known one yesterday."""
    lengths = np.array([len(row) for row in task.rows])
    total = int(lengths.sum())
    ends = np.repeat(np.cumsum(lengths), lengths)
    return Sequences(
        shopper=np.repeat(np.arange(len(lengths), dtype=np.int32), lengths),
        item=np.concatenate(task.rows).astype(np.int32),
        action=np.full(total, action, np.int8),
        time=-DAY * (ends - np.arange(total)).astype(float),
    )


def weigh_histories(task: NextItemTask, shoppers: np.ndarray, decay: float) -> sparse.csr_matrix:
    """[B, n] decay^(items after it), of the last HISTORY items"""
    pasts = [task.rows[shopper][-HISTORY:] for shopper in shoppers]
    weights = np.concatenate([decay ** np.arange(len(past) - 1, -1, -1.0) for past in pasts])
    return sparse.csr_matrix((weights, np.concatenate(pasts), np.cumsum([0, *map(len, pasts)])), (len(pasts), task.n))


def walk_shoppers(task: NextItemTask, shoppers: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(shoppers), SHOPPERS_AT_ONCE):
        yield shoppers[start : start + SHOPPERS_AT_ONCE]


def rank_by(task: NextItemTask, shoppers: np.ndarray, decay: float, score: Scores, noise: np.ndarray) -> np.ndarray:
    """[shoppers] ranks of their targets among what they have not met"""
    parts = []
    for some in walk_shoppers(task, shoppers):
        scores = np.asarray(score(weigh_histories(task, some, decay)), np.float64)
        parts.append(rank_targets(scores, [task.rows[one] for one in some], task.target[some], noise))
    return np.concatenate(parts)


def follow(task: NextItemTask, decay: float = 0.8) -> sparse.csr_matrix:
    """Order-aware co-visits [n, n]: how often the column came after the row within MEETING_WINDOW events, weight decay^(distance - 1)."""
    events = to_sequences(task, 0)
    rows, columns, weights = [], [], []
    for distance in range(1, MEETING_WINDOW + 1):
        same = (events.shopper[distance:] == events.shopper[:-distance]) & (events.item[distance:] != events.item[:-distance])
        rows.append(events.item[:-distance][same])
        columns.append(events.item[distance:][same])
        weights.append(np.full(same.sum(), decay ** (distance - 1)))
    return sparse.csr_matrix((np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), (task.n, task.n))


def norm(counts: sparse.csr_matrix, power: float = 0.5) -> sparse.csr_matrix:
    """Each cell over what its row and its column hold, to the power."""
    held = np.asarray(counts.sum(1)).ravel(), np.asarray(counts.sum(0)).ravel()
    left, right = (sparse.diags(np.maximum(each, 1e-9) ** -power) for each in held)
    return (left @ counts @ right).tocsr()


def list_rivals(task: NextItemTask, category: np.ndarray, text: np.ndarray, action: int) -> dict[str, Scores]:
    """`category` [n], `text` [n, Dt] unit rows, zero where there is none."""
    events = to_sequences(task, action)
    behaviour = count_behaviour(events, category, moment=0.0)
    loose = count_behaviour(events, category, moment=0.0, min_users_per_pair=1)
    count = np.bincount(events.item, minlength=task.n).astype(float)
    followed = follow(task)
    backwards = 0.5 * norm(followed).T
    directed = (norm(followed) + backwards).tocsr()
    by = lambda matrix: lambda weights: (weights @ matrix).toarray()  # noqa: E731
    return {
        "popularity": lambda weights: np.repeat(count[None], weights.shape[0], 0),
        "co-visitation": by(behaviour.weights),
        "item-kNN": by(behaviour.cosines),
        "item-kNN, pairs of one shopper counted": by(loose.cosines),
        "item-kNN, order-aware, pairs of one shopper counted": by(directed),
        "factors": lambda weights: (weights @ behaviour.factor) @ behaviour.factor.T,
        "likeness of texts": lambda weights: (weights @ text) @ text.T,
    }


def measure_rivals(
    task: NextItemTask, category: np.ndarray, text: np.ndarray, action: int, *, chosen_on: int, seed: int = 1
) -> dict[str, tuple[float, np.ndarray]]:
    """By rival, the decay and the ranks of all that are asked. The decay is chosen by NDCG@10 of `chosen_on` shoppers on the position before,
    where statistics end before it too."""
    rng = np.random.default_rng(seed)
    noise = rng.random(task.n)
    before = task.step_back()
    some = rng.permutation(before.asked)[:chosen_on]
    earlier, found = list_rivals(before, category, text, action), {}
    for name, score in list_rivals(task, category, text, action).items():
        decays = DECAYS[:1] if name == "popularity" else DECAYS
        worth = [gains(rank_by(before, some, decay, earlier[name], noise))[1].mean() for decay in decays]
        decay = decays[int(np.argmax(worth))]
        found[name] = decay, rank_by(task, task.asked, decay, score, noise)
    return found
