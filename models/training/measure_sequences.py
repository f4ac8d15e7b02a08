"""Numbers that say how shoppers behave, of real packs and of simulated ones: what `habits.py` and `drawn_shop.py` are calibrated to.

    python measure_sequences.py --packs PACKS --out calibration.json      # packs.py wrote them; beauty and sports
    python measure_sequences.py --check PACKS                             # simulated_packs.py wrote them; fails where a real number is out of reach

Every shopper's last event is a target and is never counted in what it is compared with. Products that fewer than five events outside the
last two of each shopper speak of are left out on both sides, as in the real packs, which are 5-cores: they would give targets away.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import optimize, sparse

from behaviour import join_pairs, narrowest, percentiles, percentiles_within
from packs import KNOWN_EVENTS, Pack, load_pack
from sequences import Sequences

CALIBRATION = Path(__file__).with_name("calibration.json")
THRESHOLDS = (1, 2, 3, 5)  # shoppers a pair
LISTS, CANDIDATES, HISTORY = 3000, 200, 50
DECAY = 0.9
EVIDENCE = ("popularity", "covisits", "covisit_cosine", "text", "last_text", "brand")
SPREAD = (5, 95)  # percentiles of simulated packs between which real numbers lie


@dataclass
class Ground:
    """n products as far as they matter here, and what shoppers did with them."""

    leaf: np.ndarray  # [n] number of the narrowest category, -1: none
    kinds: sparse.csr_matrix  # [n, values] 1 where a category list holds the value
    brand: np.ndarray  # [n]
    text: np.ndarray  # [n, Dt]
    sequences: Sequences
    last: np.ndarray  # [E] bool: the shopper's last event of all


def lay_ground(pack: Pack, encoder: str) -> Ground:
    catalogue, events = pack.catalogue, pack.sequences
    kept = np.bincount(events.item[pack.from_end >= 2], minlength=len(catalogue)) >= KNOWN_EVENTS
    mine = kept[events.item]
    number = np.cumsum(kept) - 1
    values = {value: place for place, value in enumerate(sorted({value for row in catalogue.category_lists for value in row}))}
    lists = [sorted({values[value] for value in row}) for row in catalogue.category_lists]
    width = [len(row) for row in lists]
    cells = (np.repeat(np.arange(len(lists)), width), np.array([value for row in lists for value in row]))
    held = sparse.csr_matrix((np.ones(sum(width)), cells), (len(lists), len(values)))
    return Ground(
        leaf=narrowest(catalogue.category, catalogue.category_lists)[kept],
        kinds=held[catalogue.category[kept]],
        brand=catalogue.brand[kept],
        text=catalogue.texts[encoder][kept],
        sequences=Sequences(events.shopper[mine], number[events.item[mine]].astype(np.int32), events.action[mine], events.time[mine]),
        last=pack.from_end[mine] == 0,
    )


def measure(ground: Ground, rng: np.random.Generator) -> dict[str, float]:
    events = ground.sequences
    last = ground.last
    first = np.diff(events.shopper, prepend=-1) != 0
    known = Sequences(*(values[~last] for values in (events.shopper, events.item, events.action, events.time)))
    n = len(ground.leaf)
    count = np.bincount(known.item, minlength=n)
    targets = np.flatnonzero(last & ~first)
    targets = rng.permutation(targets)[:LISTS]
    return {
        **measure_counts(events, count),
        **measure_steps(ground, rng),
        **measure_targets(ground, known, count, targets, rng),
    }


def measure_counts(events: Sequences, count: np.ndarray) -> dict[str, float]:
    length = np.bincount(np.unique(events.shopper, return_inverse=True)[1])
    ordered = np.sort(count)[::-1]
    share = lambda part: ordered[: max(1, round(part * len(ordered)))].sum() / ordered.sum()  # noqa: E731
    found = {f"length_p{p}": np.percentile(length, p) for p in (25, 50, 75, 90, 99)}
    found |= {f"item_events_p{p}": np.percentile(count, p) for p in (25, 50, 75, 90, 99)}
    return found | {
        "item_events_mean": count.mean(),
        "gini": gini(count),
        "top_1_percent_share": share(0.01),
        "top_10_percent_share": share(0.1),
    }


def gini(count: np.ndarray) -> float:
    rising = np.sort(count).astype(float)
    places = np.arange(1, len(rising) + 1)
    return float(2 * (places * rising).sum() / (len(rising) * rising.sum()) - (len(rising) + 1) / len(rising))


def measure_steps(ground: Ground, rng: np.random.Generator) -> dict[str, float]:
    """From one product to the next of the same shopper, and beside it to one drawn at random."""
    events = ground.sequences
    same = np.flatnonzero((events.shopper[1:] == events.shopper[:-1]) & (events.item[1:] != events.item[:-1]))
    one, other = events.item[same], events.item[same + 1]
    anyone = rng.permutation(events.item)[: len(one)]
    found = {}
    for name, after in (("next", other), ("random", anyone)):
        branded = (ground.brand[one] >= 0) & (ground.brand[after] >= 0)
        shelved = (ground.leaf[one] >= 0) & (ground.leaf[after] >= 0)
        found[f"{name}_same_brand"] = (ground.brand[one] == ground.brand[after])[branded].mean() if branded.any() else 0.0
        found[f"{name}_same_leaf"] = (ground.leaf[one] == ground.leaf[after])[shelved].mean()
        shared = np.asarray(ground.kinds[one].multiply(ground.kinds[after]).sum(1)).ravel()
        sizes = np.asarray(ground.kinds.sum(1)).ravel()
        found[f"{name}_category_jaccard"] = (shared / np.maximum(1, sizes[one] + sizes[after] - shared)).mean()
    # Standardised by random pairs, as cosines reach a ranker.
    draw = lambda: ground.text[rng.integers(len(ground.text), size=5000)]  # noqa: E731
    cosines = (draw() * draw()).sum(1)
    some = rng.permutation(len(one))[:5000]
    found["next_text_z"] = ((ground.text[one[some]] * ground.text[other[some]]).sum(1).mean() - cosines.mean()) / cosines.std()
    return found


@dataclass
class Evidence:
    """What speaks for the products of a target's own leaf category. L lists, C candidates, E kinds of evidence."""

    values: np.ndarray  # [L, C, E]
    there: np.ndarray  # [L, C] bool
    # The target is candidate 0.


def measure_targets(ground: Ground, known: Sequences, count: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> dict[str, float]:
    events, n = ground.sequences, len(ground.leaf)
    starts = np.flatnonzero(np.diff(events.shopper, prepend=-1) != 0)
    start_of = starts[np.searchsorted(starts, targets, "right") - 1]
    histories = [events.item[max(start, target - HISTORY) : target] for start, target in zip(start_of, targets, strict=True)]
    aims = events.item[targets]
    # Real shoppers of the packs come back to nothing: what simulated ones come back to is no target here.
    new = [place for place, (aim, history) in enumerate(zip(aims, histories, strict=True)) if not (history == aim).any()]
    aims, histories = aims[new], [histories[place] for place in new]
    pairs = {users: join_pairs(known.shopper, known.item.astype(np.int64), n, users)[:2] for users in THRESHOLDS}
    found: dict[str, float] = {}
    for users, (weights, _) in pairs.items():
        found[f"target_met_by_{users}"] = np.mean([weights[aim, history].sum() > 0 for aim, history in zip(aims, histories, strict=True)])
    weights, cosines = pairs[2]
    found |= {f"hr10_{name}": value for name, value in hit_rates(weights, cosines, count, aims, histories).items()}
    in_leaf = percentiles_within(count.astype(float), ground.leaf)
    found["target_popularity_in_leaf"] = np.nanmean(in_leaf[aims])
    shelved = [(aim, history) for aim, history in zip(aims, histories, strict=True) if ground.leaf[aim] >= 0]
    found["target_leaf_in_history"] = np.mean([(ground.leaf[history] == ground.leaf[aim]).any() for aim, history in shelved])
    sizes = np.bincount(ground.leaf[ground.leaf >= 0])
    found |= {f"target_leaf_size_p{p}": np.percentile(sizes[ground.leaf[[aim for aim, _ in shelved]]], p) for p in (25, 50, 75)}
    evidence = gather_evidence(ground, count, weights, cosines, shelved, rng)
    for place, name in enumerate(EVIDENCE):
        found[f"auc_{name}"] = auc(evidence.values[..., place], evidence.there)
    strange = evidence.values[:, 0, EVIDENCE.index("covisits")] == 0  # lists whose target no co-visit points at
    for name in ("popularity", "text", "brand"):
        found[f"auc_{name}_if_unmet"] = auc(evidence.values[strange][..., EVIDENCE.index(name)], evidence.there[strange])
    coefficients, ndcg = weigh(evidence)
    found |= {f"weight_{name}": value for name, value in zip(EVIDENCE, coefficients, strict=True)}
    return found | {f"ndcg10_{name}": value for name, value in ndcg.items()}


def hit_rates(weights, cosines, count: np.ndarray, aims: np.ndarray, histories: list[np.ndarray]) -> dict[str, float]:
    """HR@10 over all products, those of the history left out; ties count half."""
    hits = {"popularity": 0.0, "covisits": 0.0, "item_knn": 0.0}
    for aim, history in zip(aims, histories, strict=True):
        decay = DECAY ** np.arange(len(history) - 1, -1, -1.0)
        scores = {
            "popularity": count.astype(float),
            "covisits": np.asarray(weights[history].T @ decay).ravel(),
            "item_knn": np.asarray(cosines[history].T @ decay).ravel(),
        }
        for name, score in scores.items():
            score[history[history != aim]] = -1
            better, alike = (score > score[aim]).sum(), (score == score[aim]).sum() - 1
            hits[name] += np.clip((10 - better) / (alike + 1), 0, 1)
    return {name: value / max(1, len(aims)) for name, value in hits.items()}


def gather_evidence(ground: Ground, count, weights, cosines, lists, rng: np.random.Generator) -> Evidence:
    by_leaf = np.argsort(ground.leaf, kind="stable")
    bounds = np.searchsorted(ground.leaf[by_leaf], np.arange(ground.leaf.max() + 2))
    values = np.zeros((len(lists), CANDIDATES, len(EVIDENCE)))
    there = np.zeros((len(lists), CANDIDATES), bool)
    for row, (aim, history) in enumerate(lists):
        leaf = ground.leaf[aim]
        others = by_leaf[bounds[leaf] : bounds[leaf + 1]]
        others = rng.permutation(others[(others != aim) & ~np.isin(others, history)])[: CANDIDATES - 1]
        if len(others) < 5:
            continue
        items = np.concatenate([[aim], others])
        decay = DECAY ** np.arange(len(history) - 1, -1, -1.0)
        alike = ground.text[items] @ ground.text[history].T
        same = (ground.brand[items][:, None] == ground.brand[history][None, :]) & (ground.brand[items] >= 0)[:, None]
        met = lambda pairs: np.asarray(pairs[items][:, history].sum(1)).ravel()  # noqa: B023, E731
        there[row, : len(items)] = True
        values[row, : len(items)] = np.stack([
            percentiles(count[items]),
            np.log1p(met(weights)),
            met(cosines),
            standard(alike.max(1)),
            standard(alike[:, -1]),
            same @ decay / decay.sum(),
        ], axis=1)  # fmt: skip
    full = there[:, 0]
    return Evidence(values[full], there[full])


def standard(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / max(1e-6, values.std())


def auc(values: np.ndarray, there: np.ndarray) -> float:
    """How often the target has more of it than another product of the list, ties half; mean over lists."""
    own, rest = values[:, :1], there[:, 1:]
    wins = ((own > values[:, 1:]) + 0.5 * (own == values[:, 1:])) * rest
    return float((wins.sum(1) / rest.sum(1)).mean()) if len(values) else 0.5


def weigh(evidence: Evidence) -> tuple[np.ndarray, dict[str, float]]:
    """Weights of a conditional logit of the target, and NDCG@10 in these lists of single kinds of evidence and of their weighed sum."""
    penalty = np.where(evidence.there, 0.0, -1e9)

    def loss(weight: np.ndarray) -> tuple[float, np.ndarray]:
        logits = evidence.values @ weight + penalty
        logits -= logits.max(1, keepdims=True)
        chance = np.exp(logits)
        chance /= chance.sum(1, keepdims=True)
        gradient = ((chance[..., None] * evidence.values).sum(1) - evidence.values[:, 0]).mean(0) + 0.002 * weight
        return float(-np.log(chance[:, 0] + 1e-12).mean() + 0.001 * weight @ weight), gradient

    best = optimize.minimize(loss, np.zeros(len(EVIDENCE)), jac=True, method="L-BFGS-B").x
    scores = {"popularity": evidence.values[..., 0], "covisits": evidence.values[..., 1], "weighed": evidence.values @ best}
    found = {}
    for name, score in scores.items():
        rank = (((score[:, 1:] > score[:, :1]) + 0.5 * (score[:, 1:] == score[:, :1])) * evidence.there[:, 1:]).sum(1)
        found[name] = float(np.where(rank < 10, 1 / np.log2(2 + rank), 0).mean())
    return best, found


def measure_pack(file: Path) -> dict[str, float]:
    pack = load_pack(file)
    found = measure(lay_ground(pack, next(iter(pack.catalogue.texts))), np.random.default_rng(1))
    return {name: round(float(value), 4) for name, value in found.items()}


def check(folder: Path) -> bool:
    """Prints simulated spread beside real numbers; True where all of these lie within."""
    real = json.loads(CALIBRATION.read_text())["packs"]
    simulated = [measure_pack(file) for file in sorted(folder.glob("*.pickle"))]
    print(f"{len(simulated)} simulated packs: {SPREAD[0]} %, 50 %, {SPREAD[1]} %; real: {', '.join(real)}")
    within = True
    for name in next(iter(real.values())):
        low, middle, high = np.percentile([each[name] for each in simulated], [SPREAD[0], 50, SPREAD[1]])
        out = [pack for pack, values in real.items() if not low <= values[name] <= high]
        within &= not out
        own = " ".join(f"{values[name]:8.3f}" for values in real.values())
        print(f"{name:28} {low:8.3f} {middle:8.3f} {high:8.3f}   {own}  {'out: ' + ', '.join(out) if out else ''}".rstrip())
    return within


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packs", type=Path)
    parser.add_argument("--names", nargs="*", default=["beauty", "sports"])
    parser.add_argument("--out", type=Path, default=CALIBRATION)
    parser.add_argument("--check", type=Path)
    options = parser.parse_args()
    if options.packs:
        measured = {name: measure_pack(options.packs / f"{name}.pickle") for name in options.names}
        command = "python measure_sequences.py --packs PACKS --out calibration.json"
        options.out.write_text(json.dumps({"measured_by": command, "packs": measured}, indent=2) + "\n")
    if options.check and not check(options.check):
        raise SystemExit("real numbers are out of the simulated spread: widen the ranges of habits.py or drawn_shop.py")


if __name__ == "__main__":
    main()
