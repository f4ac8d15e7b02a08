"""Domain randomisation of a batch: shops differ in what they know and in how large their numbers are; no weight may lean on one shop's."""

import torch
from torch import Tensor

from contract import COLUMN, FEATURE_SET

# Chance that a shop has nothing of a group at all. Without a log there is no behaviour.
NO_FIRST_PHASE = 0.1
NO_LOG, NO_VECTORS, NO_ATTRIBUTES, NO_POPULARITY, NO_COVISITS, NO_MATCH = 0.25, 0.08, 0.08, 0.06, 0.06, 0.15
# Chance that a single column or plane tells nothing: no weight may lean on one signal of many that say the same.
NO_COLUMN = 0.12
BEHAVIOUR = [column["name"] for column in FEATURE_SET["columns"] if column["signal"] == "behaviour"]
COVISITS = [name for name in BEHAVIOUR if name.startswith(("covisit", "factor"))]
BEHAVIOUR_PLANES = ("history_covisits", "history_covisits_norm", "history_factor")
VECTOR_MASKS = ("query_text_mask", "query_head_mask", "item_text_mask", "history_text_mask")
FIRST_PHASE = ("first_phase_z", "first_phase_rr", "is_added", "retrievers", "first_phase_gap", "text_knn_rr", "image_knn_rr")
ATTRIBUTES = ("brand_affinity", "category_affinity")


def randomise(x: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """Each list of the batch as another shop would have it: groups of signals missing, counts and cosines on other scales."""
    b = x["candidate_mask"].shape[0]
    x = dict(x)
    columns = x["columns"].clone()
    draw = lambda: torch.rand(b, generator=generator)  # noqa: E731
    spread = lambda width: torch.exp(width * torch.randn(b, generator=generator))  # noqa: E731

    def drop(names: list[str] | tuple[str, ...], inputs: tuple[str, ...], gone: Tensor) -> None:
        places = [COLUMN[name] for name in names]
        columns[:, :, places] = columns[:, :, places] * ~gone[:, None, None]
        for name in inputs:
            x[name] = x[name] * ~gone.view(-1, *[1] * (x[name].dim() - 1))

    scale_counts(x, columns, spread(0.5), spread(0.5))
    no_log = draw() < NO_LOG
    drop(BEHAVIOUR, BEHAVIOUR_PLANES, no_log)
    drop(COVISITS, BEHAVIOUR_PLANES, draw() < NO_COVISITS)
    drop([name for name in BEHAVIOUR if name not in COVISITS], (), draw() < NO_POPULARITY)
    drop(["text_knn_rr"], VECTOR_MASKS, draw() < NO_VECTORS)
    drop(ATTRIBUTES, ("history_brand", "history_category"), draw() < NO_ATTRIBUTES)
    drop(["query_category_match"], (), draw() < NO_MATCH)
    unranked = draw() < NO_FIRST_PHASE  # items that come without scores (/v1/rank)
    drop(FIRST_PHASE, (), unranked)
    told = torch.rand(b, 1, columns.shape[2], generator=generator) >= NO_COLUMN
    told[:, :, COLUMN["first_phase_z"]] = True
    columns = columns * told
    for name in (*BEHAVIOUR_PLANES, "history_brand", "history_category"):
        x[name] = x[name] * (draw() >= NO_COLUMN).view(-1, 1, 1)
    columns[:, :, COLUMN["is_added"]] += (unranked & (draw() < 0.5))[:, None].float()
    statistics = x["cosine_stats"].clone()
    statistics[..., 0] += 0.15 * statistics[..., 1] * torch.randn(statistics.shape[:2], generator=generator)
    statistics[..., 1] *= torch.exp(0.15 * torch.randn(statistics.shape[:2], generator=generator))
    return x | {"columns": columns, "cosine_stats": statistics}


def scale_counts(x: dict[str, Tensor], columns: Tensor, weight: Tensor, cosine: Tensor) -> None:
    """Co-visitation weights and cosines of a shop with more or fewer shoppers."""
    grow = lambda logs: torch.log1p(weight.view(-1, 1, 1) * torch.expm1(logs))  # noqa: E731
    if "history_covisits" in x:
        x["history_covisits"] = grow(x["history_covisits"])
        x["history_covisits_norm"] = (x["history_covisits_norm"] * cosine.view(-1, 1, 1)).clamp(max=1)
    logs = [COLUMN["covisit_max"], COLUMN["covisit_sum"]]
    columns[:, :, logs] = grow(columns[:, :, logs])
    columns[:, :, COLUMN["covisit_cosine_sum"]] *= cosine[:, None]
