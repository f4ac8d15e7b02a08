"""A network's weights inside the ONNX file of an artefact: read out to go on training, written back when that is done.

Tuning changes numbers, not the graph: whatever else the graph computes beside the network (trees that share the score with it) stays
as it is. That the numbers were found rightly is proved, never assumed: check_same compares PyTorch with the graph.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import Tensor, nn

TREES = {"TreeEnsembleRegressor", "TreeEnsembleClassifier", "TreeEnsemble"}


@dataclass
class Place:
    """Where a parameter lies in the graph."""

    initialiser: str
    transposed: bool


@dataclass
class GraphWeights:
    model: onnx.ModelProto
    places: dict[str, Place]

    def read(self) -> dict[str, Tensor]:
        """The network's state, by its parameters' names."""
        stored = {each.name: numpy_helper.to_array(each) for each in self.model.graph.initializer}
        found = {name: stored[place.initialiser].T if place.transposed else stored[place.initialiser] for name, place in self.places.items()}
        return {name: torch.from_numpy(np.array(values, order="C")) for name, values in found.items()}

    def write(self, state: dict[str, Tensor]) -> onnx.ModelProto:
        """The graph with other numbers."""
        changed = onnx.ModelProto()
        changed.CopyFrom(self.model)
        by_name = {each.name: each for each in changed.graph.initializer}
        for name, place in self.places.items():
            values = state[name].detach().cpu().numpy()
            values = np.ascontiguousarray(values.T if place.transposed else values)
            by_name[place.initialiser].CopyFrom(numpy_helper.from_array(values, place.initialiser))
        return changed

    @property
    def has_trees(self) -> bool:
        return any(node.op_type in TREES for node in self.model.graph.node)


def find_weights(file: Path, network: nn.Module) -> GraphWeights:
    """Stops where a parameter cannot be told: by its name at the end of an initialiser's, else by a transposed shape that one alone has."""
    model = onnx.load(str(file))
    stored = {each.name: tuple(each.dims) for each in model.graph.initializer}
    places: dict[str, Place] = {}
    for name, parameter in network.named_parameters():
        named = [key for key in stored if (key == name or key.endswith(f".{name}")) and stored[key] == tuple(parameter.shape)]
        if len(named) == 1:
            places[name] = Place(named[0], transposed=False)
    taken = {place.initialiser for place in places.values()}
    # The exporter folds the transpose of a product's matrix into the constant, and its name is lost.
    unnamed = {key: shape for key, shape in stored.items() if key not in taken and "." not in key}
    for name, parameter in network.named_parameters():
        if name in places:
            continue
        turned = [key for key, shape in unnamed.items() if parameter.ndim == 2 and shape == tuple(reversed(parameter.shape))]
        if name == "ceiling":
            raise SystemExit(f"{file} was exported before networks had a ceiling of trust: tune from fusion-base again, or export it again")
        if len(turned) != 1:
            raise SystemExit(f"{file}: {len(turned)} arrays could be {name} {list(parameter.shape)}; it was exported from another network")
        places[name] = Place(turned[0], transposed=True)
        del unnamed[turned[0]]
    return GraphWeights(model, places)


def open_session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def with_output(model: onnx.ModelProto, tensor: str) -> onnx.ModelProto:
    """The graph with one of its inner tensors as a further output."""
    wider = onnx.ModelProto()
    wider.CopyFrom(model)
    wider.graph.output.append(onnx.helper.make_tensor_value_info(tensor, onnx.TensorProto.FLOAT, None))
    return wider


def check_same(network: nn.Module, model: onnx.ModelProto, inputs: list[dict[str, np.ndarray]], score: str = "score") -> float:
    """Greatest difference between the network's score and the tensor `score` of the graph, relative to values beyond 1."""
    wider = model if score in [each.name for each in model.graph.output] else with_output(model, score)
    session = open_session(wider)
    names = [each.name for each in session.get_inputs()]
    worst = 0.0
    network.eval()
    for each in inputs:
        with torch.no_grad():
            expected = network({name: torch.from_numpy(values) for name, values in each.items()})["score"].numpy()
        got = session.run([score], {name: each[name] for name in names})[0].reshape(expected.shape)
        worst = max(worst, float((np.abs(got - expected) / np.maximum(1, np.abs(expected))).max(initial=0)))
    return worst
