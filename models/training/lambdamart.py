"""The rival in the benchmark: LightGBM's LambdaMART over the feature set's columns alone, 300 trees of at most 31 leaves, as ONNX.

    python lambdamart.py --lists LISTS... --out ../../test/bench/lambdamart-300.onnx
"""

import argparse
from pathlib import Path

import lightgbm
import numpy as np
import onnx
import onnxruntime
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

from boosted import BATCH, gather_evidence
from contract import COLUMNS
from list_batches import load_lists, walk_lists

TREES, LEAVES, OPSET = 300, 31, 15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lists", type=Path, nargs="+", required=True, help="stored lists (pack_lists.py)")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--batches", type=int, default=120)
    options = parser.parse_args()
    evidence, grades, lengths = gather_evidence(walk_lists(load_lists(options.lists), batch=BATCH, seed=9), options.batches)
    rows = evidence[:, : len(COLUMNS)]  # the columns come first
    model = lightgbm.LGBMRanker(
        n_estimators=TREES, num_leaves=LEAVES, learning_rate=0.05, min_child_samples=20, random_state=1, n_jobs=1, deterministic=True, verbose=-1
    )
    model.fit(rows, grades, group=lengths)
    exported = convert_lightgbm(model, initial_types=[("columns", FloatTensorType([None, len(COLUMNS)]))], target_opset=OPSET, zipmap=False)
    onnx.save(exported, str(options.out))
    session = onnxruntime.InferenceSession(str(options.out))
    got = session.run(None, {"columns": rows[:500]})[0].ravel()
    worst = np.abs(got - model.predict(rows[:500])).max()
    leaves = [tree["num_leaves"] for tree in model.booster_.dump_model()["tree_info"]]
    print(f"{len(lengths)} lists, {len(leaves)} trees of {min(leaves)} to {max(leaves)} leaves, {options.out.stat().st_size} bytes, parity {worst:.1e}")


if __name__ == "__main__":
    main()
