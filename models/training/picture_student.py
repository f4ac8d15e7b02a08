"""The small picture encoder: a MobileNetV2 trunk at 192 px, read at four depths, into one short vector.

Shallow depths see weave, dots and stripes, deep ones see what the thing is. Of the shallow maps the spread is read
beside the mean: a pattern is energy, not brightness.
"""

import torch
import torch.nn.functional as F
from torch import nn

from teachers import PictureTeacher

SIDE = 192
READ_MEAN_AND_SPREAD = ("o93", "o120", "o140")  # 32, 64 and 96 channels at strides 8, 16, 16
READ_MEAN = "o166"  # 320 channels at stride 32
FEATURES = 2 * (32 + 64 + 96) + 320


class PictureStudent(nn.Module):
    """The trunk starts as the teacher's first 51 convolutions; all of it learns on."""

    def __init__(self, trunk: PictureTeacher, dims: int):
        super().__init__()
        self.trunk = trunk
        self.centre = nn.Parameter(torch.zeros(FEATURES), requires_grad=False)
        self.spread = nn.Parameter(torch.ones(FEATURES), requires_grad=False)
        self.out = nn.Linear(FEATURES, dims)

    def read(self, pixels: torch.Tensor) -> torch.Tensor:
        """pixels [B, 3, SIDE, SIDE] in -1..1 → [B, FEATURES]"""
        maps = self.trunk(pixels, stop=READ_MEAN)
        parts = []
        for name in READ_MEAN_AND_SPREAD:
            mean = maps[name].mean((2, 3), keepdim=True)
            parts += [mean.flatten(1), ((maps[name] - mean).pow(2).mean((2, 3)) + 1e-4).sqrt()]
        return torch.cat([*parts, maps[READ_MEAN].mean((2, 3))], dim=1)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.out((self.read(pixels) - self.centre) / self.spread)  # [B, dims], unit length is the caller's

    @torch.no_grad()
    def start_from(self, features: torch.Tensor) -> None:
        """features [n, FEATURES] of the untrained trunk → centring, and principal directions (half whitened)."""
        self.centre.copy_(features.mean(0))
        self.spread.copy_(features.std(0) + 1e-3)
        scaled = (features - self.centre) / self.spread
        values, directions = torch.linalg.eigh(scaled.T @ scaled / len(scaled))
        dims = self.out.out_features
        self.out.weight.copy_((directions[:, -dims:] / values[-dims:].clamp_min(1e-3) ** 0.25).T.flip(0))
        self.out.bias.zero_()


def disturb(pictures: torch.Tensor, side: int, strength: float) -> torch.Tensor:
    """uint8 [B, 3, H, W] → float [B, 3, side, side] in -1..1: cut, turned, mirrored, recoloured, blurred, each its own way."""
    batch, device = len(pictures), pictures.device

    def between(low: float, high: float) -> torch.Tensor:
        return torch.rand(batch, device=device) * (high - low) + low

    zoom = between(1 - 0.4 * strength, 1 + 0.08 * strength)  # < 1 cuts out
    stretch = between(1 - 0.15 * strength, 1 + 0.15 * strength).sqrt()
    turn = between(-0.25, 0.25) * strength
    mirror = torch.where(torch.rand(batch, device=device) < 0.5, -1.0, 1.0)
    room = (1 - zoom).clamp_min(0)
    cos, sin = turn.cos() * zoom, turn.sin() * zoom
    theta = torch.stack(
        [torch.stack([cos * stretch * mirror, -sin * stretch, between(-1, 1) * room], 1), torch.stack([sin * mirror / stretch, cos / stretch, between(-1, 1) * room], 1)], 1
    )
    x = pictures.float() / 127.5 - 1
    x = F.grid_sample(x, F.affine_grid(theta, (batch, 3, side, side), align_corners=False), padding_mode="border", align_corners=False)

    # Colours are the histogram's business: the network should not lean on them.
    mix = torch.eye(3, device=device) + strength * 0.25 * torch.randn(batch, 3, 3, device=device)
    mix = mix / mix.sum(-1, keepdim=True)
    recolour = (torch.rand(batch, device=device) < 0.6)[:, None, None, None]
    x = torch.where(recolour, torch.einsum("bij,bjhw->bihw", mix, x), x)
    x = (x * between(1 - 0.3 * strength, 1 + 0.3 * strength)[:, None, None, None] + strength * 0.2 * torch.randn(batch, 1, 1, 1, device=device)).clamp(-1, 1)

    # Smaller and back, as shops and photo apps do.
    small = F.interpolate(F.interpolate(x, scale_factor=0.5, mode="area"), size=(side, side), mode="bilinear", align_corners=False)
    x = torch.where((torch.rand(batch, device=device) < 0.3 * strength)[:, None, None, None], small, x)
    return (x + strength * 0.03 * torch.rand(batch, 1, 1, 1, device=device) * torch.randn_like(x)).clamp(-1, 1)
