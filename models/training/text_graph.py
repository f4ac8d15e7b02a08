"""The built-in text encoder's weights inside its ONNX file: read out to go on training, written back as the same int8.

A matrix is told by the bias that its product is added to, a table by its own name, so nothing hangs on the exporter's numbering.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn


@dataclass
class Place:
    """Initialisers of a parameter: `stem` as float32, or `stem`_q as int8 with a scale a row or a column in `stem`_s."""

    stem: str
    whole: bool
    transposed: bool


@dataclass
class TextGraph:
    model: onnx.ModelProto
    places: dict[str, Place]

    def read(self) -> dict[str, Tensor]:
        """The network's state, by its parameters' names."""
        stored = {each.name: numpy_helper.to_array(each) for each in self.model.graph.initializer}
        state = {}
        for name, place in self.places.items():
            values = stored[f"{place.stem}_q"].astype(np.float32) * stored[f"{place.stem}_s"] if place.whole else stored[place.stem]
            state[name] = torch.from_numpy(np.array(values.T if place.transposed else values, order="C"))
        return state

    def write(self, state: dict[str, Tensor]) -> onnx.ModelProto:
        """The graph with other numbers; large matrices to the nearest of 255 steps of their row's (table) or column's largest."""
        changed = onnx.ModelProto()
        changed.CopyFrom(self.model)
        by_name = {each.name: each for each in changed.graph.initializer}
        for name, place in self.places.items():
            values = state[name].detach().float().cpu().numpy()
            values = np.ascontiguousarray(values.T if place.transposed else values)
            if not place.whole:
                by_name[place.stem].CopyFrom(numpy_helper.from_array(values, place.stem))
                continue
            axis = 0 if place.transposed else 1
            scale = np.maximum(np.abs(values).max(axis=axis, keepdims=True), 1e-12).astype(np.float32) / np.float32(127)
            by_name[f"{place.stem}_q"].CopyFrom(numpy_helper.from_array(np.rint(values / scale).astype(np.int8), f"{place.stem}_q"))
            by_name[f"{place.stem}_s"].CopyFrom(numpy_helper.from_array(scale, f"{place.stem}_s"))
        return changed


def open_text_graph(file: Path, network: nn.Module) -> TextGraph:
    """Stops where a parameter cannot be told or has another shape."""
    model = onnx.load(str(file))
    shapes = {each.name: tuple(each.dims) for each in model.graph.initializer}
    biases = {name: node.input[0] for node in model.graph.node if node.op_type == "Add" for name in node.input if name.endswith(".bias")}
    factors = {node.output[0]: node.input[1] for node in model.graph.node if node.op_type == "MatMul"}
    places = {}
    for name, parameter in network.named_parameters():
        product = biases.get(f"{name.removesuffix('.weight')}.bias", "")
        if name in shapes:
            place = Place(name, whole=False, transposed=False)
        elif f"{name}_q" in shapes:
            place = Place(name, whole=True, transposed=False)
        else:
            stem = factors.get(product, "")
            place = Place(stem, whole=f"{stem}_q" in shapes, transposed=True)
        shape = shapes.get(f"{place.stem}_q" if place.whole else place.stem, ())
        if (shape[::-1] if place.transposed else shape) != tuple(parameter.shape):
            raise SystemExit(f"{file} holds no {name} {list(parameter.shape)}; it was exported from another network than text_student.py's")
        places[name] = place
    return TextGraph(model, places)
