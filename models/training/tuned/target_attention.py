"""Each candidate reads the shopper's events (DIN, Zhou et al. 2018), with a null slot: it may leave them alone (ZAM, Ai et al. 2019)."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

NEVER = 1e4


class TargetAttention(nn.Module):
    def __init__(self, width: int, planes: int):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        # What is known of a pair (co-visits, same brand...) shifts its logit.
        self.known = nn.Parameter(torch.zeros(1, planes))

    def forward(self, candidates: Tensor, events: Tensor, mask: Tensor, planes: Tensor) -> Tensor:
        """candidates [B, N, W], events [B, L, W], mask [B, L], planes [B, P, N * L] -> [B, N, W]; without events 0."""
        b, n, width = candidates.shape
        length = events.shape[1]
        logits = torch.matmul(self.query(candidates), self.key(events).transpose(1, 2)) / math.sqrt(width)  # [B, N, L]
        logits = logits + torch.matmul(self.known, planes).reshape(b, n, length) + ((mask - 1) * NEVER).unsqueeze(1)
        weights = torch.softmax(pad(logits, (0, 1)), 2)[..., :-1]  # [B, N, L]; the rest is the null slot's
        return torch.matmul(weights, self.value(events) * mask.unsqueeze(2))  # [B, N, W]
