"""What is compared: the default network for one shop, everything that differs from it in one choice, and its rivals."""

from dataclasses import dataclass

from tuned.choices import Network, Training, read_choices

# Few large steps, so that a run takes minutes of a core or seconds of a GPU; all weights are drawn, so that no arm has a better start.
TRAINING = {"start": "nothing", "batch": 256, "rate": 4e-3, "epochs": 6, "patience": 2}
GENTLE = {**TRAINING, "rate": 1.5e-3, "epochs": 5}
LARGE = {**TRAINING, "batch": 128, "rate": 6e-4, "epochs": 8, "patience": 3}


@dataclass(frozen=True)
class Arm:
    name: str
    group: str  # what is changed, as tables head it
    given: dict
    seeds: tuple[int, ...] = (1,)
    base: bool = False  # fusion-base's own network
    without: tuple[str, ...] = ()  # modalities that the shop does not have
    packs: tuple[str, ...] = ()  # only of these; all where empty

    def read(self) -> tuple[Network, Training]:
        return read_choices(self.given)


def tuned(name: str, group: str, training: dict | None = None, more: dict | None = None, **network: object) -> Arm:
    return Arm(name, group, {"network": {"user": "sasrec", **network}, "training": {**TRAINING, **(training or {})}}, **(more or {}))


def large(name: str, layers: int, width: int, heads: int, seeds: tuple[int, ...], rate: float = LARGE["rate"]) -> Arm:
    network = {"kind": "large", "layers": layers, "width": width, "attention_heads": heads, "dropout": 0.15}
    return Arm(name, "rivals", {"network": network, "training": {**LARGE, "rate": rate}}, seeds)


SEEDS = (1, 2, 3)
TREES = "LambdaMART"
SHOPS, FILMS = {"packs": ("beauty", "sports")}, {"packs": ("ml1m",)}
# In the order in which they are run: what is left over when time is up is missed least.
ARMS: list[Arm] = [
    tuned("default", "rivals", more={"seeds": SEEDS}),
    Arm("fusion-base, tuned", "rivals", {"training": {**GENTLE, "start": "base", "modality_dropout": 0.0}}, SEEDS, base=True),
    Arm(TREES, "rivals", {}),
    large("large 2x192", 2, 192, 4, SEEDS),
    tuned("no modality dropout", "missing vectors", {"modality_dropout": 0.0}),
    tuned("default, from fusion-base", "rivals", {**GENTLE, "start": "base"}, {"seeds": SEEDS}),
    tuned("without pictures", "modalities", more={**FILMS, "without": ("image",)}),
    tuned("without texts", "modalities", more={**FILMS, "without": ("text",)}),
    tuned("fusion late", "fusion", fusion="late", context=0, heads="single"),
    *[tuned(f"fusion {name}", "fusion", more=SHOPS, fusion=name) for name in ("early_concat", "weighted", "mlp", "attention", "hadamard", "transformer")],
    *[tuned(f"user {name}", "user encoder", more=SHOPS, user=name) for name in ("none", "mean", "gru", "lstm", "cnn")],
    *[tuned(f"context {count}", "list context", more=SHOPS, context=count) for count in (0, 2)],
    *[tuned(f"loss {name}", "loss", {"loss": name}, SHOPS) for name in ("bce", "bpr", "lambda-softmax", "mse")],
    *[tuned(f"heads {name}", "heads", more=SHOPS, heads=name) for name in ("single", "shared-bottom", "mmoe")],
    *[tuned(f"missing {name}", "missing vectors", missing=name) for name in ("mean", "drop")],
    Arm("fusion-base, from nothing", "rivals", {"training": {**TRAINING, "modality_dropout": 0.0}}, base=True, **SHOPS),
    large("large 4x256", 4, 256, 8, (1,)),
    large("large 6x384", 6, 384, 8, (1,)),
    large("large 2x192, faster", 2, 192, 4, (1,), 1.5e-3),
]
BY_NAME = {arm.name: arm for arm in ARMS}
