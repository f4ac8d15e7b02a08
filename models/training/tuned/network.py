"""fusion-tuned: fusion-base's evidence and, beside it, what the coordinates of one shop's vectors tell. B lists, N candidates, L events, W width.

The evidence (similarities, counts, ranks, pairs with past events) goes the way that it goes in fusion-base, under the same names, so training
may start from a shipped fusion-base's weights. What is learnt of raw vectors joins before the list's context.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from model import BUY_GAIN, CART_GAIN, FEATURES, GATE_WIDTH, NEVER, PAIR_WIDTH, WIDTH, FusionBase, ListContext, PairAttention
from tuned.choices import Network
from tuned.fusion import FUSIONS
from tuned.heads import build_head, read_logits
from tuned.target_attention import TargetAttention
from tuned.tokens import Tokens
from tuned.user_encoder import build_user_encoder

EVIDENCE_WIDTH = FEATURES + PAIR_WIDTH + 1


class FusionTuned(FusionBase):
    OUTPUTS = {"score": ("B", "N"), "attention": ("B", "N", "L"), "gate": ("B",)}

    def __init__(self, choices: Network, dims: dict[str, int]):
        super().__init__()
        self.choices = choices
        width = choices.width
        self.tokens = Tokens(dims, width, choices.missing, choices.dropout)
        count = len(self.tokens.modalities) + 1  # the evidence is one more
        self.evidence_token = nn.Sequential(nn.Linear(EVIDENCE_WIDTH, width), nn.ReLU(), nn.Linear(width, width))
        self.fusion = FUSIONS[choices.fusion](count, width)
        if choices.user != "none":
            self.user = build_user_encoder(choices.user, width)
            self.read_user = nn.Linear(width, width)
            self.target_attention = TargetAttention(width, PairAttention.PLANES)
        self.lift = nn.Linear(width + count - 1, WIDTH)
        self.shortcut = nn.Linear(width + count - 1, 3)
        with torch.no_grad():  # the new part begins quiet
            self.lift.weight.mul_(0.1)
            self.shortcut.weight.zero_()
            self.shortcut.bias.zero_()
        if choices.context == 0:
            del self.context
            self.gate = nn.Sequential(nn.Linear(EVIDENCE_WIDTH, GATE_WIDTH), nn.ReLU(), nn.Linear(GATE_WIDTH, 1))
            with torch.no_grad():
                self.gate[-1].weight.mul_(0.1)
                self.gate[-1].bias.fill_(2.0)
        elif choices.context == 2:
            self.further = ListContext()
        del self.ceiling  # what the shop's lists taught needs none
        if choices.heads in ("mmoe", "single"):
            self.heads = build_head(choices.heads, WIDTH)

    def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        present = x["candidate_mask"]
        b, n = present.shape
        evidence, planes, entries = self.gather(x)
        pooled, attention = self.attention(planes, entries, x["history_mask"])
        features = torch.cat([evidence, pooled], 1)  # [B, F', N]
        rows = features.transpose(1, 2).reshape(b * n, -1)  # [B * N, F']
        fused = self.fuse(x, rows, planes, entries)  # [B * N, W + M]
        own, other, line = self.trunk(features).split([WIDTH, WIDTH, 3], 1)  # [B, H, N] twice, [B, 3, N]
        hidden = torch.relu(own * other + self.lift(fused).reshape(b, n, -1).transpose(1, 2))  # [B, H, N]
        hidden, slots = self.look_around(hidden, present)
        share = present / present.sum(1, keepdim=True).clamp(min=1)
        mean = torch.matmul(features, share.unsqueeze(2)).squeeze(2)  # [B, F']
        # Straight lines to the logits beside the head.
        logits = self.read(hidden) + self.as_rows(line) + self.shortcut(fused)  # [B * N, 3]
        told = read_logits(self.choices.heads, logits, (CART_GAIN, BUY_GAIN))
        told = {name: values.reshape(b, n) for name, values in told.items()}
        return told | {"attention": attention, "gate": torch.sigmoid(self.gate(torch.cat([*slots, mean], 1))).squeeze(1)}

    def read(self, hidden: Tensor) -> Tensor:
        """hidden [B, H, N] -> logits [B * N, 3, or 1 that counts for all]"""
        if self.choices.heads in ("mmoe", "single"):
            return self.heads(self.as_rows(hidden))
        return self.as_rows(self.heads(hidden))

    @staticmethod
    def as_rows(x: Tensor) -> Tensor:
        """[B, C, N] -> [B * N, C]"""
        return x.transpose(1, 2).reshape(-1, x.shape[1])

    def look_around(self, hidden: Tensor, present: Tensor) -> tuple[Tensor, list[Tensor]]:
        """hidden [B, H, N] in its list -> the same, and what the slots of the list's context read [B, G], where there is one"""
        if self.choices.context == 0:
            return hidden, []
        absent = ((present - 1) * NEVER).unsqueeze(1)  # [B, 1, N]
        hidden, slots = self.context(hidden, absent)
        if self.choices.context == 2:
            hidden, _ = self.further(hidden, absent)
        return hidden, [slots]

    def fuse(self, x: dict[str, Tensor], features: Tensor, planes: list[Tensor], entries: Tensor) -> Tensor:
        """One token a candidate, and its match with the guide by modality [B * N, W + M]"""
        b, n = x["candidate_mask"].shape
        items, asked = self.tokens.candidates(x), self.tokens.query(x)
        guide = sum(asked.values()).unsqueeze(1).expand(b, n, -1)  # [B, N, W]
        if self.choices.user != "none":
            states, shopper = self.user(sum(self.tokens.history(x, entries).values()), x["history_mask"])  # [B, L, W], [B, W]
            stacked = torch.stack(planes, 1).reshape(b, len(planes), -1)  # [B, P, N * L]
            read = self.target_attention(sum(items.values()), states, x["history_mask"], stacked)  # [B, N, W]
            guide = guide + read + self.read_user(shopper).unsqueeze(1)
        guide = guide.reshape(b * n, -1)
        vectors = torch.stack([token.reshape(b * n, -1) for token in items.values()], 1)  # [B * N, M, W]
        tokens = torch.cat([vectors, self.evidence_token(features).unsqueeze(1)], 1)  # [B * N, M + 1, W]
        fused = self.fusion(tokens, self.counted(x), guide)  # [B * N, W]
        match = (normalize(vectors, dim=2) * normalize(guide, dim=1).unsqueeze(1)).sum(2)  # [B * N, M]
        return torch.cat([fused, match], 1)

    def counted(self, x: dict[str, Tensor]) -> Tensor:
        """Modalities that a fusion may weigh [B * N, M + 1]: a token that stands for a missing vector is one, nothing is not."""
        masks = [x[f"item_{name}_mask"] for name in self.tokens.modalities]
        if self.choices.missing != "drop":
            masks = [torch.ones_like(mask) for mask in masks]
        return torch.stack([*masks, torch.ones_like(x["candidate_mask"])], 2).flatten(0, 1)
