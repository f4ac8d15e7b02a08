"""fusion-large: one transformer over everything at once. B lists, N candidates, L events, W width, S = 2 + L + N places.

[query text, query picture | events (text + picture) | candidates (text + picture + evidence)]: pre-LN layers (Vaswani et al. 2017; Xiong et
al. 2020), pads masked, no positions among candidates, so that permuting them permutes the result (SetRank, Pang et al. 2020).
"""

from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from contract import COLUMN
from model import BUY_GAIN, CART_GAIN, NEVER, FusionBase
from tuned.choices import Network
from tuned.heads import build_head, read_logits
from tuned.network import EVIDENCE_WIDTH
from tuned.tokens import Tokens
from tuned.user_encoder import LONGEST


class Layer(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.count = heads
        self.norm_attention, self.norm_feed = nn.LayerNorm(width), nn.LayerNorm(width)
        self.keys = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, absent: Tensor) -> Tensor:
        """x [B, S, W], absent [B, 1, 1, S] -> [B, S, W]"""
        b, places, width = x.shape
        parts = self.keys(self.norm_attention(x)).reshape(b, places, 3, self.count, width // self.count).permute(2, 0, 3, 1, 4)  # [3, B, H, S, W / H]
        q, k, v = parts[0], parts[1], parts[2]
        met = scaled_dot_product_attention(q, k, v, attn_mask=absent.to(q.dtype))  # [B, H, S, W / H]
        x = x + self.dropout(self.out(met.transpose(1, 2).reshape(b, places, width)))
        return x + self.dropout(self.feed(self.norm_feed(x)))


class FusionLarge(FusionBase):
    OUTPUTS = {"score": ("B", "N"), "gate": ("B",)}
    half = False  # the layers' products in bfloat16: while training on a GPU

    def __init__(self, choices: Network, dims: dict[str, int]):
        super().__init__()
        for unused in ("trunk", "context", "ceiling"):
            delattr(self, unused)
        self.choices = choices
        width = choices.width
        self.tokens = Tokens(dims, width, choices.missing, choices.dropout)
        self.candidate = nn.Linear(EVIDENCE_WIDTH, width)
        self.kinds = nn.Parameter(torch.randn(4, width) * 0.1)  # words, picture, event, candidate
        self.ages = nn.Embedding(LONGEST, width)
        nn.init.normal_(self.ages.weight, std=0.02)
        self.layers = nn.ModuleList([Layer(width, choices.attention_heads, choices.dropout) for _ in range(choices.layers)])
        self.norm = nn.LayerNorm(width)
        self.heads = build_head(choices.heads, width)
        self.line = nn.Linear(EVIDENCE_WIDTH, 3)
        self.gate = nn.Linear(width, 1)
        with torch.no_grad():  # training starts at the first phase
            self.line.weight.zero_()
            self.line.weight[0, COLUMN["first_phase_z"]] = 1.0
            self.gate.weight.mul_(0.1)
            self.gate.bias.fill_(2.0)

    def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        present, history = x["candidate_mask"], x["history_mask"]
        b, n = present.shape
        evidence, planes, entries = self.gather(x)
        pooled, _ = self.attention(planes, entries, history)
        features = torch.cat([evidence, pooled], 1).transpose(1, 2)  # [B, N, F']
        asked, events, items = self.tokens.query(x), self.tokens.history(x, entries), self.tokens.candidates(x)
        places, masks = [], []
        for kind, (name, mask) in enumerate((("text", x["query_text_mask"]), ("image", torch.maximum(x["query_image_mask"], x["query_head_mask"])))):
            if name in asked:
                places.append((asked[name] + self.kinds[kind]).unsqueeze(1))  # [B, 1, W]
                masks.append(mask.unsqueeze(1))
        after = (history.sum(1, keepdim=True) - history.cumsum(1)).clamp(0, LONGEST - 1).long()  # [B, L]
        places.append((sum(events.values()) + self.ages(after) + self.kinds[2]) * history.unsqueeze(2))  # [B, L, W]
        places.append((sum(items.values()) + self.candidate(features) + self.kinds[3]) * present.unsqueeze(2))  # [B, N, W]
        absent = ((torch.cat([*masks, history, present], 1) - 1) * NEVER)[:, None, None, :]  # [B, 1, 1, S]
        hidden = torch.cat(places, 1)  # [B, S, W]
        with torch.autocast(hidden.device.type, torch.bfloat16) if self.half else nullcontext():
            for layer in self.layers:
                hidden = layer(hidden, absent)
        hidden = self.norm(hidden[:, -n:].float())  # [B, N, W]
        share = present / present.sum(1, keepdim=True).clamp(min=1)
        gate = torch.sigmoid(self.gate(torch.matmul(share.unsqueeze(1), hidden))).reshape(b)
        tasks = 1 if self.choices.heads == "single" else 3
        logits = self.heads(hidden.reshape(b * n, -1)) + self.line(features.reshape(b * n, -1))[:, :tasks]
        told = read_logits(self.choices.heads, logits, (CART_GAIN, BUY_GAIN))
        return {name: values.reshape(b, n) for name, values in told.items()} | {"gate": gate}
