"""The hand-weighted ranker `cosine-1`: no training, a baseline behind the same contract.

    python cosine.py            writes ../artefacts/cosine-1
"""

import torch
from torch import Tensor, nn

from contract import COLUMN, MODELS
from evidence import QUERIES, compare, read_statistics, standardise_in_list
from export import export_ranker

# Weights of within-list z-scores beside the first phase's own (weight 1).
QUERY_WEIGHT = 0.5
HISTORY_WEIGHT = 1.0
HISTORY_DECAY = 0.9


class CosineRanker(nn.Module):
    INPUTS = [
        "query_text", "query_text_mask", "query_image", "query_image_mask", "query_head", "query_head_mask",
        "item_text", "item_text_mask", "item_image", "item_image_mask",
        "history_mask", "history_text", "history_text_mask", "history_image", "history_image_mask",
        "cosine_stats", "columns",
    ]  # fmt: skip
    OUTPUTS = {"score": ("B", "N"), "attention": ("B", "N", "L")}

    def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        score = x["columns"][..., COLUMN["first_phase_z"]]  # [B, N]
        history = x["history_mask"]
        # Later entries weigh more: the newest has no entry after it.
        decay = HISTORY_DECAY ** (history.sum(1, keepdim=True) - history.cumsum(1)) * history  # [B, L]
        used = 0
        for modality in QUERIES:
            seen = compare(x, modality, read_statistics(x))
            score = score + QUERY_WEIGHT * seen.split(seen.relative)[1].sum(2)
            weight = (decay * x[f"history_{modality}_mask"]).unsqueeze(1)  # [B, 1, L]
            weight = weight / weight.sum(2, keepdim=True).clamp(min=1e-6)
            cosine = seen.split(seen.cosine)[0]
            mean = (cosine * weight).sum(2, keepdim=True)  # [B, N, 1]
            score = score + HISTORY_WEIGHT * standardise_in_list(mean, x[f"item_{modality}_mask"].unsqueeze(2)).squeeze(2)
            used = used + torch.relu(cosine) * weight
        attention = used / used.sum(2, keepdim=True).clamp(min=1e-6)
        return {"score": score, "attention": attention}


if __name__ == "__main__":
    export_ranker(
        CosineRanker(),
        MODELS / "artefacts" / "cosine-1",
        name="cosine",
        version="1",
        trained_on=[],
        metrics={},
    )
