"""Choices → a network, with its projections fitted and, where it may start so, a shipped ranker's weights in it."""

import json
from pathlib import Path

import torch
from torch import nn

from graph_weights import find_weights
from model import FusionBase
from tuned.choices import Network
from tuned.large import FusionLarge
from tuned.late import LateFusion
from tuned.list_table import ListTable
from tuned.network import FusionTuned


def build_network(choices: Network, dims: dict[str, int]) -> nn.Module:
    if not dims:
        raise SystemExit("no product of these lists has a vector; train a ranker that needs none: fuserank model tune")
    if choices.kind == "large":
        return FusionLarge(choices, dims)
    return (LateFusion if choices.fusion == "late" else FusionTuned)(choices, dims)


def fit_projections(network: nn.Module, table: ListTable) -> None:
    for name, projection in network.tokens.projections.items():
        projection.fit(table.product_vectors(name))


def read_shipped(folder: Path) -> dict[str, torch.Tensor]:
    """A shipped fusion-base's weights, out of its graph."""
    manifest = json.loads((folder / "manifest.json").read_text())
    weights = find_weights(folder / manifest["model"]["file"], FusionBase())
    return weights.read()


def take_over(network: nn.Module, shipped: dict[str, torch.Tensor]) -> list[str]:
    """Weights of the same name and shape; gives their names."""
    own = network.state_dict()
    same = {name: values for name, values in shipped.items() if name in own and own[name].shape == values.shape}
    network.load_state_dict(same, strict=False)
    return sorted(same)
