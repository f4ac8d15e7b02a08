"""The hand-weighted ranker `cosine-1`: no training, a baseline behind the same contract.

    python cosine.py            writes ../artefacts/cosine-1
"""

import torch
from torch import Tensor, nn

from contract import COLUMN, FIRST_COLUMNS, MODELS
from evidence import POOLS, compare, pool_weights
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
        "columns",
    ]  # fmt: skip
    OUTPUTS = {"score": ("B", "N"), "attention": ("B", "N", "L")}

    def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        score = x["columns"][..., COLUMN["first_phase_z"]]  # [B, N]
        history = x["history_mask"]
        # Later entries weigh more: the newest has no entry after it.
        decay = HISTORY_DECAY ** (history.sum(1, keepdim=True) - history.cumsum(1)) * history
        decay = decay / decay.sum(1, keepdim=True).clamp(min=1)  # [B, L]
        used = 0
        has_vector = torch.stack([x["item_text_mask"], x["item_image_mask"]], 2)
        for modality, (_, relative) in compare(x, has_vector).items():
            pooled = torch.matmul(relative, pool_weights(x, modality, decay.unsqueeze(2).expand(-1, -1, POOLS)))
            score = score + HISTORY_WEIGHT * pooled[..., 0] + QUERY_WEIGHT * pooled[..., POOLS:].sum(2)
            used = used + torch.relu(relative[..., : history.shape[1]]) * decay.unsqueeze(1)
        attention = used / used.sum(2, keepdim=True).clamp(min=1e-6)
        return {"score": score, "attention": attention}


if __name__ == "__main__":
    export_ranker(
        CosineRanker(),
        MODELS / "artefacts" / "cosine-1",
        name="cosine",
        version="1",
        columns=FIRST_COLUMNS,
        trained_on=[],
        metrics={},
    )
