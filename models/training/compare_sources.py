"""How the sources of recommendations are best put together: recall@200 and NDCG@10 of the fused candidates as they come.

    python compare_sources.py --task TASKS/beauty-cut.npz --pack PACKS/beauty.pickle --out RESULTS/beauty-cut-sources.json

The first arm is what /v1/recommend does; the others weigh nearness as much as meetings, forget more slowly, or ask the factors too.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from contract import ACTION
from logged_view import LoggedView
from next_item import gains, read_task
from next_item_rivals import to_sequences
from packs import load_pack
from recommended_lists import HISTORY_LIMIT, INTEREST_DECAY, SOURCES, Candidates

SHOPPERS = 4000
SLOWER = 0.85
AS_NEAR = SOURCES | {"history": 1.0}
ARMS = {
    "as the product does": (INTEREST_DECAY, SOURCES),
    "forgetting more slowly": (SLOWER, SOURCES),
    "nearness weighed 1": (INTEREST_DECAY, AS_NEAR),
    "both": (SLOWER, AS_NEAR),
    "factors at .3 beside": (INTEREST_DECAY, SOURCES | {"factors": 0.3}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("task", "pack", "out"):
        parser.add_argument(f"--{option}", type=Path, required=True)
    options = parser.parse_args()
    task, pack = read_task(options.task), load_pack(options.pack)
    rng = np.random.default_rng(1)
    view = LoggedView(pack.catalogue, pack.queries, None, rng, plain=True)
    view.keep_log(to_sequences(task, ACTION["view"]), moment=0.0)
    candidates = Candidates(view)
    some = rng.permutation(task.asked)[:SHOPPERS]
    report, base = {"task": options.task.stem, "asked": len(some), "arms": {}}, None
    for name, (decay, sources) in ARMS.items():
        candidates.decay, candidates.sources = decay, sources
        places = [np.flatnonzero(candidates.find(task.rows[one][-HISTORY_LIMIT:])[0] == task.target[one]) for one in some]
        ranks = np.array([place[0] if len(place) else -1 for place in places])
        gain = gains(ranks)[1]
        base = gain if base is None else base
        spread = 1.96 * (gain - base).std() / len(some) ** 0.5
        difference = float((gain - base).mean())
        report["arms"][name] = {
            "recall@200": round(float((ranks >= 0).mean()), 4),
            "ndcg@10": round(float(gain.mean()), 5),
            "difference": [round(float(each), 5) for each in (difference, difference - spread, difference + spread)],
        }
        print(options.task.stem, name, report["arms"][name], flush=True)
    options.out.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
