"""What a place in the shown list does to clicks, whatever stands there: learnt beside the ranker, left out when it serves.

A shallow tower on the position alone (Zhao et al. 2019, "Recommending what video to watch next"), with positions dropped at random so that the
ranker cannot rest on it. It tells position from worth only where chance moved products: logged swaps, or positions with known propensities.
"""

import torch
from torch import Tensor, nn

PLACES, DROPPED = 50, 0.1


class PositionBias(nn.Module):
    def __init__(self):
        super().__init__()
        self.bias = nn.Embedding(PLACES + 1, 1)  # the last: not known
        nn.init.zeros_(self.bias.weight)

    def forward(self, position: Tensor) -> Tensor:
        """position [B, N], -1: nobody saw it -> what is added to the logit of a click [B, N]"""
        place = torch.where(position < 0, PLACES, position.clamp(max=PLACES - 1)).long()
        if self.training:
            place = torch.where(torch.rand(place.shape, device=place.device) < DROPPED, PLACES, place)
        return self.bias(place).squeeze(2)
