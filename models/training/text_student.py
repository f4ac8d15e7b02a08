"""The two small text encoders. Both give one vector a token; the mean over tokens, at unit length, is the text's vector."""

import torch
import torch.nn.functional as F
from torch import nn

SPECIALS = (0, 101, 102)  # [PAD], [CLS], [SEP] of the BERT vocabulary


class StaticStudent(nn.Module):
    """A table: tokens know nothing of each other."""

    def __init__(self, vocabulary: int, dims: int):
        super().__init__()
        self.table = nn.Embedding(vocabulary, dims)

    @torch.no_grad()
    def start_from(self, pieces: torch.Tensor) -> None:
        """pieces [vocabulary, dims]: the teacher's vector of each token alone. Frequent ones come first and say less."""
        rank = torch.arange(len(pieces), device=pieces.device).float()
        self.table.weight.copy_(pieces * torch.log1p(rank).unsqueeze(-1) / 10)
        self.table.weight[list(SPECIALS)] = 0

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        kept = (ids != SPECIALS[1]) & (ids != SPECIALS[2])
        return self.table(ids) * kept.unsqueeze(-1)  # [B, T, dims]


class TransformerStudent(nn.Module):
    """Three pre-norm layers of width 256 over a narrow table."""

    def __init__(self, vocabulary: int, dims: int, narrow: int = 128, width: int = 256, layers: int = 3, heads: int = 4, longest: int = 128):
        super().__init__()
        self.table = nn.Embedding(vocabulary, narrow)
        self.widen = nn.Linear(narrow, width)
        self.places = nn.Embedding(longest, width)
        self.enter = nn.LayerNorm(width)
        self.layers = nn.ModuleList([Layer(width, heads) for _ in range(layers)])
        self.leave = nn.LayerNorm(width)
        self.out = nn.Linear(width, dims)
        nn.init.normal_(self.places.weight, std=0.02)

    @torch.no_grad()
    def start_from(self, pieces: torch.Tensor) -> None:
        """The table starts as the leading directions of the teacher's token vectors."""
        _, _, directions = torch.linalg.svd(pieces, full_matrices=False)
        start = pieces @ directions[: self.table.embedding_dim].T
        self.table.weight.copy_(start / start.std())

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        place = torch.arange(ids.shape[1], device=ids.device)
        x = self.enter(self.widen(self.table(ids)) + self.places(place))  # [B, T, width]
        hide = (1 - mask[:, None, None, :].to(x.dtype)) * -1e4  # [B, 1, 1, T]
        for layer in self.layers:
            x = layer(x, hide)
        return self.out(self.leave(x))  # [B, T, dims]


class Layer(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_feed = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.mix = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.grow, self.shrink = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor, hide: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        q, k, v = self.qkv(self.norm_attention(x)).reshape(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        attention = (q @ k.transpose(-1, -2) / (width // self.heads) ** 0.5 + hide).softmax(-1)  # [B, heads, T, T]
        x = x + self.mix((attention @ v).transpose(1, 2).reshape(batch, length, width))
        return x + self.shrink(F.gelu(self.grow(self.norm_feed(x))))
