"""A shop's products as texts to fit an encoder on: what is embedded of them, and what else says the same in other words."""

import json
import random
import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from text_corpus import cut_fragments, write_goods

FEWEST_PRODUCTS, FEWEST_HELD_OUT = 200, 20
HELD_OUT, MOST_HELD_OUT = 0.15, 500
LONGEST, LEAST_WORDS = 220, 3
FRAGMENTS_EACH = 6
# Shares of generic texts beside the shop's own, so that words which the shop does not use keep their meaning.
GENERIC_SHARE = 0.2


@dataclass
class ShopProduct:
    """`title` is what the indexer embeds. Products of one `group` are variants: they are held out together."""

    title: str
    group: str
    lines: list[str] = field(default_factory=list)  # sentences and bullets of the other searched fields
    labels: list[str] = field(default_factory=list)  # brand and category, joined


def read_products(file: Path) -> list[ShopProduct]:
    products = []
    with file.open(encoding="utf-8") as stream:
        for line in stream:
            row = json.loads(line)
            title = tidy(row["title"])
            lines = [part for text in row["texts"] for part in cut_sentences(text) if part.lower() != title.lower()]
            labels = [tidy(text)[:LONGEST] for text in row["labels"] if text.strip()]
            if title:
                products.append(ShopProduct(title, row["group"] or title.lower(), list(dict.fromkeys(lines)), list(dict.fromkeys(labels))))
    if len(products) < FEWEST_PRODUCTS:
        raise SystemExit(f"{len(products)} products with a text; {FEWEST_PRODUCTS} are the fewest to fit on, and thousands are worth their while")
    return products


def tidy(text: str) -> str:
    return re.sub(r"<[^>]+>|&[a-z]+;|\s+", " ", text).strip()


def cut_sentences(text: str) -> list[str]:
    """Bullets and sentences of at least three words, at most LONGEST characters each."""
    parts = (tidy(part)[:LONGEST] for part in re.split(r"<[^>]+>|\n|(?<=[.!?;])\s+", text))
    return [part for part in parts if len(part.split()) >= LEAST_WORDS]


def hold_out(products: list[ShopProduct], seed: int) -> tuple[list[ShopProduct], list[ShopProduct]]:
    """(to learn from, held out), whole groups each, by a hash of the group."""
    place = {product.group: zlib.crc32(f"{seed}:{product.group}".encode()) for product in products}
    held, left = [], min(MOST_HELD_OUT, round(HELD_OUT * len(products)))
    kept = []
    for product in sorted(products, key=lambda each: (place[each.group], each.group)):
        (held if len(held) < left or (held and held[-1].group == product.group) else kept).append(product)
    if len(set(place)) < FEWEST_HELD_OUT or len(kept) < FEWEST_PRODUCTS // 2:
        raise SystemExit(f"the {len(products)} products are variants of {len(place)} only, or share their titles: too few can be held out")
    return kept, held


@dataclass
class Question:
    """A text whose products are known: every held-out product that has it."""

    text: str
    answers: list[int]
    group: str  # of the product that it was drawn from


def ask_lines(held: list[ShopProduct], chance: random.Random) -> list[Question]:
    """A sentence of each product that has one."""
    drawn = [(chance.choice(product.lines), product.group) for product in held if product.lines]
    return [Question(text, [i for i, product in enumerate(held) if text in product.lines], group) for text, group in drawn]


def ask_fragments(held: list[ShopProduct], chance: random.Random) -> list[Question]:
    """Two to four words in a row of each product's title, as people type them."""
    questions = []
    padded = [f" {' '.join(split_words(product.title))} " for product in held]
    for product in held:
        words = split_words(product.title)
        if len(words) < 2:
            continue
        count = min(chance.choice((2, 3, 3, 4)), len(words))
        start = chance.randrange(len(words) - count + 1)
        text = " ".join(words[start : start + count])
        questions.append(Question(text, [i for i, whole in enumerate(padded) if f" {text} " in whole], product.group))
    return questions


def split_words(text: str) -> list[str]:
    return re.findall(r"[\w'&.-]+", text.lower())


def gather_lessons(products: list[ShopProduct], chance: random.Random) -> list[str]:
    """Every text that is learnt from, once. The order is drawn, a title before each two others: a teacher's time may end anywhere."""
    titles = sorted({product.title[:LONGEST] for product in products})
    lines = sorted({line for product in products for line in product.lines} | {label for product in products for label in product.labels})
    fragments = set(cut_fragments(titles, FRAGMENTS_EACH, chance)) | set(cut_fragments(lines, 1, chance))
    rest = sorted(set(lines) | fragments)
    chance.shuffle(titles)
    chance.shuffle(rest)
    mixed = []
    for place, title in enumerate(titles):
        mixed += [title, *rest[2 * place : 2 * place + 2]]
    return list(dict.fromkeys([*mixed, *rest[2 * len(titles) :]]))


def generic_texts(count: int, words: list[str], chance: random.Random) -> list[str]:
    """Imagined goods, and whole words of the vocabulary alone and in random company."""
    goods = write_goods(count // 2, chance)
    return sorted({*goods, *(" ".join(chance.choice(words) for _ in range(chance.choice((1, 2, 3)))) for _ in range(count - count // 2))})
