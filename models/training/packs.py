"""Packs of real shoppers: what models are measured on. Nothing that ships is trained on them.

    python packs.py --data $FUSERANK_DATA --models DIR --out CACHE [--packs beauty sports ml1m beauty-whole sports-whole]

Beauty, sports and ml1m have an order of events and no times: times are made, one event a day, as their adapters do
(docs/examples). Products with fewer than five events before each shopper's last two are left out of the 5-cores (docs/quality.md says why),
but for those that are named whole. Films have two texts: with their plots ("minilm") and without ("minilm-no-plot").
"""

import argparse
import gzip
import io
import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalogues import Catalogue, HashedWords, build, embed_pictures, embed_titles, read_lines, read_table, unit
from contract import ACTION
from derived_queries import DerivedQueries, derive_queries
from sequences import Sequences

DAY = 86_400.0
KNOWN_EVENTS = 5
# Pieces of words that are read of a text; a plot has 150 on average.
TOKENS, PLOT_TOKENS = 64, 256


@dataclass
class Pack:
    catalogue: Catalogue
    queries: DerivedQueries
    sequences: Sequences
    from_end: np.ndarray  # [E] events of the same shopper after each one, those of products that were left out counted too


def load_pack(file: Path) -> Pack:
    pack = pickle.loads(file.read_bytes())
    catalogue = pack.catalogue
    for vectors in (catalogue.texts, catalogue.images, pack.queries.vectors):
        vectors.update({name: unit(rows.astype(np.float32)) for name, rows in vectors.items()})
        if "hashed" in vectors:  # an encoder of middling worth
            vectors["mixed"] = unit(np.concatenate([vectors["minilm"], vectors["hashed"]], 1))
    return pack


def order_events(rows: list[list[int]], n: int, known_events: int, action: str) -> tuple[np.ndarray, Sequences, np.ndarray]:
    """Rows of item places, oldest first -> which of the n products stay, their events, `from_end`. Items are numbered anew."""
    shopper = np.repeat(np.arange(len(rows), dtype=np.int32), [len(row) for row in rows])
    item = np.concatenate([np.asarray(row, np.int32) for row in rows])
    from_end = np.concatenate([np.arange(len(row) - 1, -1, -1) for row in rows])
    kept = np.bincount(item[from_end >= 2], minlength=n) >= known_events
    mine = kept[item]
    number = np.cumsum(kept) - 1
    sequences = Sequences(
        shopper=shopper[mine],
        item=number[item[mine]].astype(np.int32),
        action=np.full(mine.sum(), ACTION[action], np.int8),
        time=-DAY * from_end[mine].astype(float),
    )
    return kept, sequences, from_end[mine]


def read_rows(file: Path, field: str) -> list[list[str]]:
    import csv

    with gzip.open(file, "rb") as packed:
        return [row[field].split() for row in csv.DictReader(io.TextIOWrapper(packed, encoding="utf8", newline=""))]


def assemble(
    name: str,
    products: list[dict],
    rows: list[list[int]],
    models: Path,
    *,
    known_events: int,
    action: str,
    tokens: int = TOKENS,
    pictures: list[Path | None] | None = None,
) -> Pack:
    """Products have title, brand and category, and `texts`: what is embedded, by the encoder's name."""
    kept, sequences, from_end = order_events(rows, len(products), known_events, action)
    products = [product for product, stays in zip(products, kept, strict=True) if stays]
    titles = [product["title"] for product in products]
    hashed = HashedWords(titles)
    sentences = lambda texts: embed_titles(models / "all-minilm-l6-v2", texts, tokens)  # noqa: E731
    texts = {encoder: sentences([product["texts"][encoder] for product in products]) for encoder in products[0]["texts"]}
    images = {}
    if pictures:
        there = [place for place, stays in enumerate(kept) if stays]
        present = [place for place, source in enumerate(there) if pictures[source] is not None]
        for encoder, vectors in embed_pictures(models / "mobilenet-v2-224", [pictures[there[place]] for place in present]).items():
            images[encoder] = np.zeros((len(products), vectors.shape[1]), np.float32)
            images[encoder][present] = vectors
    catalogue = build(
        name,
        titles=titles,
        texts=texts | {"hashed": hashed(titles)},
        images=images,
        brand=[product["brand"] for product in products],
        category=[product["category"] for product in products],
    )
    queries = derive_queries(catalogue, {"minilm": sentences, "hashed": hashed}, np.random.default_rng(7))
    queries.vectors |= {encoder: queries.vectors["minilm"] for encoder in texts}
    return Pack(catalogue, queries, sequences, from_end)


def read_cores(data: Path, models: Path, name: str, known_events: int) -> Pack:
    items = read_lines(data / name / "items.jsonl.gz")
    place = {str(item["id"]): number for number, item in enumerate(items)}
    products = []
    for item in items:
        title = item["title"] or " ".join(part for part in (item["brand"], item["categories"][-1] if item["categories"] else None) if part)
        products.append({"title": title, "texts": {"minilm": title}, "brand": item["brand"], "category": item["categories"]})
    rows = [[place[number] for number in row] for row in read_rows(data / name / "sequences.csv.gz", "items")]
    return assemble(name, products, rows, models, known_events=known_events, action="purchase")


def read_films(data: Path, models: Path) -> Pack:
    """Viewers whose rows are their training rows; those of val.csv come first, their rows whole with the target."""
    folder = data / "ml1m"
    items = read_lines(folder / "items.jsonl.gz")
    place = {str(item["id"]): number for number, item in enumerate(items)}
    users = [user for [user] in read_rows(folder / "sequences.train.csv.gz", "user")]
    rows = dict(zip(users, read_rows(folder / "sequences.train.csv.gz", "items"), strict=True))
    published = {row["user"]: [*row["input"].split(), row["target"]] for row in read_table(folder / "val.csv")}
    rows = published | {user: row for user, row in rows.items() if user not in published}
    products = [
        {
            "title": item["title"],
            "texts": {"minilm": f"{tell_film(item)} {item['plot'] or ''}", "minilm-no-plot": tell_film(item)},
            "brand": item["directors"][0] if item["directors"] else None,
            "category": item["genres"],
        }
        for item in items
    ]
    pictures = [folder / "posters" / f"{item['id']}.jpg" if item["poster"] else None for item in items]
    numbered = [[place[number] for number in row] for row in rows.values()]
    return assemble("ml1m", products, numbered, models, known_events=0, action="view", tokens=PLOT_TOKENS, pictures=pictures)


def tell_film(item: dict) -> str:
    return f"{item['title']}. {', '.join(item['genres'])}."


def write_pack(pack: Pack, file: Path) -> None:
    halve = lambda vectors: {name: rows.astype(np.float16) for name, rows in vectors.items()}  # noqa: E731
    pack.catalogue.texts, pack.catalogue.images, pack.queries.vectors = map(halve, (pack.catalogue.texts, pack.catalogue.images, pack.queries.vectors))
    file.write_bytes(pickle.dumps(pack))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("data", "models", "out"):
        parser.add_argument(f"--{option}", type=Path, required=True)
    parser.add_argument("--packs", nargs="*", default=["beauty", "sports", "ml1m"])
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    # Under its own name, so that what is stored can be read by whoever imports it.
    from packs import assemble, read_cores, read_films, write_pack

    for name in options.packs:
        core, *whole = name.split("-")
        known_events = 0 if whole else KNOWN_EVENTS
        pack = read_films(options.data, options.models) if name == "ml1m" else read_cores(options.data, options.models, core, known_events)
        print(name, len(pack.catalogue), "products,", len(pack.sequences), "events,", len(pack.queries.texts), "queries", flush=True)
        write_pack(pack, options.out / f"{name}.pickle")
