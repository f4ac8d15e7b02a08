"""Populations of simulated shoppers: what they look at, put into the cart and buy, one event after the other.

An event comes about in one of six ways: something that goes with what was taken before, another product of a brand of the past, the aisle
of the event before, an aisle near it, one of the shopper's own aisles, or anywhere. In an aisle a shopper sees what attracts (a product's
own pull: few draw most) and chooses by taste among it. All shoppers make their next step at once.
"""

from dataclasses import dataclass

import numpy as np

from catalogues import Catalogue
from contract import ACTION
from habits import Habits, draw_habits
from market import Market
from sequences import Sequences

SEEN = 32  # products of an aisle that a shopper chooses among
LONGEST = 60
DAY = 86_400.0
LINK, BRAND, STAY, NEAR, ANYWHERE, REPEAT, OWN = range(7)


@dataclass
class Tastes:
    """S shoppers"""

    style: np.ndarray  # [S, d]
    level: np.ndarray  # [S] of price
    brands: np.ndarray  # [S, 2]
    aisles: np.ndarray  # [S, A]
    strength: np.ndarray  # [S]


def simulate_sequences(catalogue: Catalogue, rng: np.random.Generator, *, shoppers: int, habits: Habits | None = None) -> Sequences:
    """Events of so many shoppers, sorted by shopper and time. Times are seconds before now, so negative."""
    habits = habits or draw_habits(rng)
    market = Market(catalogue, habits, rng)
    length = np.sort(draw_lengths(habits, shoppers, rng))[::-1]
    tastes = draw_tastes(market, habits, shoppers, rng)
    times = draw_times(habits, length, rng)
    items = np.full((shoppers, length.max()), -1, np.int32)
    for step in range(length.max()):
        active = int(np.searchsorted(-length, -step, "left"))  # those with more than `step` events come first
        items[:active, step] = take_step(market, habits, tastes, items[:active, :step], times[:active, step], rng)
    order = rng.permutation(shoppers)
    items, times, length = items[order], times[order], length[order]
    there = np.arange(items.shape[1])[None, :] < length[:, None]
    if habits.once:
        there &= ~already_taken(items, there)
    shopper = np.repeat(np.arange(shoppers), there.sum(1))
    _, shopper = np.unique(shopper, return_inverse=True)
    return act(shopper.astype(np.int32), items[there], times[there], habits, rng)


def draw_lengths(habits: Habits, shoppers: int, rng: np.random.Generator) -> np.ndarray:
    beyond = rng.lognormal(np.log(max(0.5, habits.length - habits.shortest + 1)), habits.length_spread, shoppers)
    return np.clip(habits.shortest + np.floor(beyond).astype(int), 1, LONGEST)


def draw_times(habits: Habits, length: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """[S, L] seconds, rising; a session's events are a minute or so apart; some begin before the horizon."""
    shape = (len(length), int(length.max()))
    between = rng.random(shape) < 1 / habits.session
    gap = np.where(between, rng.exponential(habits.between_days * DAY, shape), rng.exponential(90, shape))
    gap[:, 0] = 0
    until = np.cumsum(gap, 1)
    span = np.take_along_axis(until, length[:, None] - 1, 1)
    end = -rng.uniform(0, 1, (len(length), 1)) * habits.horizon_days * DAY
    return until - span + end


def draw_tastes(market: Market, habits: Habits, shoppers: int, rng: np.random.Generator) -> Tastes:
    anywhere = np.zeros(shoppers, int)
    everything = market.everything
    anchors = np.stack([everything(anywhere, rng) for _ in range(3)], 1)
    style = market.style[anchors[:, 0]] + 0.4 * rng.normal(size=(shoppers, market.style.shape[1])) / np.sqrt(market.style.shape[1])
    count = np.clip(1 + rng.poisson(habits.aisles - 1, shoppers), 1, 12)
    width = int(count.max())
    aisles = market.aisle[everything(np.zeros((shoppers, width), int), rng)]
    # Most of one's aisles go with each other.
    aisles[:, 0] = market.aisle[anchors[:, 0]]
    for place in range(1, width):
        joined = market.near[aisles[:, place // 2], rng.integers(market.near.shape[1], size=shoppers)]
        aisles[:, place] = np.where(rng.random(shoppers) < 0.6, joined, aisles[:, place])
    kept = np.arange(width)[None, :] % count[:, None]
    aisles = np.take_along_axis(aisles, kept, 1)
    strength = rng.gamma(2.0, 0.5, shoppers) * (rng.random(shoppers) >= habits.indifferent)
    return Tastes(style, market.price[anchors[:, 1]], market.brand[anchors[:, :2]], aisles, strength)


def take_step(market: Market, habits: Habits, tastes: Tastes, past: np.ndarray, time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The next product of the first `len(past)` shoppers."""
    active, step = past.shape
    rows = np.arange(active)
    shares = [habits.link, habits.brand_step, habits.stay, habits.near, habits.anywhere, habits.repeat]
    way = np.searchsorted(np.cumsum(shares), rng.random(active), "right") if step else np.full(active, OWN)
    aisle = tastes.aisles[rows, rng.integers(tastes.aisles.shape[1], size=active)]
    if step:
        back = np.minimum(rng.geometric(1 - habits.recency, active), step) if habits.recency < 1 else rng.integers(1, step + 1, active)
        source = past[rows, step - back]
        before = market.aisle[past[:, -1]]
        aisle = np.where(way == STAY, before, aisle)
        aisle = np.where(way == NEAR, market.near[market.aisle[source], rng.integers(market.near.shape[1], size=active)], aisle)
        aisle = np.where(way == ANYWHERE, market.aisle[market.everything(np.zeros(active, int), rng)], aisle)
    seen = market.in_aisle(np.repeat(aisle[:, None], SEEN, 1), rng)
    if step:
        by_brand = np.flatnonzero((way == BRAND) & (market.brand[source] >= 0))
        seen[by_brand] = market.of_brand(np.repeat(market.brand[source[by_brand], None], SEEN, 1), rng)
    chosen = choose(market, habits, tastes, seen, past, time, rng)
    if not step:
        return chosen
    slope = 1 / np.arange(1, market.partners.shape[1] + 1) ** habits.partner_slope
    partner = np.searchsorted(np.cumsum(slope / slope.sum()), rng.random(active) * 0.999999, "right")
    chosen = np.where(way == LINK, market.partners[source, partner], chosen)
    return np.where(way == REPEAT, source, chosen)


def choose(market: Market, habits: Habits, tastes: Tastes, seen: np.ndarray, past: np.ndarray, time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One of the products seen [A, M] by each -> [A]"""
    active = len(seen)
    style = tastes.style[:active]
    if past.shape[1]:
        style = (1 - habits.follow) * style + habits.follow * market.style[past[:, -1]]
    liking = np.einsum("ad,amd->am", style, market.style[seen]) * 2 * habits.style
    liking -= habits.price * np.abs(market.price[seen] - tastes.level[:active, None])
    brand = market.brand[seen]
    favoured = (brand[..., None] == tastes.brands[:active, None, :]).any(-1)
    if past.shape[1]:
        favoured |= brand == market.brand[past[:, -1]][:, None]
    liking += habits.brand * (favoured & (brand >= 0))
    liking *= tastes.strength[:active, None]
    now = 1 + time / (habits.horizon_days * DAY)
    age = now[:, None] - market.launch[seen]
    liking += habits.trend * np.where(age < 0, -4.0, 1.5 * np.exp(-4 * np.maximum(age, 0)))
    return seen[np.arange(active), np.argmax(liking + rng.gumbel(size=liking.shape), 1)]


def already_taken(items: np.ndarray, there: np.ndarray) -> np.ndarray:
    """True where the shopper had taken the same product before [S, L]"""
    order = np.argsort(np.where(there, items, -1), axis=1, kind="stable")
    ordered = np.take_along_axis(items, order, 1)
    again = np.zeros(items.shape, bool)
    again[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    found = np.zeros(items.shape, bool)
    np.put_along_axis(found, order, again, 1)
    return found & there


def act(shopper: np.ndarray, item: np.ndarray, time: np.ndarray, habits: Habits, rng: np.random.Generator) -> Sequences:
    """Every event is a click; some become carts, some of these purchases, events of their own. The last of a shopper stays a first touch."""
    if habits.one_action:
        action = np.full(len(item), ACTION["purchase" if rng.random() < 0.7 else "click"], np.int8)
        return Sequences(shopper, item.astype(np.int32), action, time)
    last = np.append(shopper[1:] != shopper[:-1], True)
    cart = (rng.random(len(item)) < rng.uniform(0.03, 0.3)) & ~last
    bought = cart & (rng.random(len(item)) < rng.uniform(0.2, 0.8))
    # Within a minute of the click, and before whatever comes next.
    delay = np.minimum(60.0, np.append(time[1:] - time[:-1], 0.0)) / 3
    touches = [(np.arange(len(item)), "click", 0), (np.flatnonzero(cart), "add_to_cart", 1), (np.flatnonzero(bought), "purchase", 2)]
    event = np.concatenate([which for which, _, _ in touches])
    action = np.concatenate([np.full(len(which), ACTION[name], np.int8) for which, name, _ in touches])
    when = np.concatenate([time[which] + later * delay[which] for which, _, later in touches])
    order = np.lexsort((action, event))
    return Sequences(shopper[event][order], item[event][order].astype(np.int32), action[order], when[order])
