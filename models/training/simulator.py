"""Simulated shoppers: who they are, what they clicked, what they search for now, and what they would choose from the list they get.

A shopper has a need (the query stands for it) and tastes (the history shows them). The first phase sees the query alone. Widths are
drawn wide on purpose: a small model has to learn to weigh evidence, not one simulator's habits. Nothing of the demo's shop is read.
"""

from dataclasses import dataclass

import numpy as np

from catalogues import Catalogue, unit
from columns import Facts, Met, compute_columns
from contract import ACTION, ALL_COLUMNS
from view import View, compare_attributes

DAY = 86_400.0


@dataclass
class SimulatedList:
    """One search of one shopper. Item numbers point into the view's catalogue; vectors are looked up when batches are made."""

    items: np.ndarray  # [N]
    history: np.ndarray  # [L], oldest first
    action: np.ndarray  # [L]
    age: np.ndarray  # [L] seconds
    session: np.ndarray  # [L] 0/1
    query: int  # row of the catalogue's queries
    sees_text: bool
    photo: np.ndarray | None  # [Di]
    columns: np.ndarray  # [N, all of the feature set]
    chosen: np.ndarray  # [N] chance of being chosen
    outcome: np.ndarray  # [N] 0 nothing, 1 click, 2 cart, 3 purchase
    family: str


class Shopper:
    """Tastes over a catalogue's products [n], and the strength with which they rule."""

    def __init__(self, view: View, rng: np.random.Generator):
        catalogue = view.catalogue
        n = len(catalogue)
        self.taste = np.zeros(n)
        families = [*catalogue.traits] * 2 + ["brand", "price", "category", "repeat"]
        self.family = "none" if rng.random() < 0.12 else str(rng.choice(families))
        names = [self.family] if self.family != "none" else []
        if names and rng.random() < 0.35:
            names.append(str(rng.choice(families)))
        self.repeats = "repeat" in names
        anchor = int(rng.integers(n))
        for name in names:
            self.taste += rng.uniform(1.5, 4.5) * self.like(view, name, anchor, rng)
        self.kinds = rng.integers(n, size=int(rng.integers(1, 9)))  # products whose kind this shopper looks for

    def like(self, view: View, name: str, anchor: int, rng: np.random.Generator) -> np.ndarray:
        catalogue = view.catalogue
        if name == "brand":
            return ((catalogue.brand == catalogue.brand[anchor]) & (catalogue.brand >= 0)).astype(float)
        if name == "price":
            level = np.log1p(np.nan_to_num(catalogue.price, nan=np.nanmedian(catalogue.price) if (catalogue.price >= 0).any() else 0))
            return -np.abs(level - level[anchor]) / max(0.1, level.std())
        if name == "category":
            return view.kind_overlap[catalogue.category][:, catalogue.category[anchor]]
        if name == "repeat":
            return np.zeros(len(catalogue))
        trait = catalogue.traits[name]
        value = trait[anchor] if trait[anchor] >= 0 else rng.choice(trait[trait >= 0])
        liked = (trait == value).astype(float)
        if name == "look" and "pattern" in catalogue.traits and rng.random() < 0.5:  # half a look pleases too
            example = int(rng.choice(np.flatnonzero(trait == value)))
            for part in ("colour", "pattern"):
                liked = np.maximum(liked, 0.4 * (catalogue.traits[part] == catalogue.traits[part][example]))
        return liked

    def browse(self, view: View, need: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """history, action, age, session; the running session may be about the present need."""
        catalogue = view.catalogue
        length = int(rng.choice([0, rng.integers(1, 4), rng.integers(4, 12), rng.integers(10, 26), rng.integers(20, 51)], p=[0.2, 0.18, 0.22, 0.3, 0.1]))
        noise = rng.choice([0.0, 0.1, 0.25, 0.5])
        running = int(rng.integers(0, 4)) if rng.random() < 0.6 else 0
        items = np.zeros(length, int)
        action = rng.choice([ACTION["click"], ACTION["add_to_cart"], ACTION["purchase"], 0], size=length, p=[0.82, 0.09, 0.05, 0.04])
        deepens = rng.choice([0.0, 0.35])  # some shops log click, cart and purchase of one product as three events
        for event in range(length):
            if event > 0 and rng.random() < deepens and ACTION["click"] <= action[event - 1] < ACTION["purchase"]:
                items[event], action[event] = items[event - 1], action[event - 1] + 1
                continue
            if event > 0 and rng.random() < (0.35 if self.repeats else 0.05):
                items[event] = items[rng.integers(event)]
                continue
            if event >= length - running and rng.random() < 0.5:
                pool = np.argpartition(-need, min(60, len(need) - 1))[:60]
            else:
                kind = catalogue.category[self.kinds[rng.integers(len(self.kinds))]]
                pool = np.flatnonzero(catalogue.category == kind)
            if rng.random() < noise:
                items[event] = rng.choice(pool)
            else:
                items[event] = pool[np.argmax(self.taste[pool] + rng.gumbel(size=len(pool)))]
        gaps = rng.exponential(1, size=length) * np.where(np.arange(length) >= length - running, 60.0, rng.choice([0.2, 1, 5]) * DAY)
        age = np.cumsum(gaps[::-1])[::-1]
        session = (np.arange(length) >= length - running).astype(np.float32)
        return items, action, age, session


def simulate_list(view: View, rng: np.random.Generator) -> SimulatedList | None:
    """None where the query finds too little."""
    catalogue = view.catalogue
    query = int(rng.integers(len(catalogue.queries)))
    bm25, share = view.score_words(catalogue.queries[query])
    dense = view.text @ view.query_text[query] if view.has_text.any() else np.zeros(len(bm25))
    need = weigh_need(view, query, share, rng)

    shopper = Shopper(view, rng)
    history, action, age, session = shopper.browse(view, need, rng)
    photo, only_photo, family = None, False, shopper.family if len(history) else "anonymous"
    pictured = catalogue.query_source[query]
    if view.has_image[pictured] and rng.random() < 0.06:
        photo = unit(view.image[pictured] + rng.choice([rng.uniform(0, 0.3), rng.uniform(0.3, 0.9)]) * unit(rng.normal(size=view.image.shape[1])))
        only_photo = rng.random() < 0.6
        family = "photo alone" if only_photo else "photo and words"
        need = look_for(view, pictured, need, 1.0 if only_photo else rng.uniform(0.2, 0.9), rng)
    facts = retrieve(view, query, bm25, dense, photo, only_photo, rng)
    if facts is None or len(facts.item) < 8:
        return None
    items = facts.item
    add_past(facts, view, items, history, action, age)
    utility = rng.uniform(4, 12) * need[items] + shopper.taste[items]
    # A little more for what many have bought and liked: at most half a unit from the least to the most reviewed.
    utility += rng.uniform(0, 0.05) * np.log1p(np.nan_to_num(facts.reviews)) + rng.uniform(0, 0.2) * np.nan_to_num(facts.rating - 4)
    bought = np.isin(items, history)
    if shopper.repeats:
        utility += rng.uniform(1, 4) * bought
    chosen = np.exp(utility - utility.max())
    chosen /= chosen.sum()
    order = np.argsort(-(utility + rng.gumbel(size=len(items))))
    outcome = np.zeros(len(items), int)
    outcome[order[: int(rng.integers(1, 4))]] = 1
    # Shoppers who find what they need and like go on to buy.
    if rng.random() < 0.3 + 0.3 * (need[items[order[0]]] > 0.8):
        outcome[order[0]] = 3 if rng.random() < 0.4 else 2
    asked = view.match_category(catalogue.queries[query], items) if facts.query_words else np.full(len(items), np.nan)
    columns = compute_columns(facts, ALL_COLUMNS, more=({"query_category_match": asked}, Met.nothing(len(items))))
    return SimulatedList(
        items=items, history=history, action=action, age=age, session=session, query=query,
        sees_text=bool(facts.query_words), photo=photo, columns=columns, chosen=chosen, outcome=outcome,
        family=family,
    )  # fmt: skip


def weigh_need(view: View, query: int, share: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How far each product answers the need [n], at most 1: its kind, the words asked for, and closeness to what was in mind."""
    catalogue = view.catalogue
    source = catalogue.query_source[query]
    closeness = next(iter(catalogue.texts.values()))
    near = np.clip(closeness @ closeness[source], 0, 1)
    # In a shop of plain titles a bare word means the kind; in a large catalogue the shopper has a certain thing in mind,
    # and often words it otherwise than its title does: the words then come from a neighbour's.
    named = catalogue.name != "esci"
    if not named and rng.random() < 0.5:
        source = rng.choice(np.argpartition(-near, 12)[:12])
        near = np.clip(closeness @ closeness[source], 0, 1)
    in_mind = rng.uniform(0, 0.15) if named else 1.0
    kind = view.kind_overlap[catalogue.category[source]][catalogue.category]
    profile = view.profile[source]
    common = np.asarray((view.profile @ profile.T).todense()).ravel() / max(1e-9, profile.multiply(profile).sum())
    asked = rng.uniform(0.4, 1) if named else rng.uniform(0.1, 0.5)
    weights = np.array([rng.uniform(0.3, 1), asked, in_mind * rng.uniform(0.1, 0.5), in_mind * rng.uniform(0.5, 1.5)])
    need = weights @ np.stack([kind, share, np.clip(common, 0, 1), near]) / weights.sum()
    return need / max(1e-6, need.max())


def look_for(view: View, pictured: int, need: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Somebody who shows a photo wants that very thing, and failing that what looks like it [n]; words may say how it should differ."""
    alike = np.clip(view.image @ view.image[pictured], 0, 1) ** rng.uniform(4, 16)
    need = (1 - share) * need + share * alike
    return need / max(1e-6, need.max())


def retrieve(
    view: View, query: int, bm25: np.ndarray, dense: np.ndarray, photo: np.ndarray | None, only_photo: bool, rng: np.random.Generator
) -> Facts | None:
    """The first phase (words, vectors or a mix), its window, and what vector legs add."""
    window = int(rng.choice([rng.integers(12, 40), rng.integers(40, 90), rng.integers(90, 160)], p=[0.25, 0.55, 0.2]))
    mode = rng.random()
    if only_photo and mode < 0.4:  # a query that every product answers alike: the photo's leg brings what matters
        first = np.ones(len(bm25))
    elif only_photo or (mode > 0.9 and view.has_text.any()):
        first = (view.image @ photo if only_photo and photo is not None else dense) + 1
    elif mode < 0.6 or not view.has_text.any():
        first = np.where(bm25 > 0, bm25, -np.inf)
    else:
        mix = rng.uniform(0.2, 0.8)
        first = (1 - mix) * bm25 / max(1e-6, bm25.max()) + mix * np.clip((dense - dense.mean()) / max(1e-6, dense.max() - dense.mean()), 0, 1)
        first = np.where(first > 0.05, first, -np.inf)
    hits = np.lexsort((rng.random(len(first)), -first))[:window]  # products of one score come in no order
    hits = hits[np.isfinite(first[hits])]
    text_rank, image_rank = np.full(len(first), -1), np.full(len(first), -1)
    legs = []
    depth = int(rng.choice([30, 100]))
    if view.has_text.any() and not only_photo and rng.random() < 0.75:
        legs.append(rank_into(text_rank, np.where(view.has_text, dense, -np.inf), depth))
    towards = photo if photo is not None else (view.query_head[query] if view.query_head is not None else None)
    if towards is not None and (only_photo or rng.random() < 0.75):
        legs.append(rank_into(image_rank, np.where(view.has_image, view.image @ towards, -np.inf), depth))
    added = np.zeros(0, int)
    if legs and (only_photo or rng.random() < 0.7):
        found = np.concatenate(legs)
        found = found[np.argsort(np.minimum(np.where(text_rank[found] < 0, 999, text_rank[found]), np.where(image_rank[found] < 0, 999, image_rank[found])), kind="stable")]
        _, first_place = np.unique(found, return_index=True)
        found = found[np.sort(first_place)]
        added = found[~np.isin(found, hits)][: max(2, len(hits) // 4)]
    items = np.concatenate([hits, added])
    if not len(items):
        return None
    n = len(items)
    nothing = np.zeros(0)
    return Facts(
        first_score=np.concatenate([first[hits], np.full(len(added), np.nan)]),
        first_rank=np.concatenate([np.arange(len(hits)), np.full(len(added), -1)]),
        text_rank=text_rank[items],
        image_rank=image_rank[items],
        query_words=0 if only_photo else len(view.catalogue.queries[query].split()),
        item=items,
        price=view.price[items],
        rating=view.rating[items],
        reviews=view.reviews[items],
        past_item=nothing, past_known=nothing, past_price=nothing, past_action=nothing, past_age=nothing,
        same_brand=np.zeros((n, 0)), same_category=np.zeros((n, 0)),
    )  # fmt: skip


def rank_into(ranks: np.ndarray, scores: np.ndarray, depth: int) -> np.ndarray:
    found = np.argsort(-scores, kind="stable")[:depth]
    found = found[np.isfinite(scores[found])]
    ranks[found] = np.arange(len(found))
    return found


def add_past(facts: Facts, view: View, items: np.ndarray, history: np.ndarray, action: np.ndarray, age: np.ndarray) -> None:
    facts.past_item, facts.past_known = history, np.ones(len(history), bool)
    facts.past_price, facts.past_action, facts.past_age = view.price[history], action, age
    facts.same_brand, facts.same_category = compare_attributes(view, items, history)
