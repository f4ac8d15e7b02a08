"""Lists as `fuserank rows export --inputs` writes them (docs/reference/rows.md): what a ranker was fed, bit for bit. Needs numpy alone."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contract import feature_set_hash


@dataclass
class ListInputs:
    """G lists of N candidates and L events each, mapped from disk."""

    folder: Path
    header: dict
    sizes: np.ndarray  # [G, 2]: N, L (at least 1, a pad)
    list_ids: list[str]

    def __len__(self) -> int:
        return len(self.sizes)

    def labels(self, place: int) -> np.ndarray:
        """[N] grades"""
        return self._flat("label", place, ("B", "N"))

    def served(self, place: int) -> tuple[np.ndarray, float]:
        """[N] scores and the gate that the serving ranker gave"""
        return self._flat("score", place, ("B", "N")), float(self.array("gate")[place])

    def read(self, place: int, names: list[str], columns: list[str]) -> dict[str, np.ndarray]:
        """Inputs of one list, B = 1."""
        return {name: self._read(name, place, columns)[None] for name in names}

    def stack(self, places: list[int], names: list[str], columns: list[str]) -> dict[str, np.ndarray]:
        """Inputs of several lists, padded to the longest: a pad is 0."""
        lists = [{name: self._read(name, place, columns) for name in names} for place in places]
        return {name: pad([each[name] for each in lists]) for name in names}

    def stack_labels(self, places: list[int]) -> np.ndarray:
        return pad([self.labels(place) for place in places])

    def _read(self, name: str, place: int, columns: list[str]) -> np.ndarray:
        gathered = self.header["gathered"].get(name)
        if gathered:
            axis = "N" if gathered["items"] == "candidate_item" else "L"
            items = self._flat(gathered["items"], place, ("B", axis))
            rows = np.where(items[:, None] >= 0, self.array(f"vectors_{gathered['vectors']}")[items], np.float32(0))
            # An event's vectors may be hidden where its product's are not.
            mask = self._flat(f"{name}_mask", place, ("B", axis))
            return np.where(mask[:, None] > 0, rows, np.float32(0))
        values = self._flat(name, place, tuple(self.header["flat"][name]))
        if name != "columns":
            return values
        return values[:, [self.header["columns"].index(column) for column in columns]]

    def _flat(self, name: str, place: int, axes: tuple[str, ...]) -> np.ndarray:
        """One list's part of an array in which lists lie one after the other; axes without the leading B."""
        array = self.array(name)
        count, length = (int(size) for size in self.sizes[place])
        fixed = {"N": count, "L": length, "F": len(self.header["columns"]), "K": 5, "S": 2, **self._dims()}
        shape = [fixed[axis] for axis in axes[1:]]
        start = int(self._starts(axes)[place])
        return np.array(array[start : start + int(np.prod(shape, dtype=int))]).reshape(shape)

    def _starts(self, axes: tuple[str, ...]) -> np.ndarray:
        if axes not in self._start_cache:
            fixed = {"F": len(self.header["columns"]), "K": 5, "S": 2, **self._dims()}
            sizes = self.sizes.astype(np.int64)
            lengths = np.ones(len(sizes), np.int64)
            for axis in axes[1:]:
                lengths = lengths * (sizes[:, 0] if axis == "N" else sizes[:, 1] if axis == "L" else fixed[axis])
            self._start_cache[axes] = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        return self._start_cache[axes]

    def _dims(self) -> dict[str, int]:
        return {"Dt": self.array("vectors_text").shape[1], "Di": self.array("vectors_image").shape[1]}

    def array(self, name: str) -> np.ndarray:
        """As it lies in the folder, mapped."""
        if name not in self._arrays:
            self._arrays[name] = np.load(self.folder / f"{name}.npy", mmap_mode="r")
        return self._arrays[name]

    def __post_init__(self) -> None:
        self._arrays: dict[str, np.ndarray] = {}
        self._start_cache: dict[tuple[str, ...], np.ndarray] = {}


def open_inputs(path: Path) -> ListInputs:
    """The folder, or the rows that it lies beside. Stops with what to do where there is none, or it means other columns."""
    folder = path if path.is_dir() else path.parent / f"{path.name.removesuffix('.gz').rsplit('.', 1)[0]}.inputs"
    if not (folder / "header.json").exists():
        raise SystemExit(f"{folder} holds no inputs of lists; export the rows again with --inputs")
    header = json.loads((folder / "header.json").read_text())
    if header.get("fuserank_inputs") != 1 or header["feature_set"] != feature_set_hash(header["columns"]):
        raise SystemExit(f"{folder}: its columns are not this version's; export the rows again")
    lines = [json.loads(line) for line in (folder / "lists.ndjson").read_text().splitlines()]
    return ListInputs(folder, header, np.load(folder / "sizes.npy"), [line["list_id"] for line in lines])


def pad(arrays: list[np.ndarray]) -> np.ndarray:
    """Arrays of one rank under each other, each axis as long as its longest."""
    shape = [max(sizes) for sizes in zip(*(array.shape for array in arrays), strict=True)] if arrays[0].ndim else []
    stacked = np.zeros((len(arrays), *shape), np.float32)
    for row, array in enumerate(arrays):
        stacked[(row, *(slice(size) for size in array.shape))] = array
    return stacked
