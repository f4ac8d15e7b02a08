"""A shopper's events, oldest first → a state of each event [B, L, W] and of the shopper [B, W].

A state never depends on later events, so pads, which come last, change nothing. A shopper without events is 0.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

NEVER = 1e4
LONGEST = 50
KERNEL = 3


def last_state(states: Tensor, mask: Tensor) -> Tensor:
    """Of the latest event: states [B, L, W], mask [B, L] -> [B, W]"""
    after = mask.sum(1, keepdim=True) - mask.cumsum(1)  # [B, L] events after each one
    return (states * (torch.relu(1 - after) * mask).unsqueeze(2)).sum(1)


class Mean(nn.Module):
    def __init__(self, width: int):
        super().__init__()

    def forward(self, events: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        events = events * mask.unsqueeze(2)  # [B, L, W]
        return events, events.sum(1) / mask.sum(1, keepdim=True).clamp(min=1)


class Recurrent(nn.Module):
    """GRU (Cho et al. 2014; GRU4Rec, Hidasi et al. 2016) or LSTM (Hochreiter, Schmidhuber 1997)."""

    def __init__(self, width: int, kind: str):
        super().__init__()
        self.kind = kind
        self.cells = (nn.GRU if kind == "gru" else nn.LSTM)(width, width, batch_first=True)

    def forward(self, events: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        events = events * mask.unsqueeze(2)
        states = self.as_operator(events) if torch.onnx.is_in_onnx_export() else self.cells(events)[0]  # [B, L, W]
        states = states * mask.unsqueeze(2)
        return states, last_state(states, mask)

    def as_operator(self, events: Tensor) -> Tensor:
        """ONNX's own operator: unrolled, the graph would hold one length of history alone. Gates are in another order there."""
        b, length, width = events.shape
        order = [1, 0, 2] if self.kind == "gru" else [0, 3, 1, 2]  # GRU r z n -> z r n; LSTM i f g o -> i o f g
        turn = lambda weights: torch.cat([weights.chunk(len(order), 0)[place] for place in order], 0)  # noqa: E731
        cells = self.cells
        weight, recurrence = turn(cells.weight_ih_l0).unsqueeze(0), turn(cells.weight_hh_l0).unsqueeze(0)  # [1, G * W, W]
        bias = torch.cat([turn(cells.bias_ih_l0), turn(cells.bias_hh_l0)], 0).unsqueeze(0)  # [1, 2 * G * W]
        attributes = {"hidden_size": width, **({"linear_before_reset": 1} if self.kind == "gru" else {})}
        states = torch.onnx.ops.symbolic(
            self.kind.upper(),
            (events.transpose(0, 1), weight, recurrence, bias),
            attributes,
            dtype=events.dtype,
            shape=(length, 1, b, width),
            version=14,
        )  # [L, 1, B, W]
        return states.squeeze(1).transpose(0, 1)


class Convolved(nn.Module):
    """Two causal convolutions over time, the second with gaps (NextItNet, Yuan et al. 2019)."""

    def __init__(self, width: int):
        super().__init__()
        self.near = nn.Conv1d(width, width, KERNEL)
        self.far = nn.Conv1d(width, width, KERNEL, dilation=2)

    def forward(self, events: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        here = mask.unsqueeze(1)  # [B, 1, L]
        x = events.transpose(1, 2) * here  # [B, W, L]
        x = x + torch.relu(self.near(pad(x, (KERNEL - 1, 0)))) * here
        x = x + torch.relu(self.far(pad(x, (2 * (KERNEL - 1), 0)))) * here
        states = x.transpose(1, 2)  # [B, L, W]
        return states, last_state(states, mask)


class SelfAttentive(nn.Module):
    """SASRec (Kang, McAuley 2018): one causal layer. Places are counted from the latest event, so that a longer history is not another one."""

    HEADS = 2

    def __init__(self, width: int):
        super().__init__()
        self.places = nn.Embedding(LONGEST, width)
        nn.init.normal_(self.places.weight, std=0.02)
        self.norm_attention, self.norm_feed = nn.LayerNorm(width), nn.LayerNorm(width)
        self.keys = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, events: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        b, length, width = events.shape
        place = torch.ones_like(mask).cumsum(1)  # [B, L] 1, 2, ...
        after = (mask.sum(1, keepdim=True) - mask.cumsum(1)).clamp(0, LONGEST - 1).long()  # [B, L]
        x = (events + self.places(after)) * mask.unsqueeze(2)  # [B, L, W]
        parts = self.keys(self.norm_attention(x)).reshape(b, length, 3, self.HEADS, width // self.HEADS).permute(2, 0, 3, 1, 4)  # [3, B, H, L, W / H]
        q, k, v = parts[0], parts[1], parts[2]
        later = (place.unsqueeze(1) > place.unsqueeze(2)).to(x)  # [B, L, L] of each event, which are later
        logits = torch.matmul(q, k.transpose(2, 3)) / math.sqrt(width // self.HEADS) - (later * NEVER).unsqueeze(1)  # [B, H, L, L]
        met = torch.matmul(torch.softmax(logits, 3), v)  # [B, H, L, W / H]
        x = x + self.out(met.transpose(1, 2).reshape(b, length, width))
        states = (x + self.feed(self.norm_feed(x))) * mask.unsqueeze(2)  # [B, L, W]
        return states, last_state(states, mask)


def build_user_encoder(name: str, width: int) -> nn.Module:
    if name in ("gru", "lstm"):
        return Recurrent(width, name)
    return {"mean": Mean, "cnn": Convolved, "sasrec": SelfAttentive}[name](width)
