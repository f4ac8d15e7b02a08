"""Lists of rows' folders (inputs.py) on one device, where batches are gathered: nothing is copied there again while training."""

import zlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from contract import COLUMNS
from inputs import ListInputs

PLANES = ("history_brand", "history_category", "history_covisits", "history_covisits_norm", "history_factor")
OF_CANDIDATES = ("item_text_mask", "item_image_mask", "candidate_mask")
OF_EVENTS = ("history_mask", "history_text_mask", "history_image_mask", "history_event", "history_age", "history_session")
MASKS = {
    "text": ("item_text_mask", "history_text_mask", "query_text_mask"),
    "image": ("item_image_mask", "history_image_mask", "query_image_mask", "query_head_mask"),
}
OF_LISTS = ("query_text", "query_text_mask", "query_image", "query_image_mask", "query_head", "query_head_mask", "cosine_stats")


@dataclass
class Batch:
    inputs: dict[str, Tensor]
    grades: Tensor  # [B, N]
    position: Tensor  # [B, N] place in the list that was shown, -1: not known


class ListTable:
    """G lists. Folders after the first must speak of the same products."""

    def __init__(self, folders: list[ListInputs], device: str, columns: list[str] = COLUMNS):
        self.device, self.folders = torch.device(device), folders
        self.sizes = np.concatenate([np.asarray(each.sizes, np.int64) for each in folders])  # [G, 2]
        self.list_ids = [list_id for each in folders for list_id in each.list_ids]
        self.asked = sum(each.header.get("asked", len(each)) for each in folders)
        count, length = torch.from_numpy(self.sizes[:, 0].copy()), torch.from_numpy(self.sizes[:, 1].copy())
        starts = lambda lengths: (lengths.cumsum(0) - lengths).to(self.device)  # noqa: E731
        self.count, self.length = count.to(self.device), length.to(self.device)
        self.first_candidate, self.first_event, self.first_pair = starts(count), starts(length), starts(count * length)
        self.vectors = {name: self.load_vectors(f"vectors_{name}") for name in ("text", "image")}
        self.columns = self.load_columns(columns)  # [sum N, F]
        self.pairs = self.load_pairs()  # [sum N L, P]
        self.item, self.past = self.load("candidate_item").long(), self.load("history_item").long()
        self.label = self.load("label").float()
        self.of_candidates = torch.stack([self.load(name) for name in OF_CANDIDATES], 1).float()  # [sum N, 3]
        self.of_events = torch.stack([self.load(name) for name in OF_EVENTS], 1).float()  # [sum L, 6]
        self.of_lists = {name: self.load(name).float().reshape(len(self.sizes), *self.shape_of(name)) for name in OF_LISTS}
        self.position = torch.full((len(self.item),), -1.0, device=self.device)
        self.hidden_pictures: Tensor | None = None
        self.without: tuple[str, ...] = ()  # modalities that batches come without
        self.own_columns = {"text": columns.index("text_knn_rr"), "image": columns.index("image_knn_rr")}

    def __len__(self) -> int:
        return len(self.sizes)

    def load(self, name: str) -> Tensor:
        return torch.from_numpy(np.concatenate([np.asarray(each.array(name)).reshape(-1) for each in self.folders])).to(self.device)

    def load_vectors(self, name: str) -> Tensor:
        """[n + 1, D]; the last row is what -1 finds: nothing"""
        rows = [np.asarray(each.array(name)) for each in self.folders]
        if any(other.shape != rows[0].shape or not np.array_equal(other[:50], rows[0][:50]) for other in rows[1:]):
            raise SystemExit(f"{self.folders[0].folder} and the folders beside it speak of other products; export their lists together")
        return torch.from_numpy(np.concatenate([rows[0], np.zeros_like(rows[0][:1])])).to(self.device)

    def load_columns(self, columns: list[str]) -> Tensor:
        parts = []
        for each in self.folders:
            names = each.header["columns"]
            values = np.asarray(each.array("columns")).reshape(-1, len(names))
            parts.append(torch.from_numpy(values[:, [names.index(column) for column in columns]]))
        return torch.cat(parts).to(self.device)

    def load_pairs(self) -> Tensor:
        # Halves: these are the larger part of all memory, and counts are logarithms already.
        planes = [np.concatenate([np.asarray(each.array(name), np.float16).reshape(-1) for each in self.folders]) for name in PLANES]
        return torch.stack([torch.from_numpy(plane) for plane in planes], 1).to(self.device)

    def shape_of(self, name: str) -> tuple[int, ...]:
        dims = {"query_text": self.vectors["text"].shape[1:], "query_image": self.vectors["image"].shape[1:], "query_head": self.vectors["image"].shape[1:]}
        return tuple(dims.get(name, (5, 2) if name == "cosine_stats" else ()))

    def present_dims(self) -> dict[str, int]:
        """Dims of the modalities that any candidate has."""
        has = {"text": self.of_candidates[:, 0].any(), "image": self.of_candidates[:, 1].any()}
        return {name: self.vectors[name].shape[1] for name in ("text", "image") if bool(has[name])}

    def product_vectors(self, name: str) -> np.ndarray:
        rows = self.vectors[name][:-1].float().cpu().numpy()
        return rows[np.abs(rows).sum(1) > 0]

    def hide_pictures(self, share: float, seed: int = 1) -> None:
        """The same products' pictures are gone in every list: what a shop with fewer pictures would have."""
        gone = np.random.default_rng(seed).random(self.vectors["image"].shape[0]) < share
        self.hidden_pictures = torch.from_numpy(gone).to(self.device) if share > 0 else None

    def batch(self, places: np.ndarray, *, keep: int = 0, generator: torch.Generator | None = None) -> Batch:
        """`keep`: at most so many candidates of a list, those with a grade among them, the others by chance; 0: all."""
        rows = torch.from_numpy(np.asarray(places)).to(self.device)
        count, length = self.count[rows], self.length[rows]
        longest, n = int(self.sizes[places, 1].max()), int(self.sizes[places, 0].max())
        chosen = torch.arange(n, device=self.device).expand(len(rows), n)  # [B, N]
        here = chosen < count[:, None]
        if 0 < keep < n:
            flat = torch.where(here, self.first_candidate[rows][:, None] + chosen, 0)
            value = torch.rand(here.shape, device=self.device, generator=generator) + 2 * (self.label[flat] > 0)
            chosen = value.masked_fill(~here, -1).topk(keep, 1).indices
            here = chosen < count[:, None]
        return self.gather(rows, chosen, here, length, longest)

    def gather(self, rows: Tensor, chosen: Tensor, here: Tensor, length: Tensor, longest: int) -> Batch:
        """chosen [B, N] places in their lists, here [B, N] which of them exist, length [B] events of each list."""
        candidate = torch.where(here, self.first_candidate[rows][:, None] + chosen, 0)  # [B, N]
        place = torch.arange(longest, device=self.device).expand(len(rows), longest)
        known = place < length[:, None]  # [B, L]
        event = torch.where(known, self.first_event[rows][:, None] + place, 0)
        pair = self.first_pair[rows][:, None, None] + chosen[:, :, None] * length[:, None, None] + place[:, None, :]  # [B, N, L]
        both = here[:, :, None] & known[:, None, :]
        planes = self.pairs[torch.where(both, pair, 0)].float() * both.unsqueeze(3)  # [B, N, L, P]
        item = torch.where(here, self.item[candidate], -1)
        past = torch.where(known, self.past[event], -1)
        masks = self.of_candidates[candidate] * here.unsqueeze(2)  # [B, N, 3]
        events = self.of_events[event] * known.unsqueeze(2)  # [B, L, 6]
        inputs = {name: values[rows] for name, values in self.of_lists.items()}
        inputs |= {name: masks[..., k] for k, name in enumerate(OF_CANDIDATES)}
        inputs |= {name: events[..., k] for k, name in enumerate(OF_EVENTS)}
        if self.hidden_pictures is not None:
            inputs["item_image_mask"] = inputs["item_image_mask"] * ~self.hidden_pictures[item]
            inputs["history_image_mask"] = inputs["history_image_mask"] * ~self.hidden_pictures[past]
        columns = self.columns[candidate].float() * here.unsqueeze(2)
        for name in self.without:
            for mask in MASKS[name]:
                inputs[mask] = torch.zeros_like(inputs[mask])
            columns[..., self.own_columns[name]] = 0
        for name, vectors in self.vectors.items():
            inputs[f"item_{name}"] = vectors[item].float() * inputs[f"item_{name}_mask"].unsqueeze(2)
            inputs[f"history_{name}"] = vectors[past].float() * inputs[f"history_{name}_mask"].unsqueeze(2)
        inputs |= {name: planes[..., k] for k, name in enumerate(PLANES)}
        inputs["columns"] = columns
        return Batch(inputs, self.label[candidate] * here, torch.where(here, self.position[candidate], -1))

    def chunk(self, places: np.ndarray, batch: int, rng: np.random.Generator) -> list[np.ndarray]:
        """Every list once, histories of like length together, in an order of its own."""
        length = self.sizes[places, 1]
        order = np.lexsort((rng.random(len(places)), np.floor(np.log1p(length) * 2 + rng.random())))
        chunks = [places[order[start : start + batch]] for start in range(0, len(order), batch)]
        return [chunks[i] for i in rng.permutation(len(chunks))]

    def split(self, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Lists to train on and a share held out by a hash of their ids; those in which nothing is good teach nothing."""
        first = np.concatenate([[0], np.cumsum(self.sizes[:, 0])[:-1]])
        good = np.maximum.reduceat(self.label.cpu().numpy(), first) > 0
        held = np.array([zlib.crc32(f"{seed}:{list_id}".encode()) < share * 2**32 for list_id in self.list_ids])
        return np.flatnonzero(good & ~held), np.flatnonzero(good & held)
