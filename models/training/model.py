"""fusion-base: one ranker for any catalogue and any encoder.

It weighs similarities, counts and ranks; it never sees a vector's coordinates, so dims are free and nothing has to be trained on the
shop's side. Shapes: B lists, N candidates, L history entries, F columns. Candidates are the last axis of all but the pairs.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from contract import ACTIONS, COLUMN, COLUMNS, INPUTS
from evidence import MODALITIES, POOLED_MODALITY, POOLED_PAIRS, POOLED_STATISTIC, compare, place_in_list, weigh_entries

PAIR_WIDTH = 5  # the logit of a (candidate, history entry) pair and what is pooled
WIDTH = 32
FEED = 64
CONTEXT_SLOTS = 8
CONTEXT_VALUES = 24
GATE_WIDTH = 16
# Columns of which a candidate's place in its own list tells more than the value: shops count at different scales.
IN_LIST = [
    "brand_affinity", "category_affinity", "covisit_max", "covisit_sum", "covisit_cosine_sum", "factor_cosine",
    "popularity", "popularity_7d", "popularity_in_category", "log_reviews", "query_category_match",
]  # fmt: skip
KINDS = 1 + len(MODALITIES)  # a candidate is there, has a text, has a picture
# Evidence of a candidate before attention: columns, what it has, pooled cosines in the index's units, columns and cosines within the list.
FEATURES = len(COLUMNS) + KINDS + 2 * len(POOLED_PAIRS) + len(IN_LIST)
# Spreads within a list that tell nothing: of columns, and of cosines in half units of the index's random pairs.
LEAST_SPREAD, LEAST_COSINE_SPREAD = 0.01, 0.04
PLANES = ("history_brand", "history_category", "history_covisits", "history_covisits_norm", "history_factor")
# A logit beyond this is taken for it: its exponential is summed as it is.
HIGHEST = 12.0
NEVER = 1e4
# Real shops are stranger than simulated ones: the first phase keeps a say in every list, until a shop's own lists say how much. Training
# leaves more room than what ships has (export.py --ceiling), so that scores are not made steeper to make up for it.
CEILING = 0.75
# Worth of a cart and of a purchase in units of a click.
CART_GAIN, BUY_GAIN = 2.0, 4.0


class Rows(nn.Module):
    """W x for candidates as the last axis: [B, from, N] -> [B, to, N]. Of the features, the first that says that a candidate is there stands
    for a bias."""

    def __init__(self, width: int, to: int, scale: float = 1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(to, width) * scale / width**0.5)

    def forward(self, x: Tensor) -> Tensor:
        return torch.matmul(self.weight, x)


class PairAttention(nn.Module):
    """Candidates attend to the history; a null slot of logit 0 lets each candidate leave the history alone.

    What is known of a pair and of its event give its logit; mixtures of what is known of the pairs are pooled.
    """

    ENTRY = ACTIONS + 4
    PLANES = len(MODALITIES) + len(PLANES)

    def __init__(self):
        super().__init__()
        self.pair = nn.Linear(self.PLANES, PAIR_WIDTH, bias=False)
        self.entry = nn.Sequential(nn.Linear(self.ENTRY, 24), nn.ReLU(), nn.Linear(24, 1))

    def forward(self, planes: list[Tensor], entries: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """planes [B, N, L] each, entries [B, L, E], mask [B, L] -> pooled [B, PAIR_WIDTH + 1, N], attention [B, N, L]."""
        b, n, length = planes[0].shape
        # A 1x1 convolution as a matrix product over flat pairs. Nothing needs a bias: the event's part of the logit and the share have one.
        hidden = torch.matmul(self.pair.weight, torch.cat(planes, 1).reshape(b, self.PLANES, n * length))  # [B, W, N * L]
        pair = torch.exp(hidden[:, :1].clamp(max=HIGHEST))  # [B, 1, N * L]
        event = torch.exp(self.entry(entries).clamp(max=HIGHEST)) * mask.unsqueeze(2)  # [B, L, 1]
        # The logit is pooled with the rest, which is cheaper than to leave it out.
        sums = torch.matmul((hidden * pair).reshape(b, PAIR_WIDTH * n, length), event).reshape(b, PAIR_WIDTH, n)
        pair = pair.reshape(b, n, length)
        share = torch.matmul(pair, event)  # [B, N, 1]
        null = 1 / (1 + share)
        attention = pair * torch.matmul(null, event.transpose(1, 2))
        null = null.transpose(1, 2)
        return torch.cat([sums * null, 1 - null], 1), attention


class ListContext(nn.Module):
    """Candidates tell each other of themselves, without positions: permuting candidates permutes the result.

    Through a few slots (induced set attention, Lee et al. 2019): slots read the list, candidates read the slots, at a cost that grows with N
    and not with N x N. Then a feed-forward layer; both add to what came in.
    """

    def __init__(self):
        super().__init__()
        self.keys = Rows(WIDTH, 2 * CONTEXT_SLOTS + CONTEXT_VALUES)
        self.out = Rows(CONTEXT_VALUES, WIDTH, 0.5)
        self.widen = Rows(WIDTH, FEED, 1.4)
        self.bend = nn.Parameter(torch.zeros(FEED, 1))
        self.narrow = Rows(FEED, WIDTH, 0.5)

    def forward(self, x: Tensor, absent: Tensor) -> tuple[Tensor, Tensor]:
        """x [B, W, N], absent [B, 1, N] (0, or a large negative number for a pad) -> [B, W, N], what the slots read [B, S * V]"""
        reading, writing, values = self.keys(x).split([CONTEXT_SLOTS, CONTEXT_SLOTS, CONTEXT_VALUES], 1)
        read = torch.matmul(values, torch.softmax(reading + absent, 2).transpose(1, 2))  # [B, V, S]
        x = x + self.out(torch.matmul(read, torch.sigmoid(writing)))
        return x + self.narrow(torch.relu(self.widen(x) + self.bend)), read.reshape(-1, CONTEXT_SLOTS * CONTEXT_VALUES)


class FusionBase(nn.Module):
    INPUTS = list(INPUTS)
    OUTPUTS = {"score": ("B", "N"), "attention": ("B", "N", "L"), "gate": ("B",)}

    def __init__(self):
        super().__init__()
        self.attention = PairAttention()
        width = FEATURES + PAIR_WIDTH + 1
        # Evidence, what multiplies it (a cross of low rank, after DCN-V2), and a straight line from the evidence to the click: the learnt
        # rest starts small, so training starts at a sane ranker.
        self.trunk = Rows(width, 2 * WIDTH + 3)
        self.context = ListContext()
        self.heads = Rows(WIDTH, 3, 0.1)
        self.gate = nn.Sequential(nn.Linear(CONTEXT_SLOTS * CONTEXT_VALUES + width, GATE_WIDTH), nn.ReLU(), nn.Linear(GATE_WIDTH, 1))
        # How far any list's order may be trusted. Simulated lists do not teach it (train.py), a shop's own do (tune.py).
        self.ceiling = nn.Parameter(torch.tensor([CEILING]))
        self.keep_constants()
        with torch.no_grad():
            self.trunk.weight[WIDTH : 2 * WIDTH] *= 0.3
            self.trunk.weight[WIDTH : 2 * WIDTH, len(COLUMNS)] = 1.0
            self.trunk.weight[2 * WIDTH :] = 0
            self.trunk.weight[2 * WIDTH, COLUMN["first_phase_z"]] = 1.0
            self.gate[-1].weight.mul_(0.1)
            self.gate[-1].bias.fill_(2.0)

    def keep_constants(self) -> None:
        """What picks rows, as matrices: picking them one by one is slow."""
        kinds = [0] * len(IN_LIST) + [1 + modality for modality in POOLED_MODALITY]
        which = [[float(of == kind) for kind in range(KINDS)] for of in kinds]  # [PLACED, KINDS]
        constants = {
            "in_list": [[float(column == name) for column in COLUMNS] for name in IN_LIST],  # [IN_LIST, F]
            "which": which,
            "which_pooled": which[len(IN_LIST) :],
            "least_spread": [[LEAST_SPREAD]] * len(IN_LIST) + [[LEAST_COSINE_SPREAD]] * len(POOLED_PAIRS),
            "actions": [float(each) for each in range(ACTIONS)],
        }
        for name, values in constants.items():
            self.register_buffer(name, torch.tensor(values), persistent=False)
        self.register_buffer("pooled_statistic", torch.tensor(POOLED_STATISTIC), persistent=False)

    def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        present = x["candidate_mask"]
        evidence, planes, entries = self.gather(x)
        pooled, attention = self.attention(planes, entries, x["history_mask"])
        features = torch.cat([evidence, pooled], 1)  # [B, width, N]
        own, other, line = self.trunk(features).split([WIDTH, WIDTH, 3], 1)
        hidden, slots = self.context(torch.relu(own * other), ((present - 1) * NEVER).unsqueeze(1))
        mean = torch.matmul(features, (present / present.sum(1, keepdim=True).clamp(min=1)).unsqueeze(2)).squeeze(2)  # [B, width]
        # Logits of click, cart given click, purchase given cart [B, N] each.
        click, cart, buy = (self.heads(hidden) + line).unbind(1)
        p_click, given_cart, given_buy = torch.sigmoid(click), torch.sigmoid(cart), torch.sigmoid(buy)
        return {
            "score": click + torch.log(given_cart * (CART_GAIN + given_buy * BUY_GAIN) + 1),
            "attention": attention,
            # How far the model's order may replace the first phase's: from what the list looks like on the whole.
            "gate": self.ceiling * torch.sigmoid(self.gate(torch.cat([slots, mean], 1))).squeeze(1),
            "p_click": p_click,
            "p_cart": p_click * given_cart,
            "p_buy": p_click * given_cart * given_buy,
        }

    def gather(self, x: dict[str, Tensor]) -> tuple[Tensor, list[Tensor], Tensor]:
        """What no weight is learnt for: evidence of each candidate [B, FEATURES, N], of each pair [B, N, L] each, of each event [B, L, E]."""
        present = x["candidate_mask"]
        weights, recency = weigh_entries(x)
        pooled, weighed, particular = compare(x, weights)
        mean, spread = x["cosine_stats"].index_select(1, self.pooled_statistic).split(1, 2)  # [B, POOLED, 1]
        factor = 0.5 / spread.clamp(min=1e-4)
        kinds = torch.cat([present, x["item_text_mask"], x["item_image_mask"]], 1).reshape(present.shape[0], KINDS, -1)  # [B, KINDS, N]
        # Pooled cosines in units of the index's random pairs, halved; nothing known gives 0.
        standard = (pooled - mean * weighed) * (factor * torch.matmul(self.which_pooled, kinds))
        columns = x["columns"].transpose(1, 2)  # [B, F, N]
        placed = place_in_list(torch.cat([torch.matmul(self.in_list, columns), standard], 1), torch.matmul(self.which, kinds), self.least_spread)
        entries = self.describe(x, recency, factor[:, :1])
        return torch.cat([columns, kinds, standard, placed], 1), [*particular, *(x[name] for name in PLANES)], entries

    def clamp_ceiling(self) -> None:
        """After a step that learnt it: a share stays a share."""
        with torch.no_grad():
            self.ceiling.clamp_(0, 1)

    def candidate_rows(self, x: dict[str, Tensor]) -> Tensor:
        """The evidence of each candidate as trees read it [B, N, FEATURES]; no weight is in it."""
        return self.gather(x)[0].transpose(1, 2)

    def describe(self, x: dict[str, Tensor], recency: Tensor, factor: Tensor) -> Tensor:
        """What is known of each event, whatever the candidate [B, L, E]."""
        action = (x["history_event"].unsqueeze(2) == self.actions).to(recency)  # [B, L, A]
        # Likeness to the words that are asked now, in the same units as elsewhere.
        asked = (x["query_text"] * x["query_text_mask"].unsqueeze(1)).unsqueeze(2) * factor
        likeness = torch.matmul(x["history_text"], asked).squeeze(2) * x["history_text_mask"]
        alone = torch.cat([torch.log(x["history_age"] + 60) / 10, x["history_session"], recency, likeness], 1)
        return torch.cat([action, alone.reshape(recency.shape[0], 4, -1).transpose(1, 2)], 2)


def read_network(run: Path) -> FusionBase:
    """What train.py left in the folder, ready to rank."""
    network = FusionBase()
    network.load_state_dict(torch.load(run / "weights.pt", weights_only=True)["weights"])
    return network.eval()


def count_parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())
