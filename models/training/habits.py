"""How one population of shoppers behaves: every number is drawn, from ranges that calibration.json's real shops lie well inside."""

from dataclasses import dataclass

import numpy as np

# Low and high of a uniform draw; `log` ranges are uniform in the logarithm.
RANGES = {
    # Products: spread of their attraction (sd of its logarithm), and the share of it that the count of reviews tells.
    "attraction": (0.5, 1.15),
    "brand_pull": (0.0, 0.5),  # share of it that is the brand's
    "told_by_reviews": (0.0, 0.8),
    "cold": (0.0, 0.25),  # share that hardly anybody comes across
    # Where the next event happens: shares, the rest goes to the shopper's own few aisles.
    "link": (0.05, 0.4),  # goes with something of the past, for reasons that neither text nor picture shows
    "brand_step": (0.0, 0.3),  # another product of a brand of the past
    "stay": (0.0, 0.08),  # the aisle of the event before
    "near": (0.05, 0.5),  # an aisle that goes with it
    "anywhere": (0.12, 0.55),
    "repeat": (0.0, 0.2),
    # Strength of tastes among the products of an aisle, in units of the noise of a choice.
    "style": (0.5, 4.5),
    "brand": (0.0, 2.6),
    "price": (0.0, 1.5),
    "trend": (0.0, 1.5),
    "follow": (0.0, 0.7),  # how far taste is for what was last
    # What style is made of.
    "text": (0.2, 2.0),
    "image": (0.0, 1.0),
    "hidden": (0.0, 1.0),
    "world": (0.3, 2.0),  # how far the hidden is of large worlds rather than of small circles
    "settled": (0.3, 0.9),  # share of an aisle that is of its own worlds
    "indifferent": (0.05, 0.5),  # share of shoppers without any taste
    # Links: how steeply the first partner is preferred, how far back they reach.
    "partner_slope": (0.3, 2.0),
    "recency": (0.3, 0.9),
}
LOG_RANGES = {
    "partners": (2, 10),
    "worlds": (6, 40),
    "aisles": (3, 18),  # mean number of a shopper's own aisles
    "length": (2.5, 9),  # median number of events
    "session": (1.2, 6),  # mean events of a session
    "horizon_days": (30, 1500),
    "between_days": (1, 60),
}


@dataclass
class Habits:
    attraction: float
    brand_pull: float
    told_by_reviews: float
    cold: float
    link: float
    brand_step: float
    stay: float
    near: float
    anywhere: float
    repeat: float
    style: float
    brand: float
    price: float
    trend: float
    follow: float
    text: float
    image: float
    hidden: float
    world: float
    settled: float
    indifferent: float
    partner_slope: float
    recency: float
    partners: float
    worlds: float
    aisles: float
    length: float
    session: float
    horizon_days: float
    between_days: float
    # Nobody comes back to a product, and one kind of event is known: logs of reviews or of orders.
    once: bool
    one_action: bool
    shortest: int  # events of a shopper
    length_spread: float


def draw_habits(rng: np.random.Generator) -> Habits:
    drawn = {name: float(rng.uniform(*span)) for name, span in RANGES.items()}
    drawn |= {name: float(np.exp(rng.uniform(*np.log(span)))) for name, span in LOG_RANGES.items()}
    once = bool(rng.random() < 0.6)
    steps = ("link", "brand_step", "stay", "near", "anywhere", "repeat")
    if once:
        drawn["repeat"] = 0.0
    # Own aisles keep a share however the others fall.
    excess = max(1.0, sum(drawn[name] for name in steps) / 0.9)
    drawn |= {name: drawn[name] / excess for name in steps}
    return Habits(
        **drawn,
        once=once,
        one_action=bool(once and rng.random() < 0.6),
        shortest=int(rng.choice([1, 2, 4])),
        length_spread=float(rng.uniform(0.5, 1.1)),
    )
