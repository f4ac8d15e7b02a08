"""Trains SASRec on a task of next_item.py and ranks all items for whoever is asked.

    python train_sasrec.py --task TASKS/beauty.npz --out RUNS/beauty-sampled-1 [--negatives 512] [--seed 1] [--device cuda] [--seconds 200]

First on everything before the last known item, stopped by how well that one is foretold; then, for as many epochs, on all that is known.
Writes OUT.json (settings, course, HR@10 and NDCG@10 of both) as soon as there is something to tell, OUT.npz (ranks of the targets), and for
rankers that take it as evidence STATES (what both models expect next of each shopper, and their items' vectors).
"""

import argparse
import json
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from next_item import CUT, NextItemTask, gains, read_task
from sasrec import SasRec, Shape

RANKED_AT_ONCE = 1024


@dataclass
class Course:
    rate: float
    batch: int
    epochs: int
    patience: int  # measurements without a gain
    every: int  # epochs a measurement
    negatives: int
    seconds: float
    seed: int
    device: str


class Rows:
    """Rows of items under each other, items numbered from 1, on the device."""

    def __init__(self, rows: list[np.ndarray], device: str):
        lengths = np.array([len(row) for row in rows])
        self.flat = torch.from_numpy(np.concatenate([[0], *rows]).astype(np.int64)).to(device) + 1
        self.ends = torch.from_numpy(np.cumsum(lengths) + 1).to(device)
        self.lengths = torch.from_numpy(lengths).to(device)

    def window(self, shoppers: Tensor, ends: Tensor, length: int) -> Tensor:
        """The `length` items before each end (events of the row) [B, length], pads first."""
        steps = torch.arange(-length, 0, device=self.flat.device)
        place = ends[:, None] + steps  # [B, length], within the row
        start = (self.ends - self.lengths)[shoppers]
        return torch.where(place >= 0, self.flat[(start[:, None] + place).clamp(min=0)], 0)


def fit(task: NextItemTask, shape: Shape, course: Course, *, watched: NextItemTask | None, epochs: int) -> tuple[SasRec, int, list[float]]:
    """The model, the epochs that it took, and how well it foretold `watched` on the way. Without `watched`: exactly so many epochs."""
    torch.manual_seed(course.seed)
    model = SasRec(task.n, shape).to(course.device)
    fused = {"fused": True} if course.device.startswith("cuda") else {}
    optimiser = torch.optim.Adam(model.parameters(), lr=course.rate, betas=(0.9, 0.98), **fused)
    rows = Rows(task.rows, course.device)
    taught = torch.nonzero(rows.lengths > 1).flatten()
    started, best, best_epoch, kept, story = time.monotonic(), -1.0, 0, None, []
    for epoch in range(1, epochs + 1):
        model.train()
        for chunk in chunk_alike(taught, rows.lengths, course.batch):
            ends = rows.lengths[chunk]
            free = (ends - shape.length - 1).clamp(min=0)
            ends = ends - (torch.rand(len(chunk), device=course.device) * (free + 1)).long()  # a long row is seen through a window at random
            # No step where every row has a pad.
            seen = int(min(shape.length, int(rows.lengths[chunk].max()) - 1))
            both = rows.window(chunk, ends, seen + 1)
            loss = model.loss(both[:, :-1], torch.where(both[:, :-1] > 0, both[:, 1:], 0), course.negatives)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        if watched is None or epoch % course.every:
            continue
        story.append(round(float(gains(rank_all(model, watched, course.device)[0][watched.asked])[1].mean()), 5))
        if story[-1] > best:
            best, best_epoch = story[-1], epoch
            kept = {name: value.clone() for name, value in model.state_dict().items()}
        if epoch - best_epoch >= course.patience * course.every or time.monotonic() - started > course.seconds:
            break
    if kept:
        model.load_state_dict(kept)
    return model, best_epoch if watched else epochs, story


def chunk_alike(shoppers: Tensor, lengths: Tensor, batch: int) -> list[Tensor]:
    """Batches of rows of about the same length, others each time and in any order: most rows are short, and pads cost as much as items."""
    of_like_length = torch.log1p(lengths[shoppers].float()) + 0.3 * torch.rand(len(shoppers), device=shoppers.device)
    chunks = shoppers[of_like_length.argsort()].split(batch)
    return [chunks[place] for place in torch.randperm(len(chunks)).tolist()]


@torch.no_grad()
def rank_all(model: SasRec, task: NextItemTask, device: str) -> tuple[np.ndarray, np.ndarray]:
    """Ranks of the targets among unseen items [U] (-1: not asked), and what is expected next [U, D] float16."""
    model.eval()
    rows = Rows(task.rows, device)
    target = torch.from_numpy(task.target.astype(np.int64)).to(device)
    ranks = np.full(len(task.rows), -1)
    states = np.zeros((len(task.rows), model.shape.width), np.float16)
    table = model.items.weight[1:]
    for shoppers in torch.from_numpy(np.flatnonzero([len(row) > 0 for row in task.rows])).to(device).split(RANKED_AT_ONCE):
        ends = rows.lengths[shoppers]
        expected = model.expect(rows.window(shoppers, ends, min(model.shape.length, int(ends.max()))))  # [B, D]
        states[shoppers.cpu()] = expected.half().cpu().numpy()
        asked = target[shoppers] >= 0
        if not asked.any():
            continue
        scores = (expected[asked] @ table.T).float()  # [B', n]
        seen = rows.window(shoppers[asked], ends[asked], int(ends[asked].max()))
        own = scores.gather(1, target[shoppers][asked][:, None])
        scores = torch.cat([torch.full_like(own, -torch.inf), scores], 1).scatter(1, seen, -torch.inf)[:, 1:]  # pads fall on the first column
        ranks[shoppers[asked].cpu()] = (scores > own).sum(1).cpu().numpy()
    return ranks, states


def tell(ranks: np.ndarray) -> dict[str, float]:
    hit, gain = gains(ranks)
    return {f"hr@{CUT}": round(float(hit.mean()), 5), f"ndcg@{CUT}": round(float(gain.mean()), 5)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="files' name without an ending")
    for field, value in asdict(Shape()).items():
        parser.add_argument(f"--{field}", type=type(value), default=value)
    parser.add_argument("--negatives", type=int, default=512, help="0: all items compete")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--patience", type=int, default=5)
    parser.add_argument("--every", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1e9, help="of the first training")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--states", type=Path, help="file for what is expected: evidence for rankers")
    options = vars(parser.parse_args())
    torch.set_num_threads(1)
    torch.backends.cuda.matmul.allow_tf32 = True
    shape = Shape(**{name: options[name] for name in Shape.__dataclass_fields__})
    course = Course(**{name: options[name] for name in Course.__dataclass_fields__})
    task = read_task(options["task"])
    before = task.step_back()
    started = time.monotonic()
    machine = torch.cuda.get_device_name() if course.device.startswith("cuda") else platform.processor() or "CPU"
    report = {"system": "SASRec", "task": options["task"].stem, "n": task.n, "asked": len(task.asked), "machine": machine}
    report |= asdict(shape) | asdict(course)
    arrays, told = {}, {}
    name_file = lambda ending: options["out"].with_name(options["out"].name + ending)  # noqa: E731

    def keep(name: str, model: SasRec) -> None:
        ranks, states = rank_all(model, task, course.device)
        arrays[f"{name}_ranks"] = ranks[task.asked].astype(np.int16)
        told[f"{name}_items"], told[f"{name}_expected"] = model.items.weight[1:].half().cpu().detach().numpy(), states
        report[name] = tell(ranks[task.asked])
        report["total_seconds"] = round(time.monotonic() - started, 1)
        np.savez_compressed(name_file(".npz"), **arrays)
        name_file(".json").write_text(json.dumps(report))

    model, epochs, report["course"] = fit(before, shape, course, watched=before, epochs=course.epochs)
    report["best_epoch"] = epochs
    if options["states"]:  # what the stopped model expects where it has not been trained
        told["before_expected"] = rank_all(model, before, course.device)[1]
    keep("stopped", model)
    model, _, _ = fit(task, shape, course, watched=None, epochs=epochs)
    keep("refitted", model)
    if options["states"]:
        np.savez(options["states"], **told)
    told_of = ("task", "negatives", "width", "dropout", "seed", "best_epoch", "stopped", "refitted", "total_seconds")
    print(json.dumps({name: report[name] for name in told_of}))


if __name__ == "__main__":
    main()
