"""Late fusion: each modality scores for itself and the scores are added, so what each contributed is exact. B lists, N candidates, L events, W width.

"columns" is what is known without vectors (first phase, counts, attributes, pairs with past events by these); "text" and "image" are their
cosines and their vectors. No branch sees another's input, and nothing happens after the sum. Snoek et al. 2005, "Early versus late fusion".
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from contract import COLUMN, COLUMNS
from evidence import POOLED_MODALITY
from model import FEATURES, IN_LIST, PAIR_WIDTH, FusionBase, PairAttention
from tuned.choices import Network
from tuned.target_attention import TargetAttention
from tuned.tokens import Tokens
from tuned.user_encoder import build_user_encoder

OWN_COLUMNS = {"text": ("text_knn_rr",), "image": ("image_knn_rr",)}
# Which of gather's planes and of its evidence are whose.
PLANE_OWNER = ["text", "image", *["columns"] * 5]
HIDDEN = 48


def evidence_owner() -> list[str]:
    """Of each of the FEATURES, in gather's order: columns, what a candidate has, cosines, columns and cosines within the list."""
    owner = dict.fromkeys(COLUMNS, "columns") | {column: name for name, columns in OWN_COLUMNS.items() for column in columns}
    of_cosines = [("text", "image")[place] for place in POOLED_MODALITY]
    return [*owner.values(), "columns", "text", "image", *of_cosines, *[owner[name] for name in IN_LIST], *of_cosines]


class Branch(nn.Module):
    """One modality's own score."""

    def __init__(self, name: str, width: int, user: str, places: list[int]):
        super().__init__()
        self.name = name
        self.pairs = PairAttention()
        self.register_buffer("places", torch.tensor(places), persistent=False)
        own = len(places) + PAIR_WIDTH + 1
        self.has_vectors, self.reads_user = name != "columns", user != "none"
        if self.has_vectors and self.reads_user:
            self.user = build_user_encoder(user, width)
            self.target_attention = TargetAttention(width, PairAttention.PLANES)
            self.read_user = nn.Linear(width, width)
        self.layers = nn.Sequential(nn.Linear(own + (2 * width + 1 if self.has_vectors else 0), HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))
        self.line = nn.Linear(own, 1)
        with torch.no_grad():
            self.layers[-1].weight.mul_(0.1)
            self.line.weight.zero_()

    def forward(self, evidence: Tensor, planes: list[Tensor], entries: Tensor, mask: Tensor, vectors: dict[str, Tensor] | None) -> Tensor:
        """evidence [B, FEATURES, N] -> [B, N]; `vectors`: this modality's candidates [B, N, W], history [B, L, W] and query [B, W]."""
        owned = [plane if owner == self.name else torch.zeros_like(plane) for owner, plane in zip(PLANE_OWNER, planes, strict=True)]
        if self.name != "text":  # the last of an event's facts is its likeness to the words
            entries = torch.cat([entries[..., :-1], torch.zeros_like(entries[..., -1:])], 2)
        pooled, _ = self.pairs(owned, entries, mask)
        own = torch.cat([evidence.index_select(1, self.places), pooled], 1).transpose(1, 2)  # [B, N, E]
        if not vectors:
            return (self.layers(own) + self.line(own)).squeeze(2)
        b, n, _ = own.shape
        guide = vectors["query"].unsqueeze(1).expand(b, n, -1)  # [B, N, W]
        if self.reads_user:
            states, shopper = self.user(vectors["history"], mask)
            stacked = torch.stack(owned, 1).reshape(b, len(owned), -1)
            guide = guide + self.target_attention(vectors["candidates"], states, mask, stacked) + self.read_user(shopper).unsqueeze(1)
        item = vectors["candidates"]
        match = (normalize(item, dim=2) * normalize(guide, dim=2)).sum(2, keepdim=True)  # [B, N, 1]
        return (self.layers(torch.cat([own, item, item * guide, match], 2)) + self.line(own)).squeeze(2)


class LateFusion(FusionBase):
    """Output `modality_contributions` [B, N, M]: its sum over M is the score."""

    OUTPUTS = {"score": ("B", "N"), "modality_contributions": ("B", "N", "M")}

    def __init__(self, choices: Network, dims: dict[str, int]):
        super().__init__()
        for unused in ("attention", "trunk", "context", "heads", "gate", "ceiling"):
            delattr(self, unused)
        self.choices = choices
        self.tokens = Tokens(dims, choices.width, choices.missing, choices.dropout)
        self.modalities = [*self.tokens.modalities, "columns"]
        owner = evidence_owner()
        assert len(owner) == FEATURES
        self.branches = nn.ModuleDict()
        for name in self.modalities:
            places = [place for place, whose in enumerate(owner) if whose == name]
            self.branches[name] = Branch(name, choices.width, choices.user, places)
        with torch.no_grad():  # training starts at the first phase
            self.branches["columns"].line.weight[0, self.branches["columns"].places.tolist().index(COLUMN["first_phase_z"])] = 1.0

    def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        evidence, planes, entries = self.gather(x)
        items, asked = self.tokens.candidates(x), self.tokens.query(x)
        scores = []
        for name, branch in self.branches.items():
            vectors = None
            if name in items:
                facts = entries if name == "text" else torch.cat([entries[..., :-1], torch.zeros_like(entries[..., -1:])], 2)
                vectors = {"candidates": items[name], "history": self.tokens.history(x, facts)[name], "query": asked[name]}
            scores.append(branch(evidence, planes, entries, x["history_mask"], vectors))
        contributions = torch.stack(scores, 2)  # [B, N, M]
        return {"score": contributions.sum(2), "modality_contributions": contributions, "gate": torch.ones_like(x["query_text_mask"])}
