"""What a network for one shop is made of, and how it is trained: read from a small JSON file.

    {"network": {"fusion": "late", "user": "gru"}, "training": {"epochs": 8}}
"""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

FUSIONS = ("early_concat", "weighted", "mlp", "late", "attention", "hadamard", "attention+hadamard", "transformer")
USERS = ("none", "mean", "gru", "lstm", "cnn", "sasrec")
LOSSES = ("softmax", "bce", "bpr", "lambda-softmax", "mse")
HEADS = ("single", "shared-bottom", "esmm", "mmoe")
MISSING = ("token", "mean", "drop")
POSITIONS = ("none", "swaps", "propensities")
KINDS = ("tuned", "large")


@dataclass(frozen=True)
class Network:
    kind: str = "tuned"
    fusion: str = "attention+hadamard"
    user: str = "none"  # a reader of the history beside the evidence; on the shops measured none does as well (docs/quality.md)
    context: int = 1  # layers over the list: 0, 1 or 2
    heads: str = "esmm"
    missing: str = "token"  # what stands for a vector that is not there: a learnt token, the mean, nothing
    width: int = 64
    dropout: float = 0.1
    # Of the large one alone.
    layers: int = 2
    attention_heads: int = 4

    def check(self) -> None:
        require("kind", self.kind, KINDS)
        require("fusion", self.fusion, FUSIONS)
        require("user", self.user, USERS)
        require("heads", self.heads, HEADS)
        require("missing", self.missing, MISSING)
        require("context", self.context, (0, 1, 2))
        if self.fusion == "late" and (self.context, self.heads) != (0, "single"):
            raise SystemExit('fusion "late" adds up what each modality says: it takes "context": 0 and "heads": "single"')
        if self.kind == "large" and self.width % self.attention_heads:
            raise SystemExit(f"a width of {self.width} cannot be shared by {self.attention_heads} attention heads; name a multiple")


@dataclass(frozen=True)
class Training:
    loss: str = "softmax"
    start: str = "base"  # base: the evidence's weights are a shipped fusion-base's; nothing: all are drawn
    rate: float = 1e-3
    decay: float = 0.02
    epochs: int = 8
    patience: int = 3
    batch: int = 64
    candidates: int = 96  # of a list in training, what was chosen among them; 0: all
    modality_dropout: float = 0.3  # share of lists in which some products lose a vector
    positions: str = "none"  # swaps or propensities: where the rows' positions are from; else their bias is not corrected

    def check(self) -> None:
        require("loss", self.loss, LOSSES)
        require("start", self.start, ("base", "nothing"))
        require("positions", self.positions, POSITIONS)
        for name in ("rate", "epochs", "patience", "batch"):
            if not getattr(self, name) > 0:
                raise SystemExit(f'training "{name}" must be above 0')


def require(name: str, value: object, known: tuple) -> None:
    if value not in known:
        raise SystemExit(f'"{name}" is {value!r}; it may be {", ".join(map(str, known))}')


def read_choices(given: dict) -> tuple[Network, Training]:
    """Stops at a name that does not exist, and at a value that is none of its choices."""
    if unknown := set(given) - {"network", "training"}:
        raise SystemExit(f"unknown {', '.join(sorted(unknown))}; a file of choices holds network and training")
    network, training = build(Network, given.get("network", {})), build(Training, given.get("training", {}))
    network.check()
    training.check()
    return network, training


def build(kind: type, given: dict):
    known = {each.name: each.type for each in fields(kind)}
    if unknown := set(given) - set(known):
        raise SystemExit(f"unknown {', '.join(sorted(unknown))}; {kind.__name__.lower()} may name {', '.join(known)}")
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, (int, float) if known[name] is float else known[name]):
            raise SystemExit(f'"{name}" is {value!r}; it must be of type {known[name].__name__}')
    return kind(**given)


def load_choices(file: Path | None, kind: str) -> tuple[Network, Training]:
    """Of a file; without one the defaults of the kind."""
    given = json.loads(file.read_text()) if file else DEFAULTS[kind]
    given = {**given, "network": {"kind": kind, **given.get("network", {})}}
    network, training = read_choices(given)
    if network.kind != kind:
        raise SystemExit(f"{file} describes a {network.kind} network, but {kind} was asked for")
    return network, training


def tell_choices(network: Network, training: Training) -> dict:
    return {"network": asdict(network), "training": asdict(training)}


DEFAULTS: dict[str, dict] = {
    "tuned": {},
    "large": {"network": {"width": 192, "layers": 2, "attention_heads": 4}, "training": {"rate": 5e-4}},
}
