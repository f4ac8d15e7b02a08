"""What ranks the next item how well (next_item.py's task): rivals over all items, and rankers over recommended_lists.py's candidates.

    python measure_next_item.py --task TASKS/beauty.npz --lists LISTS/beauty-next --results RESULTS --rivals | --onnx FOLDER | --net [--seed 1]
                                                                            | --trees [--sasrec STATES] [--seed 1]
    python measure_next_item.py --task TASKS/beauty.npz --lists LISTS/beauty-next --results RESULTS --compare     # also train_sasrec.py's files

A run writes RESULTS/TASK.NAME-SEED.npz: an array a system, the rank of each asked target (-1: not among the candidates). `--compare` pairs
them, seeds together, and writes RESULTS/TASK.json.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from behaviour import narrowest
from boosted import BATCH, fit_trees
from contract import ACTION
from dataset import collate
from list_batches import load_lists, walk_lists
from model import FusionBase
from next_item import gains, read_task
from next_item_rivals import measure_rivals
from offline import Systems, place_targets
from recommended_lists import WINDOW
from train import train

BOOTSTRAP, DRAWN_AT_ONCE = 2000, 100
TAUGHT = 4000  # lists that LambdaMART learns from
CHOSEN_ON = 3000  # shoppers by whom a decay is chosen
RIVAL = "SASRec, sampled softmax"  # else the same before it is trained again on all that is known
PLAIN = {"first phase": "fused candidates, as they come"}


def rank_lists(views: list, scores, asked: np.ndarray) -> dict[str, np.ndarray]:
    """`scores`: inputs and their lists -> system -> [B, N]. Ranks of each asked shopper's target by system, -1 where it is in no list."""
    ranks: dict[str, np.ndarray] = {}
    place = np.full(asked.max() + 1, -1)
    place[asked] = np.arange(len(asked))
    for each in views:
        order = np.argsort([len(one.history) for one in each.lists], kind="stable")
        for start in range(0, len(order), BATCH):
            lists = [each.lists[i] for i in order[start : start + BATCH]]
            batch = collate(each.view, lists)
            for name, values in scores(batch.inputs, lists).items():
                mine = ranks.setdefault(name, np.full(len(asked), -1))
                mine[place[[one.shopper for one in lists]]] = place_targets(values, batch.chosen, batch.inputs["candidate_mask"]).numpy()
    return ranks


class Expected:
    """What SASRec expects of a shopper as two more columns of evidence: its score, and its z in the list."""

    def __init__(self, file: Path, *, before: bool):
        """`before`: of the model that has not been trained on the item before the target's place."""
        stored = np.load(file)
        of = "stopped" if before else "refitted"
        self.states = stored["before_expected" if before else f"{of}_expected"].astype(np.float32)
        self.items = stored[f"{of}_items"].astype(np.float32)

    def __call__(self, lists: list, n: int) -> Tensor:
        """[B, N, 2]"""
        columns = torch.zeros(len(lists), n, 2)
        for row, one in enumerate(lists):
            scores = self.items[one.items] @ self.states[one.shopper]
            columns[row, : len(scores)] = torch.from_numpy(np.stack([scores, (scores - scores.mean()) / (scores.std() + 0.01)], 1))
        return columns


class Trees:
    """LambdaMART trained on the lists of the position before."""

    def __init__(self, lists: Path, seed: int, sasrec: Path | None):
        self.weightless, self.sasrec = FusionBase().eval(), sasrec
        expected = Expected(sasrec, before=True) if sasrec else None
        rows, grades, lengths = [], [], []
        for each in load_lists([lists]):
            drawn = np.random.default_rng(seed).permutation(len(each.lists))[:TAUGHT]
            for start in range(0, len(drawn), BATCH):
                some = [each.lists[i] for i in drawn[start : start + BATCH]]
                batch = collate(each.view, some)
                present = batch.inputs["candidate_mask"].numpy() > 0
                rows.append(self.gather(batch.inputs, some, expected)[present])
                grades.append(batch.chosen.numpy()[present].astype(int))
                lengths.append(present.sum(1))
        self.trees = fit_trees(np.concatenate(rows), np.concatenate(grades), np.concatenate(lengths), trees=300, leaves=31, rate=0.05, seed=seed)
        self.expected = Expected(sasrec, before=False) if sasrec else None
        self.name = "LambdaMART in-domain, SASRec's score in its evidence" if sasrec else "LambdaMART in-domain"

    @torch.no_grad()
    def gather(self, x: dict[str, Tensor], lists: list, expected: Expected | None) -> np.ndarray:
        evidence = self.weightless.candidate_rows(x)
        return (torch.cat([evidence, expected(lists, evidence.shape[1])], 2) if expected else evidence).numpy()

    def __call__(self, x: dict[str, Tensor], lists: list) -> dict[str, Tensor]:
        evidence = self.gather(x, lists, self.expected)
        scores = self.trees.predict(evidence.reshape(-1, evidence.shape[2])).astype(np.float32)
        return {self.name: torch.from_numpy(scores).reshape(evidence.shape[:2])}


class Net:
    """fusion-base's net trained from nothing on the same lists."""

    def __init__(self, lists: Path, seed: int, *, steps: int, out: Path):
        out.mkdir(parents=True, exist_ok=True)
        batches = walk_lists(load_lists([lists]), batch=BATCH, seed=seed, randomised=False)
        self.net = train(batches, out=out, start=None, steps=steps, seed=seed, device="cpu", rate=3e-3).eval()

    @torch.no_grad()
    def __call__(self, x: dict[str, Tensor], lists: list) -> dict[str, Tensor]:
        return {"fusion-base's net in-domain": self.net(x)["score"]}


def open_artefact(folder: Path):
    systems = Systems(argparse.Namespace(no_log=False, run=None, trees=None, onnx=folder))
    names = {"first phase": PLAIN["first phase"], "artefact 0.75": "fusion-base, dial .75", "artefact 1": "fusion-base, dial 1"}
    return lambda x, lists: {names[name]: values for name, values in systems(x).items() if name in names}


def compare(task: str, asked: int, results: Path) -> dict:
    """Means of each system over its seeds with intervals over shoppers, and the ratio to the rival's."""
    files = sorted(results.glob(f"{task}.*.npz"))
    told = [json.loads(file.read_text()) for file in sorted(results.glob(f"{task}.*.json"))]
    found: dict[str, list[np.ndarray]] = {}
    for file in files:
        for name, ranks in read_ranks(file).items():
            if len(ranks) != asked:
                raise SystemExit(f"{file}: {len(ranks)} ranks, the task asks {asked} shoppers")
            found.setdefault(name, []).append(np.stack([*gains(ranks), (ranks >= 0) & (ranks < WINDOW)]))
    values = {name: np.mean(runs, 0) for name, runs in found.items()}  # [3, asked] each
    spread = dict(zip(values, draw_means(np.stack(list(values.values()))), strict=True))  # [3, BOOTSTRAP] each
    rival = RIVAL if RIVAL in values else f"{RIVAL}, stopped"
    rows = []
    for name, both in values.items():
        row = {"system": name, "seeds": len(found[name]), f"recall@{WINDOW}": round(float(both[2].mean()), 4)}
        for place, metric in enumerate(("hr@10", "ndcg@10")):
            row[metric] = [round(float(value), 5) for value in (both[place].mean(), *np.quantile(spread[name][place], [0.025, 0.975]))]
            row[f"{metric} by seed"] = [round(float(run[place].mean()), 5) for run in found[name]]
            if rival in values and name != rival:
                ratio = spread[name][place] / spread[rival][place] - 1
                row[f"{metric} to SASRec"] = [
                    round(float(value), 4) for value in (both[place].mean() / values[rival][place].mean() - 1, *np.quantile(ratio, [0.025, 0.975]))
                ]
        rows.append(row)
    rows.sort(key=lambda row: -row["ndcg@10"][0])
    machines = sorted({each["machine"] for each in told if "machine" in each})
    artefact = next((each["artefact"] for each in told if "artefact" in each), None)
    about = {"task": task, "asked": asked, "rival": rival if rival in values else None, "epochs": tell_epochs(told)}
    return about | {"artefact": artefact, "machines": machines, "rows": rows}


def tell_epochs(told: list[dict]) -> list[str]:
    """Of each SASRec, how long it learned and how its foretelling of the position before went on at the end."""
    found = []
    for each in told:
        if "course" in each:
            rising = each["course"][-1] == max(each["course"])
            found.append(f"{each['best_epoch']} epochs, {'still rising when time was up' if rising else 'no longer rising'}")
    return found


def draw_means(values: np.ndarray) -> np.ndarray:
    """Means [systems, metrics, BOOTSTRAP] of values [systems, metrics, asked] over shoppers drawn with replacement, the same for all systems."""
    asked = values.shape[2]
    rng, flat = np.random.default_rng(1), values.reshape(-1, asked).T.astype(np.float32)
    draw_one = lambda: np.bincount(rng.integers(asked, size=asked), minlength=asked).astype(np.float32)  # noqa: E731
    draw = lambda: np.stack([draw_one() for _ in range(DRAWN_AT_ONCE)])  # noqa: E731
    means = np.concatenate([draw() @ flat / asked for _ in range(BOOTSTRAP // DRAWN_AT_ONCE)])  # [BOOTSTRAP, systems * metrics]
    return means.T.reshape(*values.shape[:2], BOOTSTRAP)


def read_ranks(file: Path) -> dict[str, np.ndarray]:
    stored = np.load(file)
    told = file.with_name(f"{file.name.removesuffix('.npz')}.json")
    if "stopped_ranks" not in stored:
        return {name: stored[name] for name in stored.files}
    loss = "sampled softmax" if json.loads(told.read_text())["negatives"] else "softmax over all items"
    names = {"stopped_ranks": f"SASRec, {loss}, stopped", "refitted_ranks": f"SASRec, {loss}"}
    return {name: stored[kept] for kept, name in names.items() if kept in stored}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", type=Path, required=True)
    parser.add_argument("--lists", type=Path, required=True, help="files' name without -test.pickle")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--rivals", action="store_true")
    parser.add_argument("--onnx", type=Path, help="folder of an artefact")
    parser.add_argument("--trees", action="store_true")
    parser.add_argument("--sasrec", type=Path, help="train_sasrec.py's states, as evidence of the trees")
    parser.add_argument("--net", action="store_true")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compare", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    task, name = read_task(options.task), options.task.stem
    if options.compare:
        report = compare(name, len(task.asked), options.results)
        recall = options.lists.with_name(f"{options.lists.name}-recall.json")
        report |= {"n": task.n, "recall": json.loads(recall.read_text()) if recall.exists() else None}
        (options.results / f"{name}.json").write_text(json.dumps(report, indent=1))
        for row in report["rows"]:
            print(f"{row['system']:55} {row['seeds']} {row['hr@10'][0]:.4f} {row['ndcg@10'][0]:.4f}  {row.get('ndcg@10 to SASRec', '')}")
        return

    def keep(what: str, ranks: dict[str, np.ndarray]) -> None:
        halved = {system: own.astype(np.int16) for system, own in ranks.items()}
        np.savez_compressed(options.results / f"{name}.{what}-{options.seed}.npz", **halved)

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
        sha256 = hashlib.sha256((options.onnx / "model.onnx").read_bytes()).hexdigest()[:8]
        (options.results / f"{name}.artefact-{options.seed}.json").write_text(json.dumps({"artefact": f"{options.onnx.name}@{sha256}"}))
    if options.trees:
        what = "trees-sasrec" if options.sasrec else "trees"
        keep(what, rank_lists(test, Trees(part("train"), options.seed, options.sasrec), task.asked))
    if options.net:
        out = options.results / f"{name}.net-{options.seed}"
        keep("net", rank_lists(test, Net(part("train"), options.seed, steps=options.steps, out=out), task.asked))


if __name__ == "__main__":
    main()
