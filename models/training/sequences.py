"""What many shoppers did, one after the other."""

from dataclasses import dataclass

import numpy as np


@dataclass
class Sequences:
    """E events sorted by shopper, then by time. Items are rows of a catalogue, actions are ids of feature-set.json."""

    shopper: np.ndarray  # [E] int32
    item: np.ndarray  # [E] int32
    action: np.ndarray  # [E] int8
    time: np.ndarray  # [E] float64, seconds

    def __len__(self) -> int:
        return len(self.item)
