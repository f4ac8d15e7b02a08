"""Evidence from similarities and counts, inside the graph. Nothing here is learnt: only these numbers are weighed.

On a CPU a graph of this size spends its time in the matrix products of vectors and in passes over candidates x entries, so there are few of
either; all else has the candidates as its last axis, along which a pass is cheap. Shapes: B lists, N candidates, L history entries.
"""

import torch
from torch import Tensor

from contract import COSINE_PAIRS

# Cosines with the history are pooled in this many ways: recent events weigh more, the last alone, the running session.
POOLS = 3
HISTORY_DECAY = 0.9
MODALITIES = ("text", "image")
QUERIES = {"text": ("query_text",), "image": ("query_image", "query_head")}
# Kind of pair and place in MODALITIES of each row that pooling gives.
POOLED_PAIRS = [
    *["item_text:item_text"] * POOLS, "query_text:item_text",
    *["item_image:item_image"] * POOLS, "query_image:item_image", "query_head:item_image",
]  # fmt: skip
POOLED_MODALITY = [int(pair.endswith("item_image")) for pair in POOLED_PAIRS]
POOLED_STATISTIC = [COSINE_PAIRS.index(pair) for pair in POOLED_PAIRS]
# A list whose cosines with an entry spread less than this (the square root) does not tell its candidates apart.
LEAST_VARIANCE = 1e-4


def weigh_entries(x: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Weights of the entries in each pool [B, POOLS, L], at most 1 together; and how recent each is, 1 the last [B, L]."""
    history = x["history_mask"]
    after = history.sum(1, keepdim=True) - history.cumsum(1)  # entries after each one
    recency = torch.pow(HISTORY_DECAY, after)
    # Put beside each other and then under each other: cheaper than an axis for each.
    weights = torch.cat([recency, torch.relu(1 - after), x["history_session"]], 1).reshape(history.shape[0], POOLS, -1) * history.unsqueeze(1)
    return weights / weights.sum(2, keepdim=True).clamp(min=1), recency


def compare(x: dict[str, Tensor], weights: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Cosines of the candidates with history and queries: pooled [B, POOLED, N], the weights that made each row [B, POOLED, 1], and by modality
    those with each entry, standardised over the candidates [B, N, L]: what is particular to each. There, an entry or candidate without a
    vector has 0."""
    pooled, weighed, particular = [], [], []
    for modality in MODALITIES:
        item, present, known = x[f"item_{modality}"], x[f"item_{modality}_mask"], x[f"history_{modality}_mask"].unsqueeze(1)
        cosine = torch.matmul(item, x[f"history_{modality}"].transpose(1, 2))  # [B, N, L]
        how = weights * known  # [B, POOLS, L]
        pooled.append(torch.matmul(cosine, how.transpose(1, 2)))
        weighed.append(how.sum(2))
        for query in QUERIES[modality]:
            mask = x[f"{query}_mask"].unsqueeze(1)  # [B, 1]
            pooled.append(torch.matmul(item, (x[query] * mask).unsqueeze(2)))
            weighed.append(mask)
        # A mean over candidates as the product with the row of their shares: [B, 1, N] x [B, N, L].
        share = (present / present.sum(1, keepdim=True).clamp(min=1)).unsqueeze(1)
        centred = cosine - torch.matmul(share, cosine)
        spread = torch.sqrt(torch.matmul(share, centred * centred) + LEAST_VARIANCE)
        particular.append(centred * torch.matmul(present.unsqueeze(2), known / spread))
    return torch.cat(pooled, 2).transpose(1, 2), torch.cat(weighed, 1).unsqueeze(2), particular


def place_in_list(values: Tensor, known: Tensor, least: Tensor) -> Tensor:
    """z over those candidates of a list of which a value is known, far values drawn in [B, C, N]; `least` [C, 1]: a spread that tells nothing."""
    share = known / known.sum(2, keepdim=True).clamp(min=1)
    centred = values - (values * share).sum(2, keepdim=True)
    # Once more: where all are the same, rounding in the mean must not be taken for a difference.
    centred = (centred - (centred * share).sum(2, keepdim=True)) * known
    z = centred / (torch.sqrt((centred * centred * share).sum(2, keepdim=True)) + least)
    return z / (1 + 0.2 * z.abs())
