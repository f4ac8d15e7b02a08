"""Tokens of candidates, events and query from raw vectors, for the networks of one shop. B lists, N candidates, L events, W width."""

import torch
from torch import Tensor, nn

from model import PairAttention
from tuned.projection import Projection

MODALITIES = ("text", "image")
# What may be asked in each space; the words in picture space are distributed otherwise than photos.
QUERIES = {"text": ("query_text",), "image": ("query_image", "query_head")}


class Tokens(nn.Module):
    """`dims`: of the modalities that the shop has."""

    def __init__(self, dims: dict[str, int], width: int, missing: str, dropout: float):
        super().__init__()
        self.modalities = [name for name in MODALITIES if name in dims]
        self.projections = nn.ModuleDict({name: Projection(dims[name], width, missing) for name in self.modalities})
        asked = [query for name in self.modalities for query in QUERIES[name]]
        self.ask = nn.ModuleDict({query: nn.Linear(width, width) for query in asked})
        self.unasked = nn.ParameterDict({name: nn.Parameter(torch.zeros(width)) for name in self.modalities})
        self.event = nn.Linear(PairAttention.ENTRY, width)
        self.dropout = nn.Dropout(dropout)

    def candidates(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        """By modality [B, N, W]"""
        return {name: self.dropout(self.projections[name](x[f"item_{name}"], x[f"item_{name}_mask"])) for name in self.modalities}

    def history(self, x: dict[str, Tensor], entries: Tensor) -> dict[str, Tensor]:
        """By modality [B, L, W]; `entries` [B, L, E] is what else is known of the events."""
        known = self.event(entries)
        return {name: self.dropout(self.projections[name](x[f"history_{name}"], x[f"history_{name}_mask"]) + known) for name in self.modalities}

    def query(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        """By modality [B, W]; a learnt vector where nothing is asked in it."""
        told = {}
        for name in self.modalities:
            asked = torch.zeros_like(x["query_text_mask"]).unsqueeze(1)  # [B, 1]
            total = self.unasked[name].expand(asked.shape[0], -1)  # [B, W]
            for query in QUERIES[name]:
                here = x[f"{query}_mask"].unsqueeze(1)
                total = total + here * self.ask[query](self.projections[name](x[query], torch.ones_like(x[f"{query}_mask"])))
                asked = torch.maximum(asked, here)
            told[name] = total - asked * self.unasked[name]
        return told
