"""Sequences -> lists to rank: a shopper's next product is the target of a query derived from it, her earlier events are her history."""

from dataclasses import dataclass

import numpy as np

from columns import COUNTERS, Facts, Met, compute_columns
from contract import ACTION, ALL_COLUMNS
from logged_view import LoggedView
from sequences import Sequences
from simulator import SimulatedList
from view import compare_attributes

HISTORY_LIMIT = 50
SESSION_GAP = 1800.0
WITH_WORD = 1 / 3
LEVEL = {ACTION["click"]: 1, ACTION["add_to_cart"]: 2, ACTION["purchase"]: 3}


@dataclass
class SequenceList(SimulatedList):
    target: int  # place among the items
    target_item: int
    worded: bool
    past_events: int  # before any cut


def list_next_item(view: LoggedView, sequences: Sequences, starts: np.ndarray, event: int, rng: np.random.Generator, *, cut: bool) -> SequenceList | None:
    """The list of one target; None where no query stands for it or the first phase does not find it. `starts` [E]: first event of the same
    shopper. `cut`: histories are sometimes shortened to at most three."""
    target = int(sequences.item[event])
    worded = rng.random() < WITH_WORD and view.queries.worded[target] >= 0
    query = int(view.queries.worded[target] if worded else view.queries.bare[target])
    if query < 0:
        return None
    found = view.ask(query)
    text_rank = np.full(len(view.catalogue), -1)
    text_rank[found.near] = np.arange(len(found.near))
    hits = found.hits
    added = found.near[~np.isin(found.near, hits)][: view.added]
    items = np.concatenate([hits, added])
    place = np.flatnonzero(items == target)
    if not len(place):
        return None
    first = int(starts[event])
    history = np.arange(max(first, event - HISTORY_LIMIT), event)
    if cut and (short := rng.random()) < 0.35:
        history = history[len(history) - min(len(history), 0 if short < 0.15 else int(rng.integers(1, 4))) :]
    past, age = sequences.item[history].astype(int), sequences.time[event] - sequences.time[history]
    gaps = np.append(age[:-1] - age[1:], age[-1:])
    session = (np.cumsum((gaps > SESSION_GAP)[::-1])[::-1] == 0).astype(np.float32)
    facts = Facts(
        first_score=np.concatenate([found.scores, np.full(len(added), np.nan)]),
        first_rank=np.concatenate([np.arange(len(hits)), np.full(len(added), -1)]),
        text_rank=text_rank[items],
        image_rank=np.full(len(items), -1),
        query_words=len(view.queries.texts[query].split()),
        item=items, price=view.price[items], rating=view.rating[items], reviews=view.reviews[items],
        past_item=past, past_known=np.ones(len(past), bool), past_price=view.price[past],
        past_action=sequences.action[history].astype(int), past_age=age,
        same_brand=np.zeros(0), same_category=np.zeros(0),
    )  # fmt: skip
    facts.same_brand, facts.same_category = compare_attributes(view, items, past)
    chosen, outcome = np.zeros(len(items), np.float32), np.zeros(len(items), int)
    chosen[place[0]] = 1
    outcome[place[0]] = LEVEL.get(int(sequences.action[event]), 1)
    return SequenceList(
        items=items, history=past, action=facts.past_action, age=age, session=session, query=query, sees_text=True, photo=None,
        columns=compute_columns(facts, ALL_COLUMNS, more=describe(view, items, past, query)), chosen=chosen, outcome=outcome,
        family="worded" if worded else "bare", target=int(place[0]), target_item=target, worded=bool(worded), past_events=event - first,
    )  # fmt: skip


def describe(view: LoggedView, items: np.ndarray, past: np.ndarray, query: int | None) -> tuple[dict[str, np.ndarray], Met]:
    """Values of the cosine columns, and what the statistics say. Query None: nothing was asked."""
    n = len(items)
    unknown = np.full(n, np.nan)

    def cosines(rows: np.ndarray, has: np.ndarray, others: np.ndarray, known: np.ndarray) -> np.ndarray:
        return np.where(has[items], (rows[items] @ others[known].T).max(1), np.nan) if known.any() else unknown

    text, image = (view.text, view.has_text), (view.image, view.has_image)
    last = [cosines(*modality, modality[0][past[-1:]], modality[1][past[-1:]]) for modality in (text, image)]
    there = ~np.isnan(last)
    asked = lambda modality, vectors: unknown if query is None or vectors is None else cosines(*modality, vectors[query][None], np.ones(1, bool))  # noqa: E731
    values = {
        "text_cosine": asked(text, view.query_text),
        "image_cosine": asked(image, view.query_head),
        "history_text_cosine": cosines(*text, view.text[past], view.has_text[past]),
        "history_image_cosine": cosines(*image, view.image[past], view.has_image[past]),
        "last_item_similarity": np.where(there.any(0), np.nansum(last, 0) / np.maximum(there.sum(0), 1), np.nan),
        "query_category_match": unknown if query is None else view.match_category(view.queries.texts[query], items),
    }
    return values, met_with(view, items, past)


def met_with(view: LoggedView, items: np.ndarray, past: np.ndarray) -> Met:
    behaviour, distinct = view.behaviour, np.unique(past)
    if behaviour is None:
        return Met.nothing(len(items))
    weights, cosines = behaviour.meet(items, distinct)
    own = np.where(behaviour.has_factor[items][:, None], behaviour.factor[items], np.nan)
    return Met({name: getattr(behaviour, name)[items] for name in COUNTERS}, weights, cosines, own, behaviour.factor[distinct[behaviour.has_factor[distinct]]])


def first_events(sequences: Sequences) -> np.ndarray:
    """[E] the first event of the same shopper"""
    fresh = np.flatnonzero(np.diff(sequences.shopper, prepend=-1))
    return np.repeat(fresh, np.diff(np.append(fresh, len(sequences))))
