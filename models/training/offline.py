"""Rankers on stored lists of real shoppers, offline: NDCG@10 with a missed target counted 0, paired with the first phase.

    python offline.py --lists LISTS/beauty-test.pickle [--run RUN] [--trees trees.txt] [--onnx FOLDER] [--no-log] [--slices] [--json FILE]
"""

import argparse
import json
from pathlib import Path

import lightgbm
import numpy as np
import onnxruntime
import torch
from torch import Tensor

from augment import BEHAVIOUR, BEHAVIOUR_PLANES
from boosted import score_rows
from contract import COLUMN
from dataset import collate
from list_batches import load_lists
from losses import blend, standardise
from model import FusionBase, read_network

BATCH, CUT, HARM, BOOTSTRAP = 32, 10, 0.05, 2000


def score_lists(views, score) -> dict[str, np.ndarray]:
    """`score`: inputs -> system -> [B, N]. Gains of every asked target by system, 0 where it was not found; [asked] each."""
    gains: dict[str, list[np.ndarray]] = {}
    for each in views:
        order = np.argsort([len(one.history) for one in each.lists], kind="stable")
        of_view: dict[str, np.ndarray] = {}
        for start in range(0, len(order), BATCH):
            chunk = order[start : start + BATCH]
            batch = collate(each.view, [each.lists[i] for i in chunk])
            mask = batch.inputs["candidate_mask"]
            for name, values in score(batch.inputs).items():
                rank = place_targets(values, batch.chosen, mask).numpy()
                of_view.setdefault(name, np.zeros(each.asked))[chunk] = np.where(rank < CUT, 1 / np.log2(rank + 2), 0)
        for name, values in of_view.items():
            gains.setdefault(name, []).append(values)
    return {name: np.concatenate(parts) for name, parts in gains.items()}


def place_targets(values: Tensor, chosen: Tensor, mask: Tensor) -> Tensor:
    """[B] how many candidates stand before each list's target: a greater value, or the same and an earlier place. All [B, N]."""
    own = (values * chosen).sum(1, keepdim=True)
    place = torch.arange(values.shape[1])
    target = chosen.argmax(1, keepdim=True)
    return (((values > own) | ((values == own) & (place < target))) & (mask > 0)).sum(1)


def without_log(x: dict[str, Tensor]) -> dict[str, Tensor]:
    columns = x["columns"].clone()
    columns[..., [COLUMN[name] for name in BEHAVIOUR]] = 0
    return x | {"columns": columns} | {name: torch.zeros_like(x[name]) for name in BEHAVIOUR_PLANES}


class Systems:
    """All that is compared, on one batch."""

    def __init__(self, options: argparse.Namespace):
        self.no_log = options.no_log
        self.weightless = FusionBase().eval()
        self.net = self.trees = self.session = None
        if options.run:
            self.net = read_network(options.run)
        if options.trees:
            self.trees = lightgbm.Booster(model_file=str(options.trees))
        if options.onnx:
            self.columns = [COLUMN[name] for name in json.loads((options.onnx / "manifest.json").read_text())["columns"]]
            settings = onnxruntime.SessionOptions()
            settings.intra_op_num_threads = 1
            self.session = onnxruntime.InferenceSession(str(options.onnx / "model.onnx"), settings, providers=["CPUExecutionProvider"])

    @torch.no_grad()
    def __call__(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        if self.no_log:
            x = without_log(x)
        mask = x["candidate_mask"]
        column = lambda name: x["columns"][..., COLUMN[name]]  # noqa: E731
        first = column("first_phase_z")
        z = lambda values: standardise(values, mask)  # noqa: E731
        scores = {
            "first phase": first,
            "+ popularity": z(first) + z(column("popularity")),
            "+ co-visitation": z(first) + z(column("covisit_sum")),
        }
        if self.trees:
            scores["LambdaMART"] = score_rows(self.trees, self.weightless.candidate_rows(x))
        if self.net:
            self.dial(scores, "net", self.net(x), first, mask)
        if self.trees and self.net:
            scores["mix"] = z(scores["LambdaMART"]) + z(scores["net 1, no gate"])
        if self.session:
            names = [output.name for output in self.session.get_outputs()]
            fed = x | {"columns": x["columns"][..., self.columns]}
            got = self.session.run(names, {each.name: fed[each.name].numpy() for each in self.session.get_inputs()})
            self.dial(scores, "artefact", {name: torch.from_numpy(values) for name, values in zip(names, got, strict=True)}, first, mask)
        return scores

    def dial(self, scores: dict[str, Tensor], name: str, outputs: dict[str, Tensor], first: Tensor, mask: Tensor) -> None:
        scores[f"{name} 1, no gate"] = outputs["score"]
        for dial in (1.0, 0.75):
            scores[f"{name} {dial:g}"] = blend(outputs, first, mask, dial)


def describe(gains: dict[str, np.ndarray], chosen: np.ndarray, seed: int = 1) -> dict[str, dict]:
    """Means over the chosen shoppers, relative gains over the first phase and over it with popularity, each with its 95 % interval by paired
    bootstrap, and the share that the first phase served better by more than HARM."""
    base = gains["first phase"][chosen]
    if not len(base):
        return {}
    draws = np.random.default_rng(seed).integers(len(base), size=(BOOTSTRAP, len(base)))

    def gain_over(rival: np.ndarray, own: np.ndarray) -> list[float]:
        relative = own[draws].mean(1) / np.maximum(1e-9, rival[draws].mean(1)) - 1
        return [round(float(value), 3) for value in (own.mean() / max(1e-9, rival.mean()) - 1, *np.quantile(relative, [0.025, 0.975]))]

    return {
        name: {
            "ndcg@10": round(float(values[chosen].mean()), 4),
            "gain": gain_over(base, values[chosen]),
            "over popularity": gain_over(gains["+ popularity"][chosen], values[chosen]),
            "harm": round(float((values[chosen] < base - HARM).mean()), 3),
        }
        for name, values in gains.items()
    }


def tell(gain: list[float]) -> str:
    value, low, high = gain
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lists", type=Path, nargs="+", required=True)
    parser.add_argument("--run", type=Path, help="folder that train.py wrote")
    parser.add_argument("--trees", type=Path, help="file that boosted.py wrote")
    parser.add_argument("--onnx", type=Path, help="folder of an artefact")
    parser.add_argument("--no-log", action="store_true", help="as a shop without any event has it")
    parser.add_argument("--slices", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    views = load_lists(options.lists)
    gains = score_lists(views, Systems(options))
    fill = lambda member: np.concatenate([np.concatenate([[member(one) for one in each.lists], np.full(each.asked - len(each.lists), np.nan)]) for each in views])  # noqa: E731
    worded, past = fill(lambda one: one.worded), fill(lambda one: one.past_events)
    slices = {"all": np.ones(len(worded), bool)}
    if options.slices:
        # Of a target that was not found nothing is known but that it was not found: slices are of those that were.
        slices |= {"bare": worded == 0, "worded": worded == 1, "history 0-4": past < 5, "history 5-19": (past >= 5) & (past < 20), "history 20+": past >= 20}
    report = {name: {"shoppers": int(chosen.sum()), **describe(gains, chosen)} for name, chosen in slices.items()}
    for name, table in report.items():
        print(f"{name}: {table['shoppers']} shoppers")
        for system, row in table.items():
            if isinstance(row, dict):
                print(f"  {system:22} {row['ndcg@10']:.4f}  {tell(row['gain'])}  over popularity {tell(row['over popularity'])}  harm {row['harm']:.3f}")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
