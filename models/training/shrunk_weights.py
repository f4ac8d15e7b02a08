"""Weights of a graph as int8 with a scale an output channel (a row in tables), turned back into floats when the model is loaded: the
arithmetic stays float32, so what a model gives does not depend on its neighbours in a batch.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SMALLEST = 2048  # weights of fewer numbers stay float32
OPERATORS = {"Conv", "MatMul", "Gemm", "Gather"}


def shrink_weights(file: Path, smallest: int = SMALLEST) -> None:
    """Float32 initialisers of Conv, MatMul, Gemm and Gather → int8, Cast and Mul; the runtime folds these at load."""
    model = onnx.load(str(file))
    graph = model.graph
    uses: dict[str, list] = {}
    for node in graph.node:
        for place, name in enumerate(node.input):
            uses.setdefault(name, []).append((node, place))
    added, kept = [], []
    for initialiser in graph.initializer:
        weights = numpy_helper.to_array(initialiser)
        users = uses.get(initialiser.name, [])
        if weights.dtype != np.float32 or weights.ndim < 2 or weights.size < smallest or not users or users[0][0].op_type not in OPERATORS:
            kept.append(initialiser)
            continue
        node, _ = users[0]
        # Where the output channel lies: rows of a table or a convolution; columns of a matrix that is multiplied from the right.
        rows_out = node.op_type in ("Conv", "Gather") or (node.op_type == "Gemm" and any(a.name == "transB" and a.i for a in node.attribute))
        axes = tuple(range(1, weights.ndim)) if rows_out else (0,)
        scale = np.maximum(np.abs(weights).max(axis=axes, keepdims=True), 1e-12).astype(np.float32) / np.float32(127)
        whole = np.rint(weights / scale).astype(np.int8)
        name = initialiser.name
        kept += [numpy_helper.from_array(whole, f"{name}_q"), numpy_helper.from_array(scale, f"{name}_s")]
        if node.op_type == "Gather":  # rows first, so that the whole table never becomes floats
            for user, _ in users:
                out = user.output[0]
                graph.node.remove(user)
                added += [
                    helper.make_node("Gather", [f"{name}_q", user.input[1]], [f"{out}_q"]),
                    helper.make_node("Gather", [f"{name}_s", user.input[1]], [f"{out}_s"]),
                    helper.make_node("Cast", [f"{out}_q"], [f"{out}_f"], to=TensorProto.FLOAT),
                    helper.make_node("Mul", [f"{out}_f", f"{out}_s"], [out]),
                ]
        else:
            added += [helper.make_node("Cast", [f"{name}_q"], [f"{name}_f"], to=TensorProto.FLOAT), helper.make_node("Mul", [f"{name}_f", f"{name}_s"], [name])]
    nodes = sort_nodes([*added, *graph.node], {i.name for i in kept} | {i.name for i in graph.input})
    del graph.node[:], graph.initializer[:], graph.value_info[:], model.metadata_props[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
    for node in graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    onnx.checker.check_model(model)
    onnx.save(model, str(file))


def sort_nodes(nodes: list, known: set[str]) -> list:
    """Each node after those it reads."""
    known = known | {""}
    ordered, waiting = [], nodes
    while waiting:
        ready = [n for n in waiting if all(name in known for name in n.input)]
        if not ready:
            raise ValueError(f"nodes that read what nobody writes: {[n.name for n in waiting][:5]}")
        for node in ready:
            known |= set(node.output)
        ordered += ready
        waiting = [n for n in waiting if n not in ready]
    return ordered
