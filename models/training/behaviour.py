"""What indexer/behaviour-statistics counts, in numpy: the same sums, shares, neighbours and factors, tied to it by
test/models/behaviour.fixture.json.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from contract import ACTION
from sequences import Sequences

MEETING_WINDOW, DECAY = 20, 0.8
POPULARITY_USERS, RATE_PRIOR = 5, 20
NEIGHBOUR_LIMIT = 100
FACTOR_DIMS, OVERSAMPLING, ITERATIONS, CONTEXT_POWER = 32, 16, 4, 0.75
WEEK = 7 * 86_400.0


@dataclass
class Behaviour:
    """Statistics of n products at one moment. NaN: too few shoppers to tell."""

    popularity: np.ndarray  # [n]
    popularity_7d: np.ndarray
    popularity_in_category: np.ndarray
    views_7d: np.ndarray
    carts_7d: np.ndarray
    purchases_7d: np.ndarray
    ctr: np.ndarray
    cvr: np.ndarray
    # Neighbours in either's list: a pair that one of the two lists holds is known of both. [n, n], equal sparsity.
    weights: sparse.csr_matrix
    cosines: sparse.csr_matrix
    factor: np.ndarray  # [n, FACTOR_DIMS], unit rows, zero rows: none
    has_factor: np.ndarray  # [n] bool

    def meet(self, items: np.ndarray, past: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights and cosines of candidates with history items [N, D] both."""
        place = np.full(self.weights.shape[0], -1)
        place[items] = np.arange(len(items))
        starts, ends = self.weights.indptr[past], self.weights.indptr[past + 1]
        lengths = ends - starts
        flat = np.repeat(starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths) + np.arange(lengths.sum())
        row, column = place[self.weights.indices[flat]], np.repeat(np.arange(len(past)), lengths)
        among = row >= 0
        weights, cosines = np.zeros((2, len(items), len(past)), np.float32)
        weights[row[among], column[among]] = self.weights.data[flat[among]]
        cosines[row[among], column[among]] = self.cosines.data[flat[among]]
        return weights, cosines


def count_behaviour(events: Sequences, category: np.ndarray, *, moment: float, min_users_per_pair: int = 2) -> Behaviour:
    """`category` [n]: number of each product's narrowest category, -1: none. `moment`: seconds; the last 7 days end there."""
    n = len(category)
    touched = events.action != ACTION["impression"]
    shopper, item = events.shopper[touched], events.item[touched].astype(np.int64)
    users = np.bincount(np.unique(shopper.astype(np.int64) * n + item) % n, minlength=n)
    counted = np.flatnonzero(users >= POPULARITY_USERS)
    count = lambda action, since=-np.inf: np.bincount(events.item[(events.action == action) & (events.time >= since)], minlength=n)[counted].astype(float)  # noqa: E731
    impressions, views, carts, purchases = (count(ACTION[name]) for name in ("impression", "view", "add_to_cart", "purchase"))
    recent = [count(ACTION[name], moment - WEEK) for name in ("view", "add_to_cart", "purchase")]
    total = views + carts + purchases
    spread = lambda values: scatter(values, counted, n)  # noqa: E731
    weights, cosines, graph = join_pairs(shopper, item, n, min_users_per_pair)
    factor = factorise(graph)
    return Behaviour(
        popularity=spread(percentiles(total)),
        popularity_7d=spread(percentiles(sum(recent))),
        popularity_in_category=spread(percentiles_within(total, category[counted])),
        views_7d=spread(recent[0]), carts_7d=spread(recent[1]), purchases_7d=spread(recent[2]),
        ctr=spread(smooth_rate(views, impressions)), cvr=spread(smooth_rate(purchases, views)),
        weights=weights, cosines=cosines, factor=factor, has_factor=np.abs(factor).sum(1) > 0,
    )  # fmt: skip


def scatter(values: np.ndarray, places: np.ndarray, n: int) -> np.ndarray:
    rows = np.full(n, np.nan)
    rows[places] = values
    return rows


def percentiles(values: np.ndarray) -> np.ndarray:
    """Share of the values that are lower, those that are equal (itself among them) counting half."""
    order = np.sort(values)
    return (np.searchsorted(order, values, "left") + np.searchsorted(order, values, "right")) / 2 / max(1, len(values))


def percentiles_within(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The same within each group; NaN outside any."""
    shares = np.full(len(values), np.nan)
    by_group = np.argsort(group, kind="stable")
    for members in np.split(by_group, np.flatnonzero(np.diff(group[by_group])) + 1):
        if len(members) and group[members[0]] >= 0:
            shares[members] = percentiles(values[members])
    return shares


def smooth_rate(successes: np.ndarray, trials: np.ndarray) -> np.ndarray:
    if trials.sum() == 0 or successes.sum() == 0:
        return np.full(len(trials), np.nan)
    rate = min(1, successes.sum() / trials.sum())
    return np.minimum(1, (successes + RATE_PRIOR * rate) / (trials + RATE_PRIOR))


def join_pairs(shopper: np.ndarray, item: np.ndarray, n: int, min_users: int) -> tuple[sparse.csr_matrix, sparse.csr_matrix, sparse.csr_matrix]:
    """Weights and cosines of the neighbours, and the whole graph of pairs that enough shoppers share; each both ways."""
    keys, shoppers, meetings = [], [], []
    for distance in range(1, MEETING_WINDOW + 1):
        met = (shopper[distance:] == shopper[:-distance]) & (item[distance:] != item[:-distance])
        one, other = item[distance:][met], item[:-distance][met]
        keys.append(np.minimum(one, other) * n + np.maximum(one, other))
        shoppers.append(shopper[distance:][met])
        meetings.append(np.full(met.sum(), DECAY ** (distance - 1)))
    key, who, weight = np.concatenate(keys), np.concatenate(shoppers), np.concatenate(meetings)
    order = np.lexsort((who, key))
    key, who, weight = key[order], who[order], weight[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    fresh = (np.diff(key, prepend=-1) != 0) | (np.diff(who, prepend=-1) != 0)
    pairs = key[first]
    sums = np.add.reduceat(weight, first) if len(first) else np.zeros(0)
    users = np.add.reduceat(fresh.astype(int), first) if len(first) else np.zeros(0, int)
    low, high = pairs // n, pairs % n
    of_item = np.bincount(low, sums, n) + np.bincount(high, sums, n)
    kept = users >= min_users
    low, high, sums = low[kept], high[kept], sums[kept]
    graph = sparse.csr_matrix((np.concatenate([sums, sums]), (np.concatenate([low, high]), np.concatenate([high, low]))), (n, n))
    graph.sort_indices()
    row = np.repeat(np.arange(n), np.diff(graph.indptr))
    by_weight = np.lexsort((graph.indices, -graph.data, row))
    rank = np.arange(len(row)) - graph.indptr[row]  # within the row, once sorted by weight
    listed = np.zeros(len(row), bool)
    listed[by_weight[rank < NEIGHBOUR_LIMIT]] = True
    mutual = sparse.csr_matrix((listed.astype(np.float32), graph.indices, graph.indptr), (n, n))
    either = (mutual + mutual.T).tocsr()
    either.eliminate_zeros()
    weights = graph.multiply(either > 0).tocsr().astype(np.float32)
    weights.sort_indices()
    rows = np.repeat(np.arange(n), np.diff(weights.indptr))
    cosines = weights.copy()
    cosines.data = np.minimum(1, weights.data / np.sqrt(of_item[rows] * of_item[weights.indices])).astype(np.float32)
    return weights, cosines, graph


def factorise(graph: sparse.csr_matrix) -> np.ndarray:
    """U sqrt(S) of the positive pointwise mutual information by random subspace iteration, rows of length 1 [n, FACTOR_DIMS]
    (behaviour-factors.ts; the sketch is another draw)."""
    n = graph.shape[0]
    factor = np.zeros((n, FACTOR_DIMS), np.float32)
    there = np.flatnonzero(np.diff(graph.indptr))
    if not len(there):
        return factor
    small = graph[there][:, there]
    sums = np.asarray(small.sum(1)).ravel()
    contexts = sums**CONTEXT_POWER
    rows = np.repeat(np.arange(len(there)), np.diff(small.indptr))
    small.data = np.maximum(0, np.log(small.data / (sums[rows] * contexts[small.indices] / contexts.sum())))
    small.eliminate_zeros()
    transposed = small.T.tocsr()
    width = min(FACTOR_DIMS + OVERSAMPLING, len(there))
    basis, _ = np.linalg.qr(small @ np.random.default_rng(20140501).normal(size=(len(there), width)))
    for _ in range(ITERATIONS):
        basis, _ = np.linalg.qr(transposed @ basis)
        basis, _ = np.linalg.qr(small @ basis)
    left, values, _ = np.linalg.svd((transposed @ basis).T, full_matrices=False)
    dims = min(FACTOR_DIMS, width)
    found = (basis @ left[:, :dims]) * np.sqrt(values[:dims])
    length = np.linalg.norm(found, axis=1, keepdims=True)
    factor[there, :dims] = np.where(length > 1e-9, found / np.maximum(length, 1e-9), 0)
    return factor


def narrowest(category: np.ndarray, lists: list[list[str]]) -> np.ndarray:
    """Number of each product's narrowest category [n], -1: none. `category`: rows of `lists`."""
    numbers: dict[str, int] = {}
    of_list = np.array([numbers.setdefault(values[-1], len(numbers)) if values else -1 for values in lists])
    return of_list[category]
