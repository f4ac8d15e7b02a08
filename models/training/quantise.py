"""A ranker's artefact with int8 weights, and what that costs and saves on lists of shoppers.

    python quantise.py --artefact ../artefacts/fusion-base-4 --way weights --out fusion-base-int8-2 [--lists LISTS/beauty-test.pickle ...]

`weights`: int8 weights, float32 arithmetic (shrunk_weights.py). `dynamic`: ONNX Runtime's dynamic quantisation, int8 arithmetic in matrix
products, a scale an output channel. Costs in milliseconds: `fuserank model bench` of both folders.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.quantization import QuantType, quantize_dynamic

from artefact import flat, write_manifest, write_parity
from contract import COLUMN, INPUTS
from list_batches import load_lists
from dataset import collate
from shrunk_weights import shrink_weights

FEWEST_WEIGHTS, TOP, BATCH = 64, 10, 16
MEMBERS = ("name", "version", "kind", "model", "inputs", "outputs", "columns", "featureSet", "licence", "trainedOn", "metrics")


def quantise(model: Path, out: Path, way: str) -> None:
    if way == "weights":
        shutil.copyfile(model, out)
        shrink_weights(out, smallest=FEWEST_WEIGHTS)
    else:
        quantize_dynamic(model, out, per_channel=True, weight_type=QuantType.QInt8)


def write_quantised(artefact: Path, out: Path, way: str) -> None:
    """The folder of an artefact; its parity record is what the quantised graph gives here, for the inputs of the original's."""
    name, _, version = out.name.rpartition("-")
    if not name or not version:
        raise SystemExit(f"--out {out}: the folder's name must be NAME-VERSION")
    out.mkdir(parents=True, exist_ok=True)
    quantise(artefact / "model.onnx", out / "model.onnx", way)
    manifest = json.loads((artefact / "manifest.json").read_text())
    session = open_session(out)
    cases = json.loads((artefact / "parity.json").read_text())["cases"]
    for case in cases:
        sizes = dict(zip(("B", "N", "L", "Dt", "Di"), case["shape"].values(), strict=True)) | {"K": 5, "S": 2, "F": len(manifest["columns"])}
        feeds = {key: np.array(values, np.float32).reshape([sizes[axis] for axis in INPUTS[key]]) for key, values in case["inputs"].items()}
        case["outputs"] = {key: flat(values) for key, values in zip(manifest["outputs"], session.run(list(manifest["outputs"]), feeds), strict=True)}
    write_parity(out, 0, cases)
    write_manifest(
        out,
        name=name,
        version=version,
        **{key: manifest[key] for key in ("inputs", "outputs", "columns", "licence", "metrics")},
        trained_on=manifest["trainedOn"],
        **{key: value for key, value in manifest.items() if key not in MEMBERS and key != "encoders"},
        quantised={"from": manifest["model"]["sha256"], "way": way},
    )


def open_session(folder: Path) -> onnxruntime.InferenceSession:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(folder / "model.onnx"), settings, providers=["CPUExecutionProvider"])


def compare(artefact: Path, out: Path, file: Path) -> str:
    """NDCG@10 of either (a missed target counts 0), the share of the ten best that both name, and the greatest difference of scores in
    units of their spread in the list."""
    [views] = load_lists([file])
    columns = [COLUMN[name] for name in json.loads((artefact / "manifest.json").read_text())["columns"]]
    sessions = [open_session(artefact), open_session(out)]
    gains, overlaps, farthest = np.zeros((len(views.lists), 2)), [], 0.0
    order = np.argsort([len(one.history) for one in views.lists], kind="stable")
    for start in range(0, len(order), BATCH):
        chunk = order[start : start + BATCH]
        lists = [views.lists[place] for place in chunk]
        inputs = {name: values.numpy() for name, values in collate(views.view, lists).inputs.items()}
        inputs["columns"] = inputs["columns"][..., columns]
        scores = [session.run(["score"], {each.name: inputs[each.name] for each in session.get_inputs()})[0] for session in sessions]
        for row, (place, one) in enumerate(zip(chunk, lists, strict=True)):
            own = [each[row, : len(one.items)] for each in scores]
            best = [np.argsort(-each, kind="stable")[:TOP] for each in own]
            for side, places in enumerate(best):
                hit = np.flatnonzero(places == one.target)
                gains[place, side] = 1 / np.log2(hit[0] + 2) if len(hit) else 0
            overlaps.append(len(set(best[0]) & set(best[1])) / len(best[0]))
            farthest = max(farthest, float(np.abs(own[1] - own[0]).max() / max(1e-9, own[0].std())))
    before, after = gains.sum(0) / views.asked
    changes = np.append(gains[:, 1] - gains[:, 0], np.zeros(views.asked - len(gains)))
    draws = changes[np.random.default_rng(1).integers(len(changes), size=(1000, len(changes)))].mean(1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return (
        f"{file.stem}: NDCG@10 {before:.4f} -> {after:.4f} ({low:+.4f} to {high:+.4f}), top-10 overlap {np.mean(overlaps):.4f}, "
        f"greatest difference {farthest:.3f} spreads"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artefact", type=Path, required=True)
    parser.add_argument("--way", choices=["weights", "dynamic"], required=True)
    parser.add_argument("--out", type=Path, required=True, help="NAME-VERSION folder to write")
    parser.add_argument("--lists", type=Path, nargs="*", default=[], help="stored test lists to compare on")
    options = parser.parse_args()
    write_quantised(options.artefact, options.out, options.way)
    print(f"{options.way}: {(options.artefact / 'model.onnx').stat().st_size} -> {(options.out / 'model.onnx').stat().st_size} bytes", flush=True)
    for file in options.lists:
        print(compare(options.artefact, options.out, file), flush=True)


if __name__ == "__main__":
    main()
