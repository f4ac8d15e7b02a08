"""Next item, full ranking: which of all products a shopper turns to next, those she met already left out. The task that papers on sequences
measure, without a query.

    python next_item.py --data $FUSERANK_DATA --out TASKS      # beauty, sports and ml1m, and beauty and sports without what 5-cores betray

Beauty and sports: the last product of each row is the target, the rest its history. ml1m: the 512 shoppers of val.csv; everybody else's row is
known and nobody asks for her next film.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalogues import read_lines, read_table
from packs import KNOWN_EVENTS, read_rows

CUT = 10


@dataclass
class NextItemTask:
    """n items; U shoppers with what is known of each, oldest first, and the item after it. Target -1: nobody asks."""

    n: int
    rows: list[np.ndarray]  # U x [events]
    target: np.ndarray  # [U]

    @property
    def asked(self) -> np.ndarray:
        return np.flatnonzero(self.target >= 0)

    def step_back(self) -> "NextItemTask":
        """The position before: what rankers are trained and stopped on. A shopper of whom nothing would be left is not asked."""
        known = np.array([len(row) > 1 for row in self.rows])
        target = np.array([row[-1] if keeps else -1 for row, keeps in zip(self.rows, known, strict=True)])
        return NextItemTask(self.n, [row[:-1] if keeps else row[:0] for row, keeps in zip(self.rows, known, strict=True)], target)


def write_task(task: NextItemTask, file: Path) -> None:
    flat = np.concatenate(task.rows).astype(np.int32)
    np.savez_compressed(file, n=task.n, flat=flat, lengths=np.array([len(row) for row in task.rows], np.int32), target=task.target.astype(np.int32))


def read_task(file: Path) -> NextItemTask:
    stored = np.load(file)
    return NextItemTask(int(stored["n"]), np.split(stored["flat"], np.cumsum(stored["lengths"])[:-1]), stored["target"])


def rank_targets(scores: np.ndarray, seen: list[np.ndarray], target: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """[B] how many unseen items stand before each target; scores [B, n] are changed. Items of one score fall in the order of `noise` [n]
    (drawn), never of their numbers. A target without a score (-inf) stands last."""
    for row, past in zip(scores, seen, strict=True):
        row[past] = -np.inf
    own = scores[np.arange(len(target)), target][:, None]
    ties = (scores == own) & (noise[None, :] > noise[target][:, None])
    ranks = (scores > own).sum(1) + ties.sum(1)
    return np.where(np.isfinite(own[:, 0]), ranks, scores.shape[1])


def gains(ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """HR@10 and NDCG@10 of each target [U]; rank -1 is a miss."""
    hit = (ranks >= 0) & (ranks < CUT)
    return hit.astype(float), np.where(hit, 1 / np.log2(np.maximum(ranks, 0) + 2), 0)


def leave_rare_out(task: NextItemTask, known_events: int) -> tuple[NextItemTask, np.ndarray]:
    """Without the items that fewer events before everybody's last two speak of (docs/quality.md, 5-cores), and which stay [n]; numbered anew.
    Who waits for such an item is not asked."""
    counted = np.bincount(np.concatenate([row[:-1] for row in task.rows]), minlength=task.n)
    kept = counted >= known_events
    number = np.where(kept, np.cumsum(kept) - 1, -1)
    rows = [number[row] for row in task.rows]
    return NextItemTask(int(kept.sum()), [row[row >= 0] for row in rows], np.where(task.target >= 0, number[task.target], -1)), kept


def read_core(data: Path, name: str) -> NextItemTask:
    items = read_lines(data / name / "items.jsonl.gz")
    place = {str(item["id"]): number for number, item in enumerate(items)}
    rows = [np.array([place[number] for number in row]) for row in read_rows(data / name / "sequences.csv.gz", "items")]
    return NextItemTask(len(items), [row[:-1] for row in rows], np.array([row[-1] for row in rows]))


def read_films(data: Path) -> NextItemTask:
    folder = data / "ml1m"
    place = {str(item["id"]): number for number, item in enumerate(read_lines(folder / "items.jsonl.gz"))}
    known = dict(zip(read_rows_column(folder), read_rows(folder / "sequences.train.csv.gz", "items"), strict=True))
    target = {}
    for row in read_table(folder / "val.csv"):
        known[row["user"]], target[row["user"]] = row["input"].split(), place[row["target"]]
    rows = [np.array([place[each] for each in row]) for row in known.values()]
    return NextItemTask(len(place), rows, np.array([target.get(user, -1) for user in known]))


def read_rows_column(folder: Path) -> list[str]:
    return [user for [user] in read_rows(folder / "sequences.train.csv.gz", "user")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    tasks = {"ml1m": read_films(options.data)}
    for name in ("beauty", "sports"):
        tasks[name] = read_core(options.data, name)
        tasks[f"{name}-cut"] = leave_rare_out(tasks[name], KNOWN_EVENTS)[0]
    for name, task in tasks.items():
        write_task(task, options.out / f"{name}.npz")
        print(name, task.n, "items,", len(task.rows), "shoppers,", len(task.asked), "asked,", sum(map(len, task.rows)), "known events")


if __name__ == "__main__":
    main()
