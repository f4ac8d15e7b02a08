"""LambdaMART on fusion-base's evidence (boosted.py), alone or in one graph with a network → an artefact, to be measured on a real OpenSearch.

    python export_mix.py --run RUN --trees trees.txt --out FOLDER/others-mix-1 [--trees-alone] --trained-on "beauty and ml1m, which are for evaluation"

The mix is the sum of both scores' z within the list; neither has a gate. What comes out is measured as it is, not tuned.
"""

import argparse
from pathlib import Path

import lightgbm
import numpy as np
import onnx
import onnxruntime
import torch
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType
from torch import Tensor, nn

from artefact import flat, write_manifest, write_parity
from contract import COLUMNS, FIXED_AXES, INPUTS
from export import PARITY_SHAPES, draw_inputs, strip_metadata, write_graph
from losses import standardise
from model import FEATURES, FusionBase, read_network
from train_lambdamart import lower_thresholds

TREE_OPSET = 15
# Trees ask what is above a threshold, often 0: what rounding alone makes of a 0 must not answer.
GRAIN = 2.0**-12


class AroundTrees(nn.Module):
    """The graph but for the trees themselves: what they read of each candidate goes out as rows [B * N, FEATURES], what they say comes in
    as trees [B * N, 1]."""

    OUTPUTS = ["score", "rows"]

    def __init__(self, network: FusionBase, *, alone: bool):
        super().__init__()
        self.network, self.alone = network, alone

    def forward(self, inputs: list[Tensor], trees: Tensor) -> tuple[Tensor, Tensor]:
        x = dict(zip(INPUTS, inputs, strict=True))
        mask = x["candidate_mask"]
        score = trees.reshape(mask.shape)
        if not self.alone:
            score = standardise(score, mask) + standardise(self.network(x)["score"], mask)
        return score, torch.round(self.network.candidate_rows(x).reshape(-1, FEATURES) / GRAIN) * GRAIN


def join(around: onnx.ModelProto, trees: onnx.ModelProto) -> None:
    """Puts the trees between the rows that `around` gives and the values that it waits for."""
    graph = around.graph
    [output] = trees.graph.output
    names = {"rows": "rows", output.name: "trees"}
    for node in trees.graph.node:
        node.input[:] = [names.get(name, f"trees/{name}") for name in node.input]
        node.output[:] = [names.get(name, f"trees/{name}") for name in node.output]
    for kept in trees.graph.initializer:
        kept.name = f"trees/{kept.name}"
    graph.initializer.extend(trees.graph.initializer)
    waiting, known = [*graph.node, *trees.graph.node], {each.name for each in (*graph.input, *graph.initializer) if each.name != "trees"}
    del graph.node[:]
    while waiting:  # in an order in which whatever a node reads is there
        ready = [node for node in waiting if all(name in known or name == "" for name in node.input)]
        if not ready:
            raise SystemExit(f"nothing gives what {waiting[0].name} reads: {', '.join(waiting[0].input)}")
        known |= {name for node in ready for name in node.output}
        graph.node.extend(ready)
        waiting = [node for node in waiting if node not in ready]
    for values, name in ((graph.input, "trees"), (graph.output, "rows")):
        values.remove(next(each for each in values if each.name == name))
    around.opset_import.extend(each for each in trees.opset_import if each.domain != "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="folder that train.py wrote")
    parser.add_argument("--trees", type=Path, required=True, help="file that boosted.py wrote")
    parser.add_argument("--trees-alone", action="store_true")
    parser.add_argument("--trained-on", required=True)
    parser.add_argument("--out", type=Path, required=True, help="NAME-VERSION folder to write")
    options = parser.parse_args()
    torch.set_num_threads(1)
    booster = lower_thresholds(lightgbm.Booster(model_file=str(options.trees)))
    module = AroundTrees(read_network(options.run), alone=options.trees_alone).eval()
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "model.onnx"
    sample = draw_inputs(np.random.default_rng(1), (3, 7, 5, 6, 9), len(COLUMNS))
    arguments = ([sample[name] for name in INPUTS], torch.zeros(3 * 7, 1))
    write_graph(module, arguments, file, inputs=[*INPUTS, "trees"], outputs=module.OUTPUTS, further=[{0: torch.export.Dim.DYNAMIC}])
    made = onnx.load(str(file))
    join(made, convert_lightgbm(booster, initial_types=[("rows", FloatTensorType([None, FEATURES]))], target_opset=TREE_OPSET, zipmap=False))
    onnx.checker.check_model(made)
    onnx.save(made, str(file))
    strip_metadata(file)
    worst, cases = compare(module, booster, file)
    write_parity(options.out, worst, cases)
    read = [each.name for each in made.graph.input]
    name, _, version = options.out.name.rpartition("-")
    write_manifest(
        options.out,
        name=name,
        version=version,
        inputs={key: [len(COLUMNS) if axis == "F" else FIXED_AXES.get(axis, axis) for axis in INPUTS[key]] for key in read},
        outputs={"score": ["B", "N"]},
        columns=COLUMNS,
        licence="for measuring only",
        trained_on=[options.trained_on],
        metrics={"trees": booster.num_trees()},
    )
    print(f"parity {worst:.1e}, {file.stat().st_size} bytes → {options.out}")


@torch.no_grad()
def compare(module: AroundTrees, booster: lightgbm.Booster, file: Path) -> tuple[float, list[dict]]:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    read = [each.name for each in session.get_inputs()]
    rng, worst, cases = np.random.default_rng(7), 0.0, []
    for shape in PARITY_SHAPES:
        inputs = draw_inputs(rng, shape, len(COLUMNS))
        rows = module([inputs[name] for name in INPUTS], torch.zeros(shape[0] * shape[1], 1))[1]
        said = torch.from_numpy(booster.predict(rows.numpy(), num_threads=1)).float().unsqueeze(1)
        expected = module([inputs[name] for name in INPUTS], said)[0].numpy()
        [got] = session.run(["score"], {name: inputs[name].numpy() for name in read})
        worst = max(worst, float(np.abs(got - expected).max()))
        cases.append(
            {
                "shape": dict(zip(("lists", "candidates", "history", "textDims", "imageDims"), shape, strict=True)),
                "inputs": {name: flat(inputs[name].numpy()) for name in read},
                "outputs": {"score": flat(expected)},
            }
        )
    return worst, cases


if __name__ == "__main__":
    main()
