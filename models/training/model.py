"""fusion-base: one ranker for any catalogue and any encoder.

It weighs similarities, counts and ranks; it never sees a vector's coordinates, so dims are free and nothing has to be trained on the
shop's side. Shapes: B lists, N candidates, L history entries, P planes, H heads.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from contract import ACTIONS, COLUMN, COLUMNS, INPUTS
from evidence import compare_history, compare_query, standardise, standardise_in_list

PAIR_WIDTH = 24  # hidden width of a (candidate, history entry) pair
PAIR_HEADS = 4
CROSS_RANK = 16
WIDTH = 64
CONTEXT_HEADS = 4
HISTORY_DECAY = 0.9
# Worth of a cart and of a purchase in units of a click.
CART_GAIN, BUY_GAIN = 2.0, 4.0
NEVER = -1e4


class PairAttention(nn.Module):
    """Candidates attend to the history; a null slot lets each candidate leave the history alone."""

    PLANES = 8
    ENTRY = ACTIONS + 7

    def __init__(self):
        super().__init__()
        self.pair = nn.Linear(self.PLANES, PAIR_WIDTH)
        self.entry = nn.Linear(self.ENTRY, PAIR_WIDTH, bias=False)
        self.logits = nn.Linear(PAIR_WIDTH, PAIR_HEADS)
        self.null = nn.Parameter(torch.zeros(PAIR_HEADS))

    def forward(self, planes: Tensor, entries: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """planes [B, P, N, L], entries [B, L, E], mask [B, L] -> pooled [B, N, PAIR_WIDTH + H], attention [B, N, L]."""
        b, p, n, length = planes.shape
        # 1x1 convolutions as matrix products over flat pairs: planes stay contiguous along L.
        hidden = torch.matmul(self.pair.weight, planes.reshape(b, p, n * length)).reshape(b, PAIR_WIDTH, n, length)
        hidden = hidden + (self.entry(entries) + self.pair.bias).transpose(1, 2).unsqueeze(2)  # [B, W, 1, L]
        hidden = torch.relu(hidden)
        logits = torch.matmul(self.logits.weight, hidden.reshape(b, PAIR_WIDTH, n * length)).reshape(b, PAIR_HEADS, n, length)
        logits = logits + (1 - mask).view(b, 1, 1, length) * NEVER
        null = self.null.view(1, PAIR_HEADS, 1, 1).expand(b, PAIR_HEADS, n, 1)
        weights = torch.softmax(torch.cat([logits, null], 3), 3)[..., :length]  # [B, H, N, L]; the rest is the null slot's
        values = hidden.reshape(b, PAIR_HEADS, PAIR_WIDTH // PAIR_HEADS, n, length)
        pooled = (values * weights.unsqueeze(2)).sum(4).reshape(b, PAIR_WIDTH, n)
        share = weights.sum(3)  # [B, H, N]
        return torch.cat([pooled, share], 1).transpose(1, 2), weights.mean(1)


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
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.norm_feed = nn.LayerNorm(WIDTH)
        self.feed = nn.Sequential(nn.Linear(WIDTH, 3 * WIDTH), nn.ReLU(), nn.Linear(3 * WIDTH, WIDTH))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x [B, N, W], mask [B, N] -> [B, N, W]"""
        b, n, _ = x.shape
        q, k, v = self.qkv(self.norm_attention(x)).reshape(b, n, 3, CONTEXT_HEADS, WIDTH // CONTEXT_HEADS).permute(2, 0, 3, 1, 4).unbind(0)
        scores = torch.matmul(q * (WIDTH // CONTEXT_HEADS) ** -0.5, k.transpose(2, 3))  # [B, H, N, N]
        scores = scores + ((1 - mask) * NEVER).view(b, 1, 1, n)
        attended = torch.matmul(torch.softmax(scores, 3), v).transpose(1, 2).reshape(b, n, WIDTH)
        x = x + self.out(attended)
        return x + self.feed(self.norm_feed(x))


class FusionBase(nn.Module):
    INPUTS = list(INPUTS)
    OUTPUTS = {
        "score": ("B", "N"),
        "attention": ("B", "N", "L"),
        "gate": ("B",),
        "p_click": ("B", "N"),
        "p_cart": ("B", "N"),
        "p_buy": ("B", "N"),
    }
    LIST_FEATURES = 9

    def __init__(self):
        super().__init__()
        self.attention = PairAttention()
        width = len(COLUMNS) + 9 + 2 + 2 * 7 + PAIR_WIDTH + PAIR_HEADS
        self.cross = nn.ModuleList([LowRankCross(width), LowRankCross(width)])
        self.project = nn.Linear(width, WIDTH)
        self.context = ListContext()
        self.heads = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 48), nn.ReLU(), nn.Linear(48, 3))
        # A straight line from the evidence to the click: the learnt rest starts at zero, so training starts at a sane ranker.
        self.line = nn.Linear(width, 1)
        self.gate = nn.Sequential(nn.Linear(self.LIST_FEATURES, 16), nn.ReLU(), nn.Linear(16, 1))
        with torch.no_grad():
            self.line.weight.zero_()
            self.line.weight[0, COLUMN["first_phase_z"]] = 1.0
            self.heads[-1].weight.mul_(0.1)
            self.gate[-1].weight.mul_(0.1)
            self.gate[-1].bias.fill_(2.0)

    def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        present = x["candidate_mask"]  # [B, N]
        query = compare_query(x)
        features, attention = self.gather(x, query)
        features = features * present.unsqueeze(2)
        crossed = features
        for layer in self.cross:
            crossed = layer(features, crossed)
        hidden = self.context(torch.relu(self.project(crossed)), present)
        click, cart, buy = self.heads(hidden).unbind(2)  # logits of click, cart given click, purchase given cart
        click = click + self.line(features).squeeze(2)
        p_click, given_cart, given_buy = torch.sigmoid(click), torch.sigmoid(cart), torch.sigmoid(buy)
        worth = 1 + given_cart * (CART_GAIN + given_buy * BUY_GAIN)
        score = (click + torch.log(worth)) * present
        return {
            "score": score,
            "attention": attention * present.unsqueeze(2),
            "gate": self.trust(x, query, score),
            "p_click": p_click * present,
            "p_cart": p_click * given_cart * present,
            "p_buy": p_click * given_cart * given_buy * present,
        }

    def gather(self, x: dict[str, Tensor], query: dict[str, tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """All evidence of each candidate [B, N, F'] and the attention [B, N, L]."""
        parts = [x["columns"]]
        for cosine, mask in query.values():
            parts.append(torch.stack([cosine / 2, standardise_in_list(cosine, mask), mask], 2))
        parts.append(torch.stack([x["item_text_mask"], x["item_image_mask"]], 2))

        history = x["history_mask"]  # [B, L]
        after = history.flip(1).cumsum(1).flip(1) - 1  # events after each one
        recency = HISTORY_DECAY**after * history
        last = (after < 0.5).to(history) * history
        session = x["history_session"] * history
        planes = []
        for cosine, mask in compare_history(x).values():  # [B, N, L]
            # What of the similarity is particular to this candidate: the entry's similarity with the list as a whole is taken out.
            relative = standardise_in_list(cosine, mask)
            planes += [cosine / 2, relative, mask]
            parts.append(self.pool(cosine / 2, relative, mask, recency, last, session))
        brand_category = torch.stack([x["history_brand"], x["history_category"]], 1) * history.view(history.shape[0], 1, 1, -1)
        stacked = torch.cat([torch.stack(planes, 1), brand_category], 1)  # [B, P, N, L]
        pooled, attention = self.attention(stacked, self.describe_entries(x, recency), history)
        parts.append(pooled)
        return torch.cat(parts, 2), attention

    @staticmethod
    def pool(cosine: Tensor, relative: Tensor, mask: Tensor, recency: Tensor, last: Tensor, session: Tensor) -> Tensor:
        """One modality's similarities with the history -> [B, N, 7]."""
        seen = mask.amax(2)  # [B, N]
        weights = torch.stack([recency, last, session], 2)  # [B, L, 3]
        totals = torch.matmul(mask, weights).clamp(min=1e-3)
        means = torch.matmul(cosine, weights) / totals  # [B, N, 3]: recent, last, session
        relative_means = torch.matmul(relative, weights[..., :1]) / totals[..., :1]
        best = ((cosine + 8) * mask).amax(2) - 8 * seen
        in_list = standardise_in_list(torch.cat([means[..., :1], relative_means, best.unsqueeze(2)], 2), seen.unsqueeze(2))
        return torch.cat([means, best.unsqueeze(2), in_list], 2) * seen.unsqueeze(2)

    @staticmethod
    def describe_entries(x: dict[str, Tensor], recency: Tensor) -> Tensor:
        """What is known of each event, whatever the candidate [B, L, E]."""
        kinds = torch.arange(ACTIONS, dtype=torch.float32, device=recency.device)
        action = (x["history_event"].unsqueeze(2) - kinds).abs().lt(0.5).to(recency)  # [B, L, A]
        age = torch.log1p(x["history_age"] / 60) / 10
        parts = [age, x["history_session"], recency]
        for query, modality in (("query_text", "text"), ("query_image", "image"), ("query_head", "image")):
            cosine = torch.matmul(x[f"history_{modality}"], x[query].unsqueeze(2)).squeeze(2)  # [B, L]
            mask = x[f"history_{modality}_mask"] * x[f"{query}_mask"].unsqueeze(1)
            parts.append(standardise(cosine, x, f"{query}:item_{modality}") * mask / 2)
        parts.append(x["history_text_mask"] + x["history_image_mask"])
        return torch.cat([action, torch.stack(parts, 2)], 2)

    def trust(self, x: dict[str, Tensor], query: dict[str, tuple[Tensor, Tensor]], score: Tensor) -> Tensor:
        """How far the model's order may replace the first phase's [B]."""
        present = x["candidate_mask"]
        count = present.sum(1).clamp(min=1)
        first = standardise_in_list(x["columns"][..., COLUMN["first_phase_z"]], present)
        agreement = (standardise_in_list(score, present) * first * present).sum(1) / count
        events = x["history_mask"].sum(1).clamp(min=1)
        per_list = [x["columns"][..., COLUMN[name]].amax(1) for name in ("query_length", "first_phase_gap", "history_length")]
        described = [
            *per_list,
            agreement,
            x["history_text_mask"].sum(1) / events,
            x["history_image_mask"].sum(1) / events,
            *(mask.sum(1) / count for _, mask in query.values()),
        ]
        return torch.sigmoid(self.gate(torch.stack(described, 1)).squeeze(1))


def count_parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())
