"""SASRec (Kang, McAuley 2018, arXiv:1808.09781): a causal transformer over the numbers of the items that a shopper met, to be compared with.

Trained with a softmax over all items, or over the next one and items drawn at random (Klenitskiy, Vasilev 2023, arXiv:2309.07602; Petrov,
Macdonald 2023, arXiv:2308.07192: with many negatives plain SASRec beats what came after it). Shapes: B shoppers, T steps, D width, n items;
number 0 is no item.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, embedding, scaled_dot_product_attention


@dataclass
class Shape:
    length: int = 50
    width: int = 64
    layers: int = 2
    heads: int = 2
    dropout: float = 0.5


class Block(nn.Module):
    """Attention to the past, then a feed-forward step; norms come first."""

    def __init__(self, shape: Shape):
        super().__init__()
        width = shape.width
        self.heads, self.dropout = shape.heads, shape.dropout
        self.norm_attention, self.norm_feed = nn.LayerNorm(width), nn.LayerNorm(width)
        self.keys, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(shape.dropout), nn.Linear(2 * width, width))
        self.drop = nn.Dropout(shape.dropout)

    def forward(self, x: Tensor, visible: Tensor) -> Tensor:
        b, t, d = x.shape  # [B, T, D]
        q, k, v = self.keys(self.norm_attention(x)).reshape(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)  # [B, H, T, D / H] each
        read = scaled_dot_product_attention(q, k, v, attn_mask=visible, dropout_p=self.dropout if self.training else 0.0)  # [B, H, T, D / H]
        x = x + self.drop(self.out(read.transpose(1, 2).reshape(b, t, d)))  # [B, T, D]
        return x + self.drop(self.feed(self.norm_feed(x)))


class SasRec(nn.Module):
    def __init__(self, n: int, shape: Shape):
        super().__init__()
        self.shape = shape
        self.items = nn.Embedding(n + 1, shape.width, padding_idx=0)
        self.places = nn.Embedding(shape.length, shape.width)
        self.drop = nn.Dropout(shape.dropout)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.width)
        for table in (self.items, self.places):
            nn.init.normal_(table.weight, std=shape.width**-0.5)
        with torch.no_grad():
            self.items.weight[0] = 0

    def forward(self, past: Tensor) -> Tensor:
        """past [B, T], pads (0) first -> what each step expects next [B, T, D]"""
        t = past.shape[1]
        x = self.items(past) * self.shape.width**0.5 + self.places.weight[self.shape.length - t :]  # [B, T, D]
        causal = torch.ones(t, t, dtype=torch.bool, device=past.device).tril()
        # A pad sees itself alone, so that no row of the softmax is empty.
        visible = (causal & (past > 0)[:, None, :]) | torch.eye(t, dtype=torch.bool, device=past.device)  # [B, T, T]
        x = self.drop(x)
        for block in self.blocks:
            x = block(x, visible.unsqueeze(1))
        return self.norm(x)

    def loss(self, past: Tensor, after: Tensor, negatives: int) -> Tensor:
        """Cross-entropy of the item after each step; past and after [B, T]. `negatives`: items drawn for the batch, 0: all items compete."""
        there = after > 0
        states, target = self(past)[there], after[there]  # [P, D], [P]
        table = self.items.weight
        if negatives == 0:
            return cross_entropy(states @ table[1:].T, target - 1)  # [P, n]
        drawn = torch.randint(1, table.shape[0], (negatives,), device=past.device)
        others = (states @ embedding(drawn, table).T).masked_fill(drawn[None, :] == target[:, None], -1e4)  # [P, K]
        own = (states * embedding(target, table)).sum(1, keepdim=True)  # [P, 1]
        return cross_entropy(torch.cat([own, others], 1), torch.zeros_like(target))

    def expect(self, past: Tensor) -> Tensor:
        """past [B, T] -> what comes next [B, D]"""
        return self(past)[:, -1]
