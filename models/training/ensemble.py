"""What several rankers together make of a list: the mean of their scores, and trees beside them. Too dear to serve; one ranker learns what it
expects (knowledge distillation with soft targets: Hinton, Vinyals, Dean 2015, arXiv:1503.02531)."""

from pathlib import Path

import lightgbm
import torch
from torch import Tensor

from boosted import score_rows
from losses import centre
from model import read_network

# Of LambdaMART's raw scores beside the networks' mean. Of .5, 1 and 2, 1 ranked real shoppers best at three quarters of the say.
TREES_WEIGHT = 1.0


class Ensemble:
    """`runs`: folders that train.py wrote; `trees`: a file that boosted.py wrote."""

    def __init__(self, runs: list[Path], trees: Path | None):
        self.networks = [read_network(run) for run in runs]
        self.trees = lightgbm.Booster(model_file=str(trees)) if trees else None

    @torch.no_grad()
    def __call__(self, x: dict[str, Tensor]) -> Tensor:
        """Scores whose softmax is taken as the chances of being chosen [B, N]; of pads 0."""
        mask = x["candidate_mask"]
        scores = torch.stack([centre(network(x)["score"], mask) for network in self.networks]).mean(0)
        if self.trees:
            scores = scores + TREES_WEIGHT * centre(score_rows(self.trees, self.networks[0].candidate_rows(x)), mask)
        return scores
