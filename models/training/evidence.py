"""Similarities from unit vectors, inside the graph. No learned weight touches a vector: only these numbers are weighed.

All of one modality comes out of one matrix product: candidates against [history entries..., queries...]. On a CPU a graph of this size
spends a good part of its time in starting operators and in passes over candidates x entries, so there are few of either.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from contract import COSINE_PAIRS

# modality -> what stands in its columns after the history entries
QUERIES = {"text": ("query_text",), "image": ("query_image", "query_head")}
# A list whose cosines spread less than this (the square root) does not tell its candidates apart.
LEAST_VARIANCE = 1e-4
# Cosines with the history are pooled in this many ways.
POOLS = 3
# Kind of pair and modality (0 text, 1 image) of each column that pooling gives.
POOLED_PAIRS = [
    *["item_text:item_text"] * POOLS, "query_text:item_text",
    *["item_image:item_image"] * POOLS, "query_image:item_image", "query_head:item_image",
]  # fmt: skip
POOLED_MODALITY = [int(pair.endswith("item_image")) for pair in POOLED_PAIRS]
POOLED_STATISTIC = [COSINE_PAIRS.index(pair) for pair in POOLED_PAIRS]


def compare(x: dict[str, Tensor], has_vector: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """By modality, cosines as they are, and standardised over the candidates that have a vector: what is particular to each.

    [B, N, C] both; C = L history entries, then the queries. In the second, a history entry or candidate without a vector is 0.
    has_vector [B, N, 2] says which candidates have a text, and a picture.
    """
    # Means over candidates as products with the row of their shares: [B, 1, N] x [B, N, C].
    rows = has_vector.transpose(1, 2)
    rows = (rows / rows.sum(2, keepdim=True).clamp(min=1)).split(1, 1)
    compared = {}
    for (modality, queries), row, present in zip(QUERIES.items(), rows, has_vector.split(1, 2), strict=True):
        others = torch.cat([x[f"history_{modality}"], *(x[query].unsqueeze(1) for query in queries)], 1)  # [B, C, D]
        cosine = torch.matmul(x[f"item_{modality}"], others.transpose(1, 2))
        centred = cosine - torch.matmul(row, cosine)
        spread = torch.sqrt(torch.matmul(row, centred * centred) + LEAST_VARIANCE)
        known = pad(x[f"history_{modality}_mask"], (0, len(queries)), value=1.0).unsqueeze(1)
        compared[modality] = (cosine, centred * (known / spread) * present)
    return compared


def pool_weights(x: dict[str, Tensor], modality: str, weights: Tensor) -> Tensor:
    """[B, C, POOLS + queries]: the weights [B, L, POOLS] of the entries that have a vector, and the queries as they are."""
    queries = QUERIES[modality]
    known = weights * x[f"history_{modality}_mask"].unsqueeze(2)
    asked = torch.stack([x[f"{query}_mask"] for query in queries], 1).unsqueeze(2)  # [B, queries, 1]
    own_column = torch.eye(POOLS + len(queries), device=known.device)[POOLS:]
    return torch.cat([pad(known, (0, len(queries))), asked * own_column], 1)
