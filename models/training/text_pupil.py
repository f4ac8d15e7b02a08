"""The built-in text encoder as it goes on learning: its network, its tokenizer, and what it made of texts before."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor

from text_graph import TextGraph, open_text_graph
from text_student import TransformerStudent

DIMS = 256
LONGEST_LESSON = 64
CHUNK = 32


@dataclass
class Pupil:
    network: TransformerStudent
    tokenizer: Tokenizer
    short: bool = False  # bfloat16 where nothing is learnt or measured

    def rows(self, texts: list[str], longest: int) -> list[list[int]]:
        rows = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        return [row if len(row) <= longest else [*row[: longest - 1], row[-1]] for row in rows]

    def forward(self, texts: list[str], longest: int = LONGEST_LESSON) -> Tensor:
        """→ unit vectors [texts, DIMS]; like lengths run together, since padding is wasted work."""
        rows = self.rows(texts, longest)
        order = np.argsort([len(row) for row in rows], kind="stable")
        parts = []
        for start in range(0, len(order), CHUNK):
            chosen = [rows[i] for i in order[start : start + CHUNK]]
            ids = torch.zeros(len(chosen), len(chosen[-1]), dtype=torch.long)
            for place, row in enumerate(chosen):
                ids[place, : len(row)] = torch.tensor(row)
            mask = (ids != 0).long()
            weights = mask.unsqueeze(-1).float()
            parts.append(F.normalize((self.network(ids, mask) * weights).sum(1) / weights.sum(1), dim=-1))
        return torch.cat(parts)[torch.from_numpy(np.argsort(order, kind="stable"))]

    @torch.no_grad()
    def encode(self, texts: list[str]) -> np.ndarray:
        self.network.eval()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.short):
            parts = [self.forward(texts[start : start + 1024]).float() for start in range(0, len(texts), 1024)]
        return torch.cat(parts).numpy() if parts else np.zeros((0, DIMS), np.float32)


def open_pupil(folder: Path) -> tuple[TextGraph, Pupil]:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    network = TransformerStudent(max(tokenizer.get_vocab().values()) + 1, DIMS)
    graph = open_text_graph(folder / "model.onnx", network)
    network.load_state_dict(graph.read())
    return graph, Pupil(network, tokenizer)


def quicker_short(pupil: Pupil) -> bool:
    """Whether bfloat16 is worth its while here: half the time where the CPU multiplies it, several times as much where it does not."""
    texts = [f"{colour} {thing} for men at work" for colour in ("red", "blue") for thing in ("lamp", "shirt", "cup")] * 16
    seconds = {}
    for short in (False, True, False, True):
        began = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=short):
            pupil.forward(texts).float().sum().backward()
        seconds[short] = time.process_time() - began
    pupil.network.zero_grad(set_to_none=True)
    return seconds[True] < 0.8 * seconds[False]


class Anchor:
    """What the encoder made of a text before it learnt; each text once."""

    def __init__(self, folder: Path):
        _, self.pupil = open_pupil(folder)
        self.pupil.short = quicker_short(self.pupil)
        self.known: dict[str, np.ndarray] = {}

    def __call__(self, texts: list[str]) -> np.ndarray:
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        if new:
            self.known |= dict(zip(new, self.pupil.encode(new), strict=True))
        return np.stack([self.known[text] for text in texts])
