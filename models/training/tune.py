"""Goes on training a shipped ranker on a shop's own lists → an artefact. Minutes on one thread.

    fuserank rows export --from … --out rows.ndjson.gz --inputs
    python tune.py --from ../artefacts/fusion-base-4 --rows rows.ndjson.gz --out fusion-tuned-1

500 to 2,000 lists are meant: the rate is low, a tenth of the lists is held out, and what ranked that tenth best is kept: the weights of a
round, the shipped ones, or a mean of the shipped and the last ones (Wortsman et al. 2022, arXiv:2109.01903: a few lists move weights
further than they know). Nothing but the numbers changes in the graph (graph_weights.py). How far the order is trusted at most is one of
them: what ships is wary of shops that it does not know.
"""

import argparse
import json
import shutil
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from artefact import flat, write_manifest, write_parity
from graph_weights import GraphWeights, check_same, find_weights, open_session
from inputs import ListInputs, open_inputs
from losses import blend, listwise
from model import FusionBase
from rows import draw_lists

HELD_OUT = 0.1
FEWEST_LISTS = 50
BATCH = 16
DIAL = 0.75
BLEND_SHARE, BLEND_STEEPNESS = 0.5, 1.5
# What reads events and pairs, and what weighs them: frozen by --freeze.
PARTS = {"attention": ("attention.",), "context": ("context.",), "crosses": ("trunk.",), "gate": ("gate.", "ceiling")}
# One number, which has far to go: it learns faster than the others, and is no weight that should be small.
CEILING_RATE = 5
TOLERANCE = 1e-4
# Of the last epoch's weights in the means with those that were started from.
TUNED_SHARES = (0.5, 0.7)
PARITY_CASES, PARITY_CANDIDATES, PARITY_HISTORY = 2, 12, 6


@dataclass
class Options:
    rate: float
    epochs: int
    patience: int
    decay: float
    freeze: list[str] = field(default_factory=list)
    seed: int = 1
    fresh: bool = False


@dataclass
class Lists:
    """Lists of the file in a training or a held-out part."""

    file: ListInputs
    columns: list[str]
    places: list[int]

    def batches(self, rng: np.random.Generator) -> list[list[int]]:
        """Every list once, histories of like length together, in an order of its own."""
        length = self.file.sizes[self.places, 1]
        order = np.lexsort((rng.random(len(self.places)), np.floor(np.log1p(length) * 1.5 + rng.random())))
        chunks = [[self.places[i] for i in order[start : start + BATCH]] for start in range(0, len(order), BATCH)]
        return [chunks[i] for i in rng.permutation(len(chunks))]

    def inputs(self, places: list[int], names: list[str]) -> dict[str, Tensor]:
        return {name: torch.from_numpy(values) for name, values in self.file.stack(places, names, self.columns).items()}

    def chosen(self, places: list[int]) -> Tensor:
        """[B, N] what the shopper chose, as shares of the list's grades."""
        grades = torch.from_numpy(self.file.stack_labels(places))
        return grades / grades.sum(1, keepdim=True).clamp(min=1e-9)


def split(file: ListInputs, columns: list[str], limit: int | None, seed: int) -> tuple[Lists, Lists]:
    """
    A tenth is held out by a hash of the list's id; lists in which nothing is good teach nothing. A limit is of both parts together: a shop
    that has 500 lists has none beside them to choose the best round by.
    """
    good = [place for place in range(len(file)) if file.labels(place).max(initial=0) > 0]
    good = [good[place] for place in draw_lists([file.list_ids[place] for place in good], limit, seed)]
    held = {place for place in good if zlib.crc32(f"{seed}:{file.list_ids[place]}".encode()) < HELD_OUT * 2**32}
    if len(good) < FEWEST_LISTS or len(held) < 2:
        raise SystemExit(f"{file.folder}: {len(good)} lists with something good in them; {FEWEST_LISTS} are the fewest to tune on")
    train = [place for place in good if place not in held]
    return Lists(file, columns, train), Lists(file, columns, sorted(held))


def measure(model: onnx.ModelProto, lists: Lists) -> tuple[float, float]:
    """NDCG@10 over the lists, of the graph's own score and blended with the first phase as it is served."""
    session = open_session(model)
    names = [each.name for each in session.get_inputs()]
    outputs = [each.name for each in session.get_outputs() if each.name in ("score", "gate")]
    first = lists.columns.index("first_phase_z")
    values = []
    for place in lists.places:
        fed = lists.file.read(place, names, lists.columns)
        told = dict(zip(outputs, session.run(outputs, fed), strict=True))
        own = torch.from_numpy(told["score"].reshape(1, -1))
        gate = torch.from_numpy(np.asarray(told.get("gate", [1.0]), np.float32).reshape(1))
        z_first = torch.from_numpy(fed["columns"][..., first])
        served = blend({"score": own, "gate": gate}, z_first, torch.ones_like(own), DIAL)
        grades = lists.file.labels(place)
        values.append([exponential_ndcg(score.numpy()[0], grades) for score in (own, served)])
    own, served = np.mean(values, 0)
    return float(own), float(served)


def exponential_ndcg(score: np.ndarray, grades: np.ndarray, k: int = 10) -> float:
    """As docs/reference/metrics.md has ndcg@10; a target that was not retrieved is not in the list."""
    gains = 2.0**grades - 1
    discount = 1 / np.log2(np.arange(min(k, len(gains))) + 2)
    order = np.argsort(-score, kind="stable")[:k]
    ideal = (np.sort(gains)[::-1][:k] * discount).sum()
    return float((gains[order] * discount).sum() / ideal)


def loss_of(network: nn.Module, lists: Lists, places: list[int], first: int) -> Tensor:
    x = lists.inputs(places, network.INPUTS)
    outputs, mask, chosen = network(x), x["candidate_mask"], lists.chosen(places)
    served = BLEND_STEEPNESS * blend(outputs, x["columns"][..., first], mask, DIAL)
    return listwise(outputs["score"], chosen, mask) + BLEND_SHARE * listwise(served, chosen, mask)


def tune(weights: GraphWeights, network: nn.Module, train: Lists, held: Lists, options: Options) -> tuple[dict[str, Tensor], list[dict]]:
    """The weights that ranked the held-out lists best, and what each trial gave: what was started from, each epoch, means of first and last."""
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    prefixes = tuple(prefix for part in options.freeze for prefix in PARTS[part])
    learnt = [parameter for name, parameter in network.named_parameters() if not (prefixes and name.startswith(prefixes))]
    first = train.columns.index("first_phase_z")
    is_ceiling = lambda parameter: parameter is network.ceiling  # noqa: E731
    groups = [
        {"params": [parameter for parameter in learnt if not is_ceiling(parameter)]},
        {"params": [*filter(is_ceiling, learnt)], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=options.rate, weight_decay=options.decay)
    steps = options.epochs * -(-len(train.places) // BATCH)
    rates = [options.rate, CEILING_RATE * options.rate]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, total_steps=steps, pct_start=0.15)
    own, served = measure(weights.model, held)
    history = [{"epoch": 0, "ndcg@10": own, "served ndcg@10": served}]
    print(f"before: held-out ndcg@10 {own:.4f}, blended {served:.4f}", flush=True)
    start = {name: value.clone() for name, value in network.state_dict().items()}
    best = start
    started = time.monotonic()
    for epoch in range(1, options.epochs + 1):
        network.train()
        total = 0.0
        for places in train.batches(rng):
            loss = loss_of(network, train, places, first)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learnt, 1.0)
            optimiser.step()
            schedule.step()
            network.clamp_ceiling()
            total += float(loss.detach()) * len(places)
        own, served = measure(weights.write(network.state_dict()), held)
        seconds = time.monotonic() - started
        print(f"epoch {epoch}: loss {total / len(train.places):.4f}, held-out ndcg@10 {own:.4f}, blended {served:.4f}, {seconds:.0f} s", flush=True)
        if served > max(each["served ndcg@10"] for each in history):
            best = {name: value.clone() for name, value in network.state_dict().items()}
        history.append({"epoch": epoch, "loss": total / len(train.places), "ndcg@10": own, "served ndcg@10": served})
        top = max(range(len(history)), key=lambda place: history[place]["served ndcg@10"])
        if epoch - top >= options.patience:
            break
    if not options.fresh:
        last = network.state_dict()
        for share in TUNED_SHARES:
            mean = {name: torch.lerp(start[name], last[name], share) for name in start}
            own, served = measure(weights.write(mean), held)
            print(f"{share:g} of the last epoch: held-out ndcg@10 {own:.4f}, blended {served:.4f}", flush=True)
            if served > max(each["served ndcg@10"] for each in history):
                best = mean
            history.append({"epoch": epoch, "share": share, "ndcg@10": own, "served ndcg@10": served})
    return best, history


def write_artefact(
    out: Path, start: Path, manifest: dict, model: onnx.ModelProto, *, network: nn.Module, held: Lists, history: list[dict], options: Options, lists: int
) -> None:
    name, _, version = out.name.rpartition("-")
    out.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(out / "model.onnx"))
    write_recorded(out, manifest, model, network=network, held=held)
    best = max(history, key=lambda each: each["served ndcg@10"])
    source = held.file.header
    kept = {key: manifest[key] for key in ("inputs", "outputs", "columns")}
    facts = {key: manifest[key] for key in ("parameters", "netScore") if key in manifest}
    write_manifest(
        out,
        name=name,
        version=version,
        **kept,
        **facts,
        **({} if options.fresh else {"tunedFrom": f"{manifest['name']}-{manifest['version']}@{manifest['model']['sha256'][:8]}"}),
        licence=f"{manifest['licence']}; the tuning data are of whoever owns them",
        trained_on=[*([] if options.fresh else manifest["trainedOn"]), f"{lists} lists from {source['source']}, exported {source['created']}"],
        metrics={
            "held out": {"lists": len(held.places), "before": history[0], "tuned": best},
            "rate": options.rate,
            "frozen": options.freeze,
            "ceiling": round(network.ceiling.item(), 4),
            "seed": options.seed,
        },
    )
    for beside in ("LICENSE", "NOTICE"):
        if (start / beside).exists():
            shutil.copy(start / beside, out / beside)


def write_recorded(out: Path, manifest: dict, model: onnx.ModelProto, *, network: nn.Module, held: Lists) -> None:
    """parity.json: held-out lists, cut short, and what they were given."""
    cases, inputs = [], []
    for place in held.places[:PARITY_CASES]:
        fed = cut(held.file.read(place, network.INPUTS, held.columns))
        inputs.append(fed)
        shape = {
            "lists": 1,
            "candidates": fed["candidate_mask"].shape[1],
            "history": fed["history_mask"].shape[1],
            "textDims": fed["item_text"].shape[2],
            "imageDims": fed["item_image"].shape[2],
        }
        cases.append({"shape": shape, "inputs": {name: flat(fed[name]) for name in manifest["inputs"]}})
    net = manifest.get("netScore", "score")
    worst = check_same(network, model, inputs, net)
    session = open_session(model)
    for case, fed in zip(cases, inputs, strict=True):
        if net == "score":
            with torch.no_grad():
                score = network({name: torch.from_numpy(values) for name, values in fed.items()})["score"].numpy()
        else:  # trees share the score: the network's part was compared above, the whole is what the graph gives
            score = session.run(["score"], {each.name: fed[each.name] for each in session.get_inputs()})[0]
        case["outputs"] = {"score": flat(score)}
    write_parity(out, worst, cases)


def cut(fed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The first candidates and the latest events: a record of a whole list would be megabytes."""
    count, length = fed["candidate_mask"].shape[1], fed["history_mask"].shape[1]
    sizes = {"N": slice(0, PARITY_CANDIDATES), "L": slice(max(0, length - PARITY_HISTORY), length)}
    from contract import INPUTS

    return {name: np.ascontiguousarray(values[tuple(sizes.get(axis, slice(None)) for axis in INPUTS[name])]) for name, values in fed.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="start", type=Path, required=True, help="folder of the artefact to start from")
    parser.add_argument("--rows", type=Path, required=True, help="rows exported with --inputs, or their folder of inputs")
    parser.add_argument("--out", type=Path, required=True, help="NAME-VERSION folder to write")
    parser.add_argument("--lists", type=int, help="use so many lists, drawn by the seed (default: all)")
    parser.add_argument("--fresh", action="store_true", help="start from drawn weights: the shop's lists alone teach")
    parser.add_argument("--rate", type=float, help="default: 1e-3, with --fresh 3e-3")
    parser.add_argument("--epochs", type=int, help="at most; default: 8, with --fresh 16")
    parser.add_argument("--patience", type=int, help="epochs without a better held-out order that end it (default: none end it)")
    parser.add_argument("--decay", type=float, default=0.01, help="weight decay")
    parser.add_argument("--freeze", nargs="*", default=[], choices=list(PARTS), help="parts that keep their weights")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if not all(given.out.name.rpartition("-")[::2]):
        raise SystemExit(f"--out {given.out}: the folder's name must be NAME-VERSION, such as fusion-tuned-1")
    torch.set_num_threads(1)
    rate, epochs = given.rate or (3e-3 if given.fresh else 1e-3), given.epochs or (16 if given.fresh else 8)
    options = Options(rate, epochs, given.patience or epochs, given.decay, given.freeze, given.seed, given.fresh)
    manifest = json.loads((given.start / "manifest.json").read_text())
    network = FusionBase()
    weights = find_weights(given.start / "model.onnx", network)
    if weights.has_trees and "netScore" not in manifest:
        raise SystemExit(f"{given.start}: trees share its score, and its manifest does not name the network's own as netScore; export it again")
    network.load_state_dict(weights.read(), strict=False)
    file = open_inputs(given.rows)
    train, held = split(file, manifest["columns"], given.lists, given.seed)
    sample = [file.read(place, network.INPUTS, manifest["columns"]) for place in held.places[:3]]
    apart = check_same(network, weights.model, sample, manifest.get("netScore", "score"))
    if apart > TOLERANCE:
        raise SystemExit(f"{given.start}: PyTorch and the graph differ by {apart:.1e}; it was exported from another network than model.py's")
    print(f"{len(train.places)} lists to train on, {len(held.places)} held out; the graph and PyTorch agree to {apart:.1e}", flush=True)
    if given.fresh:
        torch.manual_seed(given.seed)
        network = FusionBase()
        weights = GraphWeights(weights.write(network.state_dict()), weights.places)
    best, history = tune(weights, network, train, held, options)
    network.load_state_dict(best)
    model = weights.write(best)
    write_artefact(given.out, given.start, manifest, model, network=network, held=held, history=history, options=options, lists=len(train.places))
    kept = max(history, key=lambda each: each["served ndcg@10"])
    if kept["epoch"] == 0:
        print("no epoch ranked the held-out lists better than what was started from: the weights are those")
    trial = f"{kept['share']:g} of epoch" if "share" in kept else "epoch"
    print(f"{trial} {kept['epoch']} is kept → {given.out}")


if __name__ == "__main__":
    main()
