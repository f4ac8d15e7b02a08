"""fusion-base: one ranker for any catalogue and any encoder.

It weighs similarities, counts and ranks; it never sees a vector's coordinates, so dims are free and nothing has to be trained on the
shop's side. Shapes: B lists, N candidates, L history entries, P planes, H heads.
"""

import math

import torch
from torch import Tensor, nn

from contract import ACTIONS, COLUMN, COLUMNS, INPUTS
from evidence import QUERIES, Evidence, compare, read_statistics, standardise_in_list

PAIR_WIDTH = 12  # hidden width of a (candidate, history entry) pair
PAIR_HEADS = 3
CROSS_RANK = 16
WIDTH = 64
CONTEXT_KEYS = 32
HISTORY_DECAY = 0.9
# Worth of a cart and of a purchase in units of a click.
CART_GAIN, BUY_GAIN = 2.0, 4.0
NEVER = -1e4


class PairAttention(nn.Module):
    """Candidates attend to the history; a null slot lets each candidate leave the history alone.

    What is known of the pair gives hidden values and logits; what is known of the event alone shifts the logits.
    """

    PLANES = 6
    ENTRY = ACTIONS + 8

    def __init__(self):
        super().__init__()
        self.pair = nn.Linear(self.PLANES + 1, PAIR_WIDTH, bias=False)
        self.logits = nn.Linear(PAIR_WIDTH, PAIR_HEADS, bias=False)
        self.entry = nn.Sequential(nn.Linear(self.ENTRY, 24), nn.ReLU(), nn.Linear(24, PAIR_HEADS))
        self.register_buffer("mean_of_heads", torch.full((1, PAIR_HEADS), 1 / PAIR_HEADS), persistent=False)

    def forward(self, planes: list[Tensor], entries: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """planes [B, N, L] each, entries [B, L, E], mask [B, L] -> pooled [B, N, PAIR_WIDTH + H], attention [B, N, L]."""
        # 1x1 convolutions as matrix products over flat pairs; the plane of ones carries the bias, cheaper than adding it.
        stacked = torch.stack([*planes, torch.ones_like(planes[0])], 1).flatten(2)  # [B, P, N * L]
        hidden = torch.relu(torch.matmul(self.pair.weight, stacked))  # [B, W, N * L]
        shift = self.entry(entries) + ((1 - mask) * NEVER).unsqueeze(2)  # [B, L, H]
        logits = torch.matmul(self.logits.weight, hidden).unflatten(2, (-1, mask.shape[1])) + shift.transpose(1, 2).unsqueeze(2)
        # The null slot's logit is 0: the entries' shifts are relative to it.
        weights = torch.softmax(torch.nn.functional.pad(logits, (0, 1)), 3)[..., :-1]  # [B, H, N, L]; the rest is the null slot's
        values = hidden.reshape(mask.shape[0], PAIR_HEADS, PAIR_WIDTH // PAIR_HEADS, -1, mask.shape[1])
        pooled = (values * weights.unsqueeze(2)).sum(4).flatten(1, 2)  # [B, W, N]
        attention = torch.matmul(self.mean_of_heads, weights.flatten(2)).reshape(mask.shape[0], -1, mask.shape[1])
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
    """One pre-LN transformer layer over the candidates, without positions: permuting candidates permutes the result."""

    def __init__(self):
        super().__init__()
        self.norm_attention = nn.LayerNorm(WIDTH)
        self.keys = nn.Linear(WIDTH, 3 * CONTEXT_KEYS)
        self.out = nn.Linear(CONTEXT_KEYS, WIDTH)
        self.norm_feed = nn.LayerNorm(WIDTH)
        self.feed = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.ReLU(), nn.Linear(2 * WIDTH, WIDTH))

    def forward(self, x: Tensor, absent: Tensor) -> Tensor:
        """x [B, N, W], absent [B, N, 1] (0, or a large negative number for a pad) -> [B, N, W]"""
        q, k, v = self.keys(self.norm_attention(x)).split(CONTEXT_KEYS, 2)
        # The mask rides along as one more dimension of the keys, which is cheaper than adding it to N x N scores.
        q = torch.nn.functional.pad(q * CONTEXT_KEYS**-0.5, (0, 1), value=1.0)
        scores = torch.matmul(q, torch.cat([k, absent], 2).transpose(1, 2))  # [B, N, N]
        # Subtracted, since ONNX Runtime fuses Add and LayerNorm into an operator that is slow at this width; the sign is learnt.
        x = x - self.out(torch.matmul(torch.softmax(scores, 2), v))
        return x - self.feed(self.norm_feed(x))


class FusionBase(nn.Module):
    INPUTS = list(INPUTS)
    OUTPUTS = {
        "score": ("B", "N"),
        "attention": ("B", "N", "L"),
        "gate": ("B",),
    }
    POOLED = 7  # numbers a modality's similarities with the history come down to
    LIST_FEATURES = len(COLUMNS) + 7

    def __init__(self):
        super().__init__()
        self.attention = PairAttention()
        width = len(COLUMNS) + 3 * 2 + 2 + 2 * 2 * self.POOLED + PAIR_WIDTH + PAIR_HEADS
        self.cross = nn.ModuleList([LowRankCross(width), LowRankCross(width)])
        self.project = nn.Linear(width, WIDTH)
        self.context = ListContext()
        self.heads = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 32), nn.ReLU(), nn.Linear(32, 3))
        # A straight line from the evidence to the click: the learnt rest starts at zero, so training starts at a sane ranker.
        self.line = nn.Linear(width, 1)
        by_modality = torch.eye(2).repeat_interleave(self.POOLED, 1)  # [2, 2 * POOLED]
        self.register_buffer("by_modality", by_modality, persistent=False)
        self.gate = nn.Sequential(nn.Linear(self.LIST_FEATURES, 24), nn.ReLU(), nn.Linear(24, 1))
        with torch.no_grad():
            self.line.weight.zero_()
            self.line.weight[0, COLUMN["first_phase_z"]] = 1.0
            self.heads[-1].weight.mul_(0.1)
            self.gate[-1].weight.mul_(0.1)
            self.gate[-1].bias.fill_(2.0)

    def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        present = x["candidate_mask"]  # [B, N]
        statistics = read_statistics(x)
        seen = [compare(x, modality, statistics) for modality in QUERIES]
        has_vector = torch.stack([x["item_text_mask"], x["item_image_mask"]], 2)  # [B, N, 2]
        features, attention = self.gather(x, seen, has_vector, self.describe_entries(x, statistics))
        crossed = features
        for layer in self.cross:
            crossed = layer(features, crossed)
        hidden = self.context(torch.relu(self.project(crossed)), (present.unsqueeze(2) - 1) * -NEVER)
        click, cart, buy = self.heads(hidden).unbind(2)  # logits of click, cart given click, purchase given cart
        click = click + self.line(features).squeeze(2)
        p_click, given_cart, given_buy = torch.sigmoid(click), torch.sigmoid(cart), torch.sigmoid(buy)
        worth = 1 + given_cart * (CART_GAIN + given_buy * BUY_GAIN)
        score = (click + torch.log(worth)) * present
        return {
            "score": score,
            "attention": attention,
            "gate": self.trust(x, has_vector),
            "p_click": p_click,
            "p_cart": p_click * given_cart,
            "p_buy": p_click * given_cart * given_buy,
        }

    def gather(self, x: dict[str, Tensor], seen: list[Evidence], has_vector: Tensor, entries: Tensor) -> tuple[Tensor, Tensor]:
        """All evidence of each candidate [B, N, F'] and the attention [B, N, L]."""
        history = x["history_mask"]  # [B, L]
        after = history.sum(1, keepdim=True) - history.cumsum(1)  # events after each one
        recency = torch.exp(after * math.log(HISTORY_DECAY))
        weights = torch.stack([recency, torch.relu(1 - after), x["history_session"]], 2)  # [B, L, 3]: recent, last, session
        parts, pooled, planes = [x["columns"], has_vector], [], []
        for modality, one in zip(QUERIES, seen, strict=True):
            (cosine, asked), (relative, relative_asked) = one.split(one.cosine), one.split(one.relative)
            parts += [asked, relative_asked]
            planes += [cosine, relative]
            pooled.append(self.pool(cosine, relative, weights * x[f"history_{modality}_mask"].unsqueeze(2)))
        means = torch.cat(pooled, 2)
        parts += [means, standardise_in_list(means, torch.matmul(has_vector, self.by_modality))]
        attended, attention = self.attention([*planes, x["history_brand"], x["history_category"]], torch.cat([entries, recency.unsqueeze(2)], 2), history)
        return torch.cat([*parts, attended], 2), attention

    @staticmethod
    def pool(cosine: Tensor, relative: Tensor, weights: Tensor) -> Tensor:
        """One modality's similarities with the history [B, N, L] -> [B, N, POOLED]: means (recent, last, session) of both, and the best."""
        weights = weights / weights.sum(1, keepdim=True).clamp(min=1e-3)
        # Unknown entries are 0: with nothing known the best is 0, else it is a similarity above the random pair's.
        return torch.cat([torch.matmul(cosine, weights), torch.matmul(relative, weights), cosine.amax(2, keepdim=True)], 2)

    @staticmethod
    def describe_entries(x: dict[str, Tensor], statistics: Tensor) -> Tensor:
        """What is known of each event, whatever the candidate [B, L, E]; recency is added by its caller."""
        action = (x["history_event"].unsqueeze(2) == torch.arange(ACTIONS, device=statistics.device)).to(statistics)  # [B, L, A]
        text, image = x["history_text_mask"], x["history_image_mask"]
        alone = torch.stack([torch.log1p(x["history_age"] / 60) / 10, x["history_session"], text, image], 2)
        # Likeness of each event to what is asked now; the three kinds of query come first in cosine_stats.
        photo = torch.stack([x["query_image"], x["query_head"]], 2)
        cosine = torch.cat([torch.matmul(x["history_text"], x["query_text"].unsqueeze(2)), torch.matmul(x["history_image"], photo)], 2)  # [B, L, 3]
        asked = torch.stack([x["query_text_mask"], x["query_image_mask"], x["query_head_mask"]], 1)
        factor, offset = (statistics[..., :3] * asked.unsqueeze(1)).split(1, 1)
        likeness = (cosine * factor - offset).clamp(-4, 4) * torch.stack([text, image, image], 2)
        return torch.cat([action, alone, likeness], 2)

    def trust(self, x: dict[str, Tensor], has_vector: Tensor) -> Tensor:
        """How far the model's order may replace the first phase's [B]."""
        coverage = has_vector.sum(1) / x["candidate_mask"].sum(1, keepdim=True).clamp(min=1)
        known = torch.stack([x["history_text_mask"], x["history_image_mask"]], 2).sum(1) / 10
        asked = torch.stack([x["query_text_mask"], x["query_image_mask"], x["query_head_mask"]], 1)
        return torch.sigmoid(self.gate(torch.cat([x["columns"].amax(1), coverage, known, asked], 1)).squeeze(1))


def count_parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())
