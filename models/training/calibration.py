"""Are a ranker's chances what a shop's lists show? On lists as `fuserank rows export --inputs` writes them → JSON on standard output.

    python calibration.py --artefact ../artefacts/fusion-base-4 --rows rows.ndjson.gz              # all lists
    python calibration.py --artefact fusion-tuned-1 --rows rows.ndjson.gz --held-out --seed 1      # those that tune.py held out with this seed

A score is what a softmax over a list was trained on (losses.py): softmax(score) is the chance that this candidate is the one that is chosen,
given that one of the list is. Calibrated: of the candidates given a chance of 3 %, 3 % are chosen.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx

from graph_weights import open_session
from inputs import open_inputs
from tune import Lists, split

# Most candidates have next to no chance: bins of like width would hold them all in one.
EDGES = np.array([0, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1])
Z95 = 1.96


def predict(artefact: Path, lists: Lists) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each list the log chances of its candidates, [N], and what was chosen as shares of its grades, [N]."""
    session = open_session(onnx.load(str(artefact / "model.onnx")))
    names = [each.name for each in session.get_inputs()]
    told = []
    for place in lists.places:
        [score] = session.run(["score"], lists.file.read(place, names, lists.columns))  # [1, N]
        told.append((log_softmax(score.reshape(-1).astype(np.float64)), lists.chosen([place]).double().numpy()[0]))
    return told


def log_softmax(score: np.ndarray) -> np.ndarray:
    shifted = score - score.max()
    return shifted - np.log(np.exp(shifted).sum())


def calibrate(told: list[tuple[np.ndarray, np.ndarray]]) -> dict:
    """Bins from low to high, those that hold a candidate; log loss in nats a list, beside that of the uniform guess."""
    size = len(EDGES) - 1
    places = [np.clip(np.searchsorted(EDGES, np.exp(log), side="right") - 1, 0, size - 1) for log, _ in told]
    mass = np.array([np.bincount(place, np.exp(log), size) for place, (log, _) in zip(places, told, strict=True)])  # [G, bins] chance that it holds the choice
    hits = np.array([np.bincount(place, chosen, size) for place, (_, chosen) in zip(places, told, strict=True)])  # [G, bins]
    count = np.bincount(np.concatenate(places), minlength=size)
    predicted, observed = mass.sum(0), hits.sum(0)
    apart = np.abs(predicted - observed).sum()  # in choices
    # Were every chance true, a bin's sum of hits would still stray: E|x| of a normal, one choice a list.
    stray = np.sqrt(2 / np.pi * (mass * (1 - mass)).sum(0)).sum()
    return {
        "lists": len(told),
        "candidates": int(count.sum()),
        # Of a candidate, as papers have it (Naeini 2015): hundreds that nobody wants make it small whatever the ranker does.
        "calibration error": apart / count.sum(),
        # Of a list: the share of the choices that fall into another bin than they should, and what it would be by chance alone.
        "misplaced": apart / 2 / len(told),
        "by chance": stray / 2 / len(told),
        "log loss": float(np.mean([-(chosen * log).sum() for log, chosen in told])),
        "uniform log loss": float(np.mean([np.log(len(log)) for log, _ in told])),
        "bins": [
            {
                "from": EDGES[i],
                "to": EDGES[i + 1],
                "candidates": int(count[i]),
                "predicted": predicted[i] / count[i],
                "observed": observed[i] / count[i],
                "interval": wilson(observed[i], count[i]),
            }
            for i in np.flatnonzero(count)
        ],
    }


def wilson(hits: float, tries: int) -> list[float]:
    """95 % interval of a share (Wilson 1927)."""
    share, spread = hits / tries, Z95**2 / tries
    middle, half = share + spread / 2, Z95 * np.sqrt(share * (1 - share) / tries + spread / (4 * tries))
    # At 0 and 1 the ends are just those, but for rounding.
    return [max(0.0, (middle - half) / (1 + spread)) if share > 0 else 0.0, min(1.0, (middle + half) / (1 + spread))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artefact", type=Path, required=True, help="folder of the ranker")
    parser.add_argument("--rows", type=Path, required=True, help="rows exported with --inputs, or their folder of inputs")
    parser.add_argument("--held-out", action="store_true", help="only the tenth that tune.py holds out with this --seed and --lists")
    parser.add_argument("--lists", type=int, help="use so many lists, drawn by the seed (default: all)")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    manifest = json.loads((given.artefact / "manifest.json").read_text())
    train, held = split(open_inputs(given.rows), manifest["columns"], given.lists, given.seed)
    lists = held if given.held_out else Lists(held.file, held.columns, sorted(train.places + held.places))
    told = {"artefact": f"{manifest['name']}-{manifest['version']}@{manifest['model']['sha256'][:8]}"} | calibrate(predict(given.artefact, lists))
    print(json.dumps(told))


if __name__ == "__main__":
    main()
