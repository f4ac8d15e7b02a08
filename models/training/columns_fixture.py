"""Ties the columns of Python and TypeScript together: writes test/models/columns.fixture.json anew.

    python columns_fixture.py
"""

import json

import numpy as np

from columns import COUNTERS, Evidence, Facts, Met, compute_columns
from contract import ACTION, ALL_COLUMNS, MODELS

TEXT_DIMS, IMAGE_DIMS, FACTOR_DIMS = 5, 4, 3


def write_fixture() -> None:
    """Lists in the shape of sidecar/candidate-list.ts beside the columns computed here; statistics as they are indexed."""
    rng = np.random.default_rng(5)
    actions = ["click", "add_to_cart", "purchase", "impression", "scroll"]
    brands, categories = ["Ada", "Bo", "Cy", None], [["Home", "Table Lamps"], ["Home", "Rugs"], ["Men's Shoes"], []]
    maybe = lambda value, chance=0.75: value if rng.random() < chance else None  # noqa: E731
    cases = []
    for n, length in ((9, 6), (5, 0), (1, 2), (14, 20), (10, 8), (8, 3)):
        items = [
            {
                "id": f"p{i}",
                "price": maybe(round(float(rng.lognormal(3, 1)), 2)),
                "rating": maybe(round(float(rng.uniform(1, 5)), 1)),
                "ratingCount": maybe(int(rng.lognormal(3, 1.5))),
                "brand": brands[rng.integers(4)],
                "category": categories[rng.integers(4)],
                "text": maybe(draw_vector(rng, TEXT_DIMS)),
                "image": maybe(draw_vector(rng, IMAGE_DIMS)),
                "statistics": maybe(draw_statistics(rng, i, n + 6)),
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
        query = {
            "text": maybe("Rugs: table-LAMPS for men", 0.8),
            "textVector": maybe(draw_vector(rng, TEXT_DIMS)),
            "imageVector": maybe(draw_vector(rng, IMAGE_DIMS), 0.5),
            "headVector": maybe(draw_vector(rng, IMAGE_DIMS)),
        }
        columns = compute_columns(read_facts(candidates, history, query), ALL_COLUMNS).round(8).tolist()
        cases.append({"candidates": candidates, "history": history, "query": query, "columns": columns})
    file = MODELS.parent / "test" / "models" / "columns.fixture.json"
    file.write_text(json.dumps({"columns": ALL_COLUMNS, "textDims": TEXT_DIMS, "imageDims": IMAGE_DIMS, "cases": cases}) + "\n")


def draw_vector(rng: np.random.Generator, dims: int) -> list[float]:
    vector = rng.normal(size=dims)
    return (vector / np.linalg.norm(vector)).round(6).tolist()


def draw_statistics(rng: np.random.Generator, own: int, items: int) -> dict:
    counts = ["users", "impressions", "views", "carts", "purchases", "views_7d", "carts_7d", "purchases_7d"]
    shares = ["ctr", "cvr", "popularity", "popularity_7d", "popularity_in_category"]
    neighbours = rng.choice([i for i in range(items) if i != own], size=int(rng.integers(0, 5)), replace=False)
    return {
        "item_id": f"p{own}",
        **{name: None if rng.random() < 0.1 else int(rng.lognormal(2, 2)) for name in counts},
        **{name: None if rng.random() < 0.1 else round(float(rng.random()), 6) for name in shares},
        "neighbour_ids": [f"p{i}" for i in neighbours],
        "neighbour_weights": rng.gamma(2, 3, len(neighbours)).round(4).tolist(),
        "neighbour_cosines": rng.random(len(neighbours)).round(4).tolist(),
        "factor": draw_vector(rng, FACTOR_DIMS) if len(neighbours) else None,
    }


def meet_history(ids: list[str | None], statistics: list[dict | None], history: list[dict]) -> Met:
    past: dict[str, dict | None] = {}  # distinct, with statistics where any event of the product has them
    for event in history:
        past[event["objectId"]] = past.get(event["objectId"]) or (event["item"]["statistics"] if event["item"] else None)
    met = np.array([[meet(key, own, other, past[other]) for other in past] for key, own in zip(ids, statistics, strict=True)])
    weights, cosines = met.reshape(len(ids), len(past), 2).transpose(2, 0, 1)  # [N, D] both
    member = lambda name: np.array([np.nan if each is None or each[name] is None else each[name] for each in statistics], float)  # noqa: E731
    factors = [each["factor"] for each in past.values() if each and each["factor"]]
    return Met(
        counters={name: member(name) for name in COUNTERS},
        weights=weights,
        cosines=cosines,
        item_factor=np.array([each["factor"] if each and each["factor"] else [np.nan] * FACTOR_DIMS for each in statistics]).reshape(-1, FACTOR_DIMS),
        past_factor=np.array(factors).reshape(-1, FACTOR_DIMS),
    )


def meet(key: str | None, own: dict | None, other: str, others: dict | None) -> tuple[float, float]:
    """Weight and cosine of a pair; lists of neighbours are cut, so either may hold it."""
    for statistics, neighbour in ((own, other), (others, key)):
        if key is not None and statistics and neighbour in statistics["neighbour_ids"]:
            place = statistics["neighbour_ids"].index(neighbour)
            return statistics["neighbour_weights"][place], statistics["neighbour_cosines"][place]
    return 0.0, 0.0


def read_facts(candidates: list[dict], history: list[dict], query: dict) -> Facts:
    ids = {key: place for place, key in enumerate(sorted({e["objectId"] for e in history} | {c["item"]["id"] for c in candidates if c["item"]}))}
    numeric = lambda holders, key: np.array([np.nan if not h["item"] or h["item"][key] is None else h["item"][key] for h in holders], float)  # noqa: E731
    rank = lambda key: np.array([-1 if c[key] is None else c[key] for c in candidates])  # noqa: E731

    def jaccard(a: dict | None, b: dict | None) -> float:
        left, right = set(a["category"] if a else []), set(b["category"] if b else [])
        return len(left & right) / len(left | right) if left & right else 0.0

    same_brand = [[float(bool(c["item"] and e["item"] and c["item"]["brand"] and c["item"]["brand"] == e["item"]["brand"])) for e in history] for c in candidates]
    same_category = [[jaccard(c["item"], e["item"]) for e in history] for c in candidates]
    shape = (len(candidates), len(history))
    member = lambda holders, key: [h["item"][key] if h["item"] else None for h in holders]  # noqa: E731
    rows = lambda vectors, dims: np.array([[np.nan] * dims if v is None else v for v in vectors], np.float32).reshape(-1, dims).astype(float)  # noqa: E731
    evidence = Evidence(
        query_text=rows([query["textVector"]], TEXT_DIMS)[0],
        query_image=rows([query["imageVector"]], IMAGE_DIMS)[0],
        query_head=rows([query["headVector"]], IMAGE_DIMS)[0],
        item_text=rows(member(candidates, "text"), TEXT_DIMS),
        item_image=rows(member(candidates, "image"), IMAGE_DIMS),
        past_text=rows(member(history, "text"), TEXT_DIMS),
        past_image=rows(member(history, "image"), IMAGE_DIMS),
        words=query["text"] or "",
        item_category=[category or [] for category in member(candidates, "category")],
        met=meet_history(member(candidates, "id"), member(candidates, "statistics"), history),
    )
    return Facts(
        first_score=np.array([np.nan if c["firstPhaseScore"] is None else c["firstPhaseScore"] for c in candidates], float),
        first_rank=rank("firstPhaseRank"),
        text_rank=rank("textRank"),
        image_rank=rank("imageRank"),
        query_words=len((query["text"] or "").split()),
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
        evidence=evidence,
    )


if __name__ == "__main__":
    write_fixture()
