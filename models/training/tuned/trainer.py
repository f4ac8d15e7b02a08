"""Trains a network on a table of lists and keeps what ranked a held-out tenth best."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from contract import COLUMN
from losses import blend, whole_funnel
from tuned.choices import Training
from tuned.list_table import Batch, ListTable
from tuned.objectives import OBJECTIVES
from tuned.position_bias import PositionBias

HELD_OUT, FEWEST_LISTS = 0.1, 50
DIAL = 0.75
# Weights of the blended order's loss and of the funnel's beside the network's own; steepness with which a blended z is read as a choice.
BLEND_SHARE, FUNNEL_SHARE, BLEND_STEEPNESS = 0.5, 0.1, 1.5
TEST_BATCH, CUT = 128, 10


@dataclass
class Trained:
    history: list[dict]
    epoch: int  # the one that is kept
    lists: int
    held: int
    seconds: float


def choose_device(name: str) -> str:
    """auto: a GPU where there is one."""
    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


def hide_vectors(x: dict[str, Tensor], share: float, generator: torch.Generator) -> dict[str, Tensor]:
    """Modality dropout (Neverova et al. 2016): in `share` of the lists some of the products, or all, lose their vector of one modality."""
    x = dict(x)
    b, device = x["candidate_mask"].shape[0], x["candidate_mask"].device
    draw = lambda *dims: torch.rand(dims, device=device, generator=generator)  # noqa: E731
    for name in ("text", "image"):
        lost = (draw(b) < share) * draw(b) * 1.25  # [B] share of the products that lose it
        for whose in ("item", "history"):
            mask = x[f"{whose}_{name}_mask"]
            x[f"{whose}_{name}_mask"] = mask * (draw(*mask.shape) >= lost[:, None])
    return x


def loss_of(network: nn.Module, batch: Batch, training: Training, bias: PositionBias | None) -> Tensor:
    outputs, mask = network(batch.inputs), batch.inputs["candidate_mask"]
    gain = batch.grades / batch.grades.sum(1, keepdim=True).clamp(min=1e-9)
    score = outputs["score"] if bias is None else outputs["score"] + bias(batch.position)
    first = batch.inputs["columns"][..., COLUMN["first_phase_z"]]
    own = OBJECTIVES[training.loss](score, gain, mask)
    # The served order speaks softmax; under another loss it teaches the gate alone.
    judged = outputs if training.loss == "softmax" else outputs | {"score": outputs["score"].detach()}
    served = OBJECTIVES["softmax"](BLEND_STEEPNESS * blend(judged, first, mask, DIAL), gain, mask)
    loss = own + (BLEND_SHARE * served if served.requires_grad else 0)
    if "p_click" in outputs:
        loss = loss + FUNNEL_SHARE * whole_funnel(outputs, batch.grades.round(), mask)
    return loss


@torch.no_grad()
def rank_targets(table: ListTable, places: np.ndarray, score: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> dict[str, np.ndarray]:
    """NDCG@10 of each list by system [G]; `score` gives [B, N] by system. Gains 2^grade - 1; ties fall as the list lies."""
    told: dict[str, np.ndarray] = {}
    for start in range(0, len(places), TEST_BATCH):
        chunk = places[start : start + TEST_BATCH]
        batch = table.batch(chunk)
        mask, gains = batch.inputs["candidate_mask"], torch.exp2(batch.grades) - 1
        count = min(CUT, mask.shape[1])
        discount = 1 / torch.log2(torch.arange(count, device=mask.device) + 2.0)
        ideal = (gains.sort(dim=1, descending=True).values[:, :count] * discount).sum(1).clamp(min=1e-9)
        for name, values in score(batch.inputs).items():
            order = values.float().masked_fill(mask == 0, -1e9).argsort(dim=1, descending=True, stable=True)[:, :count]
            ndcg = (gains.gather(1, order) * discount).sum(1) / ideal
            told.setdefault(name, np.zeros(len(places)))[start : start + len(chunk)] = ndcg.cpu().numpy()
    return told


def score_network(network: nn.Module, dials: tuple[float, ...] = (1.0, DIAL)) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    """As served at each dial, and `own`: the score alone, without the gate."""

    def score(x: dict[str, Tensor]) -> dict[str, Tensor]:
        outputs, first = network(x), x["columns"][..., COLUMN["first_phase_z"]]
        return {"own": outputs["score"], **{f"dial {dial:g}": blend(outputs, first, x["candidate_mask"], dial) for dial in dials}}

    return score


def by_length(table: ListTable, places: np.ndarray) -> np.ndarray:
    return places[np.argsort(table.sizes[places, 1], kind="stable")]


def train(
    network: nn.Module,
    table: ListTable,
    training: Training,
    *,
    seed: int,
    split_seed: int = 1,
    seconds: float | None = None,
    tell: Callable[[str], None] = print,
) -> Trained:
    """Leaves the best weights in the network. `seconds`: begin no epoch that would end later."""
    learn, held = table.split(HELD_OUT, split_seed)
    if len(learn) < FEWEST_LISTS or len(held) < 2:
        raise SystemExit(f"{len(learn)} lists with something good in them; {FEWEST_LISTS} are the fewest to train on")
    held = by_length(table, held)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    generator = torch.Generator(device=table.device).manual_seed(seed)
    bias = PositionBias().to(table.device) if training.positions != "none" else None
    learnt = [*network.parameters(), *(bias.parameters() if bias else ())]
    optimiser = torch.optim.AdamW(learnt, lr=training.rate, weight_decay=training.decay, fused=table.device.type == "cuda")
    steps = training.epochs * -(-len(learn) // training.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, training.rate, total_steps=steps, pct_start=0.1)
    started = time.monotonic()
    history, best = [], {name: value.clone() for name, value in network.state_dict().items()}
    for epoch in range(1, training.epochs + 1):
        network.train()
        total = torch.zeros((), device=table.device)
        for places in table.chunk(learn, training.batch, rng):
            batch = table.batch(places, keep=training.candidates, generator=generator)
            if training.modality_dropout > 0:
                batch = replace(batch, inputs=hide_vectors(batch.inputs, training.modality_dropout, generator))
            loss = loss_of(network, batch, training, bias)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learnt, 1.0)
            optimiser.step()
            schedule.step()
            if hasattr(network, "ceiling"):
                network.clamp_ceiling()
            total += loss.detach() * len(places)
        network.eval()
        ranked = rank_targets(table, held, score_network(network))
        own, served = float(ranked["own"].mean()), float(ranked[f"dial {DIAL:g}"].mean())
        past = time.monotonic() - started
        tell(f"epoch {epoch}: loss {float(total) / len(learn):.4f}, held-out ndcg@10 {own:.4f}, blended {served:.4f}, {past:.0f} s")
        if not np.isfinite(own + float(total)):
            raise SystemExit("training diverged: the loss is no number; lower the rate")
        if not history or own > max(each["ndcg@10"] for each in history):
            best = {name: value.clone() for name, value in network.state_dict().items()}
        history.append({"epoch": epoch, "loss": float(total) / len(learn), "ndcg@10": own, "served ndcg@10": served})
        top = max(range(len(history)), key=lambda place: history[place]["ndcg@10"])
        if len(history) - 1 - top >= training.patience or (seconds is not None and past * (epoch + 1) / epoch > seconds):
            break
    network.load_state_dict(best)
    network.eval()
    kept = max(history, key=lambda each: each["ndcg@10"])
    return Trained(history, kept["epoch"], len(learn), len(held), time.monotonic() - started)
