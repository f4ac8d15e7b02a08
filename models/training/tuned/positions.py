"""Positions at which products were shown, out of the rows that lie beside a folder of inputs."""

from collections.abc import Iterator
from pathlib import Path

import torch

from rows import read_ndjson, read_parquet
from tuned.list_table import ListTable


def read_positions(table: ListTable, files: list[Path]) -> None:
    """Into the table; the rows must be those of its lists, in their order. -1: nobody saw it."""
    told: dict[str, list[int]] = {}
    for file in files:
        if file.is_dir():
            raise SystemExit(f"{file} holds no positions; name the rows that it lies beside, or train with positions none")
        lines: Iterator[dict] = read_parquet(file) if file.suffix == ".parquet" else read_ndjson(file)
        next(lines)  # the header
        for row in lines:
            place = row.get("position")
            told.setdefault(row["list_id"], []).append(-1 if place is None else int(place))
    flat: list[int] = []
    for list_id, count in zip(table.list_ids, table.sizes[:, 0], strict=True):
        if len(told.get(list_id, [])) != count:
            raise SystemExit(f"list {list_id} has {count} candidates and {len(told.get(list_id, []))} rows; export rows and inputs together")
        flat.extend(told[list_id])
    if max(flat, default=-1) < 0:
        raise SystemExit("no row has a position: nobody saw these lists; train with positions none")
    table.position = torch.tensor(flat, dtype=torch.float32, device=table.device)
