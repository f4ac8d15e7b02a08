"""Permitted catalogues as arrays: what simulated shoppers walk through.

    python catalogues.py --data $FUSERANK_DATA --models DIR --shop DIR --out CACHE

`--shop` is a folder written by `npx tsx demo/render-training.ts DIR`. Read: ESCI (Apache-2.0), grocery (MIT), clothing (CC0), the
project's own training shop. Encoders: all-MiniLM-L6-v2 and MobileNetV2 in Transformers.js layout, and weaker ones made here, since a
ranker must not learn one encoder's habits.
"""

import argparse
import csv
import gzip
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass
class Catalogue:
    """n products; an absent number is NaN, an absent brand -1. Vectors are unit rows, a zero row is "none"."""

    name: str
    texts: dict[str, np.ndarray]  # encoder -> [n, Dt]
    images: dict[str, np.ndarray]  # encoder -> [n, Di]
    titles: list[str]
    brand: np.ndarray  # [n] int
    category: np.ndarray  # [n] int, row of category_lists
    category_lists: list[list[str]]
    price: np.ndarray
    rating: np.ndarray
    reviews: np.ndarray
    # Looks that a taste may be about, -1 where none: colour, pattern, style, cluster of pictures, cluster of texts...
    traits: dict[str, np.ndarray] = field(default_factory=dict)
    # Derived queries (nobody typed them): the text, the product it was taken from, its vector by each encoder.
    queries: list[str] = field(default_factory=list)
    query_source: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    query_texts: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.titles)


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)).astype(np.float32)


def number(values: list[str | None]) -> np.ndarray:
    """Distinct words -> 0, 1, 2...; None -> -1"""
    known = {value: place for place, value in enumerate(sorted({v for v in values if v}))}
    return np.array([known.get(value, -1) if value else -1 for value in values])


def words(text: str) -> list[str]:
    return [word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in re.findall(r"[a-z0-9]+", text.lower())]


def cluster(rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Spherical k-means; zero rows -> -1"""
    present = np.abs(rows).sum(1) > 0
    points = unit(rows[present] - rows[present].mean(0))
    centres = points[rng.choice(len(points), count, replace=False)]
    for _ in range(12):
        nearest = (points @ centres.T).argmax(1)
        centres = unit(np.stack([points[nearest == k].sum(0) if (nearest == k).any() else points[rng.integers(len(points))] for k in range(count)]))
    found = np.full(len(rows), -1)
    found[present] = nearest
    return found


def embed_titles(folder: Path, texts: list[str], tokens: int = 64) -> np.ndarray:
    import onnxruntime
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / "onnx" / "model_quantized.onnx"), options)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(tokens)
    encoded = [tokenizer.encode(text).ids for text in texts]
    order = np.argsort([len(ids) for ids in encoded], kind="stable")
    rows = np.zeros((len(texts), 384), np.float32)
    for start in range(0, len(order), 16):
        chunk = order[start : start + 16]
        length = max(len(encoded[i]) for i in chunk)
        ids = np.zeros((len(chunk), length), np.int64)
        mask = np.zeros_like(ids)
        for row, i in enumerate(chunk):
            ids[row, : len(encoded[i])] = encoded[i]
            mask[row, : len(encoded[i])] = 1
        hidden = session.run(None, {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)})[0]
        rows[chunk] = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    return unit(rows)


class HashedWords:
    """A weak encoder: idf-weighted sum of a random direction a word."""

    def __init__(self, texts: list[str], dims: int = 96):
        self.dims = dims
        self.idf: dict[str, float] = {}
        for text in texts:
            for word in set(words(text)):
                self.idf[word] = self.idf.get(word, 0) + 1
        self.idf = {word: float(np.log(1 + len(texts) / count)) for word, count in self.idf.items()}

    def __call__(self, texts: list[str]) -> np.ndarray:
        return unit(np.stack([sum((self.direction(w) * self.idf.get(w, 0) for w in words(text)), np.zeros(self.dims)) for text in texts]))

    def direction(self, word: str) -> np.ndarray:
        return np.random.default_rng(int.from_bytes(word.encode()[:8], "big")).normal(size=self.dims)


def derive_query(title: str, category: list[str], rng: np.random.Generator) -> str:
    """Words of the category leaf, the end of the title, some of its words, or leaf and one word: what a shopper might type for it."""
    title_words = re.findall(r"[\w'-]+", title)[:14]
    leaf = category[-1] if category else (title_words[-1] if title_words else "")
    form = rng.random()
    if form < 0.3 and leaf:
        return leaf
    if form < 0.5:
        return " ".join(title_words[-int(rng.integers(1, 3)) :])
    if form < 0.7 and leaf and title_words:
        return f"{title_words[rng.integers(len(title_words))]} {leaf}"
    kept = np.sort(rng.permutation(len(title_words))[: int(rng.integers(1, 5))])
    return " ".join(title_words[i] for i in kept) or leaf


def embed_pictures(folder: Path, files: list[Path]) -> dict[str, np.ndarray]:
    """MobileNetV2 reduced to 128 dims (centred), with and without a colour histogram."""
    import onnxruntime
    from PIL import Image

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / "onnx" / "model.onnx"), options)
    deep, colours = [], []
    for file in files:
        picture = Image.open(file).convert("RGB")
        side = min(picture.size)
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        pixels = np.asarray(picture.crop((left, top, left + side, top + side)).resize((224, 224), Image.BILINEAR), np.float32) / 255
        deep.append(session.run(["pooler_output"], {"pixel_values": ((pixels - 0.5) / 0.5).transpose(2, 0, 1)[None]})[0][0])
        colours.append(colour_histogram(pixels))
    deep_rows, colour_rows = np.stack(deep), unit(np.sqrt(np.stack(colours)))
    centred = deep_rows - deep_rows.mean(0)
    _, _, axes = np.linalg.svd(centred[:: max(1, len(centred) // 2000)], full_matrices=False)
    reduced = unit(centred @ axes[:128].T)
    plain = unit(deep_rows) @ np.linalg.qr(np.random.default_rng(0).normal(size=(1280, 192)))[0]
    return {
        "deep": reduced,
        "deep-uncentred": unit(plain),
        "deep+colour": unit(np.concatenate([reduced, 0.7 * colour_rows], 1)),
        "deep+colour-centred": unit(np.concatenate([reduced, unit(colour_rows - colour_rows.mean(0))], 1)),
    }


def colour_histogram(pixels: np.ndarray) -> np.ndarray:
    """Share of pixels by 6 x 4 x 4 bins of hue, saturation and value, white background left out."""
    high, low = pixels.max(2), pixels.min(2)
    span = high - low
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    safe = np.maximum(span, 1e-6)
    hue = np.where(high == red, ((green - blue) / safe) % 6, np.where(high == green, (blue - red) / safe + 2, (red - green) / safe + 4))
    saturation = span / np.maximum(high, 1e-6)
    bins = [np.clip((hue * 2).astype(int), 0, 11), np.clip((saturation * 3).astype(int), 0, 2), np.clip((high * 4).astype(int), 0, 3)]
    kept = ~((high > 0.94) & (saturation < 0.06))
    flat = (bins[0] * 3 + bins[1]) * 4 + bins[2]
    return np.bincount(flat[kept], minlength=144).astype(np.float64) / max(1, kept.sum()) + 1e-6


def read_lines(file: Path) -> list[dict]:
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rt", encoding="utf8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def read_table(file: Path) -> list[dict]:
    with open(file, newline="", encoding="utf8") as lines:
        return list(csv.DictReader(lines))


def build(name: str, *, titles, texts, images, brand, category, price=None, rating=None, reviews=None, traits=None) -> Catalogue:
    lists = sorted({json.dumps(row) for row in category})
    place = {row: index for index, row in enumerate(lists)}
    absent = [None] * len(titles)
    numeric = lambda values: np.array([np.nan if v is None else v for v in (values or absent)], np.float64)  # noqa: E731
    return Catalogue(
        name=name,
        texts=texts,
        images=images,
        titles=titles,
        brand=number(brand or absent),
        category=np.array([place[json.dumps(row)] for row in category]),
        category_lists=[json.loads(row) for row in lists],
        price=numeric(price),
        rating=numeric(rating),
        reviews=numeric(reviews),
        traits=traits or {},
    )


def add_queries(catalogue: Catalogue, count: int, encoders: dict) -> Catalogue:
    rng = np.random.default_rng(11)
    catalogue.query_source = rng.integers(len(catalogue), size=count)
    catalogue.queries = [derive_query(catalogue.titles[i], catalogue.category_lists[catalogue.category[i]], rng) for i in catalogue.query_source]
    catalogue.query_texts = {name: encode(catalogue.queries) for name, encode in encoders.items()}
    return catalogue


def build_esci(data: Path, models: Path) -> Catalogue:
    rows = read_lines(data / "esci" / "products.jsonl.gz")
    titles = [row["title"] for row in rows]
    encoders = {"minilm": lambda texts: embed_titles(models / "all-minilm-l6-v2", texts), "hashed": HashedWords(titles)}
    texts = {name: encode(titles) for name, encode in encoders.items()}
    rng = np.random.default_rng(3)
    catalogue = build(
        "esci",
        titles=titles,
        texts=texts,
        images={},
        brand=[row["brand"] for row in rows],
        category=[row["category"] for row in rows],
        price=[row["price"] for row in rows],
        rating=[row["rating"] for row in rows],
        reviews=[row["rating_count"] for row in rows],
        traits={
            "colour": number([row["color"] for row in rows]),
            "topic": cluster(texts["minilm"], 150, rng),
            "fine-topic": cluster(texts["minilm"], 500, rng),
        },
    )
    return add_queries(catalogue, 6000, encoders)


def build_photos(data: Path, models: Path) -> Catalogue:
    """Shelf photos and clothes as products of one shop; a photo's class is its kind, named in the title."""
    products = {row["id"]: row for row in read_lines(data / "grocery" / "products.jsonl.gz")}
    entries = [(data / "grocery" / "images" / f"{key}.jpg", row["name"], row["category"]) for key, row in products.items()]
    for row in read_table(data / "grocery" / "photos.csv"):
        product = products[row["product_id"]]
        entries.append((data / "grocery" / "photos" / f"{row['id']}.jpg", product["name"], product["category"]))
    for row in read_table(data / "clothing" / "labels.csv"):
        entries.append((data / "clothing" / "images" / f"{row['id']}.jpg", row["label"], ["Clothes", row["label"]]))
    entries = [entry for entry in entries if entry[0].exists()]
    titles = [title for _, title, _ in entries]
    images = embed_pictures(models / "mobilenet-v2-224", [file for file, _, _ in entries])
    rng = np.random.default_rng(4)
    encoders = {"minilm": lambda texts: embed_titles(models / "all-minilm-l6-v2", texts), "hashed": HashedWords(titles)}
    catalogue = build(
        "photos",
        titles=titles,
        texts={name: encode(titles) for name, encode in encoders.items()},
        images=images,
        brand=None,
        category=[category for _, _, category in entries],
        traits={"look": cluster(images["deep+colour-centred"], 60, rng), "colour-look": cluster(images["deep+colour"][:, 128:], 24, rng)},
    )
    return add_queries(catalogue, 400, encoders)


def build_shop(shop: Path, models: Path) -> Catalogue:
    rows = read_lines(shop / "products.ndjson")
    titles = [row["title"] for row in rows]
    latent = {name: [row["latent"][name] for row in rows] for name in ("colour", "pattern", "style", "material")}
    pairs = [f"{colour} {pattern}" if pattern != "plain" else None for colour, pattern in zip(latent["colour"], latent["pattern"], strict=True)]
    long = [f"{row['title']}. {row['brand']}. {row['description']}" for row in rows]
    sentences = lambda texts: embed_titles(models / "all-minilm-l6-v2", texts)  # noqa: E731
    hashed = HashedWords(long)
    encoders = {"minilm": sentences, "minilm-long": sentences, "hashed": hashed}
    catalogue = build(
        "shop",
        titles=titles,
        texts={"minilm": sentences(titles), "minilm-long": sentences(long), "hashed": hashed(long)},
        images=embed_pictures(models / "mobilenet-v2-224", [shop / "images" / row["image"] for row in rows]),
        brand=[row["brand"] for row in rows],
        category=[row["category"] for row in rows],
        price=[row["price"] for row in rows],
        rating=[row["rating"] for row in rows],
        reviews=[row["rating_count"] for row in rows],
        traits={
            "colour": number(latent["colour"]),
            "pattern": number([pattern if pattern != "plain" else None for pattern in latent["pattern"]]),
            "look": number(pairs),
            "style": number(latent["style"]),
            "material": number(latent["material"]),
        },
    )
    return add_queries(catalogue, 1500, encoders)


if __name__ == "__main__":
    import pickle

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("data", "models", "shop", "out"):
        parser.add_argument(f"--{option}", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for catalogue in (
        build_shop(options.shop, options.models),
        build_photos(options.data, options.models),
        build_esci(options.data, options.models),
    ):
        halved = {
            name: {key: rows.astype(np.float16) for key, rows in value.items()} if name in ("texts", "images", "query_texts") else value
            for name, value in catalogue.__dict__.items()
        }
        (options.out / f"{catalogue.name}.pickle").write_bytes(pickle.dumps(halved))
        print(catalogue.name, len(catalogue), {k: v.shape for k, v in (catalogue.texts | catalogue.images).items()})
