"""Similarities from unit vectors, inside the graph. No learned weight touches a vector: only these numbers are weighed."""

import torch
from torch import Tensor

from contract import COSINE_PAIRS

STATISTIC = {pair: place for place, pair in enumerate(COSINE_PAIRS)}


def standardise(cosine: Tensor, x: dict[str, Tensor], pair: str) -> Tensor:
    """(cosine - mean) / spread of the index's random pairs of this kind, clipped to +-8."""
    mean, spread = x["cosine_stats"][:, STATISTIC[pair]].unbind(-1)  # [B], [B]
    shape = [-1] + [1] * (cosine.dim() - 1)
    return ((cosine - mean.view(shape)) / spread.view(shape).clamp(min=1e-4)).clamp(-8, 8)


def compare_query(x: dict[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
    """kind of query -> (standardised cosine [B, N], mask [B, N])."""
    evidence = {}
    for query, item in (("query_text", "item_text"), ("query_image", "item_image"), ("query_head", "item_image")):
        cosine = torch.matmul(x[item], x[query].unsqueeze(2)).squeeze(2)  # [B, N]
        mask = x[f"{item}_mask"] * x[f"{query}_mask"].unsqueeze(1) * x["candidate_mask"]
        evidence[query] = (standardise(cosine, x, f"{query}:{item}") * mask, mask)
    return evidence


def compare_history(x: dict[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
    """modality -> (standardised cosine [B, N, L], mask [B, N, L])."""
    evidence = {}
    for modality in ("text", "image"):
        item, past = f"item_{modality}", f"history_{modality}"
        cosine = torch.matmul(x[item], x[past].transpose(1, 2))  # [B, N, L]
        item_mask = x[f"{item}_mask"] * x["candidate_mask"]
        mask = item_mask.unsqueeze(2) * (x[f"{past}_mask"] * x["history_mask"]).unsqueeze(1)
        evidence[modality] = (standardise(cosine, x, f"{item}:{item}") * mask, mask)
    return evidence


def standardise_in_list(values: Tensor, mask: Tensor) -> Tensor:
    """z over the candidates (axis 1) that have the value; 0 for the others and where all are alike. [B, N, ...]"""
    count = mask.sum(1, keepdim=True).clamp(min=1)
    mean = (values * mask).sum(1, keepdim=True) / count
    centred = (values - mean) * mask
    spread = (centred.square().sum(1, keepdim=True) / count + 1e-4).sqrt()
    return centred / spread
