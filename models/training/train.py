"""Trains fusion-base on simulated shoppers; export.py exports it.

    python train.py --lists LISTS... [--searches SEARCHES] --out RUN [--steps 4000] [--seed 1] [--device cpu]
    python train.py --lists LISTS... --out RUN --start RUN1 --teachers RUN1 RUN2 RUN3 --trees trees.txt --steps 3000 --rate 1.5e-3

Two kinds of lists take turns: those of whole shops with a log (pack_lists.py), and single searches (search_lists.py). Each list is another
shop's each time it comes (augment.py). Of a sequence one product is known to have come next; teachers (ensemble.py) say how likely the
others were. Of a search the simulator tells all chances, so nobody has to.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from contract import COLUMN
from dataset import Batch
from ensemble import Ensemble
from evaluate import evaluate
from list_batches import load_lists, walk_lists
from losses import blend, listwise, whole_funnel
from model import FusionBase, count_parameters

REPORT_EVERY = 200
BATCH = 32
# Weight of the blended order's loss and of the funnel's beside the ranker's own.
BLEND_SHARE, FUNNEL_SHARE = 0.5, 0.3
# Steepness with which a blended z is read as a choice.
BLEND_STEEPNESS = 1.5
# Of what is to be learnt of a sequence's list, what the teachers say; the rest keeps it from their errors.
TEACHERS_SHARE = 0.9


def loss_of(model: FusionBase, batch: Batch, generator: torch.Generator) -> Tensor:
    outputs = model(batch.inputs)
    mask = batch.inputs["candidate_mask"]
    first = batch.inputs["columns"][..., COLUMN["first_phase_z"]]
    dial = 0.4 + 0.6 * torch.rand(1, generator=generator).item()
    blended = BLEND_STEEPNESS * blend(outputs, first, mask, dial)
    return (
        listwise(outputs["score"], batch.chosen, mask)
        + BLEND_SHARE * listwise(blended, batch.chosen, mask)
        + FUNNEL_SHARE * whole_funnel(outputs, batch.outcome, mask)
    )


def stream(options: argparse.Namespace) -> Iterator[Batch]:
    walk = lambda files, seed: walk_lists(load_lists(files), batch=BATCH, seed=seed)  # noqa: E731
    lists = walk(options.lists, options.seed)
    if options.teachers:
        lists = teach(lists, Ensemble(options.teachers, options.trees))
    if not options.searches:
        return lists
    return take_turns(lists, walk(options.searches, options.seed + 500), options.share, options.seed)


def teach(batches: Iterator[Batch], teachers: Ensemble) -> Iterator[Batch]:
    """The same lists whose `chosen` [B, N] is mostly what the teachers expect; what became of each candidate (`outcome`) stays."""
    for batch in batches:
        expected = torch.softmax(teachers(batch.inputs).masked_fill(batch.inputs["candidate_mask"] == 0, -1e4), 1)  # [B, N]
        yield replace(batch, chosen=TEACHERS_SHARE * expected + (1 - TEACHERS_SHARE) * batch.chosen)


def take_turns(one: Iterator[Batch], other: Iterator[Batch], share: float, seed: int) -> Iterator[Batch]:
    """`share` of the batches are from the first."""
    turns = np.random.default_rng(seed)
    while True:
        yield next(one if turns.random() < share else other)


def move(batch: Batch, device: str) -> Batch:
    inputs = {name: value.to(device) for name, value in batch.inputs.items()}
    return replace(batch, inputs=inputs, chosen=batch.chosen.to(device), outcome=batch.outcome.to(device))


def train(batches: Iterator[Batch], *, out: Path, start: dict | None, steps: int, seed: int, device: str, rate: float) -> FusionBase:
    torch.manual_seed(seed)
    model = FusionBase().to(device)
    if start:
        model.load_state_dict(start["weights"])
    model.ceiling.requires_grad_(False)
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.1)
    dials = torch.Generator().manual_seed(seed)
    started, total = time.monotonic(), torch.zeros((), device=device)
    for step, batch in enumerate(islice(batches, steps), 1):
        loss = loss_of(model, move(batch, device), dials)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        total += loss.detach()
        if step % REPORT_EVERY == 0:
            print(f"step {step}: loss {float(total) / REPORT_EVERY:.4f}, {time.monotonic() - started:.0f} s", flush=True)
            total.zero_()
            torch.save({"weights": model.state_dict()}, out / "weights.pt")
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lists", type=Path, nargs="+", required=True)
    parser.add_argument("--searches", type=Path, nargs="*", default=[])
    parser.add_argument("--share", type=float, default=0.6, help="of lists, where there are both kinds")
    parser.add_argument("--held-out", type=Path, nargs="*", default=[], help="searches to report on")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights.pt; export.py reads it")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--start", type=Path, help="an earlier run to go on from")
    parser.add_argument("--teachers", type=Path, nargs="*", default=[], help="runs to learn from")
    parser.add_argument("--trees", type=Path, help="of boosted.py, to learn from with them")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    if options.trees and not options.teachers:
        parser.error("--trees teach beside networks: name some by --teachers")
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    start = torch.load(options.start / "weights.pt", weights_only=True) if options.start else None
    model = train(
        stream(options), out=options.out, start=start, steps=options.steps, seed=options.seed, device=options.device, rate=options.rate
    )
    model = model.eval()
    metrics = {}
    if options.held_out:
        views = load_lists(options.held_out)
        batches = sum(len(each.lists) // BATCH for each in views)
        metrics = evaluate(model, [move(batch, options.device) for batch in islice(walk_lists(views, batch=BATCH, seed=1, randomised=False), batches)])
        print(json.dumps(metrics, indent=1))
    torch.save({"weights": model.cpu().state_dict(), "metrics": metrics, "steps": options.steps + (start.get("steps", 0) if start else 0), "seed": options.seed, "teachers": len(options.teachers)}, options.out / "weights.pt")
    print(f"{count_parameters(model)} parameters")


if __name__ == "__main__":
    main()
