"""Lists of packs' shoppers, to train rankers and to measure them.

    python pack_lists.py --packs PACKS --names beauty sports ml1m --out LISTS      # real shoppers: what is measured, never what ships
    python pack_lists.py --packs PACKS --simulated --out LISTS                     # simulated_packs.py: what ships learns from these

Of a real pack: NAME-train (a shopper's last event but one is the target, the statistics end before it, views are drawn) and NAME-test (the
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

DAY = 86_400.0


@dataclass
class ViewLists:
    """Lists of one view. `asked`: targets that were tried; those that the first phase did not find have no list."""

    view: LoggedView
    lists: list[SequenceList]
    asked: int


@dataclass
class Cut:
    """What the statistics know, and what is asked for."""

    counted: np.ndarray  # [E] bool
    targets: np.ndarray  # events
    moment: float  # the statistics' own, seconds


def leave_last_out(pack: Pack, hidden: int) -> Cut:
    """Every shopper's latest `hidden` events are unknown; the first of them is the target."""
    return Cut(pack.from_end >= hidden, np.flatnonzero(pack.from_end == hidden - 1), -DAY * (hidden - 1))


def cut_moment(pack: Pack, share: float) -> Cut:
    """Events after a moment are unknown; targets are the first products that shoppers turn to after it."""
    events = pack.sequences
    moment = float(np.quantile(events.time, share))
    later = events.time >= moment
    turned = (np.diff(events.item, prepend=-1) != 0) | (np.diff(events.shopper, prepend=-1) != 0)
    places = np.flatnonzero(later & turned)
    _, first = np.unique(events.shopper[places], return_index=True)
    return Cut(~later, places[first], moment)


def make_lists(pack: Pack, cut: Cut, *, limit: int, seed: int, plain: bool, nameless: bool = False) -> ViewLists:
    rng = np.random.default_rng(seed)
    view = LoggedView(pack.catalogue, pack.queries, None, rng, plain=plain, nameless=nameless)
    counted = cut.counted
    if not plain and rng.random() < 0.4:  # a log of fewer shoppers
        counted = counted & (rng.random(pack.sequences.shopper.max() + 1) < rng.uniform(0.3, 0.9))[pack.sequences.shopper]
    view.keep_log(select(pack.sequences, counted), moment=cut.moment, min_users_per_pair=2 if plain else int(rng.choice([1, 2, 2, 3])))
    targets = rng.permutation(cut.targets)[:limit]
    starts = first_events(pack.sequences)
    made = [list_next_item(view, pack.sequences, starts, int(event), rng, cut=not plain) for event in targets]
    view.forget_search()
    return ViewLists(view, [one for one in made if one], len(targets))


def select(events: Sequences, mask: np.ndarray) -> Sequences:
    return Sequences(events.shopper[mask], events.item[mask], events.action[mask], events.time[mask])


def share_targets(cut: Cut, part: int, parts: int) -> Cut:
    return Cut(cut.counted, cut.targets[part::parts], cut.moment)


def list_real(options: argparse.Namespace) -> None:
    for name in options.names:
        pack = load_pack(options.packs / f"{name}.pickle")
        test = make_lists(pack, leave_last_out(pack, 1), limit=options.test, seed=100, plain=True)
        (options.out / f"{name}-test.pickle").write_bytes(pickle.dumps([test]))
        print(name, "test:", test.asked, "asked,", len(test.lists), "found", flush=True)
        cut = leave_last_out(pack, 2)
        views = [make_lists(pack, share_targets(cut, i, options.views), limit=options.train, seed=i, plain=False) for i in range(options.views)]
        (options.out / f"{name}-train.pickle").write_bytes(pickle.dumps(views))
        print(name, "train:", sum(each.asked for each in views), "asked,", sum(len(each.lists) for each in views), "found", flush=True)


def list_simulated(options: argparse.Namespace) -> None:
    """One view a pack; in half of them time is cut at a moment, in the others each shopper's last event is left out. Every other pack has a
    second one, where products have no names."""
    for seed, file in enumerate(sorted(options.packs.glob("*.pickle"))):
        if (options.out / file.name).exists():
            continue
        pack = load_pack(file)
        rng = np.random.default_rng(seed)
        cut = leave_last_out(pack, 1) if rng.random() < 0.5 else cut_moment(pack, rng.uniform(0.6, 0.9))
        views = [make_lists(pack, cut, limit=options.train, seed=seed, plain=False)]
        if seed % 2:
            views.append(make_lists(pack, cut, limit=options.train // 2, seed=seed + 1000, plain=False, nameless=True))
        (options.out / file.name).write_bytes(pickle.dumps(views))
        print(file.stem, sum(each.asked for each in views), "asked,", sum(len(each.lists) for each in views), "found", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--names", nargs="*", default=["beauty", "sports", "ml1m"])
    parser.add_argument("--simulated", action="store_true")
    parser.add_argument("--views", type=int, default=4)
    parser.add_argument("--train", type=int, default=2500, help="targets a view")
    parser.add_argument("--test", type=int, default=4000, help="shoppers asked")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    list_simulated(options) if options.simulated else list_real(options)


if __name__ == "__main__":
    from pack_lists import main  # under its own name, so that what is stored can be read by whoever imports it

    main()
