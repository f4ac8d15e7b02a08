"""The columns of feature-set.json in numpy: equal to sidecar/columns.ts, tied to it by test/models/columns.fixture.json.

    python columns.py           writes that fixture anew
"""

import json
from dataclasses import dataclass

import numpy as np

from contract import ACTION, COLUMNS, FEATURE_SET, MODELS

HISTORY_DECAY = 0.9
HALF_RANK = 10
PRIOR_REVIEWS = 10
RETRIEVERS = 3
LONG_QUERY_WORDS = 8
LONGEST_HISTORY = 50


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


def compute_columns(facts: Facts) -> np.ndarray:
    """[N, F] float32, missing values as declared, clipped."""
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
    columns = np.empty((n, len(COLUMNS)), np.float32)
    for place, column in enumerate(FEATURE_SET["columns"]):
        value = values[column["name"]]
        columns[:, place] = np.where(np.isnan(value), column["missing"], np.clip(value, *column["clip"]))
    return columns


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


def write_fixture() -> None:
    """Lists in the shape of sidecar/columns.ts (Item, Candidate, HistoryEntry) beside the columns computed here."""
    rng = np.random.default_rng(5)
    actions = ["click", "add_to_cart", "purchase", "impression", "scroll"]
    brands, categories = ["Ada", "Bo", "Cy", None], [["Home", "Lamps"], ["Home", "Rugs"], ["Clothing"], []]
    maybe = lambda value, chance=0.75: value if rng.random() < chance else None  # noqa: E731
    cases = []
    for n, length in ((9, 6), (5, 0), (1, 2), (14, 20)):
        items = [
            {
                "id": f"p{i}",
                "price": maybe(round(float(rng.lognormal(3, 1)), 2)),
                "rating": maybe(round(float(rng.uniform(1, 5)), 1)),
                "ratingCount": maybe(int(rng.lognormal(3, 1.5))),
                "brand": brands[rng.integers(4)],
                "category": categories[rng.integers(4)],
            }
            for i in range(n + 6)
        ]
        scores = np.sort(rng.gamma(2, 3, n))[::-1].round(4)
        added = rng.random(n) < 0.25
        added[0] = n == 1
        ranks = rng.permutation(n)
        candidates = [
            {
                "item": maybe(items[i], 0.9),
                "firstPhaseScore": None if added[i] else float(scores[i]),
                "firstPhaseRank": None if added[i] else i,
                "textRank": maybe(int(ranks[i]), 0.5),
                "imageRank": maybe(int(ranks[n - 1 - i]), 0.3),
            }
            for i in range(n)
        ]
        history = []
        for entry in range(length):
            item = items[rng.integers(len(items))]
            history.append(
                {
                    "objectId": item["id"],
                    "action": actions[rng.integers(len(actions))],
                    "ageSeconds": round(float(np.exp(rng.uniform(0, 13))), 1),
                    "runningSession": bool(length - entry < 3),
                    "item": maybe(item, 0.85),
                }
            )
        text = maybe("red shoes for men", 0.8)
        facts = read_facts(candidates, history, text)
        cases.append({"candidates": candidates, "history": history, "text": text, "columns": compute_columns(facts).round(8).tolist()})
    file = MODELS.parent / "test" / "models" / "columns.fixture.json"
    file.write_text(json.dumps({"columns": COLUMNS, "cases": cases}) + "\n")


def read_facts(candidates: list[dict], history: list[dict], text: str | None) -> Facts:
    ids = {key: place for place, key in enumerate(sorted({e["objectId"] for e in history} | {c["item"]["id"] for c in candidates if c["item"]}))}
    numeric = lambda holders, key: np.array([np.nan if not h["item"] or h["item"][key] is None else h["item"][key] for h in holders], float)  # noqa: E731
    rank = lambda key: np.array([-1 if c[key] is None else c[key] for c in candidates])  # noqa: E731

    def jaccard(a: dict | None, b: dict | None) -> float:
        left, right = set(a["category"] if a else []), set(b["category"] if b else [])
        return len(left & right) / len(left | right) if left & right else 0.0

    same_brand = [[float(bool(c["item"] and e["item"] and c["item"]["brand"] and c["item"]["brand"] == e["item"]["brand"])) for e in history] for c in candidates]
    same_category = [[jaccard(c["item"], e["item"]) for e in history] for c in candidates]
    shape = (len(candidates), len(history))
    return Facts(
        first_score=np.array([np.nan if c["firstPhaseScore"] is None else c["firstPhaseScore"] for c in candidates], float),
        first_rank=rank("firstPhaseRank"),
        text_rank=rank("textRank"),
        image_rank=rank("imageRank"),
        query_words=len((text or "").split()),
        item=np.array([ids[c["item"]["id"]] if c["item"] else -1 for c in candidates]),
        price=numeric(candidates, "price"),
        rating=numeric(candidates, "rating"),
        reviews=numeric(candidates, "ratingCount"),
        past_item=np.array([ids[e["objectId"]] for e in history], int),
        past_known=np.array([e["item"] is not None for e in history], bool),
        past_price=numeric(history, "price"),
        past_action=np.array([ACTION.get(e["action"], 0) for e in history], int),
        past_age=np.array([e["ageSeconds"] for e in history], float),
        same_brand=np.array(same_brand, float).reshape(shape),
        same_category=np.array(same_category, float).reshape(shape),
    )


if __name__ == "__main__":
    write_fixture()
