"""A run of grid.py → an artefact, to be measured on a real OpenSearch. It is trained on real shoppers' packs and never ships.

    python export_arm.py --runs RUNS --run beauty.default.1 --lists LISTS --out fusion-grid-1
"""

import argparse
import json
from pathlib import Path

import torch

from inputs import open_inputs
from tuned.arms import BY_NAME
from tuned.build import build_network
from tuned.exported import export_tuned
from tuned.list_table import ListTable


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--run", required=True, help="name of its files there: PACK.ARM.SEED")
    parser.add_argument("--lists", type=Path, required=True, help="the lists it was trained on, for the dims of their vectors")
    parser.add_argument("--out", type=Path, required=True, help="NAME-VERSION folder to write")
    options = parser.parse_args()
    torch.set_num_threads(1)
    report = json.loads((options.runs / f"{options.run}.json").read_text())
    arm = BY_NAME[report["arm"]]
    if arm.base:
        raise SystemExit(f"{options.run} is a fusion-base; fuserank model tune makes artefacts of those")
    test = ListTable([open_inputs(options.lists / f"{report['pack']}-test")], "cpu")
    network = build_network(arm.read()[0], {name: size for name, size in test.present_dims().items() if name not in arm.without})
    stored = torch.load(options.runs / f"{options.run}.pt", weights_only=True)
    network.load_state_dict({name: value.float() if value.is_floating_point() else value for name, value in stored.items()})
    worst = export_tuned(
        network,
        options.out,
        licence="for measuring only: trained on data that are for evaluation",
        trained_on=[f"{report['lists']['train']} lists of {report['pack']}, each shopper's last events but one and two"],
        metrics={"held out": report["held out ndcg@10"], "test": {name: told["ndcg@10"] for name, told in report["systems"].items()}, "seed": report["seed"]},
        facts={"choices": {"network": report["network"], "training": report["training"]}},
    )
    print(f"parity {worst:.1e} → {options.out}")


if __name__ == "__main__":
    main()
