"""PyTorch module -> artefact folder: model.onnx, manifest.json, parity.json.

    python export.py --run RUN --ceiling 0.5 --out ../artefacts/fusion-base-4 [--measured REPORT...]
"""

import argparse
import json
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from artefact import flat, write_manifest, write_parity
from contract import COLUMNS, COSINE_PAIRS, FIXED_AXES, INPUTS

OPSET = 20
# Lists, candidates, history, dims of the parity cases; the last has one candidate and one (masked) entry.
PARITY_SHAPES = [(1, 12, 6, 8, 10), (2, 5, 3, 16, 4), (1, 1, 1, 4, 4)]


class Positional(nn.Module):
    """The exporter names the arguments of forward; this gives it the contract's names in the manifest's order."""

    def __init__(self, ranker: nn.Module):
        super().__init__()
        self.ranker = ranker

    def forward(self, inputs: list[Tensor]) -> tuple[Tensor, ...]:
        outputs = self.ranker(dict(zip(self.ranker.INPUTS, inputs, strict=True)))
        return tuple(outputs[name] for name in self.ranker.OUTPUTS)


def export_ranker(ranker: nn.Module, folder: Path, *, name: str, version: str, trained_on: list[str], metrics: dict, columns: list[str] = COLUMNS) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    model_file = folder / "model.onnx"
    ranker.eval()
    sample = draw_inputs(np.random.default_rng(1), (3, 7, 5, 6, 9), len(columns))
    write_graph(Positional(ranker).eval(), ([sample[key] for key in ranker.INPUTS],), model_file, inputs=list(ranker.INPUTS), outputs=list(ranker.OUTPUTS))
    strip_metadata(model_file)
    check_parity(ranker, model_file, len(columns))
    write_manifest(
        folder,
        name=name,
        version=version,
        inputs={key: [len(columns) if axis == "F" else FIXED_AXES.get(axis, axis) for axis in INPUTS[key]] for key in ranker.INPUTS},
        outputs={key: list(shape) for key, shape in ranker.OUTPUTS.items()},
        columns=columns,
        parameters=sum(p.numel() for p in ranker.parameters()),
        **({"modalities": list(ranker.MODALITIES)} if "modality_contributions" in ranker.OUTPUTS else {}),
        licence="Apache-2.0",
        trained_on=trained_on,
        metrics=metrics,
    )


def write_graph(
    module: nn.Module,
    sample: tuple,
    file: Path,
    *,
    inputs: list[str],
    outputs: list[str],
    free: Collection[str] = ("B", "N", "L", "Dt", "Di"),
    further: Sequence[dict] = (),
) -> None:
    """Writes the module as ONNX. Its first argument is the list of the contract's inputs, whose axes `free` keep any size; other arguments have
    the dynamic axes `further`. `sample`: arguments of the contract's shapes."""
    dynamic = [{place: torch.export.Dim.DYNAMIC for place, axis in enumerate(INPUTS[key]) if axis in free} for key in inputs if key in INPUTS]
    with torch.no_grad():
        program = torch.onnx.export(
            module,
            sample,
            dynamo=True,
            opset_version=OPSET,
            input_names=inputs,
            output_names=outputs,
            dynamic_shapes=(dynamic, *further),
            external_data=False,
            verbose=False,
        )
    program.save(str(file))


def strip_metadata(model_file: Path) -> None:
    """Drops stack traces and paths that the exporter writes into the nodes."""
    import onnx

    model = onnx.load(str(model_file))
    del model.metadata_props[:]
    model.doc_string = ""
    model.graph.doc_string = ""
    del model.graph.metadata_props[:]
    del model.graph.value_info[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in [*model.graph.input, *model.graph.output, *model.graph.initializer]:
        value.doc_string = ""
        del value.metadata_props[:]
    del model.functions[:]
    onnx.save(model, str(model_file))


def check_parity(ranker: nn.Module, model_file: Path, columns: int) -> float:
    session = onnxruntime.InferenceSession(str(model_file), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(7)
    cases, worst = [], 0.0
    for shape in PARITY_SHAPES:
        inputs = draw_inputs(rng, shape, columns)
        with torch.no_grad():
            expected = {key: value.numpy() for key, value in ranker({key: inputs[key] for key in ranker.INPUTS}).items()}
        got = session.run(list(ranker.OUTPUTS), {key: inputs[key].numpy() for key in ranker.INPUTS})
        for key, value in zip(ranker.OUTPUTS, got, strict=True):
            worst = max(worst, float(np.abs(value - expected[key]).max(initial=0)))
        cases.append(
            {
                "shape": dict(zip(("lists", "candidates", "history", "textDims", "imageDims"), shape, strict=True)),
                "inputs": {key: flat(inputs[key].numpy()) for key in ranker.INPUTS},
                "outputs": {key: flat(expected[key]) for key in ranker.OUTPUTS},
            }
        )
    write_parity(model_file.parent, worst, cases)
    print(f"parity {worst:.2e}, {model_file.stat().st_size} bytes")
    return worst


def draw_inputs(rng: np.random.Generator, shape: tuple[int, int, int, int, int], columns: int) -> dict[str, Tensor]:
    """Random inputs with masks and pads, of the contract's shapes; values are rounded so that JSON holds them exactly."""
    sizes = dict(zip(("B", "N", "L", "Dt", "Di"), shape, strict=True)) | FIXED_AXES | {"F": columns}
    inputs: dict[str, Tensor] = {}
    for key, axes in INPUTS.items():
        dims = [sizes[axis] for axis in axes]
        if key == "cosine_stats":
            values = np.tile([0.25, 0.125], (sizes["B"], len(COSINE_PAIRS), 1))
        elif key == "candidate_mask":
            values = np.ones(dims)
        elif key.endswith("_mask") or key in ("history_brand", "history_session"):
            values = rng.integers(0, 2, dims)
        elif key == "history_event":
            values = rng.integers(0, 5, dims)
        elif key == "history_age":
            values = np.round(np.exp(rng.uniform(0, 14, dims)))
        elif key in ("history_category", "history_covisits", "history_covisits_norm", "history_factor", "columns"):
            values = np.round(rng.uniform(0, 1, dims), 4)
            if key == "columns":  # some are the same for all candidates: rounding must not make them differ
                values[:, :, ::4] = values[:, :1, ::4]
        else:
            values = rng.normal(size=dims)
            values = np.round(values / np.linalg.norm(values, axis=-1, keepdims=True), 5)
        inputs[key] = torch.tensor(np.asarray(values, dtype=np.float32))
    # Pads come last, and an entry that is not there has no vectors.
    inputs["history_mask"] = inputs["history_mask"].sort(dim=1, descending=True).values
    for modality in ("text", "image"):
        inputs[f"history_{modality}_mask"] *= inputs["history_mask"]
    return inputs


TRAINED_ON = [
    "shops with a log simulated by models/training/simulated_packs.py (as of commit 3aa60ec), some of them without names, and searches simulated by simulator.py; "
    "no real behaviour, no judgments",
    "calibration.json: numbers measured on the Amazon Beauty and Sports sequences; no product, text or sequence of theirs",
    "esci products (Apache-2.0): titles, categories, brands, prices",
    "grocery (MIT) and clothing (CC0) photos and names",
    "the project's own training shop (demo/render-training.ts), other colours, patterns, styles and brands than the demo's",
    "shops drawn by models/training/drawn_shop.py and latent_shop.py",
    "vectors of all-MiniLM-L6-v2 and MobileNetV2 (Apache-2.0); no learned weight touches a vector",
]
TEACHERS = "several networks so trained, and LambdaMART trained on the same lists, as teachers"
# What the manifest tells of a measurement.
MEASURED = ("first phase", "+ popularity", "+ co-visitation", "net 1", "net 0.75")


def read_measured(files: list[Path]) -> dict:
    """Reports of offline.py, by the file's name: of all shoppers, the systems MEASURED."""
    reports = {file.stem: json.loads(file.read_text()) for file in files}
    return {name: {part: {key: row[key] for key in ("shoppers", *MEASURED)} for part, row in report.items()} for name, report in reports.items()}


def main() -> None:
    from model import read_network

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="folder that train.py wrote")
    parser.add_argument("--out", type=Path, required=True, help="NAME-VERSION folder to write")
    parser.add_argument("--ceiling", type=float, help="trust a list's order so far at most, instead of as in training")
    parser.add_argument("--measured", type=Path, nargs="*", default=[], help="reports that offline.py wrote of the run")
    options = parser.parse_args()
    if options.ceiling is not None and not 0 <= options.ceiling <= 1:
        parser.error(f"--ceiling {options.ceiling}: a share from 0 to 1 is wanted")
    run = torch.load(options.run / "weights.pt", weights_only=True)
    ranker = read_network(options.run)
    trained_on = [*TRAINED_ON, *([TEACHERS] if run.get("teachers") else [])]
    if options.ceiling is not None:
        nn.init.constant_(ranker.ceiling, options.ceiling)
        trained_on.append("how far its order is trusted at most was chosen on the Amazon Beauty and Sports sequences")
    name, _, version = options.out.name.rpartition("-")
    metrics = {
        # Another ceiling, other figures.
        "simulated, held out": run["metrics"] if options.ceiling is None else {},
        "offline": read_measured(options.measured),
        "steps": run["steps"],
        "seed": run["seed"],
        "ceiling": round(ranker.ceiling.item(), 4),
    }
    export_ranker(ranker, options.out, name=name, version=version, trained_on=trained_on, metrics=metrics)


if __name__ == "__main__":
    main()
