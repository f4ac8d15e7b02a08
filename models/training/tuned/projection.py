"""Raw vectors → tokens: centred, whitened, projected. In the graph: what is learnt of a shop's vectors travels with the ranker.

Whitening before a learnt projection: Kessy, Lewin, Strimmer 2018, "Optimal whitening and decorrelation" (PCA whitening).
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import linear

# Directions that are kept, and what is added to their variances as a share of the mean one: the weak ones are noise.
DIRECTIONS, FLOOR = 128, 0.1


class Projection(nn.Module):
    """D dims -> K whitened directions -> W. One whitening serves several projections of one space."""

    def __init__(self, dims: int, width: int, missing: str):
        super().__init__()
        self.missing = missing
        self.register_buffer("mean", torch.zeros(dims))
        self.register_buffer("whitening", torch.eye(dims)[: min(dims, DIRECTIONS)].clone())  # [K, D]
        self.to_token = nn.Linear(self.whitening.shape[0], width)
        if missing == "token":
            self.token = nn.Parameter(torch.randn(width) * 0.1)

    def fit(self, vectors: np.ndarray) -> None:
        """`vectors` [n, D]: those of the products that have one."""
        rows = torch.from_numpy(np.asarray(vectors, np.float32))
        mean = rows.mean(0)
        centred = rows - mean
        values, directions = torch.linalg.eigh(centred.T @ centred / max(1, len(rows) - 1))  # ascending
        count = self.whitening.shape[0]
        values, directions = values.flip(0)[:count].clamp(min=0), directions.flip(1)[:, :count]
        self.mean.copy_(mean)
        self.whitening.copy_(directions.T / torch.sqrt(values + FLOOR * values.mean() + 1e-9)[:, None])

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """vectors [..., D], mask [...] -> [..., W]"""
        # Both products as one: it is D x W numbers, folded when the graph is loaded.
        token = linear(vectors - self.mean, self.to_token.weight @ self.whitening, self.to_token.bias)  # [..., W]
        here = mask.unsqueeze(-1)  # [..., 1]
        if self.missing == "token":
            return token * here + self.token * (1 - here)
        if self.missing == "mean":  # what the mean vector gives
            return token * here + self.to_token.bias * (1 - here)
        return token * here
