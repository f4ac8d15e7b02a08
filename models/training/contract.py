"""The ranker contract in Python: the inputs' names and axes, the feature set and its hash (models/ranker.ts, models/feature-set.ts)."""

import hashlib
import json
from pathlib import Path

MODELS = Path(__file__).resolve().parent.parent
FEATURE_SET = json.loads((MODELS / "feature-set.json").read_text())


def feature_set_hash(names: list[str]) -> str:
    """SHA-256 of the feature set as it would be with just these columns, in this order (featureSetHash of models/feature-set.ts)."""
    column = {each["name"]: each for each in FEATURE_SET["columns"]}
    if unknown := [name for name in names if name not in column]:
        raise SystemExit(f"the feature set has no column {', '.join(unknown)}")
    narrowed = {**FEATURE_SET, "columns": [column[name] for name in names]}
    return hashlib.sha256(json.dumps(narrowed, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


ALL_COLUMNS = [column["name"] for column in FEATURE_SET["columns"]]
# Those that fusion-base reads: all but the cosines, which it computes itself.
COLUMNS = [column["name"] for column in FEATURE_SET["columns"] if not column["name"].endswith(("_cosine", "_similarity")) or column["signal"] == "behaviour"]
# Those that the untrained cosine ranker is fed.
FIRST_COLUMNS = ALL_COLUMNS[: ALL_COLUMNS.index("history_length") + 1]
COLUMN = {name: place for place, name in enumerate(COLUMNS)}
ACTION = {name: action["id"] for action in FEATURE_SET["actions"] for name in action["names"]}
ACTIONS = 1 + max(ACTION.values())

COSINE_PAIRS = [
    "query_text:item_text",
    "query_image:item_image",
    "query_head:item_image",
    "item_text:item_text",
    "item_image:item_image",
]

# B lists, N candidates, L history entries (oldest first), Dt and Di dims, K kinds of cosine, F the ranker's columns, S mean and spread.
INPUTS = {
    "candidate_mask": ("B", "N"),
    "query_text": ("B", "Dt"),
    "query_text_mask": ("B",),
    "query_image": ("B", "Di"),
    "query_image_mask": ("B",),
    "query_head": ("B", "Di"),
    "query_head_mask": ("B",),
    "item_text": ("B", "N", "Dt"),
    "item_text_mask": ("B", "N"),
    "item_image": ("B", "N", "Di"),
    "item_image_mask": ("B", "N"),
    "history_mask": ("B", "L"),
    "history_text": ("B", "L", "Dt"),
    "history_text_mask": ("B", "L"),
    "history_image": ("B", "L", "Di"),
    "history_image_mask": ("B", "L"),
    "history_brand": ("B", "N", "L"),
    "history_category": ("B", "N", "L"),
    "history_covisits": ("B", "N", "L"),
    "history_covisits_norm": ("B", "N", "L"),
    "history_factor": ("B", "N", "L"),
    "history_event": ("B", "L"),
    "history_age": ("B", "L"),
    "history_session": ("B", "L"),
    "cosine_stats": ("B", "K", "S"),
    "columns": ("B", "N", "F"),
}
FIXED_AXES = {"K": len(COSINE_PAIRS), "S": 2}
