"""What a candidate is read by: one logit, or those of click, cart and purchase in one of three arrangements. [R, H] -> logits [R, 1 or 3]"""

import torch
from torch import Tensor, nn

HIDDEN, EXPERTS, TASKS = 32, 4, 3


class SharedBottom(nn.Module):
    """One hidden layer for all tasks (Caruana 1997); with one task a plain head."""

    def __init__(self, width: int, tasks: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, tasks))
        with torch.no_grad():
            self.layers[-1].weight.mul_(0.1)

    def forward(self, hidden: Tensor) -> Tensor:
        return self.layers(hidden)


class MixtureOfExperts(nn.Module):
    """MMoE (Ma et al. 2018): each task weighs the experts for itself."""

    def __init__(self, width: int, tasks: int):
        super().__init__()
        self.tasks = tasks
        self.experts = nn.Linear(width, EXPERTS * HIDDEN)
        self.gates = nn.Linear(width, tasks * EXPERTS)
        self.towers = nn.Parameter(torch.randn(tasks, HIDDEN) * 0.02)
        self.bias = nn.Parameter(torch.zeros(tasks))

    def forward(self, hidden: Tensor) -> Tensor:
        r = hidden.shape[0]
        experts = torch.relu(self.experts(hidden)).reshape(r, EXPERTS, HIDDEN)  # [R, E, H]
        gates = torch.softmax(self.gates(hidden).reshape(r, self.tasks, EXPERTS), 2)  # [R, T, E]
        mixed = torch.matmul(gates, experts)  # [R, T, H]
        return (mixed * self.towers).sum(2) + self.bias  # [R, T]


def build_head(name: str, width: int) -> nn.Module:
    if name == "mmoe":
        return MixtureOfExperts(width, TASKS)
    return SharedBottom(width, 1 if name == "single" else TASKS)


def read_logits(name: str, logits: Tensor, gains: tuple[float, float]) -> dict[str, Tensor]:
    """The utility that orders, and the chances. logits [R, T] -> each [R]. ESMM (Ma et al. 2018): a cart is a share of clicks, a purchase of carts;
    otherwise each task stands alone. `gains`: worth of a cart and of a purchase in clicks."""
    if name == "single":
        return {"score": logits[:, 0]}
    click, cart, buy = logits.split(1, 1)  # [R, 1]
    p_click, p_cart, p_buy = torch.sigmoid(click), torch.sigmoid(cart), torch.sigmoid(buy)
    if name == "esmm":
        score = click + torch.log(p_cart * (gains[0] + p_buy * gains[1]) + 1)
        p_cart, p_buy = p_click * p_cart, p_click * p_cart * p_buy
    else:
        score = click + torch.log(p_cart * gains[0] + p_buy * gains[1] + 1)
    return {"score": score.squeeze(1), "p_click": p_click.squeeze(1), "p_cart": p_cart.squeeze(1), "p_buy": p_buy.squeeze(1)}
