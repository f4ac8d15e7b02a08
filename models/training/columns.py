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
COUNTERS = ("popularity", "popularity_7d", "popularity_in_category", "views_7d", "carts_7d", "purchases_7d", "ctr", "cvr")
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
    item_category: list[list[str]]  # [N]
    met: "Met"


@dataclass
class Met:
    """What the shop's statistics say of N candidates, and of them with D distinct products of the history. NaN: not known."""

    counters: dict[str, np.ndarray]  # name of the statistic -> [N]
    weights: np.ndarray  # [N, D]
    cosines: np.ndarray  # [N, D]
    item_factor: np.ndarray  # [N, K]
    past_factor: np.ndarray  # [D', K], of those that have one

    @classmethod
    def nothing(cls, candidates: int) -> "Met":
        """Of a shop without statistics."""
        pairs = np.zeros((candidates, 0))
        return cls({name: np.full(candidates, np.nan) for name in COUNTERS}, pairs, pairs, np.zeros((candidates, 0)), np.zeros((0, 0)))


def compute_columns(facts: Facts, names: list[str] = COLUMNS, more: tuple[dict[str, np.ndarray], Met] | None = None) -> np.ndarray:
    """[N, F] float32 in the order of the names, missing values as declared, clipped. `more`: the values of the cosine columns, and the
    shop's statistics, where they are at hand; else those that `facts.evidence` gives."""
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
        more = cosine_values(facts.evidence), facts.evidence.met
    if more:
        values |= more[0] | behaviour_values(more[1], values["history_length"])
    columns = np.empty((n, len(names)), np.float32)
    for place, name in enumerate(names):
        column, value = DEFINITION[name], values.get(name, known)
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
    return match_words(words, {word for value in category for word in words_of(value)}) if category else np.nan


def match_words(words: list[str], own: set[str]) -> float:
    return sum(word in own for word in words) / len(words) if words else np.nan


def words_of(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def behaviour_values(met: Met, history_length: np.ndarray) -> dict[str, np.ndarray]:
    member = met.counters
    return {
        "covisit_max": np.log1p(met.weights.max(1, initial=0)),
        "covisit_sum": np.log1p(met.weights.sum(1)),
        "covisit_cosine_sum": met.cosines.sum(1),
        "factor_cosine": met.item_factor @ met.past_factor.mean(0) if len(met.past_factor) else np.full(len(met.weights), np.nan),
        **{name: member[name] for name in ("popularity", "popularity_7d", "popularity_in_category", "ctr", "cvr")},
        **{f"log_{name}": log_of(member[name]) / 5 for name in ("views_7d", "carts_7d", "purchases_7d")},
        "popularity_by_history": member["popularity"] * history_length,
    }


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
