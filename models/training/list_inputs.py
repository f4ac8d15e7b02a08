"""Stored lists -> the folder that `fuserank rows export --inputs` would write of them (docs/reference/rows.md), so that one reader serves both.

    python list_inputs.py --packs PACKS --names beauty sports --out FOLDER [--hidden 2 3] [--train 12000] [--test 4000] [--processes 8]

Of a real pack, as the shop itself has it: NAME-train-* (a shopper's last event but `hidden` is the target, the statistics end before it; one
folder a process) and NAME-test. What is large is float16.
"""

import argparse
import json
import multiprocessing
from pathlib import Path

import numpy as np

from contract import COLUMNS, INPUTS, feature_set_hash
from dataset import collate
from pack_lists import ViewLists, leave_last_out, make_lists, share_targets
from packs import load_pack

GATHERED = {
    "item_text": ("candidate_item", "text"), "item_image": ("candidate_item", "image"),
    "history_text": ("history_item", "text"), "history_image": ("history_item", "image"),
}  # fmt: skip
HALVED = ("columns", "history_brand", "history_category", "history_covisits", "history_covisits_norm", "history_factor")


def write_lists(views: ViewLists, folder: Path, source: str, *, halved: bool) -> None:
    """`asked` of the header: how many targets were tried; those that the first phase did not find have no list."""
    folder.mkdir(parents=True, exist_ok=True)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in [*INPUTS, "label", "candidate_item", "history_item"] if name not in GATHERED}
    sizes = []
    for one in views.lists:
        batch = collate(views.view, [one])
        count, length = len(one.items), max(1, len(one.history))
        sizes.append((count, length))
        for name in parts:
            if name in INPUTS:
                parts[name].append(batch.inputs[name].numpy().reshape(-1).astype(np.float16 if halved and name in HALVED else np.float32))
        parts["label"].append(batch.chosen.numpy().reshape(-1))
        parts["candidate_item"].append(one.items.astype(np.int32))
        parts["history_item"].append(np.asarray(one.history if len(one.history) else [-1], np.int32))
    for name, arrays in parts.items():
        np.save(folder / f"{name}.npy", np.concatenate(arrays))
    np.save(folder / "sizes.npy", np.array(sizes, np.int32).reshape(-1, 2))
    np.save(folder / "vectors_text.npy", views.view.text.astype(np.float16))
    np.save(folder / "vectors_image.npy", views.view.image.astype(np.float16))
    lines = [json.dumps({"list_id": f"{folder.name}-{place}", "query_id": None, "worded": one.worded, "past_events": int(one.past_events)}) for place, one in enumerate(views.lists)]
    (folder / "lists.ndjson").write_text("".join(f"{line}\n" for line in lines))
    header = {
        "fuserank_inputs": 1,
        "feature_set": feature_set_hash(COLUMNS),
        "columns": COLUMNS,
        "source": source,
        "created": "from a stored pack",
        "lists": len(views.lists),
        "asked": views.asked,
        "flat": {name: list(axes) for name, axes in INPUTS.items() if name not in GATHERED},
        "gathered": {name: {"items": items, "vectors": vectors} for name, (items, vectors) in GATHERED.items()},
    }
    (folder / "header.json").write_text(json.dumps(header))


def write_part(job: tuple[Path, str, int, int, int, int, Path]) -> str:
    file, name, hidden, part, parts, limit, out = job
    pack = load_pack(file)
    for vectors in (pack.catalogue.texts, pack.queries.vectors):  # the shop's own encoder alone
        for other in [key for key in vectors if key != "minilm"]:
            del vectors[other]
    cut = share_targets(leave_last_out(pack, hidden), part, parts)
    test = hidden == 1
    # The test is of the shoppers that other measurements ask, too: one part, drawn by the same seed.
    views = make_lists(pack, cut, limit=limit, seed=100 if test else 1000 * hidden + part, plain=True)
    folder = out / (f"{name}-test" if test else f"{name}-train-{hidden}-{part}")
    write_lists(views, folder, f"{name}, each shopper's last event but {hidden - 1}", halved=not test)
    return f"{folder.name}: {views.asked} asked, {len(views.lists)} found"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--names", nargs="*", default=["beauty", "sports", "ml1m"])
    parser.add_argument("--hidden", type=int, nargs="*", default=[2, 3], help="which events from the end are training targets, the last being 1")
    parser.add_argument("--train", type=int, default=12_000, help="targets of each of them")
    parser.add_argument("--test", type=int, default=4000, help="shoppers asked")
    parser.add_argument("--parts", type=int, default=4, help="folders that each is made in")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    jobs = [(options.packs / f"{name}.pickle", name, 1, 0, 1, options.test, options.out) for name in options.names]
    for hidden in options.hidden:
        for part in range(options.parts):
            for name in options.names:
                jobs.append((options.packs / f"{name}.pickle", name, hidden, part, options.parts, options.train // options.parts, options.out))
    with multiprocessing.Pool(options.processes, maxtasksperchild=1) as pool:
        for said in pool.imap_unordered(write_part, jobs):
            print(said, flush=True)


if __name__ == "__main__":
    main()
