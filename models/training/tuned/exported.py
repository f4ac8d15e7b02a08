"""A trained network for one shop → an artefact: the graph, its manifest, and a record that proves it.

Bound are the dims of the modalities that it projects; of others it knows cosines alone, so their dims stay free.
"""

from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from artefact import flat, write_manifest, write_parity
from contract import COLUMNS, FIXED_AXES, INPUTS
from export import Positional, draw_inputs, strip_metadata, write_graph

# Lists, candidates, history; the last has one candidate and one (masked) entry.
PARITY_SHAPES = [(1, 6, 4), (2, 5, 3), (1, 1, 1)]
AXES = {"text": "Dt", "image": "Di"}
# Of a modality whose dims are free.
DRAWN_DIMS = 8


def export_tuned(
    network: nn.Module,
    folder: Path,
    *,
    licence: str,
    trained_on: list[str],
    metrics: dict,
    facts: dict,
) -> float:
    """The folder's name is NAME-VERSION. Stops where the graph and PyTorch differ."""
    bound = {AXES[name]: len(projection.mean) for name, projection in network.tokens.projections.items()}
    dims = tuple(bound.get(axis, DRAWN_DIMS) for axis in AXES.values())
    free = {"B", "N", "L", "Dt", "Di"} - set(bound)
    folder.mkdir(parents=True, exist_ok=True)
    network.eval()
    sample = draw_inputs(np.random.default_rng(1), (3, 7, 5, *dims), len(COLUMNS))
    file = folder / "model.onnx"
    arguments = ([sample[name] for name in network.INPUTS],)
    write_graph(Positional(network).eval(), arguments, file, inputs=list(network.INPUTS), outputs=list(network.OUTPUTS), free=free)
    strip_metadata(file)
    worst, cases = compare_graph(network, file, dims)
    write_parity(folder, worst, cases)
    known = bound | {"F": len(COLUMNS), **FIXED_AXES}
    sizes = {"M": len(getattr(network, "modalities", ()))}
    name, _, version = folder.name.rpartition("-")
    write_manifest(
        folder,
        name=name,
        version=version,
        inputs={key: [known.get(axis, axis) for axis in INPUTS[key]] for key in network.INPUTS},
        outputs={key: [sizes.get(axis, axis) for axis in shape] for key, shape in network.OUTPUTS.items()},
        columns=COLUMNS,
        licence=licence,
        trained_on=trained_on,
        metrics=metrics,
        parameters=sum(each.numel() for each in network.parameters()),
        **({"modalities": network.modalities} if "modality_contributions" in network.OUTPUTS else {}),
        **facts,
    )
    return worst


def compare_graph(network: nn.Module, file: Path, dims: tuple[int, int]) -> tuple[float, list[dict]]:
    """Greatest difference over drawn inputs, and what PyTorch gave for them."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(7)
    cases, worst = [], 0.0
    for shape in PARITY_SHAPES:
        inputs = draw_inputs(rng, (*shape, *dims), len(COLUMNS))
        expected = told(network, inputs)
        got = session.run(list(network.OUTPUTS), {name: inputs[name].numpy() for name in network.INPUTS})
        for name, value in zip(network.OUTPUTS, got, strict=True):
            worst = max(worst, float(np.abs(value - expected[name]).max(initial=0)))
        cases.append(
            {
                "shape": dict(zip(("lists", "candidates", "history", "textDims", "imageDims"), (*shape, *dims), strict=True)),
                "inputs": {name: flat(inputs[name].numpy()) for name in network.INPUTS},
                "outputs": {name: flat(expected[name]) for name in network.OUTPUTS},
            }
        )
    return worst, cases


@torch.no_grad()
def told(network: nn.Module, inputs: dict[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in network(inputs).items()}
