"""Texts that the built-in text encoder may learn from, all under licences that allow shipping the result.

ESCI titles, bullets and descriptions (Apache-2.0), grocery names and descriptions (MIT), clothing labels (CC0), and
texts of the project's own: word lists below, and words of the teacher's vocabulary, alone and in random company.
No query and no judgment is read.
"""

import csv
import gzip
import json
import random
import re
from pathlib import Path

COLOURS = """red crimson scarlet burgundy maroon pink rose coral salmon orange rust terracotta peach yellow mustard gold lemon green lime olive
emerald mint sage teal turquoise aqua blue navy cobalt sky indigo denim purple violet lavender lilac plum brown tan beige camel chocolate
khaki cream ivory white black charcoal grey gray silver multicolour rainbow pastel neon""".split()
PATTERNS = """plain solid striped pinstriped dotted|polka dot|spotted checked checkered plaid tartan gingham floral|flower print|botanical leafy paisley
zigzag chevron herringbone houndstooth argyle geometric scalloped wavy camouflage leopard|animal print|zebra tie-dye starry honeycomb
embroidered quilted ribbed knitted woven crochet lace sequin colour-block ombre abstract tropical""".replace("\n", " ").split("|")
PATTERNS = [p for part in PATTERNS for p in ([part] if " " in part and len(part.split()) == 2 else part.split())]
MATERIALS = """cotton linen wool cashmere silk satin velvet denim leather suede canvas nylon polyester fleece jersey corduroy mohair bamboo
ceramic porcelain stoneware glass wood oak walnut metal steel brass copper marble rattan wicker jute rubber plastic""".split()
GOODS = """t-shirt|shirt|blouse|top|tank top|sweater|jumper|cardigan|hoodie|jacket|coat|parka|raincoat|dress|maxi dress|skirt|trousers|pants|jeans|
shorts|leggings|socks|tights|scarf|hat|beanie|cap|gloves|belt|tie|sneakers|trainers|boots|ankle boots|sandals|slippers|shoes|heels|backpack|handbag|
tote bag|wallet|umbrella|watch|sunglasses|necklace|earrings|mug|cup|plate|bowl|teapot|vase|jug|glass|cushion|pillow|throw|blanket|rug|carpet|curtain|
duvet cover|bed sheet|towel|table cloth|lamp|table lamp|floor lamp|candle|picture frame|mirror|clock|chair|armchair|sofa|stool|table|desk|shelf|
basket|planter|storage box|knife set|frying pan|saucepan|kettle|toaster|chopping board|lunch box|water bottle|notebook|pen|phone case|charger|
headphones|speaker|keyboard|mouse|backpack cover|yoga mat|tent|sleeping bag|bicycle light|dog bed|cat toy|baby romper|toy car|puzzle|doll""".replace("\n", "").split("|")
WHO = ["for men", "for women", "for kids", "for girls", "for boys", "mens", "womens", "unisex", "baby", "for him", "for her", "plus size", "petite"]
STYLES = "modern classic vintage rustic bohemian minimalist elegant casual sporty formal cosy slim oversized lightweight waterproof handmade cheap luxury soft warm".split()


def read_catalogue_texts(data: Path, without: frozenset[str] = frozenset()) -> tuple[list[str], list[str]]:
    """(titles, longer lines). `without` leaves out these ESCI products altogether."""
    titles, lines = [], []
    for row in read_rows(data / "esci" / "products.jsonl.gz"):
        if row["id"] in without:
            continue
        titles.append(row["title"])
        lines += [line for line in row["bullet_points"].split("\n")]
        lines += re.split(r"(?<=[.!?])\s+", row["description"])
        titles += [" ".join(filter(None, [row["brand"], row["color"], row["category"][-1] if row["category"] else None]))]
    for row in read_rows(data / "grocery" / "products.jsonl.gz"):
        titles += [row["name"], row["coarse"]]
        lines += re.split(r"(?<=[.!?])\s+", row["description"] or "")
    titles += ["t-shirt", "long sleeve", "outwear", "dress", "hat", "pants", "shirt", "shoes", "shorts", "skirt"]
    return tidy(titles), tidy(lines)


def read_rows(file: Path) -> list[dict]:
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def read_judged_products(data: Path, fold: int, folds: int) -> frozenset[str]:
    """Products judged for the queries of one fold, to leave out of a fit whose transfer is to be measured."""
    with open(data / "esci" / "judgments.csv", encoding="utf-8", newline="") as stream:
        return frozenset(r["product_id"] for r in csv.DictReader(stream) if int(r["query_id"]) % folds == fold)


def tidy(texts: list[str]) -> list[str]:
    cleaned = (re.sub(r"<[^>]+>|\s+", " ", text or "").strip()[:220] for text in texts)
    return sorted({text for text in cleaned if len(text) > 1})


def write_goods(count: int, chance: random.Random) -> list[str]:
    """Names of imagined goods, in the word order of titles and of typed queries."""
    texts = []
    for _ in range(count):
        parts = [chance.choice(words) for words in (STYLES, COLOURS, PATTERNS, MATERIALS) if chance.random() < 0.4]
        chance.shuffle(parts)
        parts.append(chance.choice(GOODS))
        if chance.random() < 0.25:
            parts.append(chance.choice(WHO))
        texts.append(" ".join(parts))
    return texts


def cut_fragments(texts: list[str], each: int, chance: random.Random) -> list[str]:
    """Runs of one to four words, as people type them."""
    fragments = []
    for text in texts:
        words = re.findall(r"[\w'&.-]+", text.lower() if chance.random() < 0.8 else text)
        for _ in range(min(each, len(words))):
            start = chance.randrange(len(words))
            fragments.append(" ".join(words[start : start + chance.choice((1, 2, 2, 3, 3, 4))]))
    return fragments


def mix_words(vocabulary: list[str], count: int, chance: random.Random) -> list[str]:
    return [" ".join(chance.choice(vocabulary) for _ in range(chance.choice((2, 2, 3)))) for _ in range(count)]


def gather_texts(data: Path, tokens: list[str], without: frozenset[str], seed: int, scale: float = 1.0) -> list[str]:
    """Everything, without duplicates, in a fixed order. `scale` < 1 thins it for trials."""
    chance = random.Random(seed)
    titles, lines = read_catalogue_texts(data, without)
    whole_words = [t for t in tokens if t.isascii() and t.isalpha() and len(t) > 2]
    shop_words = [w for text in titles for w in re.findall(r"[a-z][a-z'-]+", text.lower())]  # as often as titles use them
    texts = titles + lines
    texts += cut_fragments(titles, round(14 * scale), chance) + cut_fragments(lines, round(4 * scale), chance)
    texts += write_goods(round(60_000 * scale), chance)
    texts += whole_words + mix_words(whole_words, round(60_000 * scale), chance) + mix_words(shop_words, round(150_000 * scale), chance)
    texts = sorted(set(texts))
    return texts if scale >= 1 else sorted(chance.sample(texts, round(len(texts) * scale)))
