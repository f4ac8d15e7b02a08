"""What training minimises and what is reported."""

import torch
import torch.nn.functional as F
from torch import Tensor


def listwise(score: Tensor, chosen: Tensor, mask: Tensor) -> Tensor:
    """Cross-entropy between the softmax of the scores and the chances of being chosen (ListNet with true chances). [B, N] -> []"""
    log_share = torch.log_softmax(score.masked_fill(mask == 0, -1e4), 1)
    return -(chosen * log_share).sum(1).mean()


def whole_funnel(outputs: dict[str, Tensor], outcome: Tensor, mask: Tensor) -> Tensor:
    """Binary cross-entropy of click, cart and purchase over all shown candidates (ESMM: each as a share of what was shown)."""
    loss = torch.zeros((), device=mask.device)
    for name, level in (("p_click", 1), ("p_cart", 2), ("p_buy", 3)):
        share = outputs[name].clamp(1e-6, 1 - 1e-6)
        each = F.binary_cross_entropy(share, (outcome >= level).to(share), reduction="none")
        loss = loss + (each * mask).sum() / mask.sum()
    return loss


def standardise(score: Tensor, mask: Tensor) -> Tensor:
    """z within each list, as the blend of rank.ts does."""
    centred = centre(score, mask)
    return centred / (centred.square().sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp(min=1) + 1e-6).sqrt()


def centre(score: Tensor, mask: Tensor) -> Tensor:
    """Scores with the mean of their list at 0; pads are 0. [B, N]"""
    return (score - (score * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp(min=1)) * mask


def blend(outputs: dict[str, Tensor], first: Tensor, mask: Tensor, dial: float | Tensor) -> Tensor:
    """(1 - d g) z_first + d g z_model [B, N]"""
    weight = (dial * outputs["gate"]).unsqueeze(1)
    return (1 - weight) * standardise(first, mask) + weight * standardise(outputs["score"], mask)


def ndcg(score: Tensor, gain: Tensor, mask: Tensor, k: int = 10) -> Tensor:
    """Linear gain over log2(i + 1), ideal from the same list [B]; ties fall as the list lies."""
    k = min(k, score.shape[1])
    discount = 1 / torch.log2(torch.arange(k, device=score.device) + 2.0)
    order = score.masked_fill(mask == 0, -1e9).argsort(dim=1, descending=True, stable=True)[:, :k]
    ideal = (gain * mask).sort(dim=1, descending=True).values[:, :k]
    return (torch.gather(gain * mask, 1, order) * discount).sum(1) / (ideal * discount).sum(1).clamp(min=1e-9)
