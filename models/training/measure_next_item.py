"""What ranks the next item how well (next_item.py's task): rivals over all items, and rankers over recommended_lists.py's candidates.

    python measure_next_item.py --task TASKS/beauty.npz --lists LISTS/beauty-next --results RESULTS --rivals | --onnx FOLDER | --trees | --net [--seed 1]
    python measure_next_item.py --task TASKS/beauty.npz --results RESULTS --compare     # all that is there, with train_sasrec.py's files

A run writes RESULTS/TASK.NAME-SEED.npz: an array a system, the rank of each asked target (-1: not among the candidates). `--compare` pairs
them, seeds together, and writes RESULTS/TASK.json.
"""

import argparse
import json
import pickle
from itertools import islice
from pathlib import Path

import lightgbm
import numpy as np
import torch
from torch import Tensor

from behaviour import narrowest
from boosted import BATCH, fit_trees, gather_evidence
from contract import ACTION
from dataset import collate
from list_batches import load_lists, walk_lists
from model import FusionBase
from next_item import gains, read_task
from next_item_rivals import measure_rivals
from offline import Systems, place_targets
from train import train

BOOTSTRAP, DRAWN_AT_ONCE = 2000, 100
CHOSEN_ON = 3000  # shoppers by whom a decay is chosen
RIVAL = "SASRec, sampled softmax"
PLAIN = {"first phase": "fused candidates, as they come"}


def rank_lists(views: list, scores, asked: np.ndarray) -> dict[str, np.ndarray]:
    """`scores`: inputs -> system -> [B, N]. Ranks of each asked shopper's target by system, -1 where it is in no list."""
    ranks: dict[str, np.ndarray] = {}
    place = np.full(asked.max() + 1, -1)
    place[asked] = np.arange(len(asked))
    for each in views:
        order = np.argsort([len(one.history) for one in each.lists], kind="stable")
        for start in range(0, len(order), BATCH):
            lists = [each.lists[i] for i in order[start : start + BATCH]]
            batch = collate(each.view, lists)
            for name, values in scores(batch.inputs).items():
                mine = ranks.setdefault(name, np.full(len(asked), -1))
                mine[place[[one.shopper for one in lists]]] = place_targets(values, batch.chosen, batch.inputs["candidate_mask"]).numpy()
    return ranks


class Trained:
    """Rankers trained on the lists of the position before."""

    def __init__(self, lists: Path, seed: int, *, trees: bool, steps: int, out: Path):
        views = load_lists([lists])
        count = sum(len(each.lists) for each in views) // BATCH
        self.weightless, self.net, self.trees = FusionBase().eval(), None, None
        if trees:
            batches = walk_lists(views, batch=BATCH, seed=seed, randomised=False)
            self.trees = fit_trees(*gather_evidence(batches, count), trees=300, leaves=31, rate=0.05, seed=seed)
        else:
            out.mkdir(parents=True, exist_ok=True)
            batches = walk_lists(views, batch=BATCH, seed=seed, randomised=False)
            self.net = train(batches, out=out, start=None, steps=steps, seed=seed, device="cpu", rate=3e-3).eval()

    @torch.no_grad()
    def __call__(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        if self.net:
            return {"fusion-base's net, in-domain": self.net(x)["score"]}
        evidence = self.weightless.gather(x)[0]
        return {"LambdaMART, in-domain": torch.from_numpy(predict(self.trees, evidence)).reshape(evidence.shape[:2])}


def predict(trees: lightgbm.Booster, evidence: Tensor) -> np.ndarray:
    return trees.predict(evidence.reshape(-1, evidence.shape[2]).numpy()).astype(np.float32)


def open_artefact(folder: Path):
    systems = Systems(argparse.Namespace(no_log=False, run=None, trees=None, onnx=folder))
    names = {"first phase": PLAIN["first phase"], "artefact 0.75": "fusion-base, dial .75", "artefact 1": "fusion-base, dial 1"}
    return lambda x: {names[name]: values for name, values in systems(x).items() if name in names}


def compare(task: str, asked: int, results: Path) -> dict:
    """Means of each system over its seeds with intervals over shoppers, and the ratio to the rival's."""
    files = sorted(results.glob(f"{task}.*.npz"))
    found: dict[str, list[np.ndarray]] = {}
    for file in files:
        for name, ranks in read_ranks(file).items():
            if len(ranks) != asked:
                raise SystemExit(f"{file}: {len(ranks)} ranks, the task asks {asked} shoppers")
            found.setdefault(name, []).append(np.stack(gains(ranks)))
    values = {name: np.mean(runs, 0) for name, runs in found.items()}  # [2, asked] each
    spread = dict(zip(values, draw_means(np.stack(list(values.values()))), strict=True))  # [2, BOOTSTRAP] each
    rows = []
    for name, both in values.items():
        row = {"system": name, "seeds": len(found[name])}
        for place, metric in enumerate(("hr@10", "ndcg@10")):
            row[metric] = [round(float(value), 5) for value in (both[place].mean(), *np.quantile(spread[name][place], [0.025, 0.975]))]
            row[f"{metric} by seed"] = [round(float(run[place].mean()), 5) for run in found[name]]
            if RIVAL in values and name != RIVAL:
                ratio = spread[name][place] / spread[RIVAL][place] - 1
                row[f"{metric} to SASRec"] = [
                    round(float(value), 4) for value in (both[place].mean() / values[RIVAL][place].mean() - 1, *np.quantile(ratio, [0.025, 0.975]))
                ]
        rows.append(row)
    return {"task": task, "asked": asked, "rows": rows}


def draw_means(values: np.ndarray) -> np.ndarray:
    """Means [systems, 2, BOOTSTRAP] of values [systems, 2, asked] over shoppers drawn with replacement, the same for all systems."""
    asked = values.shape[2]
    rng, flat = np.random.default_rng(1), values.reshape(-1, asked).T.astype(np.float32)
    draw = lambda: np.stack([np.bincount(rng.integers(asked, size=asked), minlength=asked) for _ in range(DRAWN_AT_ONCE)]).astype(np.float32)  # noqa: E731
    means = np.concatenate([draw() @ flat / asked for _ in range(BOOTSTRAP // DRAWN_AT_ONCE)])  # [BOOTSTRAP, systems * 2]
    return means.T.reshape(*values.shape[:2], BOOTSTRAP)


def read_ranks(file: Path) -> dict[str, np.ndarray]:
    stored = np.load(file)
    told = file.with_suffix(".json")
    if "stopped_ranks" not in stored:
        return {name: stored[name] for name in stored.files}
    loss = "sampled softmax" if json.loads(told.read_text())["negatives"] else "softmax over all items"
    return {f"SASRec, {loss}, stopped": stored["stopped_ranks"], **({f"SASRec, {loss}": stored["refitted_ranks"]} if "refitted_ranks" in stored else {})}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", type=Path, required=True)
    parser.add_argument("--lists", type=Path, help="files' name without -test.pickle")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--rivals", action="store_true")
    parser.add_argument("--onnx", type=Path, help="folder of an artefact")
    parser.add_argument("--trees", action="store_true")
    parser.add_argument("--net", action="store_true")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compare", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    task, name = read_task(options.task), options.task.stem
    if options.compare:
        report = compare(name, len(task.asked), options.results)
        recall = options.results / f"{name}-recall.json"
        report["recall"] = json.loads(recall.read_text()) if recall.exists() else None
        (options.results / f"{name}.json").write_text(json.dumps(report, indent=1))
        for row in report["rows"]:
            print(f"{row['system']:55} {row['seeds']} {row['hr@10'][0]:.4f} {row['ndcg@10'][0]:.4f}  {row.get('ndcg@10 to SASRec', '')}")
        return
    keep = lambda what, ranks: np.savez_compressed(options.results / f"{name}.{what}-{options.seed}.npz", **ranks)  # noqa: E731
    part = lambda which: options.lists.with_name(f"{options.lists.name}-{which}.pickle")  # noqa: E731
    test = load_lists([part("test")])
    if options.rivals:
        view = test[0].view
        category = narrowest(view.catalogue.category, view.catalogue.category_lists)
        ranks = measure_rivals(task, category, view.text, ACTION["purchase"], chosen_on=CHOSEN_ON, seed=options.seed)
        print(name, {system: decay for system, (decay, _) in ranks.items()})
        keep("rivals", {system: own for system, (_, own) in ranks.items()})
    if options.onnx:
        keep("artefact", rank_lists(test, open_artefact(options.onnx), task.asked))
    for kind in ("trees", "net"):
        if getattr(options, kind):
            trained = Trained(part("train"), options.seed, trees=kind == "trees", steps=options.steps, out=options.results / f"{name}.net-{options.seed}")
            keep(kind, rank_lists(test, trained, task.asked))


if __name__ == "__main__":
    main()
