"""NDCG@10 on held-out simulated lists: first phase, ranker, ranker with signals withheld. Gain: the chance of being chosen."""

import numpy as np
import torch
from torch import Tensor

from augment import BEHAVIOUR_PLANES
from contract import COLUMN, FEATURE_SET
from dataset import Batch
from losses import blend, ndcg
from model import FusionBase

DIAL = 0.75
HISTORY_COLUMNS = [column["name"] for column in FEATURE_SET["columns"] if column["scope"] in ("user", "user-item") and column["name"] in COLUMN]
HISTORY_INPUTS = (
    "history_mask", "history_text_mask", "history_image_mask", "history_session", "history_age", "history_event", "history_brand", "history_category",
    *BEHAVIOUR_PLANES,
)  # fmt: skip


def without_history(x: dict[str, Tensor]) -> dict[str, Tensor]:
    bare = dict(x)
    for name in HISTORY_INPUTS:
        bare[name] = torch.zeros_like(x[name])
    bare["columns"] = x["columns"].clone()
    bare["columns"][..., [COLUMN[name] for name in HISTORY_COLUMNS]] = 0
    return bare


def without_pictures(x: dict[str, Tensor]) -> dict[str, Tensor]:
    bare = dict(x)
    for name in ("item_image_mask", "history_image_mask", "query_image_mask", "query_head_mask"):
        bare[name] = torch.zeros_like(x[name])
    bare["columns"] = x["columns"].clone()
    bare["columns"][..., COLUMN["image_knn_rr"]] = 0
    return bare


def with_other_history(x: dict[str, Tensor]) -> dict[str, Tensor]:
    """Each list gets its neighbour's history in the batch (vectors only: attribute similarity goes with the candidates)."""
    other = dict(without_history(x))
    for name in ("history_mask", "history_text", "history_text_mask", "history_image", "history_image_mask", "history_event", "history_age", "history_session"):
        other[name] = x[name].roll(1, 0)
    return other


ARMS = {"ranked": lambda x: x, "no_history": without_history, "no_picture": without_pictures, "other_history": with_other_history}


@torch.no_grad()
def evaluate(model: FusionBase, batches: list[Batch]) -> dict:
    rows: list[tuple[str, str, dict[str, float]]] = []
    for batch in batches:
        mask = batch.inputs["candidate_mask"]
        first = batch.inputs["columns"][..., COLUMN["first_phase_z"]]
        values = {"first_phase": ndcg(first, batch.chosen, mask)}
        for name, change in ARMS.items():
            outputs = model(change(batch.inputs))
            values[name] = ndcg(blend(outputs, first, mask, DIAL), batch.chosen, mask)
            if name == "ranked":
                values["model_alone"] = ndcg(outputs["score"], batch.chosen, mask)
                values["gate"] = outputs["gate"]
        for place, family in enumerate(batch.families):
            rows.append((batch.catalogue, family, {name: float(value[place]) for name, value in values.items()}))

    def mean(chosen: list[tuple[str, str, dict[str, float]]]) -> dict:
        return {"lists": len(chosen)} | {name: round(float(np.mean([row[2][name] for row in chosen])), 4) for name in chosen[0][2]}

    grouped = {f"{catalogue}/{family}" for catalogue, family, _ in rows}
    by_group = {group: mean([r for r in rows if f"{r[0]}/{r[1]}" == group]) for group in sorted(grouped)}
    return {"ndcg_lin@10": mean(rows), "by_family": {group: value for group, value in by_group.items() if value["lists"] >= 30}}
