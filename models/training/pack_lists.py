"""Lists of a pack's shoppers, to train and to measure rankers that do not ship.

    python pack_lists.py --packs CACHE --out LISTS

Of each pack: NAME-train (a shopper's last event but one is the target, the statistics end before it, views are drawn) and NAME-test (the
last event, the pack as it is). A target is never counted in the statistics that its row sees.
"""

import argparse
import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from logged_view import LoggedView
from packs import Pack, load_pack
from sequence_lists import SequenceList, first_events, list_next_item
from sequences import Sequences


@dataclass
class ViewLists:
    """Lists of one view. `asked`: targets that were tried; those that the first phase did not find have no list."""

    view: LoggedView
    lists: list[SequenceList]
    asked: int


def make_lists(pack: Pack, *, hidden: int, share: tuple[int, int], limit: int, seed: int, plain: bool) -> ViewLists:
    """`hidden`: latest events of every shopper that the statistics do not know; the first of them is the target. `share` (i, n): the i-th of n
    parts of the shoppers."""
    rng = np.random.default_rng(seed)
    view = LoggedView(pack.catalogue, pack.queries, None, rng, plain=plain)
    counted = pack.from_end >= hidden
    if not plain and rng.random() < 0.4:  # a log of fewer shoppers
        counted &= (rng.random(pack.sequences.shopper.max() + 1) < rng.uniform(0.3, 0.9))[pack.sequences.shopper]
    view.keep_log(select(pack.sequences, counted), moment=-86_400.0 * (hidden - 1), min_users_per_pair=2 if plain else int(rng.choice([1, 2, 2, 3])))
    targets = np.flatnonzero((pack.from_end == hidden - 1) & (pack.sequences.shopper % share[1] == share[0]))
    targets = rng.permutation(targets)[:limit]
    starts = first_events(pack.sequences)
    made = [list_next_item(view, pack.sequences, starts, int(event), rng, cut=not plain) for event in targets]
    view.forget_search()
    return ViewLists(view, [one for one in made if one], len(targets))


def select(events: Sequences, mask: np.ndarray) -> Sequences:
    return Sequences(events.shopper[mask], events.item[mask], events.action[mask], events.time[mask])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--names", nargs="*", default=["beauty", "sports", "ml1m"])
    parser.add_argument("--views", type=int, default=4)
    parser.add_argument("--train", type=int, default=2500, help="targets a view")
    parser.add_argument("--test", type=int, default=4000, help="shoppers asked")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.names:
        pack = load_pack(options.packs / f"{name}.pickle")
        test = make_lists(pack, hidden=1, share=(0, 1), limit=options.test, seed=100, plain=True)
        (options.out / f"{name}-test.pickle").write_bytes(pickle.dumps([test]))
        print(name, "test:", test.asked, "asked,", len(test.lists), "found", flush=True)
        views = [make_lists(pack, hidden=2, share=(i, options.views), limit=options.train, seed=i, plain=False) for i in range(options.views)]
        (options.out / f"{name}-train.pickle").write_bytes(pickle.dumps(views))
        print(name, "train:", sum(each.asked for each in views), "asked,", sum(len(each.lists) for each in views), "found", flush=True)


if __name__ == "__main__":
    from pack_lists import main  # under its own name, so that what is stored can be read by whoever imports it

    main()
