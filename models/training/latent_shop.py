"""Shops drawn from nothing: products with latent kind, colour, pattern and style, of which text and picture each show a part.

They vary what real packs cannot: how much of a taste a picture shows, how close random vectors are, how large a catalogue's noise is.
"""

import numpy as np

from catalogues import Catalogue, build, unit

TRAITS = ("colour", "pattern", "style")


def draw_latent_shop(seed: int) -> Catalogue:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(300, 1500))
    kinds, parents = int(rng.integers(4, 40)), int(rng.integers(2, 8))
    counts = {"colour": int(rng.integers(5, 15)), "pattern": int(rng.integers(3, 12)), "style": int(rng.integers(3, 14))}
    kind = rng.integers(kinds, size=n)
    traits = {name: rng.integers(count, size=n) for name, count in counts.items()}
    # Shops stock some pairs more: a third of the products come in a signature pair.
    pairs = np.stack([rng.integers(counts["colour"], size=8), rng.integers(counts["pattern"], size=8)], 1)
    signed = rng.random(n) < 0.34
    chosen = pairs[rng.integers(8, size=n)]
    traits["colour"] = np.where(signed, chosen[:, 0], traits["colour"])
    traits["pattern"] = np.where(signed, chosen[:, 1], traits["pattern"])
    brand = rng.integers(int(rng.integers(5, 60)), size=n)
    named = {"colour": rng.random(n) < rng.uniform(0, 0.6), "pattern": rng.random(n) < rng.uniform(0, 0.6), "style": rng.random(n) < rng.uniform(0.3, 1)}
    titles = [
        " ".join([f"{name}{traits[name][i]}" for name in ("style", "colour", "pattern") if named[name][i]] + [f"kind{kind[i]}"]) for i in range(n)
    ]
    kind_price = rng.lognormal(3, 0.8, kinds)
    price = kind_price[kind] * rng.lognormal(0, 0.4, n)
    space = {"text": Space(rng, kinds, counts, brand.max() + 1, strength="text"), "image": Space(rng, kinds, counts, 0, strength="image")}
    text = space["text"].place(rng, kind, {name: np.where(named[name], traits[name], -1) for name in TRAITS}, brand)
    image = space["image"].place(rng, kind, traits, None)
    look = traits["colour"] * counts["pattern"] + traits["pattern"]
    shop = build(
        f"latent-{seed}",
        titles=titles,
        texts={"latent": text},
        images={"latent": image},
        brand=[f"b{b}" for b in brand],
        category=[[f"parent{k % parents}", f"kind{k}"] for k in kind],
        price=list(price.round(2)),
        rating=list(np.clip(rng.normal(4.1, 0.5, n), 1, 5).round(1)),
        reviews=list(rng.lognormal(3, 1.4, n).astype(int).astype(float)),
        traits=traits | {"look": look},
    )
    count = 160
    shop.query_source = rng.integers(n, size=count)
    asked = {name: rng.random(count) < 0.12 for name in TRAITS}
    source = {name: np.where(asked[name], traits[name][shop.query_source], -1) for name in TRAITS}
    shop.queries = [
        " ".join([f"{name}{source[name][q]}" for name in TRAITS if asked[name][q]] + [f"kind{kind[shop.query_source[q]]}"]) for q in range(count)
    ]
    shop.query_texts = {"latent": space["text"].place(rng, kind[shop.query_source], source, None)}
    return shop


class Space:
    """Directions of an encoder's space: what a vector is a noisy sum of."""

    def __init__(self, rng: np.random.Generator, kinds: int, counts: dict[str, int], brands: int, strength: str):
        self.dims = int(rng.integers(24, 97))
        draw = lambda count: unit(rng.normal(size=(count, self.dims)))  # noqa: E731
        self.common = draw(1)[0] * rng.uniform(0, 1.2)
        self.kind, self.brand = draw(kinds), draw(max(1, brands))
        self.trait = {name: draw(count) for name, count in counts.items()}
        weigh = lambda low, high: float(rng.uniform(low, high))  # noqa: E731
        if strength == "text":
            self.weight = {"kind": 1.0, "colour": weigh(0.3, 0.9), "pattern": weigh(0.3, 0.9), "style": weigh(0.2, 0.9), "brand": weigh(0, 0.5)}
        else:
            self.weight = {"kind": weigh(0.3, 1.2), "colour": weigh(0.3, 1.2), "pattern": weigh(0.15, 0.9), "style": weigh(0, 0.25), "brand": 0.0}
        self.noise = weigh(0.25, 0.9)

    def place(self, rng: np.random.Generator, kind: np.ndarray, traits: dict[str, np.ndarray], brand: np.ndarray | None) -> np.ndarray:
        rows = self.common + self.weight["kind"] * self.kind[kind]
        for name, values in traits.items():
            rows = rows + self.weight[name] * self.trait[name][np.maximum(values, 0)] * (values >= 0)[:, None]
        if brand is not None:
            rows = rows + self.weight["brand"] * self.brand[brand]
        return unit(rows + self.noise * unit(rng.normal(size=rows.shape)))
