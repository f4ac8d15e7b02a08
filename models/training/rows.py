"""Training rows as `fuserank rows export` writes them (docs/reference/rows.md): columns, grades and lengths of lists."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from pathlib import Path

import numpy as np

from contract import feature_set_hash
from inputs import ListInputs, open_inputs


@dataclass
class Rows:
    """Lists under each other. R rows, F columns, G lists."""

    names: list[str]
    values: np.ndarray  # [R, F] float32
    grades: np.ndarray  # [R] int, from 0
    lengths: np.ndarray  # [G]
    list_ids: list[str]
    source: dict  # the file's header

    def take(self, places: list[int]) -> "Rows":
        """The lists at these places, which rise."""
        mine = np.isin(np.arange(len(self.lengths)), places)
        rows = np.repeat(mine, self.lengths)
        return Rows(self.names, self.values[rows], self.grades[rows], self.lengths[mine], [self.list_ids[place] for place in places], self.source)


def read_rows(file: Path, columns: list[str] | None = None) -> Rows:
    """
    Lists with no grade above 0 teach nothing about order and are left out. `columns`: names to keep; None keeps all. The folder of inputs
    beside rows holds the same numbers and is read in no time.
    """
    if file.is_dir():
        return read_inputs(open_inputs(file), columns)
    lines = read_parquet(file) if file.suffix == ".parquet" else read_ndjson(file)
    header = next(lines)
    if header.get("fuserank_rows") != 1:
        raise SystemExit(f"{file}: no header of training rows; write it with fuserank rows export")
    if header["feature_set"] != feature_set_hash(header["columns"]):
        raise SystemExit(f"{file}: feature set {header['feature_set'][:8]} is not this version's; export the rows again")
    names = check_columns(file, columns, header["columns"])
    ids: list[str] = []
    kept: list[tuple[np.ndarray, np.ndarray]] = []  # of each list: [rows, F], [rows]
    count = 0
    for key, rows in groupby(lines, key=lambda row: row["list_id"]):  # rows of a list follow one another
        count += 1
        values, grades = zip(*(([row[name] for name in names], row["label"]) for row in rows), strict=True)
        if max(grades) > 0:
            ids.append(key)
            kept.append((np.array(values, dtype=np.float32), np.array(grades)))
    if not kept:
        raise SystemExit(f"{file}: none of its {count} lists has a row with a label above 0")
    grades = check_grades(file, np.concatenate([grades for _, grades in kept]))
    values = np.concatenate([values for values, _ in kept])
    return Rows(names, values, grades, np.array([len(grades) for _, grades in kept]), ids, header)


def read_inputs(file: ListInputs, columns: list[str] | None) -> Rows:
    names = check_columns(file.folder, columns, file.header["columns"])
    values = np.load(file.folder / "columns.npy").reshape(-1, len(file.header["columns"]))
    grades = np.load(file.folder / "label.npy")
    lengths = file.sizes[:, 0]
    good = np.maximum.reduceat(grades, np.cumsum(lengths) - lengths) > 0
    if not good.any():
        raise SystemExit(f"{file.folder}: none of its {len(lengths)} lists has a row with a label above 0")
    rows = np.repeat(good, lengths)
    chosen = [file.header["columns"].index(name) for name in names]
    ids = [key for key, is_good in zip(file.list_ids, good, strict=True) if is_good]
    return Rows(names, values[rows][:, chosen], check_grades(file.folder, grades[rows]), lengths[good], ids, file.header)


def check_columns(file: Path, columns: list[str] | None, there: list[str]) -> list[str]:
    names = columns or there
    if unknown := [name for name in names if name not in there]:
        raise SystemExit(f"{file} has no column {', '.join(unknown)}; it has {', '.join(there)}")
    return names


def check_grades(file: Path, grades: np.ndarray) -> np.ndarray:
    if (grades != np.round(grades)).any():
        raise SystemExit(f"{file}: LightGBM's LambdaMART takes whole grades; some labels are fractions")
    return grades.astype(int)


def draw_lists(ids: list[str], limit: int | None, seed: int) -> list[int]:
    """
    Places of so many lists, the first by a hash of seed and id, in their order: every trainer draws the same. The hash is not the crc32 by
    which a tenth is held out: that one is linear, so the lists that come first by it would be held out all together, or none of them.
    """
    drawn = sorted(range(len(ids)), key=lambda place: sha256(f"{seed} {ids[place]}".encode()).digest())
    return sorted(drawn[:limit])


def read_ndjson(file: Path) -> Iterator[dict]:
    with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield json.loads(line)
            except ValueError:
                raise SystemExit(f"{file}:{number}: not JSON; export the rows again") from None


def read_parquet(file: Path) -> Iterator[dict]:
    try:
        from pyarrow import parquet
    except ImportError:
        raise SystemExit(f"{file}: pip install pyarrow to read Parquet, or export the rows as .ndjson.gz") from None
    with parquet.ParquetFile(file) as rows:
        yield json.loads(rows.schema_arrow.metadata[b"fuserank_rows"])
        for batch in rows.iter_batches():
            yield from batch.to_pylist()
