"""Trains a ranker that reads one shop's own vectors, on the shop's own lists → an artefact.

    fuserank rows export --from … --out rows.ndjson.gz --inputs
    python train_tuned.py --kind tuned --rows rows.ndjson.gz --out fusion-own-1 [--config choices.json]

The artefact is bound to the encoders that the lists were made with. A tenth of the lists is held out; what ranked it best is kept.
"""

import argparse
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import torch

from contract import COLUMN
from inputs import open_inputs
from model import count_parameters
from tuned.build import build_network, fit_projections, read_shipped, take_over
from tuned.choices import DEFAULTS, Network, Training, load_choices, tell_choices
from tuned.exported import export_tuned
from tuned.list_table import ListTable
from tuned.positions import read_positions
from tuned.trainer import HELD_OUT, Trained, by_length, choose_device, rank_targets, score_network, train

NOT_CORRECTED = "position bias not corrected"
CORRECTED = {"swaps": "position bias corrected by a tower over positions of logged swaps", "propensities": "position bias corrected by a tower over positions with known propensities"}


def open_tables(rows: list[Path], device: str, training: Training) -> ListTable:
    table = ListTable([open_inputs(path) for path in rows], device)
    if training.positions != "none":
        read_positions(table, rows)
    return table


def write_artefact(network: torch.nn.Module, table: ListTable, trained: Trained, out: Path, *, choices: Network, training: Training, seed: int, start: Path) -> None:
    _, held = table.split(HELD_OUT, 1)
    first = rank_targets(table, by_length(table, held), lambda x: {"first": x["columns"][..., COLUMN["first_phase_z"]]})["first"].mean()
    headers = [each.header for each in table.folders]
    sources = [f"{len(each)} lists from {header['source']}, exported {header['created']}" for each, header in zip(table.folders, headers, strict=True)]
    taken_over = choices.kind == "tuned" and choices.fusion != "late" and training.start == "base"
    network.cpu()
    worst = export_tuned(
        network,
        out,
        licence=f"{'Apache-2.0; ' if taken_over else ''}the training data are of whoever owns them",
        trained_on=[*([f"the weights of {start.name}"] if taken_over else []), *sources],
        metrics={
            "held out": {"lists": trained.held, "first phase ndcg@10": float(first), "best": trained.history[trained.epoch - 1]},
            "training lists": trained.lists,
            "seed": seed,
            "position bias": CORRECTED.get(training.positions, NOT_CORRECTED),
        },
        facts={"choices": tell_choices(choices, training)},
    )
    print(f"parity {worst:.1e}, {(out / 'model.onnx').stat().st_size} bytes → {out}")
    for beside in ("LICENSE", "NOTICE") if taken_over else ():
        if (start / beside).exists():
            shutil.copy(start / beside, out / beside)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=list(DEFAULTS), default="tuned")
    parser.add_argument("--rows", type=Path, nargs="+", required=True, help="rows exported with --inputs, or their folders of inputs")
    parser.add_argument("--out", type=Path, required=True, help="NAME-VERSION folder to write")
    parser.add_argument("--config", type=Path, help="choices of network and training, JSON (default: those of the kind)")
    parser.add_argument("--from", dest="start", type=Path, required=True, help="the shipped fusion-base, whose weights may be the start")
    parser.add_argument("--rate", type=float, help="learning rate (default: the file's)")
    parser.add_argument("--epochs", type=int, help="at most (default: the file's)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="auto", help="cpu, cuda, or auto: a GPU where there is one")
    given = parser.parse_args()
    if not all(given.out.name.rpartition("-")[::2]):
        raise SystemExit(f"--out {given.out}: the folder's name must be NAME-VERSION, such as fusion-own-1")
    warnings.filterwarnings("ignore", module=r"torch\.onnx")
    torch.set_num_threads(1)
    choices, training = load_choices(given.config, given.kind)
    asked = {name: value for name, value in (("rate", given.rate), ("epochs", given.epochs)) if value}
    training = replace(training, **asked)
    device = choose_device(given.device)
    table = open_tables(given.rows, device, training)
    torch.manual_seed(given.seed)
    network = build_network(choices, table.present_dims())
    fit_projections(network, table)
    if training.start == "base":
        print(f"{len(take_over(network, read_shipped(given.start)))} arrays of weights are {given.start.name}'s")
    network.to(device)
    if choices.kind == "large" and device == "cuda":
        network.half = True
    print(f"{choices.kind}: {count_parameters(network)} parameters, {len(table)} lists, on {device}; {CORRECTED.get(training.positions, NOT_CORRECTED)}", flush=True)
    trained = train(network, table, training, seed=given.seed, tell=lambda line: print(line, flush=True))
    if choices.kind == "large":
        network.half = False
    write_artefact(network, table, trained, given.out, choices=choices, training=training, seed=given.seed, start=given.start)
    print(f"epoch {trained.epoch} is kept")


if __name__ == "__main__":
    main()
