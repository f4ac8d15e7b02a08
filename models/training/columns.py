"""The columns of feature-set.json in numpy: equal to sidecar/columns.ts, tied to it by test/models/columns.fixture.json."""

import re
from dataclasses import dataclass

import numpy as np

from contract import ACTION, COLUMNS, FEATURE_SET

HISTORY_DECAY = 0.9
HALF_RANK = 10
PRIOR_REVIEWS = 10
RETRIEVERS = 3
LONG_QUERY_WORDS = 8
LONGEST_HISTORY = 50
DEFINITION = {column["name"]: column for column in FEATURE_SET["columns"]}


@dataclass
class Facts:
    """What the columns of one list are made of. N candidates, L events, oldest first; NaN: not known; rank -1: not found."""

    first_score: np.ndarray  # [N]
    first_rank: np.ndarray
    text_rank: np.ndarray
    image_rank: np.ndarray
    query_words: int
    item: np.ndarray  # [N] product number, -1: an item the store does not hold
    price: np.ndarray
    rating: np.ndarray
    reviews: np.ndarray
    past_item: np.ndarray  # [L] product number
    past_known: np.ndarray  # [L] bool: the store holds it
    past_price: np.ndarray
    past_action: np.ndarray  # [L] action id
    past_age: np.ndarray  # [L] seconds
    same_brand: np.ndarray  # [N, L]
    same_category: np.ndarray  # [N, L]
    evidence: "Evidence | None" = None


@dataclass
class Evidence:
    """What the columns after history_length are made of besides. Vectors are of unit length, NaN: not known; statistics as indexed, None: none."""

    query_text: np.ndarray  # [Dt]
    query_image: np.ndarray  # [Di]
    query_head: np.ndarray  # [Di]
    item_text: np.ndarray  # [N, Dt]
    item_image: np.ndarray  # [N, Di]
    past_text: np.ndarray  # [L, Dt]
    past_image: np.ndarray  # [L, Di]
    words: str  # of the query
    item_id: list[str | None]  # [N]
    past_id: list[str]  # [L]
    item_category: list[list[str]]  # [N]
    item_statistics: list[dict | None]  # [N]
    past_statistics: list[dict | None]  # [L]


def compute_columns(facts: Facts, names: list[str] = COLUMNS) -> np.ndarray:
    """[N, F] float32 in the order of the names, missing values as declared, clipped."""
    n, length = facts.same_brand.shape
    known = np.full(n, np.nan)
    z = standardise(facts.first_score)
    scored = np.sort(z[~np.isnan(z)])[::-1]
    log_price = log_of(facts.price)
    decay = HISTORY_DECAY ** np.arange(length - 1, -1, -1.0)
    past_log_price = log_of(facts.past_price)
    priced = ~np.isnan(past_log_price)
    usual = (past_log_price[priced] * decay[priced]).sum() / decay[priced].sum() if priced.any() else np.nan
    weights = decay * facts.past_known
    same = (facts.item[:, None] == facts.past_item[None, :]) & (facts.item[:, None] >= 0)  # [N, L]
    age = np.where(same, np.maximum(facts.past_age, 0)[None, :], np.inf).min(1, initial=np.inf)
    seen = same.any(1)
    total = weights.sum()
    mean_rating = np.nanmean(facts.rating) if (~np.isnan(facts.rating)).any() else 0.0
    reviews = np.where(np.isnan(facts.reviews), 1.0, facts.reviews)
    smoothed = (reviews * facts.rating + PRIOR_REVIEWS * mean_rating) / (reviews + PRIOR_REVIEWS)
    values = {
        "first_phase_z": np.where(np.isnan(z), scored[-1] if len(scored) else np.nan, z),
        "first_phase_rr": reciprocal_rank(facts.first_rank),
        "is_added": np.isnan(facts.first_score).astype(float),
        "retrievers": sum((rank >= 0).astype(float) for rank in (facts.first_rank, facts.text_rank, facts.image_rank)) / RETRIEVERS,
        "first_phase_gap": np.full(n, scored[0] - scored[1] if len(scored) > 1 else np.nan),
        "query_length": np.full(n, facts.query_words / LONG_QUERY_WORDS if facts.query_words else np.nan),
        "text_knn_rr": reciprocal_rank(facts.text_rank),
        "image_knn_rr": reciprocal_rank(facts.image_rank),
        "log_price_z": standardise(log_price),
        "price_missing": np.isnan(log_price).astype(float),
        "rating_z": standardise(smoothed),
        "log_reviews": log_of(facts.reviews) / 5,
        "price_closeness": np.exp(-np.abs(log_price - usual)),
        "brand_affinity": facts.same_brand @ weights / total if total > 0 else known,
        "category_affinity": facts.same_category @ weights / total if total > 0 else known,
        "seen": seen.astype(float),
        "seen_recency": np.where(seen, 1 / (1 + np.log1p(np.where(seen, age, 0) / 3600)), np.nan),
        "bought": (same & (facts.past_action == ACTION["purchase"])[None, :]).any(1).astype(float),
        "history_length": np.full(n, np.log1p(length) / np.log1p(LONGEST_HISTORY) if length else np.nan),
    }
    if facts.evidence:
        values |= cosine_values(facts.evidence) | behaviour_values(facts.evidence, values["history_length"])
    columns = np.empty((n, len(names)), np.float32)
    for place, name in enumerate(names):
        column, value = DEFINITION[name], values[name]
        columns[:, place] = np.where(np.isnan(value), column["missing"], np.clip(value, *column["clip"]))
    return columns


def cosine_values(seen: Evidence) -> dict[str, np.ndarray]:
    image = seen.query_head if np.isnan(seen.query_image).any() else seen.query_image
    last = [
        against(item, past[-1]) if len(past) else np.full(len(item), np.nan)
        for item, past in ((seen.item_text, seen.past_text), (seen.item_image, seen.past_image))
    ]
    known = ~np.isnan(last)
    return {
        "text_cosine": against(seen.item_text, seen.query_text),
        "image_cosine": against(seen.item_image, image),
        "history_text_cosine": greatest(seen.item_text, seen.past_text),
        "history_image_cosine": greatest(seen.item_image, seen.past_image),
        "last_item_similarity": np.where(known.any(0), np.nansum(last, 0) / np.maximum(known.sum(0), 1), np.nan),
        "query_category_match": np.array([category_match(words_of(seen.words), category) for category in seen.item_category]),
    }


def against(items: np.ndarray, vector: np.ndarray) -> np.ndarray:
    return items @ vector  # NaN where either is not known


def greatest(items: np.ndarray, past: np.ndarray) -> np.ndarray:
    known = past[~np.isnan(past).any(1)]
    return (items @ known.T).max(1) if len(known) else np.full(len(items), np.nan)


def category_match(words: list[str], category: list[str]) -> float:
    own = {word for value in category for word in words_of(value)}
    return sum(word in own for word in words) / len(words) if words and category else np.nan


def words_of(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def behaviour_values(seen: Evidence, history_length: np.ndarray) -> dict[str, np.ndarray]:
    past: dict[str, dict | None] = {}  # distinct, with statistics where any event of the product has them
    for key, statistics in zip(seen.past_id, seen.past_statistics, strict=True):
        past[key] = past.get(key) or statistics
    met = np.array([[meet(key, own, other, past[other]) for other in past] for key, own in zip(seen.item_id, seen.item_statistics, strict=True)])
    weights, cosines = met.reshape(len(seen.item_id), len(past), 2).transpose(2, 0, 1)  # [N, D] both
    factors = [statistics["factor"] for statistics in past.values() if statistics and statistics["factor"]]
    own = [statistics["factor"] if statistics else None for statistics in seen.item_statistics]
    member = lambda name: np.array([np.nan if each is None or each[name] is None else each[name] for each in seen.item_statistics])  # noqa: E731
    return {
        "covisit_max": np.log1p(weights.max(1, initial=0)),
        "covisit_sum": np.log1p(weights.sum(1)),
        "covisit_cosine_sum": cosines.sum(1),
        "factor_cosine": np.array([np.mean(np.array(factors) @ each) if each and factors else np.nan for each in own]),
        "popularity": member("popularity"),
        "popularity_7d": member("popularity_7d"),
        "popularity_in_category": member("popularity_in_category"),
        "log_views_7d": log_of(member("views_7d")) / 5,
        "log_carts_7d": log_of(member("carts_7d")) / 5,
        "log_purchases_7d": log_of(member("purchases_7d")) / 5,
        "ctr": member("ctr"),
        "cvr": member("cvr"),
        "popularity_by_history": member("popularity") * history_length,
    }


def meet(key: str | None, own: dict | None, other: str, others: dict | None) -> tuple[float, float]:
    """Weight and cosine of a pair; lists of neighbours are cut, so either may hold it."""
    for statistics, neighbour in ((own, other), (others, key)):
        if key is not None and statistics and neighbour in statistics["neighbour_ids"]:
            place = statistics["neighbour_ids"].index(neighbour)
            return statistics["neighbour_weights"][place], statistics["neighbour_cosines"][place]
    return 0.0, 0.0


def reciprocal_rank(rank: np.ndarray) -> np.ndarray:
    return np.where(rank < 0, np.nan, HALF_RANK / (HALF_RANK + np.maximum(rank, 0)))


def log_of(values: np.ndarray) -> np.ndarray:
    return np.where(values >= 0, np.log1p(np.where(values >= 0, values, 0)), np.nan)


def standardise(values: np.ndarray) -> np.ndarray:
    present = values[~np.isnan(values)]
    if not len(present):
        return values
    mean, variance = present.mean(), present.var()
    return (values - mean) / (np.sqrt(variance) if variance > 1e-18 * (1 + mean * mean) else np.inf)
