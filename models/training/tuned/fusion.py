"""Ways to make one token of a candidate's modalities, under the guide of what is known of the shopper and the query.

R candidates (of all lists under each other), M modalities, width W. All take tokens [R, M, W], present [R, M], guide [R, W].
`late` is not among them: it never makes one token (late.py).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, scaled_dot_product_attention

NEVER = 1e4


class EarlyConcat(nn.Module):
    """All side by side through one linear map, before anything bends."""

    def __init__(self, modalities: int, width: int):
        super().__init__()
        self.mix = nn.Linear((modalities + 1) * width, width)

    def forward(self, tokens: Tensor, present: Tensor, guide: Tensor) -> Tensor:
        return self.mix(torch.cat([tokens.flatten(1), guide], 1))  # [R, W]


class PlainMlp(nn.Module):
    """The same with a hidden layer: every modality may meet every other."""

    def __init__(self, modalities: int, width: int):
        super().__init__()
        self.mix = nn.Sequential(nn.Linear((modalities + 1) * width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def forward(self, tokens: Tensor, present: Tensor, guide: Tensor) -> Tensor:
        return self.mix(torch.cat([tokens.flatten(1), guide], 1))  # [R, W]


class Weighted(nn.Module):
    """One learnt weight a modality, the same for everybody."""

    def __init__(self, modalities: int, width: int):
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(modalities))
        self.mix = nn.Linear(2 * width, width)

    def forward(self, tokens: Tensor, present: Tensor, guide: Tensor) -> Tensor:
        weights = torch.softmax(self.weights + (present - 1) * NEVER, 1)  # [R, M]
        summed = (tokens * weights.unsqueeze(2)).sum(1)  # [R, W]
        return self.mix(torch.cat([summed, guide], 1))


class Attention(nn.Module):
    """Cosine with the guide → softmax → weighted sum: whose pictures matter gets pictures."""

    def __init__(self, width: int):
        super().__init__()
        self.steepness = nn.Parameter(torch.tensor(math.log(4.0)))

    def forward(self, tokens: Tensor, present: Tensor, guide: Tensor) -> Tensor:
        cosine = (normalize(tokens, dim=2) * normalize(guide, dim=1).unsqueeze(1)).sum(2)  # [R, M]
        weights = torch.softmax(cosine * self.steepness.exp() + (present - 1) * NEVER, 1)  # [R, M]
        return (tokens * weights.unsqueeze(2)).sum(1)  # [R, W]


class AttentionAlone(nn.Module):
    def __init__(self, modalities: int, width: int):
        super().__init__()
        self.attention = Attention(width)
        self.mix = nn.Linear(2 * width, width)

    def forward(self, tokens: Tensor, present: Tensor, guide: Tensor) -> Tensor:
        return self.mix(torch.cat([self.attention(tokens, present, guide), guide], 1))  # [R, W]


class Hadamard(nn.Module):
    """H = U (v ⊙ w), then an MLP: low-rank bilinear pooling (Kim et al. 2017). v all modalities side by side, w the guide as wide."""

    def __init__(self, modalities: int, width: int):
        super().__init__()
        self.widen = nn.Linear(width, modalities * width)
        self.up = nn.Linear(modalities * width, width, bias=False)
        self.mix = nn.Sequential(nn.ReLU(), nn.Linear(width, width))

    def forward(self, tokens: Tensor, present: Tensor, guide: Tensor) -> Tensor:
        met = tokens.flatten(1) * self.widen(guide)  # [R, M * W]
        return self.mix(self.up(met))  # [R, W]


class AttentionHadamard(nn.Module):
    """The attended sum beside its Hadamard product with the guide."""

    def __init__(self, modalities: int, width: int):
        super().__init__()
        self.attention = Attention(width)
        self.turn = nn.Linear(width, width)
        self.up = nn.Linear(width, width, bias=False)
        self.mix = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, tokens: Tensor, present: Tensor, guide: Tensor) -> Tensor:
        attended = self.attention(tokens, present, guide)  # [R, W]
        met = self.up(attended * self.turn(guide))  # [R, W]
        return self.mix(torch.cat([attended, met], 1))


class TokenTransformer(nn.Module):
    """One pre-LN layer (Vaswani et al. 2017; Xiong et al. 2020) over the modalities and the guide of one candidate; the guide's place is read."""

    HEADS = 4

    def __init__(self, modalities: int, width: int):
        super().__init__()
        self.kinds = nn.Parameter(torch.randn(modalities + 1, width) * 0.1)
        self.norm_attention, self.norm_feed = nn.LayerNorm(width), nn.LayerNorm(width)
        self.keys = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def forward(self, tokens: Tensor, present: Tensor, guide: Tensor) -> Tensor:
        x = torch.cat([guide.unsqueeze(1), tokens], 1) + self.kinds  # [R, 1 + M, W]
        r, count, width = x.shape
        absent = (torch.cat([torch.ones_like(present[:, :1]), present], 1) - 1) * NEVER  # [R, 1 + M]
        parts = self.keys(self.norm_attention(x)).reshape(r, count, 3, self.HEADS, width // self.HEADS).permute(2, 0, 3, 1, 4)  # [3, R, H, 1 + M, W / H]
        q, k, v = parts[0], parts[1], parts[2]
        met = scaled_dot_product_attention(q, k, v, attn_mask=absent[:, None, None, :])  # [R, H, 1 + M, W / H]
        x = x + self.out(met.transpose(1, 2).reshape(r, count, width))
        return (x + self.feed(self.norm_feed(x)))[:, 0]  # [R, W]


FUSIONS: dict[str, type[nn.Module]] = {
    "early_concat": EarlyConcat,
    "weighted": Weighted,
    "mlp": PlainMlp,
    "attention": AttentionAlone,
    "hadamard": Hadamard,
    "attention+hadamard": AttentionHadamard,
    "transformer": TokenTransformer,
}
