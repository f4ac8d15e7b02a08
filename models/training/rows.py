"""Training rows as `fuserank rows export` writes them (docs/reference/rows.md): columns, grades and lengths of lists."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contract import feature_set_hash


@dataclass
class Rows:
    """Lists under each other. R rows, F columns, G lists."""

    names: list[str]
    values: np.ndarray  # [R, F] float32
    grades: np.ndarray  # [R] int, from 0
    lengths: np.ndarray  # [G]
    list_ids: list[str]
    source: dict  # the file's header


def read_rows(file: Path, columns: list[str] | None = None) -> Rows:
    """Lists with no grade above 0 teach nothing about order and are left out. `columns`: names to keep; None keeps all."""
    lines = read_parquet(file) if file.suffix == ".parquet" else read_ndjson(file)
    header = next(lines)
    if header.get("fuserank_rows") != 1:
        raise SystemExit(f"{file}: no header of training rows; write it with fuserank rows export")
    if header["feature_set"] != feature_set_hash(header["columns"]):
        raise SystemExit(f"{file}: feature set {header['feature_set'][:8]} is not this version's; export the rows again")
    names = columns or header["columns"]
    if unknown := [name for name in names if name not in header["columns"]]:
        raise SystemExit(f"{file} has no column {', '.join(unknown)}; it has {', '.join(header['columns'])}")
    lists: dict[str, list[dict]] = {}
    for row in lines:
        lists.setdefault(row["list_id"], []).append(row)
    kept = {key: rows for key, rows in lists.items() if any(row["label"] > 0 for row in rows)}
    if not kept:
        raise SystemExit(f"{file}: none of its {len(lists)} lists has a row with a label above 0")
    rows = [row for each in kept.values() for row in each]
    grades = np.array([row["label"] for row in rows])
    if (grades != np.round(grades)).any():
        raise SystemExit(f"{file}: LightGBM's LambdaMART takes whole grades; some labels are fractions")
    values = np.array([[row[name] for name in names] for row in rows], dtype=np.float32)
    return Rows(names, values, grades.astype(int), np.array([len(each) for each in kept.values()]), list(kept), header)


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
