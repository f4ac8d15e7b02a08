"""Does attention tell which events a score rests on? Its shares against what leaving an event out changes, on stored lists of shoppers.

    python faithfulness.py --lists LISTS/beauty-test.pickle --onnx ../artefacts/fusion-base-4 [--count 300] [--json FILE]

Of the ten best hits of a list: the rank correlation, over the events of the history, of attention with the size of the change of the hit's
score (against the list's mean: only the order counts) when the event is left out of everything, columns too. Beside it the same for newer
events first, and for shares drawn by chance. `network`: left out of the network's own reading of the history, columns kept.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
from scipy.stats import kendalltau, spearmanr

from columns import Facts, compute_columns
from contract import ALL_COLUMNS, COLUMN, FEATURE_SET
from dataset import collate
from list_batches import load_lists
from pack_lists import ViewLists
from sequence_lists import SequenceList, describe
from view import compare_attributes

TOP, FEWEST, MOST, BOOTSTRAP = 10, 4, 30, 2000
OF_USER = [ALL_COLUMNS.index(column["name"]) for column in FEATURE_SET["columns"] if column["scope"] in ("user", "user-item")]


class Model:
    def __init__(self, folder: Path):
        self.columns = [COLUMN[name] for name in json.loads((folder / "manifest.json").read_text())["columns"]]
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = settings.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(folder / "model.onnx"), settings, providers=["CPUExecutionProvider"])
        self.names = [each.name for each in self.session.get_inputs()]

    def run(self, views: ViewLists, lists: list[SequenceList]) -> tuple[np.ndarray, np.ndarray]:
        """scores against their list's mean [B, N], attention [B, N, L]"""
        inputs = collate(views.view, lists).inputs
        inputs["columns"] = inputs["columns"][..., self.columns]
        scores, attention = self.session.run(["score", "attention"], {name: inputs[name].numpy() for name in self.names})
        return scores - scores.mean(1, keepdims=True), attention


def leave_out(views: ViewLists, one: SequenceList, event: int, *, columns: bool) -> SequenceList:
    """The list had the event never been."""
    kept = np.arange(len(one.history)) != event
    session = one.session[kept]
    less = replace(one, history=one.history[kept], action=one.action[kept], age=one.age[kept], session=session)
    if not columns:
        return less
    return replace(less, columns=with_history(views, less))


def with_history(views: ViewLists, one: SequenceList) -> np.ndarray:
    """The list's columns, those of the shopper computed anew [N, all]"""
    view, count, past = views.view, len(one.items), one.history
    brand, category = compare_attributes(view, one.items, past)
    facts = Facts(
        first_score=np.zeros(count), first_rank=np.arange(count), text_rank=np.full(count, -1), image_rank=np.full(count, -1), query_words=1,
        item=one.items, price=view.price[one.items], rating=view.rating[one.items], reviews=view.reviews[one.items],
        past_item=past, past_known=np.ones(len(past), bool), past_price=view.price[past], past_action=one.action, past_age=one.age,
        same_brand=brand, same_category=category,
    )  # fmt: skip
    fresh = compute_columns(facts, ALL_COLUMNS, more=describe(view, one.items, past, one.query))
    columns = one.columns.copy()
    columns[:, OF_USER] = fresh[:, OF_USER]
    return columns


def correlate(shares: np.ndarray, changes: np.ndarray) -> tuple[float, float, float]:
    """Spearman, Kendall, and whether the greatest share is the greatest change; [L] each. NaN where either is all one value."""
    if np.ptp(shares) < 1e-9 or np.ptp(changes) < 1e-9:
        return np.nan, np.nan, np.nan
    return spearmanr(shares, changes)[0], kendalltau(shares, changes)[0], float(shares.argmax() == changes.argmax())


def measure(model: Model, views: ViewLists, one: SequenceList, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Means over the list's best hits [3], by what is asked and who tells."""
    (scores,), (attention,) = model.run(views, [one])
    best = np.argsort(-scores, kind="stable")[:TOP]
    length = len(one.history)
    told = {"attention": attention[best], "newest first": np.tile(np.arange(length, dtype=float), (len(best), 1)), "chance": rng.random((len(best), length))}
    measured = {}
    for what, columns in (("whole", True), ("network", False)):
        less, _ = model.run(views, [leave_out(views, one, event, columns=columns) for event in range(length)])
        change = np.abs(scores[best] - less[:, best]).T  # [TOP, L]
        for name, shares in told.items():
            measured[f"{what}: {name}"] = np.array([correlate(share, own) for share, own in zip(shares, change, strict=True)])
    return {name: means(rows) for name, rows in measured.items()}


def means(rows: np.ndarray) -> np.ndarray:
    """Of the columns, NaN left out; NaN where nothing is left."""
    there = ~np.isnan(rows)
    return np.where(there.any(0), np.nansum(rows, 0) / np.maximum(there.sum(0), 1), np.nan)


def check_columns(views: ViewLists, lists: list[SequenceList]) -> None:
    """Stops where a list's own columns do not come out as they are stored."""
    for one in lists:
        if not np.allclose(with_history(views, one), one.columns, atol=1e-5):
            raise SystemExit("the columns of a stored list do not come out again; make the lists anew")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lists", type=Path, required=True)
    parser.add_argument("--onnx", type=Path, required=True)
    parser.add_argument("--count", type=int, default=300, help="lists, of 4 to 30 events")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    [views] = load_lists([options.lists])
    fitting = [one for one in views.lists if FEWEST <= len(one.history) <= MOST]
    lists = [fitting[place] for place in rng.permutation(len(fitting))[: options.count]]
    check_columns(views, lists[:5])
    model = Model(options.onnx)
    by_list = [measure(model, views, one, rng) for one in lists]
    report = {"lists": len(lists), "events": float(np.mean([len(one.history) for one in lists])), "chance of the greatest": float(np.mean([1 / len(one.history) for one in lists]))}
    print(f"{len(lists)} lists of {report['events']:.1f} events; the greatest by chance {report['chance of the greatest']:.3f}")
    for name in by_list[0]:
        values = np.array([each[name] for each in by_list])
        draws = np.array([means(values[rng.integers(len(values), size=len(values))]) for _ in range(BOOTSTRAP)])
        low, high = np.quantile(draws, [0.025, 0.975], axis=0)
        report[name] = {key: [float(x) for x in triple] for key, triple in zip(("spearman", "kendall", "greatest"), zip(means(values), low, high, strict=True), strict=True)}
        print(f"{name:24} " + "  ".join(f"{key} {mean:+.3f} ({a:+.3f} to {b:+.3f})" for key, (mean, a, b) in report[name].items()))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
