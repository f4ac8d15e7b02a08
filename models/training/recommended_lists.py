"""Lists for a shopper who asks for nothing, as /v1/recommend's candidates are found (sidecar/v1/recommended-products.ts): near what she
looked at, met with it in the histories of others, popular; fused by their ranks.

    python recommended_lists.py --task TASKS/beauty.npz --pack PACKS/beauty-whole.pickle --out LISTS/beauty-next

Writes OUT-train.pickle (the position before, statistics that end before it) and OUT-test.pickle, both as pack_lists.ViewLists, and
OUT-recall.json: how often a target is among the candidates, and among each source's.
"""

import argparse
import json
import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from columns import Facts, compute_columns
from contract import ACTION, ALL_COLUMNS
from logged_view import LoggedView
from next_item import NextItemTask, read_task
from next_item_rivals import to_sequences
from pack_lists import ViewLists
from packs import load_pack
from sequence_lists import HISTORY_LIMIT, LEVEL, SequenceList, describe
from view import compare_attributes

WINDOW, LOOKED_AROUND, MET_WITH, POPULAR = 200, 6, 20, 500
INTEREST_DECAY, RANK_CONSTANT = 0.6, 60
# Weight of each source's ranks. Factors are no source of the product: measured for what they would bring.
SOURCES = {"history": 0.3, "behaviour": 1.0, "popular": 0.2}
DAY = 86_400.0


@dataclass
class RecommendedList(SequenceList):
    shopper: int  # row of the task


@dataclass
class Near:
    """Nearest neighbours of each of n products [n, K], best first, and their cosines."""

    items: np.ndarray
    cosines: np.ndarray
    spread: float


def find_nearest(vectors: np.ndarray, has: np.ndarray, count: int, spread: float) -> Near:
    n = len(vectors)
    count = min(count, n - 1)
    items, cosines = np.zeros((n, count), np.int32), np.full((n, count), -1, np.float32)
    for start in range(0, n, 1000):
        block = vectors[start : start + 1000] @ vectors.T
        block[:, ~has] = -1
        block[np.arange(len(block)), np.arange(start, start + len(block))] = -1  # not itself
        top = np.argpartition(-block, count - 1, axis=1)[:, :count]
        values = np.take_along_axis(block, top, 1)
        order = np.argsort(-values, 1, kind="stable")
        items[start : start + 1000], cosines[start : start + 1000] = np.take_along_axis(top, order, 1), np.take_along_axis(values, order, 1)
    cosines[~has] = -1
    return Near(items, cosines, spread)


class Candidates:
    """Sources of one view with a log."""

    def __init__(self, view: LoggedView, sources: dict[str, float] = SOURCES):
        self.view, self.sources, self.decay = view, sources, INTEREST_DECAY
        n = len(view.catalogue)
        spare = WINDOW // 2 + HISTORY_LIMIT  # what she met already is left out
        of = {"text": (view.text, view.has_text, view.statistics[3, 1]), "image": (view.image, view.has_image, view.statistics[4, 1])}
        self.near = [find_nearest(rows, has, spare, float(spread)) for rows, has, spread in of.values() if has.any()]
        popularity = np.nan_to_num(view.behaviour.popularity, nan=-1)
        order = np.lexsort((view.rng.random(n), -popularity))
        self.popular = order[popularity[order] >= 0][: POPULAR + HISTORY_LIMIT]

    def find(self, past: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """past: products, oldest first -> candidates best first and their fused scores [N], and what each source named."""
        n = len(self.view.catalogue)
        seen = np.zeros(n, bool)
        seen[past] = True
        weight = np.zeros(n)
        np.add.at(weight, past[::-1], self.decay ** np.arange(len(past)))
        interests = np.unique(past)
        interests = interests[np.argsort(-weight[interests], kind="stable")]
        weight /= max(1e-9, weight.max())
        make = {"history": self.find_near, "behaviour": self.find_met, "factors": self.find_factors, "popular": lambda *_: self.popular}
        named = {name: (ids := make[name](interests, weight, seen))[~seen[ids]] for name in self.sources}
        fused = np.zeros(n)
        for name, ids in named.items():
            fused[ids] += self.sources[name] / (RANK_CONSTANT + 1 + np.arange(len(ids)))
        order = self.best(fused, WINDOW)
        return order, fused[order] / max(1e-9, fused[order].max(initial=0)), named

    def best(self, scores: np.ndarray, count: int) -> np.ndarray:
        """The places of the largest scores above 0, best first."""
        top = np.argpartition(-scores, min(count, len(scores) - 1))[:count]
        top = top[scores[top] > 0]
        return top[np.argsort(-scores[top], kind="stable")]

    def find_near(self, interests: np.ndarray, weight: np.ndarray, seen: np.ndarray) -> np.ndarray:
        scores = np.zeros(len(seen))
        for near in self.near:
            for one in interests[:LOOKED_AROUND]:
                there = ~seen[near.items[one]] & (near.cosines[one] > -1)
                ids, cosines = near.items[one][there][: WINDOW // 2], near.cosines[one][there][: WINDOW // 2]
                scores[ids] += weight[one] / near.spread * (1 + cosines) / 2
        return self.best(scores, WINDOW)

    def find_met(self, interests: np.ndarray, weight: np.ndarray, seen: np.ndarray) -> np.ndarray:
        cosines, scores = self.view.behaviour.cosines, np.zeros(len(seen))
        for one in interests[:MET_WITH]:
            row = slice(cosines.indptr[one], cosines.indptr[one + 1])
            scores[cosines.indices[row]] += weight[one] * cosines.data[row]
        return self.best(scores, len(scores))

    def find_factors(self, interests: np.ndarray, weight: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Those whose factors lie nearest to the weighted sum of the history's."""
        behaviour = self.view.behaviour
        wanted = (behaviour.factor[interests] * weight[interests][:, None]).sum(0)
        return self.best(np.where(seen, 0, behaviour.factor @ wanted), WINDOW)


def list_recommended(
    view: LoggedView, found: tuple[np.ndarray, np.ndarray], past: np.ndarray, place: int, *, action: int, shopper: int
) -> RecommendedList:
    """The list of one shopper: candidates and their scores as found, the target's place among them; `past` oldest first, one event a day."""
    items, scores = found
    before, past = len(past), past[-HISTORY_LIMIT:]
    n, length = len(items), len(past)
    nowhere = np.full(n, -1)
    age = DAY * np.arange(length, 0, -1.0)
    facts = Facts(
        first_score=scores, first_rank=np.arange(n), text_rank=nowhere, image_rank=nowhere, query_words=0,
        item=items, price=view.price[items], rating=view.rating[items], reviews=view.reviews[items],
        past_item=past, past_known=np.ones(length, bool), past_price=view.price[past],
        past_action=np.full(length, action), past_age=age, same_brand=np.zeros(0), same_category=np.zeros(0),
    )  # fmt: skip
    facts.same_brand, facts.same_category = compare_attributes(view, items, past)
    chosen, outcome = np.zeros(n, np.float32), np.zeros(n, int)
    chosen[place], outcome[place] = 1, LEVEL.get(action, 1)
    return RecommendedList(
        items=items, history=past, action=facts.past_action, age=age, session=np.zeros(length, np.float32), query=0, sees_text=False, photo=None,
        columns=compute_columns(facts, ALL_COLUMNS, more=describe(view, items, past, None)), chosen=chosen, outcome=outcome,
        family="recommended", target=place, target_item=int(items[place]), worded=False, past_events=before, shopper=shopper,
    )  # fmt: skip


def make_lists(pack_file: Path, task: NextItemTask, *, limit: int, seed: int, action: int) -> tuple[ViewLists, dict[str, float]]:
    """Lists of the shoppers whose target is found, of up to `limit` that are asked, and the recall of the candidates and of each source."""
    pack = load_pack(pack_file)
    if len(pack.catalogue) != task.n:
        raise SystemExit(f"{pack_file}: {len(pack.catalogue)} products, the task has {task.n}: it is not the task's pack")
    rng = np.random.default_rng(seed)
    view = LoggedView(pack.catalogue, pack.queries, None, rng, plain=True)
    view.forget_search()
    view.keep_log(to_sequences(task, action), moment=0.0)
    candidates = Candidates(view, SOURCES | {"factors": 0.0})
    asked = rng.permutation(task.asked)[:limit]
    lists, among = [], {name: 0 for name in candidates.sources}
    for shopper in np.sort(asked):
        past, target = task.rows[shopper], int(task.target[shopper])
        items, scores, named = candidates.find(past[-HISTORY_LIMIT:])
        for name, ids in named.items():
            among[name] += bool((ids[:WINDOW] == target).any())
        if len(place := np.flatnonzero(items == target)):
            lists.append(list_recommended(view, (items, scores), past, int(place[0]), action=action, shopper=int(shopper)))
    recall = {name: count / len(asked) for name, count in among.items()}
    return ViewLists(view, lists, len(asked)), {"candidates": len(lists) / len(asked)} | recall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="files' name without an ending")
    parser.add_argument("--train", type=int, default=16000, help="shoppers a training list is tried of")
    parser.add_argument("--test", type=int, default=1_000_000)
    options = parser.parse_args()
    task, recall = read_task(options.task), {}
    action = ACTION["view" if options.task.stem.startswith("ml1m") else "purchase"]
    for part, of, limit, seed in (("test", task, options.test, 1), ("train", task.step_back(), options.train, 2)):
        views, recall[part] = make_lists(options.pack, of, limit=limit, seed=seed, action=action)
        options.out.with_name(f"{options.out.name}-{part}.pickle").write_bytes(pickle.dumps([views]))
        print(options.out.name, part, views.asked, "asked,", {name: round(value, 4) for name, value in recall[part].items()}, flush=True)
    options.out.with_name(f"{options.out.name}-recall.json").write_text(json.dumps(recall))


if __name__ == "__main__":
    from recommended_lists import main  # under its own name, so that what is stored can be read by whoever imports it

    main()
