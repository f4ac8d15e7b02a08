"""Draws runs and judgments, and writes what trec_eval, ranx and scipy make of them: metrics.fixture.json.

    python3 -m venv .venv && .venv/bin/pip install pytrec_eval-terrier==0.5.11 ranx==0.3.21 scipy==1.17.1 numpy==2.4.6
    .venv/bin/python models/training/metrics_fixture.py > test/tuning/metrics.fixture.json

Scores fall strictly, so no tool has a tie to break its own way. Grades have fractions; trec_eval takes whole grades only, so linear nDCG,
which no common factor changes, is asked of it with a hundred times the grades. Relevant is a grade of `rel` or more, as in both tools.
"""

import json
import random
import sys

import numpy as np
import pytrec_eval
from ranx import metrics as ranx
from scipy.stats import mannwhitneyu

SEED = 20260104
CUTS = (1, 3, 5, 10, 100)
SCALES = ([0, 1], [0, 1, 2, 3], [0, 0.01, 0.1, 1], [0, 0.5, 1, 1.5, 2, 4])


def draw_query(random_: random.Random, number: int) -> dict:
    scale = SCALES[number % len(SCALES)]
    documents = [f"d{i:03d}" for i in range(random_.randint(12, 150))]
    judged = {doc: random_.choice(scale) for doc in random_.sample(documents, random_.randint(1, len(documents)))}
    judged |= {f"missing{i}": random_.choice(scale) for i in range(random_.randint(0, 4))}
    if max(judged.values()) < 1:
        judged[next(iter(judged))] = scale[-1]
    found = random_.sample(documents, random_.choice([1, 5, len(documents)]))
    return {"query_id": f"q{number}", "judged": judged, "ranking": found}


def expected(query: dict) -> dict:
    judged, ranking = query["judged"], query["ranking"]
    values = {}
    run = {"q": {doc: float(len(ranking) - place) for place, doc in enumerate(ranking)}}
    cuts = ",".join(map(str, CUTS))
    scaled = {"q": {doc: round(grade * 100) for doc, grade in judged.items()}}
    linear = pytrec_eval.RelevanceEvaluator(scaled, {f"ndcg_cut.{cuts}"}).evaluate(run)["q"]
    values |= {f"ndcg_lin@{k}": linear[f"ndcg_cut_{k}"] for k in CUTS}
    for rel in (1, 2):
        if max(judged.values()) < rel:
            continue
        suffix = "" if rel == 1 else f"(rel={rel})"
        whole = {"q": {doc: int(grade >= rel) for doc, grade in judged.items()}}
        measures = {"map", "recip_rank", *(f"{name}.{cuts}" for name in ("map_cut", "P", "recall", "success"))}
        trec = pytrec_eval.RelevanceEvaluator(whole, measures).evaluate(run)["q"]
        values |= {f"map{suffix}": trec["map"], f"mrr{suffix}": trec["recip_rank"]}
        for k in CUTS:
            values |= {
                f"map{suffix}@{k}": trec[f"map_cut_{k}"],
                f"p{suffix}@{k}": trec[f"P_{k}"],
                f"recall{suffix}@{k}": trec[f"recall_{k}"],
                f"hr{suffix}@{k}": trec[f"success_{k}"],
            }
    # ranx wants numbers for names: [[document, grade or score], ...], best first.
    number = {doc: i for i, doc in enumerate([*judged, *(doc for doc in ranking if doc not in judged)])}
    falling = sorted(judged.items(), key=lambda item: -item[1])
    qrels = np.array([[[number[doc], grade] for doc, grade in falling]], dtype=np.float64)
    listed = np.array([[[number[doc], len(ranking) - place] for place, doc in enumerate(ranking)]], dtype=np.float64)
    for k in CUTS:
        # Its lowest level of relevance, 1 by default, would drop the grades below.
        values[f"ndcg@{k}"] = float(ranx.ndcg_burges(qrels, listed, k, 0)[0])
        # ranx's precision divides by the hits that are there, so its F1 is asked only of lists that reach k.
        if len(ranking) >= k:
            values[f"f1@{k}"] = float(ranx.f1(qrels, listed, k, 1)[0])
        values[f"mrr@{k}"] = float(ranx.reciprocal_rank(qrels, listed, k, 1)[0])
    places = {True: [], False: []}
    for place, doc in enumerate(ranking):
        places[judged.get(doc, 0) >= 1].append(-place)
    if places[True] and places[False]:
        pairs = len(places[True]) * len(places[False])
        values["auc"] = float(mannwhitneyu(places[True], places[False]).statistic / pairs)
    return values


def main() -> None:
    random_ = random.Random(SEED)
    queries = [draw_query(random_, number) for number in range(32)]
    fixture = {
        "made_with": {"pytrec_eval-terrier": "0.5.11", "ranx": "0.3.21", "scipy": "1.17.1", "numpy": np.__version__, "seed": SEED},
        "queries": [query | {"expected": expected(query)} for query in queries],
    }
    json.dump(fixture, sys.stdout, separators=(",", ":"))
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
