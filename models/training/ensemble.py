"""What several rankers together make of a list: the mean of their logits, and trees beside them. Too dear to serve; a ranker can learn from it."""

from pathlib import Path

import lightgbm
import torch
from torch import Tensor

from losses import centre
from model import FusionBase

# Of LambdaMART's raw scores beside the mean logit: trees are steeper.
TREES_SHARE = 1.0


class Ensemble:
    """`runs`: folders that train.py wrote; `trees`: a file that boosted.py wrote."""

    def __init__(self, runs: list[Path], trees: Path | None):
        self.networks = [read_network(run) for run in runs]
        self.trees = lightgbm.Booster(model_file=str(trees)) if trees else None

    @torch.no_grad()
    def __call__(self, x: dict[str, Tensor]) -> Tensor:
        """Logits of being chosen [B, N]; of pads 0."""
        mask = x["candidate_mask"]
        logits = torch.stack([centre(network(x)["score"], mask) for network in self.networks]).mean(0)
        if self.trees:
            evidence = self.networks[0].candidate_rows(x)
            raw = self.trees.predict(evidence.reshape(-1, evidence.shape[2]).numpy(), num_threads=1)
            logits = logits + TREES_SHARE * centre(torch.from_numpy(raw).to(mask).reshape(mask.shape), mask)
        return logits


def read_network(run: Path) -> FusionBase:
    network = FusionBase()
    network.load_state_dict(torch.load(run / "weights.pt", weights_only=True)["weights"])
    return network.eval()
