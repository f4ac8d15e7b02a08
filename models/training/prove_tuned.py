"""What must hold of every choice of a network for one shop, whatever it has learnt: tried on drawn weights and inputs.

    python prove_tuned.py        # prints JSON: choice -> what was tried -> greatest difference, which should be rounding
"""

import json
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from contract import COLUMNS, INPUTS
from export import draw_inputs
from tuned.build import build_network
from tuned.choices import FUSIONS, HEADS, MISSING, USERS, Network
from tuned.user_encoder import build_user_encoder

DIMS = {"text": 12, "image": 10}
PERMUTATION = [4, 1, 6, 0, 3, 5, 2]
OF = {
    "text": [name for name in INPUTS if "text" in name],
    "image": [name for name in INPUTS if "image" in name or name == "query_head" or name == "query_head_mask"],
}


def list_choices() -> dict[str, Network]:
    default = Network(user="sasrec", width=16, attention_heads=2)
    late = replace(default, fusion="late", context=0, heads="single")
    choices = {f"fusion {name}": replace(default, fusion=name) for name in FUSIONS if name != "late"}
    choices |= {f"user {name}": replace(default, user=name) for name in USERS}
    choices |= {f"late, user {name}": replace(late, user=name) for name in USERS}
    choices |= {f"context {count}": replace(default, context=count) for count in (0, 2)}
    choices |= {f"heads {name}": replace(default, heads=name) for name in HEADS}
    choices |= {f"missing {name}": replace(default, missing=name) for name in MISSING}
    return choices | {"large": replace(default, kind="large", layers=2)}


def build(choices: Network) -> nn.Module:
    """Weights that matter: the quiet beginnings are loud here."""
    torch.manual_seed(3)
    network = build_network(choices, DIMS).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network


def draw(seed: int, lists: int = 1, candidates: int = 7, history: int = 5) -> dict[str, Tensor]:
    return draw_inputs(np.random.default_rng(seed), (lists, candidates, history, DIMS["text"], DIMS["image"]), len(COLUMNS))


def permute(x: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: values[:, PERMUTATION] if INPUTS[name][1:2] == ("N",) else values for name, values in x.items()}


def pad(x: dict[str, Tensor], axis: str, extra: int) -> dict[str, Tensor]:
    """Noise behind the last; masks and columns of pads are 0."""
    grown = draw(99, x["candidate_mask"].shape[0], x["candidate_mask"].shape[1] + extra * (axis == "N"), x["history_mask"].shape[1] + extra * (axis == "L"))
    padded = {}
    for name, values in x.items():
        if axis not in INPUTS[name]:
            padded[name] = values
            continue
        place = INPUTS[name].index(axis)
        noise = grown[name].narrow(place, values.shape[place], extra)
        silent = name.endswith("_mask") or (name == "columns" and axis == "N")
        padded[name] = torch.cat([values, torch.zeros_like(noise) if silent else noise], place)
    return padded


def stack(inputs: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.cat([each[name] for each in inputs]) for name in inputs[0]}


def silence(x: dict[str, Tensor], words: tuple[str, ...]) -> dict[str, Tensor]:
    """Masks whose names hold one of the words are 0."""
    return {name: torch.zeros_like(values) if name.endswith("_mask") and any(word in name for word in words) else values for name, values in x.items()}


def distance(one: Tensor, other: Tensor) -> float:
    far = ((one - other).abs() / other.abs().clamp(min=1)).max()
    return float(far) if bool(torch.isfinite(one).all() and torch.isfinite(other).all()) else float("inf")


@torch.no_grad()
def try_network(network: nn.Module) -> dict[str, float]:
    score = lambda x: network(x)["score"]  # noqa: E731
    inputs = [draw(seed) for seed in (1, 2, 3)]
    alone = torch.cat([score(x) for x in inputs])
    x = inputs[0]
    bare = silence(x, ("history_", "text", "image", "head"))
    elsewhere = {name: draw(4)[name] if name in ("history_text", "history_image") else values for name, values in x.items()}
    changed = {name: torch.roll(values, 1, -1) if name.startswith(("item_", "history_text", "history_image", "query_")) and not name.endswith("_mask") else values for name, values in bare.items()}
    return {
        "permutation": distance(score(permute(x)), alone[:1, PERMUTATION]),
        "padded list": distance(score(pad(x, "N", 4))[:, :7], alone[:1]),
        "padded history": distance(score(pad(x, "L", 3)), alone[:1]),
        "batch": distance(score(stack(inputs)), alone),
        # Without events a longer empty history is the same; without any vector what stands in their places is not read.
        "empty history": distance(score(pad(silence(x, ("history_",)), "L", 3)), score(silence(x, ("history_",)))),
        "all missing": distance(score(changed), score(bare)),
        # Whether anything was tried at all: other events give other scores.
        "deaf to history": 0.0 if distance(score(elsewhere), score(x)) > 1e-3 else 1.0,
    }


@torch.no_grad()
def try_additive(network: nn.Module) -> dict[str, float]:
    """Contributions add up, and one modality's inputs move its own contribution alone."""
    x, other = draw(1), draw(2)
    told = network(x)
    contributions = told["modality_contributions"]  # [B, N, M]
    result = {"sum": distance(contributions.sum(2), told["score"])}
    for name in network.tokens.modalities:
        moved = network({key: other[key] if key in OF[name] else values for key, values in x.items()})["modality_contributions"]
        own = network.modalities.index(name)
        rest = [place for place in range(len(network.modalities)) if place != own]
        result[f"{name} alone moves"] = distance(moved[..., rest], contributions[..., rest])
        if distance(moved[..., own], contributions[..., own]) < 1e-3:
            result[f"{name} alone moves"] = float("inf")  # it did not move at all
    return result


@torch.no_grad()
def try_causal(name: str) -> float:
    """Later events change no earlier state."""
    torch.manual_seed(4)
    encoder = build_user_encoder(name, 8).eval()
    events, mask = torch.randn(2, 6, 8), torch.ones(2, 6)
    states, _ = encoder(events, mask)
    events[:, 4:] = torch.randn(2, 2, 8)
    return distance(encoder(events, mask)[0][:, :4], states[:, :4])


def main() -> None:
    torch.set_num_threads(1)
    proved = {}
    for name, choices in list_choices().items():
        network = build(choices)
        proved[name] = try_network(network)
        if choices.fusion == "late":
            proved[name] |= try_additive(network)
    proved["causal"] = {name: try_causal(name) for name in USERS if name not in ("none", "mean")}
    print(json.dumps(proved, indent=1))


if __name__ == "__main__":
    main()
