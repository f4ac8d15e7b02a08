"""Single searches of simulated shoppers (simulator.py), stored as pack_lists.py stores those of sequences.

    python search_lists.py --catalogues CACHE --out LISTS/searches.pickle --views 100 --seed 1
"""

import argparse
import pickle
from pathlib import Path

import numpy as np

from dataset import draw_view, load_catalogues
from pack_lists import ViewLists
from simulator import simulate_list

LISTS_A_VIEW = 96


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalogues", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--views", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, catalogues, made = np.random.default_rng(options.seed), load_catalogues(options.catalogues), []
    for _ in range(options.views):
        view = draw_view(catalogues, rng)
        lists = [one for one in (simulate_list(view, rng) for _ in range(LISTS_A_VIEW)) if one]
        view.forget_search()
        made.append(ViewLists(view, lists, LISTS_A_VIEW))
    options.out.write_bytes(pickle.dumps(made))
    print(f"{len(made)} views, {sum(len(each.lists) for each in made)} lists")


if __name__ == "__main__":
    main()
