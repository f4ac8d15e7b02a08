"""How many rows of training came to each node of LightGBM's trees, written into their ONNX graph.

onnxmltools leaves `nodes_hitrates` at 1. With the counts there a graph explains its own scores exactly (models/tree-contributions.ts);
scores do not change.
"""

from collections.abc import Iterator

import lightgbm
import numpy as np
import onnx


def write_covers(trees: onnx.ModelProto, booster: lightgbm.Booster) -> None:
    """Stops where a node of the graph is not the same split as the booster's."""
    [ensemble] = [node for node in trees.graph.node if node.op_type == "TreeEnsembleRegressor"]
    attributes = {each.name: each for each in ensemble.attribute}
    values = {name: onnx.helper.get_attribute_value(each) for name, each in attributes.items()}
    places = {key: place for place, key in enumerate(zip(values["nodes_treeids"], values["nodes_nodeids"], strict=True))}
    covers = np.full(len(places), np.nan)
    for number, tree in enumerate(booster.dump_model()["tree_info"]):
        for node, split in walk(tree["tree_structure"], lambda node: _children(values, places[number, node])):
            place = places[number, node]
            if "split_feature" in split:
                feature, threshold = values["nodes_featureids"][place], values["nodes_values"][place]
                same = feature == split["split_feature"] and threshold == np.float32(split["threshold"])
                if values["nodes_modes"][place] != b"BRANCH_LEQ" or not same:
                    raise SystemExit(f"tree {number}, node {node}: the graph splits {feature} at {threshold}, LightGBM {split['split_feature']}")
                covers[place] = split["internal_count"]
            elif values["nodes_modes"][place] == b"LEAF":
                covers[place] = split.get("leaf_count", 1)  # a tree that is one leaf has no count
            else:
                raise SystemExit(f"tree {number}, node {node}: a split in the graph, a leaf in LightGBM's model")
    if not np.isfinite(covers).all() or covers.max(initial=0) >= 2**24:
        raise SystemExit("the graph has nodes that LightGBM's model has not, or more rows than float32 counts")
    del attributes["nodes_hitrates"].floats[:]
    attributes["nodes_hitrates"].floats.extend(covers.astype(np.float32).tolist())


def walk(split: dict, children: object, node: int = 0) -> Iterator[tuple[int, dict]]:
    """Nodes of the graph beside those of the model, from the root on."""
    yield node, split
    if "split_feature" in split:
        below, above = children(node)
        yield from walk(split["left_child"], children, below)
        yield from walk(split["right_child"], children, above)


def _children(values: dict, place: int) -> tuple[int, int]:
    return values["nodes_truenodeids"][place], values["nodes_falsenodeids"][place]
