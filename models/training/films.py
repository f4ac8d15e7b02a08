"""What posters and plots are worth, on ml1m: rankers trained with and without them, and tested with some of the posters missing.

    python films.py lists --pack PACKS/ml1m.pickle --out LISTS/films                        # OUT-train.pickle, OUT-test.pickle
    python films.py run --lists LISTS/films --out RESULTS/films.all-1 --arm all --seed 1 [--dropout]
    python films.py compare --results RESULTS [--grid RUNS]                                 # RESULTS/films.json

A viewer's next film is the target of a query derived from it (a genre; in a third of the cases a word of the title too). Candidates are found by
titles and genres alone, so that all arms rank the same ones. The 512 viewers of val.csv are left aside.
"""

import argparse
import json
import pickle
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dataset import Batch, collate
from list_batches import load_lists, walk_lists
from logged_view import LoggedView
from model import FusionBase
from offline import place_targets
from pack_lists import Cut, ViewLists, leave_last_out, load_pack, select
from sequence_lists import first_events, list_next_item
from train import train

ASIDE = 512  # viewers of val.csv, the pack's first
HIDDEN = (2, 3, 4)  # latest events that the statistics of each training view do not know
PICTURES = "deep+colour-centred"
MISSING = (0.0, 0.1, 0.3, 0.5, 0.7)
BATCH, CUT = 32, 10
BOOTSTRAP = 2000


@dataclass(frozen=True)
class Arm:
    """What a ranker has, in training and in the test."""

    posters: bool
    plots: bool


ARMS = {"all": Arm(True, True), "no-posters": Arm(False, True), "no-plots": Arm(True, False), "neither": Arm(False, False)}


class FilmView(LoggedView):
    """The catalogue with all that is known; `dress` takes away."""

    def __init__(self, pack, rng: np.random.Generator):
        whole, plain = pack.catalogue, "minilm-no-plot"
        bare = replace(whole, texts={plain: whole.texts[plain]}, images={PICTURES: whole.images[PICTURES]})
        super().__init__(bare, pack.queries, None, rng, plain=True)
        # By whether plots are read: texts, pictures and maps from words to pictures are kept, since lists are stored with the view.
        self.told = {plots: pack.catalogue.texts["minilm" if plots else "minilm-no-plot"] for plots in (True, False)}
        self.posters = self.image

    def dress(self, arm: Arm, missing: float = 0.0, seed: int = 1) -> None:
        """With what the arm has, and a share of the posters gone: the same ones for every arm."""
        self.rng = np.random.default_rng(seed)
        self.text = self.told[arm.plots]
        self.image = self.posters if arm.posters else np.zeros((len(self.text), 8), np.float32)
        self.has_text, self.has_image = (np.abs(rows).sum(1) > 0 for rows in (self.text, self.image))
        # The map and the random pairs are an index's own: of all its pictures, before any is taken away for a test.
        self.query_head = self.fit_head() if arm.posters else None
        self.statistics = self.measure_cosines()
        kept = np.random.default_rng(100 + seed).random(len(self.text)) >= missing
        self.image, self.has_image = self.image * kept[:, None], self.has_image & kept


def make_lists(pack, hidden: int, *, limit: int, seed: int) -> ViewLists:
    rng = np.random.default_rng(seed)
    view = FilmView(pack, rng)
    cut: Cut = leave_last_out(pack, hidden)
    view.keep_log(select(pack.sequences, cut.counted), moment=cut.moment)
    targets = rng.permutation(cut.targets[pack.sequences.shopper[cut.targets] >= ASIDE])[:limit]
    starts = first_events(pack.sequences)
    made = [list_next_item(view, pack.sequences, starts, int(event), rng, cut=False) for event in targets]
    view.forget_search()
    return ViewLists(view, [one for one in made if one], len(targets))


def drop_pictures(batches: Iterator[Batch], seed: int) -> Iterator[Batch]:
    """Modality dropout: in half of the lists no product has a picture, or some have none."""
    generator = torch.Generator().manual_seed(seed)
    for batch in batches:
        x = batch.inputs
        b = x["candidate_mask"].shape[0]
        draw = lambda *dims: torch.rand(*dims, generator=generator)  # noqa: E731
        lost = (draw(b) < 0.5) * (1.2 * draw(b))  # [B] share of the products that lose theirs
        hidden: dict[str, Tensor] = {}
        for whose in ("item", "history"):
            mask = x[f"{whose}_image_mask"]
            hidden[f"{whose}_image_mask"] = mask * (draw(*mask.shape) >= lost[:, None])
        yield replace(batch, inputs=x | hidden)


@torch.no_grad()
def score_lists(net: FusionBase, views: ViewLists) -> np.ndarray:
    """NDCG@10 of every viewer that was asked [asked], a target that was not found counts 0."""
    order = np.argsort([len(one.history) for one in views.lists], kind="stable")
    gained = np.zeros(views.asked)
    for start in range(0, len(order), BATCH):
        chunk = order[start : start + BATCH]
        batch = collate(views.view, [views.lists[i] for i in chunk])
        rank = place_targets(net(batch.inputs)["score"], batch.chosen, batch.inputs["candidate_mask"]).numpy()
        gained[chunk] = np.where(rank < CUT, 1 / np.log2(rank + 2), 0)
    return gained


def run(options: argparse.Namespace) -> None:
    """Trains one ranker from nothing and tests it; with posters, also with some of them missing."""
    started = time.monotonic()
    arm = ARMS[options.arm]
    part = lambda which: load_lists([options.lists.with_name(f"{options.lists.name}-{which}.pickle")])  # noqa: E731
    views = part("train")
    for each in views:
        each.view.dress(arm)
    batches = walk_lists(views, batch=BATCH, seed=options.seed, randomised=False)
    options.out.mkdir(parents=True, exist_ok=True)
    net = train(
        drop_pictures(batches, options.seed) if options.dropout else batches,
        out=options.out, start=None, steps=options.steps, seed=options.seed, device="cpu", rate=3e-3,
    ).eval()  # fmt: skip
    del views
    [test] = part("test")
    gained = {}
    for missing in MISSING if arm.posters else MISSING[:1]:
        test.view.dress(arm, missing)
        gained[f"{missing:g}"] = score_lists(net, test).astype(np.float32)
        report = {name: getattr(options, name) for name in ("arm", "dropout", "seed", "steps")} | {"asked": test.asked, "found": len(test.lists)}
        report["ndcg@10"] = {share: round(float(values.mean()), 5) for share, values in gained.items()}
        report["seconds"] = round(time.monotonic() - started)
        np.savez_compressed(options.out.with_name(f"{options.out.name}.npz"), **gained)
        options.out.with_name(f"{options.out.name}.json").write_text(json.dumps(report))
    print(json.dumps(report), flush=True)


def lists(options: argparse.Namespace) -> None:
    from films import make_lists  # under its own name, so that what is stored can be read by whoever imports it

    pack = load_pack(options.pack)
    for which, hidden, limit in (("test", (1,), 1_000_000), ("train", HIDDEN, options.train)):
        views = [make_lists(pack, each, limit=limit, seed=each) for each in hidden]
        options.out.with_name(f"{options.out.name}-{which}.pickle").write_bytes(pickle.dumps(views))
        print(which, [(each.asked, len(each.lists)) for each in views], flush=True)


Runs = dict[str, list[dict[str, np.ndarray]]]  # by arm, of every seed: gains by share of missing posters
# Arms of tuned/arms.py that are about modalities, by ours.
GRID = {
    "default": "all with dropout",
    "no modality dropout": "all",
    "without pictures": "no-posters with dropout",
    "without texts": "no-texts with dropout",
}
PAIRS = {
    "posters": [("all", "no-posters"), ("all with dropout", "no-posters with dropout")],
    "posters, without plots": [("no-plots", "neither")],
    "plots": [("all", "no-plots")],
    "plots, without posters": [("no-posters", "neither")],
    "posters and plots": [("all", "neither")],
    "titles and plots": [("all with dropout", "no-texts with dropout")],
}


def gather(results: Path) -> Runs:
    found: Runs = {}
    for file in sorted(results.glob("films.*.json")):
        told, stored = json.loads(file.read_text()), np.load(file.with_suffix(".npz"))
        found.setdefault(f"{told['arm']}{' with dropout' * told['dropout']}", []).append({share: stored[share] for share in stored.files})
    return found


def gather_grid(runs: Path) -> Runs:
    """Of grid.py's runs on ml1m: gains of the lists that were found, then 0 for every other viewer that was asked."""
    found: Runs = {}
    for file in sorted(runs.glob("ml1m.*.json")):
        told = json.loads(file.read_text())
        if told["arm"] in GRID:
            measured = {"0": told["systems"]["own"], **told.get("hidden pictures", {})}
            gained = {share: np.append(each["gains"], np.zeros(told["lists"]["asked"] - len(each["gains"]))) for share, each in measured.items()}
            found.setdefault(GRID[told["arm"]], []).append(gained)
    return found


def pair(name: str, found: Runs) -> dict:
    """Means over seeds and 95 % intervals, paired over viewers: what each modality adds, and what missing posters cost."""
    mean = {arm: {share: np.mean([run[share] for run in runs], 0) for share in runs[0]} for arm, runs in found.items()}
    asked = len(next(iter(mean.values()))["0"])
    draws = np.random.default_rng(1).integers(asked, size=(BOOTSTRAP, asked))

    def interval(values: np.ndarray) -> list[float]:
        means = np.concatenate([values[some].mean(1) for some in np.array_split(draws, 20)])
        return [round(float(each), 5) for each in (values.mean(), *np.quantile(means, [0.025, 0.975]))]

    return {
        "network": name,
        "asked": asked,
        "arms": {
            arm: {"ndcg@10": interval(shares["0"]), "by seed": [round(float(run["0"].mean()), 4) for run in found[arm]]}
            for arm, shares in mean.items()
        },
        "adds": {
            what: interval(mean[one]["0"] - mean[other]["0"])
            for what, pairs in PAIRS.items()
            for one, other in pairs
            if one in mean and other in mean
        },
        "missing": {
            arm: {
                share: {
                    "ndcg@10": interval(values),
                    "cost": interval(shares["0"] - values),
                    "cost by seed": [round(float((run["0"] - run[share]).mean()), 4) for run in found[arm]],
                }
                for share, values in shares.items()
            }
            for arm, shares in mean.items()
            if arm.startswith("all")
        },
    }


def compare(options: argparse.Namespace) -> None:
    told = [("fusion-base's network, trained from nothing", gather(options.results))]
    if options.grid:
        told.append(("fusion-tuned, which reads the vectors", gather_grid(options.grid)))
    networks = [pair(name, found) for name, found in told if found]
    if told[0][1]:
        networks[0]["steps"] = sorted({json.loads(file.read_text())["steps"] for file in options.results.glob("films.*-*.json")})
    if not networks:
        raise SystemExit(f"{options.results}: no runs to compare; `films.py run` makes them")
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "films.json").write_text(json.dumps({"networks": networks}, indent=1))
    print(json.dumps(networks, indent=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    making, running, comparing = (commands.add_parser(name) for name in ("lists", "run", "compare"))
    making.add_argument("--pack", type=Path, required=True)
    making.add_argument("--out", type=Path, required=True, help="files' name without an ending")
    making.add_argument("--train", type=int, default=3000, help="targets of each training view")
    running.add_argument("--lists", type=Path, required=True)
    running.add_argument("--out", type=Path, required=True)
    running.add_argument("--arm", choices=ARMS, required=True)
    running.add_argument("--dropout", action="store_true")
    running.add_argument("--steps", type=int, default=1000)
    running.add_argument("--seed", type=int, default=1)
    comparing.add_argument("--results", type=Path, required=True)
    comparing.add_argument("--grid", type=Path, help="folder of grid.py's runs")
    options = parser.parse_args()
    torch.set_num_threads(1)
    {"lists": lists, "run": run, "compare": compare}[options.command](options)


if __name__ == "__main__":
    from films import main  # so that views are stored under a name that others can import

    main()
