"""fusion-base: one ranker for any catalogue and any encoder.

It weighs similarities, counts and ranks; it never sees a vector's coordinates, so dims are free and nothing has to be trained on the
shop's side. Shapes: B lists, N candidates, L history entries, F columns, H heads.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from contract import ACTIONS, COLUMN, COLUMNS, INPUTS
from evidence import POOLED_MODALITY, POOLED_PAIRS, POOLED_STATISTIC, POOLS, compare, pool_weights

PAIR_WIDTH = 6  # hidden width of a (candidate, history entry) pair
PAIR_HEADS = 2
CROSS_RANK = 16
WIDTH = 48
CONTEXT_KEYS = 32
CONTEXT_SLOTS = 8
HISTORY_DECAY = 0.9
# Columns of which a candidate's place in its own list tells more than the value: shops count at different scales.
IN_LIST = [
    "brand_affinity", "category_affinity", "covisit_max", "covisit_sum", "covisit_cosine_sum", "factor_cosine",
    "popularity", "popularity_7d", "popularity_in_category", "log_reviews", "query_category_match",
]  # fmt: skip
# Evidence of a candidate before attention: columns, what it has, pooled cosines (standardised by the index and in the list), columns in the list.
FEATURES = len(COLUMNS) + 2 + 2 * len(POOLED_PAIRS) + len(IN_LIST)
LEAST_SPREAD = 1e-3
# Worth of a cart and of a purchase in units of a click.
CART_GAIN, BUY_GAIN = 2.0, 4.0
NEVER = 1e4


class PairAttention(nn.Module):
    """Candidates attend to the history; a null slot lets each candidate leave the history alone.

    What is known of the pair gives hidden values and logits; what is known of the event alone shifts the logits.
    """

    PLANES = 7
    ENTRY = ACTIONS + 4

    def __init__(self):
        super().__init__()
        self.pair = nn.Linear(self.PLANES + 1, PAIR_WIDTH, bias=False)
        self.logits = nn.Linear(PAIR_WIDTH, PAIR_HEADS, bias=False)
        self.entry = nn.Sequential(nn.Linear(self.ENTRY, 24), nn.ReLU(), nn.Linear(24, PAIR_HEADS))
        self.register_buffer("mean_of_heads", torch.full((1, PAIR_HEADS), 1 / PAIR_HEADS), persistent=False)

    def forward(self, planes: list[Tensor], entries: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """planes [B, N, L] each, entries [B, L, E], mask [B, L] -> pooled [B, N, PAIR_WIDTH + H], attention [B, N, L]."""
        b, n, length = planes[0].shape
        # 1x1 convolutions as matrix products over flat pairs; the plane of ones carries the bias, cheaper than adding it.
        stacked = torch.stack([*planes, torch.ones_like(planes[0])], 1).reshape(b, -1, n * length)  # [B, P, N * L]
        hidden = torch.relu(torch.matmul(self.pair.weight, stacked))  # [B, W, N * L]
        shift = self.entry(entries).transpose(1, 2) + ((mask - 1) * NEVER).unsqueeze(1)  # [B, H, L]
        logits = torch.matmul(self.logits.weight, hidden).reshape(b, PAIR_HEADS, n, length) + shift.unsqueeze(2)
        # The null slot's logit is 0: the entries' shifts are relative to it.
        weights = torch.softmax(pad(logits, (0, 1)), 3)[..., :-1]  # [B, H, N, L]; the rest is the null slot's
        values = hidden.reshape(b, PAIR_HEADS, PAIR_WIDTH // PAIR_HEADS, n, length)
        pooled = (values * weights.unsqueeze(2)).sum(4).reshape(b, PAIR_WIDTH, n)
        attention = torch.matmul(self.mean_of_heads, weights.reshape(b, PAIR_HEADS, n * length)).reshape(b, n, length)
        return torch.cat([pooled, weights.sum(3)], 1).transpose(1, 2), attention


class LowRankCross(nn.Module):
    """x0 * (U V x + b) + x (DCN-V2, low rank)."""

    def __init__(self, width: int):
        super().__init__()
        self.down = nn.Linear(width, CROSS_RANK, bias=False)
        self.up = nn.Linear(CROSS_RANK, width)

    def forward(self, first: Tensor, x: Tensor) -> Tensor:
        return first * self.up(self.down(x)) + x


class ListContext(nn.Module):
    """One pre-LN transformer layer over the candidates, without positions: permuting candidates permutes the result.

    Attention goes through a few learnt slots (induced set attention, Lee et al. 2019): slots read the list, candidates read the slots,
    at a cost that grows with N and not with N x N.
    """

    def __init__(self):
        super().__init__()
        self.norm_attention = nn.LayerNorm(WIDTH)
        self.keys = nn.Linear(WIDTH, 3 * CONTEXT_KEYS)
        self.slots = nn.Parameter(torch.randn(CONTEXT_SLOTS, CONTEXT_KEYS) * 0.5)
        self.slot_keys = nn.Parameter(torch.randn(CONTEXT_KEYS, CONTEXT_SLOTS) * 0.5)
        self.out = nn.Linear(CONTEXT_KEYS, WIDTH)
        self.norm_feed = nn.LayerNorm(WIDTH)
        self.feed = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.ReLU(), nn.Linear(2 * WIDTH, WIDTH))

    def forward(self, x: Tensor, absent: Tensor) -> tuple[Tensor, Tensor]:
        """x [B * N, W], absent [B, 1, N] (0, or a large negative number for a pad) -> [B * N, W], slots [B, S, K]"""
        b, _, n = absent.shape
        q, k, v = self.keys(self.norm_attention(x)).split(CONTEXT_KEYS, 1)
        k, v = k.reshape(b, n, CONTEXT_KEYS), v.reshape(b, n, CONTEXT_KEYS)
        read = torch.matmul(torch.softmax(torch.matmul(self.slots, k.transpose(1, 2)) + absent, 2), v)  # [B, S, K]
        shares = torch.softmax(torch.matmul(q, self.slot_keys), 1).reshape(b, n, CONTEXT_SLOTS)
        # Subtracted, since ONNX Runtime fuses Add and LayerNorm into an operator that is slow at this width; the sign is learnt.
        x = x - self.out(torch.matmul(shares, read).reshape(b * n, CONTEXT_KEYS))
        return x - self.feed(self.norm_feed(x)), read


class FusionBase(nn.Module):
    INPUTS = list(INPUTS)
    OUTPUTS = {"score": ("B", "N"), "attention": ("B", "N", "L"), "gate": ("B",)}

    def __init__(self):
        super().__init__()
        self.attention = PairAttention()
        width = FEATURES + PAIR_WIDTH + PAIR_HEADS
        self.cross = nn.ModuleList([LowRankCross(width), LowRankCross(width)])
        self.project = nn.Linear(width, WIDTH)
        self.context = ListContext()
        self.heads = nn.Sequential(nn.Linear(WIDTH, 32), nn.ReLU(), nn.Linear(32, 3))
        # A straight line from the evidence to the click: the learnt rest starts small, so training starts at a sane ranker.
        self.line = nn.Linear(width, 3)
        self.gate = nn.Linear(CONTEXT_SLOTS * CONTEXT_KEYS, 1)
        by_modality = torch.tensor([[float(of == modality) for of in POOLED_MODALITY] for modality in (0, 1)])  # [2, POOLED]
        self.register_buffer("by_modality", by_modality, persistent=False)
        self.register_buffer("pooled_statistic", torch.tensor(POOLED_STATISTIC), persistent=False)
        # Chosen by a product: picking columns one by one is slow.
        chosen = torch.tensor([[float(column == name) for name in IN_LIST] for column in COLUMNS])  # [F, C]
        self.register_buffer("in_list", chosen, persistent=False)
        self.register_buffer("actions", torch.arange(ACTIONS, dtype=torch.float32), persistent=False)
        with torch.no_grad():
            self.line.weight.zero_()
            self.line.weight[0, COLUMN["first_phase_z"]] = 1.0
            self.heads[-1].weight.mul_(0.1)
            self.gate.weight.mul_(0.1)
            self.gate.bias.fill_(2.0)

    def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        present = x["candidate_mask"]
        b, n = present.shape
        evidence, planes, entries = self.gather(x)
        pooled, attention = self.attention(planes, entries, x["history_mask"])
        features = torch.cat([evidence, pooled], 2)
        # Lists under each other from here on: a matrix product of two axes takes its bias along, one of three does not.
        features = features.reshape(b * n, -1)
        crossed = features
        for layer in self.cross:
            crossed = layer(features, crossed)
        hidden, slots = self.context(torch.relu(self.project(crossed)), ((present - 1) * NEVER).unsqueeze(1))
        # Logits of click, cart given click, purchase given cart [B * N, 1] each.
        click, cart, buy = (self.heads(hidden) + self.line(features)).split(1, 1)
        p_click, given_cart, given_buy = torch.sigmoid(click), torch.sigmoid(cart), torch.sigmoid(buy)
        return {
            "score": (click + torch.log(given_cart * (CART_GAIN + given_buy * BUY_GAIN) + 1)).reshape(b, n),
            "attention": attention,
            # How far the model's order may replace the first phase's: from what the list looks like on the whole.
            "gate": torch.sigmoid(self.gate(slots.reshape(b, -1))).reshape(b),
            "p_click": p_click.reshape(b, n),
            "p_cart": (p_click * given_cart).reshape(b, n),
            "p_buy": (p_click * given_cart * given_buy).reshape(b, n),
        }

    def gather(self, x: dict[str, Tensor]) -> tuple[Tensor, list[Tensor], Tensor]:
        """What no weight is learnt for: evidence of each candidate [B, N, FEATURES], of each pair [B, N, L] each, of each event [B, L, E]."""
        history = x["history_mask"]  # [B, L]
        after = history.sum(1, keepdim=True) - history.cumsum(1)  # events after each one
        recency = torch.exp(after * math.log(HISTORY_DECAY))
        weights = torch.stack([recency, torch.relu(1 - after), x["history_session"]], 2) * history.unsqueeze(2)  # recent, last, session
        weights = weights / weights.sum(1, keepdim=True).clamp(min=1)  # [B, L, POOLS]
        has_vector = torch.stack([x["item_text_mask"], x["item_image_mask"]], 2)  # [B, N, 2]
        absolute, relative, weighed, planes = [], [], [], []
        for modality, (cosine, particular) in compare(x, has_vector).items():
            how = pool_weights(x, modality, weights)
            absolute.append(torch.matmul(cosine, how))
            relative.append(torch.matmul(particular, how))
            weighed.append(how.sum(1, keepdim=True))
            planes.append(particular[..., : history.shape[1]])
        mean, spread = x["cosine_stats"].index_select(1, self.pooled_statistic).transpose(1, 2).split(1, 1)  # [B, 1, POOLED]
        factor = 0.5 / spread.clamp(min=1e-4)
        # Pooled cosines in units of the index's random pairs, halved; nothing known gives 0.
        standard = (torch.cat(absolute, 2) - mean * torch.cat(weighed, 2)) * factor * torch.matmul(has_vector, self.by_modality)
        entries = self.describe(x, recency, factor[..., POOLS : POOLS + 1])
        planes = [*planes, *(x[f"history_{name}"] for name in ("brand", "category", "covisits", "covisits_norm", "factor"))]
        return torch.cat([x["columns"], has_vector, standard, *relative, self.place_in_list(x)], 2), planes, entries

    def place_in_list(self, x: dict[str, Tensor]) -> Tensor:
        """z over the candidates of the columns IN_LIST, far values drawn in [B, N, C]"""
        present = x["candidate_mask"].unsqueeze(1)  # [B, 1, N]
        share = present / present.sum(2, keepdim=True).clamp(min=1)
        values = torch.matmul(x["columns"], self.in_list)
        centred = values - torch.matmul(share, values)
        z = centred / (torch.sqrt(torch.matmul(share, centred * centred)) + LEAST_SPREAD)
        return z / (1 + 0.2 * z.abs()) * present.transpose(1, 2)

    def describe(self, x: dict[str, Tensor], recency: Tensor, factor: Tensor) -> Tensor:
        """What is known of each event, whatever the candidate [B, L, E]."""
        action = (x["history_event"].unsqueeze(2) == self.actions).to(recency)  # [B, L, A]
        # Likeness to the words that are asked now, in the same units as elsewhere.
        asked = x["history_text_mask"].unsqueeze(2) * (x["query_text_mask"].view(-1, 1, 1) * factor)
        likeness = torch.matmul(x["history_text"], x["query_text"].unsqueeze(2)) * asked  # [B, L, 1]
        alone = torch.stack([torch.log(x["history_age"] + 60) / 10, x["history_session"], recency], 2)
        return torch.cat([action, alone, likeness], 2)


def count_parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())
