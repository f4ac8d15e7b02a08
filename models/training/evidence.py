"""Similarities from unit vectors, inside the graph. No learned weight touches a vector: only these numbers are weighed.

All of one modality comes out of one matrix product: candidates against [history entries..., queries...]. On a CPU a graph of this size
spends a good part of its time in starting operators, so columns travel together for as long as they can.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from contract import COSINE_PAIRS

STATISTIC = {pair: place for place, pair in enumerate(COSINE_PAIRS)}
# modality -> what stands in its columns after the history entries
QUERIES = {"text": ("query_text",), "image": ("query_image", "query_head")}
LARGEST = 4.0


@dataclass
class Evidence:
    """One modality: C = L history entries, then the queries. A pair that lacks a vector is 0 everywhere."""

    cosine: Tensor  # [B, N, C] standardised by the index's random pairs, halved, clipped
    relative: Tensor  # [B, N, C] the same, standardised over the candidates: what is particular to a candidate
    queries: int

    def split(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """[B, N, C] -> history entries [B, N, L], queries [B, N, 1 or 2]"""
        return values[..., : -self.queries], values[..., -self.queries :]


def read_statistics(x: dict[str, Tensor]) -> Tensor:
    """Factor and offset that standardise a cosine of each kind and halve it: cosine * factor - offset. [B, 2, K]"""
    mean, spread = x["cosine_stats"].split(1, 2)
    factor = 0.5 / spread.clamp(min=1e-4)
    return torch.cat([factor, mean * factor], 2).transpose(1, 2)


def compare(x: dict[str, Tensor], modality: str, statistics: Tensor) -> Evidence:
    item, past, queries = f"item_{modality}", f"history_{modality}", QUERIES[modality]
    others = torch.cat([x[past], *(x[query].unsqueeze(1) for query in queries)], 1)  # [B, C, D]
    masks = [x[f"{past}_mask"].unsqueeze(1), *(x[f"{query}_mask"].view(-1, 1, 1) for query in queries)]  # [B, 1, columns]
    kinds = [STATISTIC[f"{item}:{item}"], *(STATISTIC[f"{query}:{item}"] for query in queries)]
    # A masked column has factor and offset 0, and so is 0.
    scale, shift = torch.cat([statistics[..., kind : kind + 1] * mask for mask, kind in zip(masks, kinds, strict=True)], 2).split(1, 1)
    present = x[f"{item}_mask"].unsqueeze(2)  # [B, N, 1]
    cosine = (torch.matmul(x[item], others.transpose(1, 2)) * scale - shift).clamp(-LARGEST, LARGEST) * present
    # Means over the candidates that have a vector, as products with the row of their shares: [B, 1, N] x [B, N, C].
    row = (present / present.sum(1, keepdim=True).clamp(min=1)).transpose(1, 2)
    centred = (cosine - torch.matmul(row, cosine)) * present
    relative = centred * torch.rsqrt(torch.matmul(row, centred.square()) + 1e-4)
    return Evidence(cosine, relative, len(queries))


def standardise_in_list(values: Tensor, mask: Tensor) -> Tensor:
    """z over the candidates (axis 1) that have the value; 0 for the others and where all are alike. [B, N, ...]"""
    share = mask / mask.sum(1, keepdim=True).clamp(min=1)
    centred = (values - (values * share).sum(1, keepdim=True)) * mask
    return centred * torch.rsqrt((centred.square() * share).sum(1, keepdim=True) + 1e-4)
