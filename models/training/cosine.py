"""The hand-weighted ranker `cosine-1`: no training, a baseline behind the same contract.

    python cosine.py            writes ../artefacts/cosine-1
"""

import torch
from torch import Tensor, nn

from contract import COLUMN, MODELS
from evidence import compare_query, compare_history, standardise_in_list
from export import export_ranker

# Weights of within-list z-scores beside the first phase's own (weight 1).
QUERY_WEIGHT = 0.5
HISTORY_WEIGHT = 1.0
HISTORY_DECAY = 0.9


class CosineRanker(nn.Module):
    INPUTS = [
        "candidate_mask",
        "query_text", "query_text_mask", "query_image", "query_image_mask", "query_head", "query_head_mask",
        "item_text", "item_text_mask", "item_image", "item_image_mask",
        "history_mask", "history_text", "history_text_mask", "history_image", "history_image_mask",
        "cosine_stats", "columns",
    ]  # fmt: skip
    OUTPUTS = {"score": ("B", "N"), "attention": ("B", "N", "L")}

    def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        score = x["columns"][..., COLUMN["first_phase_z"]]  # [B, N]
        for cosine, mask in compare_query(x).values():
            score = score + QUERY_WEIGHT * standardise_in_list(cosine, mask)
        pairs = compare_history(x)
        # Later entries weigh more: the newest has no entry after it.
        after = x["history_mask"].flip(1).cumsum(1).flip(1) - 1
        decay = HISTORY_DECAY**after * x["history_mask"]  # [B, L]
        used = torch.zeros_like(x["history_mask"]).unsqueeze(1)
        for cosine, mask in pairs.values():
            weight = mask * decay.unsqueeze(1)  # [B, N, L]
            mean = (cosine * weight).sum(2) / weight.sum(2).clamp(min=1e-6)
            score = score + HISTORY_WEIGHT * standardise_in_list(mean, mask.amax(2))
            used = used + weight * torch.relu(cosine)
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
