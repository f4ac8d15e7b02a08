"""Trains and measures every arm of tuned/arms.py on real shoppers' lists (list_inputs.py), one small JSON file a run. Nothing of it ships.

    python grid.py --lists LISTS --packs beauty sports --out RUNS [--arms default …] [--device cuda] [--workers 8] [--seconds 300]

A run whose file is there is not run again. Each file: what was chosen, NDCG@10 of every asked target on the test lists (one that the first
phase did not find counts 0), parameters, arithmetic of one list of 200 candidates and 50 events, seconds.
"""

import argparse
import importlib.util
import json
import os
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from contract import COLUMN, COLUMNS
from export import draw_inputs
from inputs import open_inputs
from losses import standardise
from model import FusionBase
from tuned.arms import ARMS, BY_NAME, TREES, Arm
from tuned.build import build_network, fit_projections, read_shipped, take_over
from tuned.choices import tell_choices
from tuned.list_table import ListTable
from tuned.trainer import HELD_OUT, by_length, choose_device, rank_targets, score_network, train

HIDDEN_SHARES = (0.1, 0.3, 0.5, 0.7)
FULL_LOAD = (1, 200, 50)
ROUND = 4


class Pack:
    """A pack's lists on the device."""

    def __init__(self, lists: Path, name: str, device: str):
        self.name = name
        self.train = ListTable([open_inputs(folder) for folder in sorted(lists.glob(f"{name}-train-*"))], device)
        self.test = ListTable([open_inputs(lists / f"{name}-test")], device)
        self.places = by_length(self.test, np.arange(len(self.test)))

    def measure(self, score) -> dict[str, dict]:
        """By system: the mean over all asked, and the gain of each list in the order of the test lists."""
        ranked = rank_targets(self.test, self.places, score)
        back = np.argsort(self.places)
        return {
            name: {"ndcg@10": round(float(values.sum() / self.test.asked), 5), "gains": [round(float(value), ROUND) for value in values[back]]}
            for name, values in ranked.items()
        }


def build(arm: Arm, pack: Pack, shipped: Path, seed: int) -> nn.Module:
    choices, training = arm.read()
    torch.manual_seed(seed)
    if arm.base:
        network: nn.Module = FusionBase()
    else:
        dims = {name: size for name, size in pack.train.present_dims().items() if name not in arm.without}
        network = build_network(choices, dims)
        fit_projections(network, pack.train)
    if training.start == "base":
        take_over(network, read_shipped(shipped))
    return network


def count_operations(network: nn.Module, dims: tuple[int, int]) -> int:
    """Floating-point operations of one list as rankers are measured under."""
    inputs = draw_inputs(np.random.default_rng(1), (*FULL_LOAD, *dims), len(COLUMNS))
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        network(inputs)
    return counted.get_total_flops()


def run_arm(arm: Arm, pack: Pack, seed: int, *, out: Path, shipped: Path, seconds: float | None, tell) -> dict:
    choices, training = arm.read()
    network = build(arm, pack, shipped, seed)
    dims = tuple(pack.train.vectors[name].shape[1] for name in ("text", "image"))
    operations = count_operations(network.eval(), dims)
    network.to(pack.train.device)
    if choices.kind == "large" and pack.train.device.type == "cuda":
        network.half = True
    for table in (pack.train, pack.test):
        table.without = arm.without
    trained = train(network, pack.train, training, seed=seed, seconds=seconds, tell=tell)
    if choices.kind == "large":
        network.half = False
    report = {
        "pack": pack.name, "arm": arm.name, "group": arm.group, "seed": seed, "evidence of": shipped.name, **({} if arm.base else tell_choices(choices, training)),
        "lists": {"train": trained.lists, "held out": trained.held, "test": len(pack.test), "asked": pack.test.asked},
        "epoch": trained.epoch, "epochs": len(trained.history), "held out ndcg@10": round(trained.history[trained.epoch - 1]["ndcg@10"], 5),
        "parameters": sum(each.numel() for each in network.parameters()), "operations": operations,
        "seconds": round(trained.seconds, 1), "device": torch.cuda.get_device_name() if pack.train.device.type == "cuda" else "CPU",
        "systems": pack.measure(score_network(network)),
    }  # fmt: skip
    if "image" in pack.test.present_dims() and "image" not in arm.without and not arm.base:
        report["hidden pictures"] = {}
        for share in HIDDEN_SHARES:
            pack.test.hide_pictures(share)
            report["hidden pictures"][f"{share:g}"] = pack.measure(score_network(network, dials=()))["own"]
        pack.test.hide_pictures(0)
    torch.save({name: value.half() if value.is_floating_point() else value for name, value in network.cpu().state_dict().items()}, out / f"{name_run(arm, pack.name, seed)}.pt")
    return report


def run_trees(pack: Pack, seed: int) -> dict:
    """LambdaMART on the same lists; on a CPU, where LightGBM is there."""
    from tuned.trees import Trees, fit_trees

    began = time.monotonic()
    booster = fit_trees(pack.train, seed=seed)
    seconds = time.monotonic() - began
    learn, held = pack.train.split(HELD_OUT, 1)
    return {
        "pack": pack.name, "arm": TREES, "group": "rivals", "seed": seed,
        "lists": {"train": len(learn), "held out": len(held), "test": len(pack.test), "asked": pack.test.asked},
        "trees": booster.num_trees(), "seconds": round(seconds, 1), "device": "CPU", "systems": pack.measure(score_network(Trees(booster))),
    }  # fmt: skip


def measure_rivals(pack: Pack, shipped: Path) -> dict:
    """What needs no training on these lists."""
    network = FusionBase()
    take_over(network, read_shipped(shipped))
    network.eval().to(pack.test.device)

    def score(x):
        first, mask = x["columns"][..., COLUMN["first_phase_z"]], x["candidate_mask"]
        popular = standardise(first, mask) + standardise(x["columns"][..., COLUMN["popularity"]], mask)
        return {"first phase": first, "first phase + popularity": popular, **{f"fusion-base, {name}": values for name, values in score_network(network)(x).items()}}

    asked = {"test": len(pack.test), "asked": pack.test.asked}
    return {"pack": pack.name, "arm": "untrained", "group": "rivals", "seed": 0, "lists": asked, "systems": pack.measure(score)}


def name_run(arm: Arm | None, pack: str, seed: int) -> str:
    words = arm.name if arm else "untrained"
    return f"{pack}.{words.replace(', ', '-').replace(' ', '-').replace('+', '-')}.{seed}"


def list_jobs(packs: list[str], arms: list[str]) -> list[tuple[Arm | None, str, int]]:
    """In the order of ARMS; first what needs no training."""
    chosen = [BY_NAME[name] for name in arms] if arms else [arm for arm in ARMS if arm.name != TREES or importlib.util.find_spec("lightgbm")]
    jobs: list[tuple[Arm | None, str, int]] = [(None, pack, 0) for pack in packs]
    return jobs + [(arm, pack, seed) for arm in chosen for seed in arm.seeds for pack in packs if not arm.packs or pack in arm.packs]


def claim(file: Path) -> bool:
    """True for the one process that may write this run."""
    if file.exists():
        return False
    try:
        os.close(os.open(file.with_suffix(".claim"), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def work(options: argparse.Namespace, number: int, deadline: float) -> None:
    """Runs what nobody else has begun: of the pack that it holds first, then of the others."""
    torch.set_num_threads(1)
    turn = number % len(options.packs)
    longest = 0.0
    for name in [*options.packs[turn:], *options.packs[:turn]]:
        pack: Pack | None = None
        for arm, _, seed in [job for job in list_jobs(options.packs, options.arms) if job[1] == name]:
            file = options.out / f"{name_run(arm, name, seed)}.json"
            if time.monotonic() + 1.1 * longest > deadline or not claim(file):
                continue
            began = time.monotonic()
            try:
                pack = pack or Pack(options.lists, name, options.device)
                left = deadline - time.monotonic()
                say = lambda line: print(f"{file.stem}: {line}", flush=True) if options.verbose else None  # noqa: E731
                if arm is None:
                    report = measure_rivals(pack, options.shipped)
                elif arm.name == TREES:
                    report = run_trees(pack, seed)
                else:
                    report = run_arm(arm, pack, seed, out=options.out, shipped=options.shipped, seconds=left, tell=say)
                file.with_suffix(".part").write_text(json.dumps(report))
                file.with_suffix(".part").rename(file)
                print(f"{file.stem}: " + ", ".join(f"{system} {told['ndcg@10']:.4f}" for system, told in report["systems"].items()) + f", {time.monotonic() - began:.0f} s", flush=True)
            except (Exception, SystemExit) as error:  # one run's fault is not the others'
                print(f"{file.stem} FAILED after {time.monotonic() - began:.0f} s: {type(error).__name__}: {error}", flush=True)
                options.failed.append(file.stem)
            finally:
                file.with_suffix(".claim").unlink(missing_ok=True)
            longest = max(longest, time.monotonic() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lists", type=Path, required=True)
    parser.add_argument("--packs", nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--arms", nargs="*", default=[], choices=list(BY_NAME), metavar="ARM")
    parser.add_argument("--shipped", type=Path, required=True, help="folder of the fusion-base that tuning starts from")
    parser.add_argument("--device", default="auto", help="cpu, cuda, or auto: a GPU where there is one")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1e9, help="no run is begun that would end later")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    options.device = choose_device(options.device)
    options.out.mkdir(parents=True, exist_ok=True)
    for pack in options.packs:  # of a run that was stopped
        for left in options.out.glob(f"{pack}.*.claim"):
            left.unlink()
    options.failed = []
    deadline = time.monotonic() + options.seconds
    if options.workers == 1:
        work(options, 0, deadline)
        if options.failed:
            raise SystemExit(f"{len(options.failed)} runs failed: {', '.join(options.failed)}")
        return
    processes = [torch.multiprocessing.get_context("spawn").Process(target=work, args=(options, number, deadline)) for number in range(options.workers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    missing = [name_run(*job) for job in list_jobs(options.packs, options.arms) if not (options.out / f"{name_run(*job)}.json").exists()]
    print(f"{len(missing)} runs are not there: {', '.join(missing)}" if missing else "all runs are there")


if __name__ == "__main__":
    main()
