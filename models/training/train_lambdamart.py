"""LambdaMART (LightGBM) on exported training rows → a ranker's artefact: what a shop without this project's network could do with the
same columns, and a fallback. Needs requirements-lambdamart.txt only.

    fuserank rows export --from ubi … --out rows.ndjson.gz
    python train_lambdamart.py --rows rows.ndjson.gz --columns all --out lambdamart-1
    fuserank evaluate … --ranker ./lambdamart-1
"""

import argparse
import re
import zlib
from pathlib import Path

import lightgbm
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

from artefact import flat, write_manifest, write_parity
from contract import FEATURE_SET
from rows import Rows, draw_lists, read_rows
from tree_covers import write_covers

OPSET, IR_VERSION = 15, 10
HELD_OUT = 0.1
# A threshold that rounds to the wrong side shows in one row of fifty.
COMPARED_ROWS = 50_000
FROM_VECTORS = {
    "text_cosine",
    "image_cosine",
    "history_text_cosine",
    "history_image_cosine",
    "last_item_similarity",
    "text_knn_rr",
    "image_knn_rr",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--columns", default="all", help="all, no-cosines (without those that vectors give), or names with commas between")
    parser.add_argument("--out", type=Path, required=True, help="NAME-VERSION folder to write")
    parser.add_argument("--lists", type=int, help="use so many lists, drawn by the seed (default: all)")
    parser.add_argument("--trees", type=int, default=300)
    parser.add_argument("--leaves", type=int, default=31)
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if not all(options.out.name.rpartition("-")[::2]):
        raise SystemExit(f"--out {options.out}: the folder's name must be NAME-VERSION, such as lambdamart-1")
    rows = read_rows(options.rows, choose_columns(options.columns))
    rows = rows.take(draw_lists(rows.list_ids, options.lists, options.seed))
    model, ndcg = fit(rows, options)
    write_artefact(model, rows, options, ndcg)


def choose_columns(text: str) -> list[str] | None:
    if text == "all":
        return None
    if text == "no-cosines":
        return [column["name"] for column in FEATURE_SET["columns"] if column["name"] not in FROM_VECTORS]
    return [name.strip() for name in text.split(",")]


def fit(rows: Rows, options: argparse.Namespace) -> tuple[lightgbm.LGBMRanker, float]:
    """Stops at the trees that rank a tenth of the lists best, which took no part in the fit; that NDCG@10 comes back with the model."""
    held = np.array([zlib.crc32(f"{options.seed}:{key}".encode()) < HELD_OUT * 2**32 for key in rows.list_ids])
    if held.all() or not held.any():
        raise SystemExit(f"{len(rows.lengths)} lists are too few to hold a tenth out")
    mine = np.repeat(~held, rows.lengths)
    model = lightgbm.LGBMRanker(
        n_estimators=options.trees,
        num_leaves=options.leaves,
        learning_rate=options.rate,
        min_child_samples=20,
        random_state=options.seed,
        n_jobs=1,
        deterministic=True,
        verbose=-1,
    )
    model.fit(
        rows.values[mine],
        rows.grades[mine],
        group=rows.lengths[~held],
        eval_X=rows.values[~mine],
        eval_y=rows.grades[~mine],
        eval_group=[rows.lengths[held]],
        eval_at=[10],
        callbacks=[lightgbm.early_stopping(30, verbose=False)],
    )
    return model, float(model.best_score_["valid_0"]["ndcg@10"])


def lower_thresholds(model: lightgbm.Booster, trees: int = -1) -> lightgbm.Booster:
    """
    The same trees (-1: all) with thresholds that float32 holds. LightGBM compares with doubles between two values, a graph with floats: the converter
    rounds to the nearest, often up to the larger value itself, which then goes the other way. The largest float that is not above a
    threshold sends every float32 the way that the threshold does.
    """
    text = model.model_to_string(num_iteration=trees)
    lowered = re.sub(r"^threshold=(.*)$", lambda line: f"threshold={lower(line.group(1))}", text, flags=re.MULTILINE)
    # The sizes of the trees' texts are no longer true; without them each is read to its end.
    return lightgbm.Booster(model_str=re.sub(r"^tree_sizes=.*\n", "", lowered, flags=re.MULTILINE))


def lower(numbers: str) -> str:
    exact = np.array(numbers.split(), dtype=np.float64)
    near = exact.astype(np.float32)
    below = np.where(near.astype(np.float64) > exact, np.nextafter(near, np.float32(-np.inf)), near)
    return " ".join(repr(float(number)) for number in below)


def to_onnx(model: lightgbm.LGBMRanker, width: int) -> onnx.ModelProto:
    """columns [B, N, F] → score [B, N], around the converter's [rows, F] → [rows, 1]."""
    lowered = lower_thresholds(model.booster_, model.best_iteration_ or -1)
    trees = convert_lightgbm(lowered, initial_types=[("rows", FloatTensorType([None, width]))], target_opset=OPSET, zipmap=False)
    write_covers(trees, lowered)
    [output] = trees.graph.output
    nodes = [
        helper.make_node("Reshape", ["columns", "row_shape"], ["rows"]),
        *trees.graph.node,
        helper.make_node("Shape", ["columns"], ["list_shape"], start=0, end=2),
        helper.make_node("Reshape", [output.name, "list_shape"], ["score"]),
    ]
    shape = helper.make_tensor("row_shape", TensorProto.INT64, [2], [-1, width])
    graph = helper.make_graph(
        nodes,
        "lambdamart",
        [helper.make_tensor_value_info("columns", TensorProto.FLOAT, ["B", "N", width])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["B", "N"])],
        [shape, *trees.graph.initializer],
    )
    opsets = [helper.make_opsetid("", OPSET), *(each for each in trees.opset_import if each.domain != "")]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    onnx.checker.check_model(made)
    return made


def write_artefact(model: lightgbm.LGBMRanker, rows: Rows, options: argparse.Namespace, ndcg: float) -> None:
    name, _, version = options.out.name.rpartition("-")
    options.out.mkdir(parents=True, exist_ok=True)
    width = len(rows.names)
    file = options.out / "model.onnx"
    onnx.save(to_onnx(model, width), str(file))
    session = onnxruntime.InferenceSession(str(file))
    compared = rows.values[:COMPARED_ROWS]
    worst = float(np.abs(session.run(["score"], {"columns": compared[None]})[0][0] - model.predict(compared)).max())
    sample = rows.values[: 2 * 8].reshape(2, 8, width)
    expected = model.predict(sample.reshape(-1, width)).reshape(2, 8)
    shape = {"lists": 2, "candidates": 8, "history": 1, "textDims": 1, "imageDims": 1}
    write_parity(options.out, worst, [{"shape": shape, "inputs": {"columns": flat(sample)}, "outputs": {"score": flat(expected)}}])
    trees = model.best_iteration_ or options.trees
    source = rows.source
    write_manifest(
        options.out,
        name=name,
        version=version,
        inputs={"columns": ["B", "N", width]},
        outputs={"score": ["B", "N"]},
        columns=rows.names,
        licence="of whoever owns the rows",
        trained_on=[f"{len(rows.lengths)} lists, {len(rows.values)} rows from {source['source']}, exported {source['created']}"],
        metrics={"ndcg@10, a tenth held out": ndcg, "trees": trees, "leaves": options.leaves, "seed": options.seed},
    )
    size = file.stat().st_size
    print(f"{len(rows.lengths)} lists, {trees} trees, held-out NDCG@10 {ndcg:.4f}, parity {worst:.1e}, {size} bytes → {options.out}")


if __name__ == "__main__":
    main()
