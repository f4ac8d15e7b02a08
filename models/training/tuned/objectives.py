"""What training may minimise. score, gain, mask [B, N] -> []; gains are shares of a list, 0 for what nothing came of."""

import torch
import torch.nn.functional as F
from torch import Tensor

from losses import listwise

# Pairs are many and each is near 0: so many times their mean weighs about as much as a list's cross-entropy.
PAIR_WEIGHT = 10


def pointwise_bce(score: Tensor, gain: Tensor, mask: Tensor) -> Tensor:
    """Each candidate for itself, clicked or not."""
    each = F.binary_cross_entropy_with_logits(score, (gain > 0).to(score), reduction="none")
    return (each * mask).sum() / mask.shape[0]


def bpr(score: Tensor, gain: Tensor, mask: Tensor) -> Tensor:
    """Rendle et al. 2009: the chosen above every other, pair by pair."""
    apart = score.unsqueeze(2) - score.unsqueeze(1)  # [B, N, N] i - j
    counts = ((gain.unsqueeze(2) > gain.unsqueeze(1)) & (mask.unsqueeze(2) * mask.unsqueeze(1) > 0)).to(score)
    return -(F.logsigmoid(apart) * counts).sum() / counts.sum().clamp(min=1) * PAIR_WEIGHT


def lambda_softmax(score: Tensor, gain: Tensor, mask: Tensor) -> Tensor:
    """Pairs weighed by the change of NDCG that their swap would be (LambdaLoss, Wang et al. 2018), as a smooth maximum over rivals."""
    order = score.masked_fill(mask == 0, -1e9).argsort(dim=1, descending=True)
    rank = torch.empty_like(order).scatter_(1, order, torch.arange(score.shape[1], device=score.device).expand_as(order))
    discount = 1 / torch.log2(rank + 2.0)  # [B, N]
    ideal = gain.amax(1).clamp(min=1e-9)[:, None, None]
    worth = (gain.unsqueeze(2) - gain.unsqueeze(1)).clamp(min=0) / ideal * (discount.unsqueeze(2) - discount.unsqueeze(1)).abs()  # [B, N, N]
    rivals = (worth > 0) & (mask.unsqueeze(2) * mask.unsqueeze(1) > 0)
    terms = (score.unsqueeze(1) - score.unsqueeze(2) + torch.log(worth.clamp(min=1e-9))).masked_fill(~rivals, -1e4)  # j - i
    chosen = (gain > 0).to(score) * mask
    each = F.softplus(torch.logsumexp(terms, 2)) * chosen  # log(1 + sum of weighed exponentials)
    return each.sum() / mask.shape[0]


def squared_error(score: Tensor, gain: Tensor, mask: Tensor) -> Tensor:
    """The chance itself, least squares."""
    return (((torch.sigmoid(score) - gain / gain.amax(1, keepdim=True).clamp(min=1e-9)).square()) * mask).sum() / mask.shape[0]


OBJECTIVES = {"softmax": listwise, "bce": pointwise_bce, "bpr": bpr, "lambda-softmax": lambda_softmax, "mse": squared_error}
