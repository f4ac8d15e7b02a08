"""Distils a sentence encoder into the small built-in text encoder.

    python train_text_encoder.py --data "$FUSERANK_DATA" --teacher ../all-minilm-l6-v2 --form transformer --out runs/text

Student and teacher read the same tokens. The student's unit vector is pulled to the teacher's (turned into 256
dimensions by a fixed projection), and the similarities within a batch to the teacher's. Runs on CUDA where there is
any, else on one CPU thread.
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from teachers import SentenceTeacher, open_tokenizer
from text_corpus import gather_texts, read_judged_products
from text_student import StaticStudent, TransformerStudent

DIMS = 256
MAX_TOKENS = 64


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data packs")
    parser.add_argument("--teacher", type=Path, required=True, help="sentence encoder in Transformers.js layout")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--form", choices=["transformer", "static"], default="transformer")
    parser.add_argument("--seconds", type=float, default=180, help="training time after preparation")
    parser.add_argument("--batch", type=int, default=2048)
    parser.add_argument("--rate", type=float, default=None)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the texts, for a trial")
    parser.add_argument("--leave-out-fold", type=int, default=None, help="0 or 1: leave out what this half of the queries judges")
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


def pad_rows(rows: list[list[int]]) -> torch.Tensor:
    """→ ids [B, T], 0 where padded (0 is [PAD])."""
    width = max(map(len, rows))
    padded = np.zeros((len(rows), width), dtype=np.int64)
    for i, row in enumerate(rows):
        padded[i, : len(row)] = row
    return torch.from_numpy(padded)


def cut_batches(lengths: np.ndarray, size: int, generator: np.random.Generator) -> list[np.ndarray]:
    """Shuffled batches of texts of about the same length: padding is wasted work."""
    order = np.lexsort((generator.random(len(lengths)), lengths + generator.integers(0, 3, len(lengths))))
    batches = [order[i : i + size] for i in range(0, len(order), size)]
    generator.shuffle(batches)
    return batches


def encode_with_teacher(teacher: SentenceTeacher, rows: list[list[int]], device: torch.device) -> torch.Tensor:
    """→ [texts, 384] unit vectors on the device."""
    vectors = torch.empty(len(rows), teacher.bert.config.hidden_size, device=device)
    order = np.argsort([len(row) for row in rows])
    for start in range(0, len(order), 2048):
        chosen = order[start : start + 2048]
        ids = pad_rows([rows[i] for i in chosen]).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            vectors[torch.from_numpy(chosen).to(device)] = teacher(ids, (ids != 0).long())
    return vectors


def fit_projection(vectors: torch.Tensor) -> torch.Tensor:
    """[384, DIMS]: the directions that hold most of the uncentred second moment, so that dot products survive."""
    sample = vectors[torch.randperm(len(vectors), device=vectors.device)[:100_000]]
    _, directions = torch.linalg.eigh(sample.T @ sample)
    return directions[:, -DIMS:].flip(1)


def measure_loss(student: torch.Tensor, teacher: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both [B, DIMS] of unit length → (1 − cosine to the teacher, divergence of who resembles whom)."""
    away = 1 - (student * teacher).sum(-1).mean()
    own, wanted = student @ student.T, teacher @ teacher.T
    hide = torch.eye(len(own), device=own.device, dtype=torch.bool)
    own, wanted = own.masked_fill(hide, -4) / 0.06, wanted.masked_fill(hide, -4) / 0.06
    kin = F.kl_div(own.log_softmax(-1), wanted.log_softmax(-1), log_target=True, reduction="batchmean")
    return away, kin


def main() -> None:
    options = parse_arguments()
    torch.manual_seed(options.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    began = time.time()

    tokenizer = open_tokenizer(options.teacher)
    vocabulary = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    without = frozenset() if options.leave_out_fold is None else read_judged_products(options.data, options.leave_out_fold, 2)
    texts = gather_texts(options.data, vocabulary, without, options.seed, options.scale)
    rows = [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)]
    rows = [row if len(row) <= MAX_TOKENS else [*row[: MAX_TOKENS - 1], row[-1]] for row in rows]
    print(f"{len(texts)} texts, {sum(map(len, rows)) / len(rows):.1f} tokens each, {time.time() - began:.0f} s", flush=True)

    teacher = SentenceTeacher(options.teacher).to(device)
    targets = encode_with_teacher(teacher, rows, device)
    specials = [tokenizer.token_to_id(t) for t in ("[CLS]", "[SEP]")]
    pieces = encode_with_teacher(teacher, [[specials[0], i, specials[1]] for i in range(len(vocabulary))], device)
    projection = fit_projection(targets)
    targets = F.normalize(targets @ projection, dim=-1)
    pieces = pieces @ projection
    print(f"teacher done, {time.time() - began:.0f} s", flush=True)

    student = (TransformerStudent if options.form == "transformer" else StaticStudent)(len(vocabulary), DIMS).to(device)
    student.start_from(pieces)
    rate = options.rate or (1.5e-3 if options.form == "transformer" else 5e-3)
    optimiser = torch.optim.AdamW(student.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.01 if options.form == "transformer" else 0.0)
    generator = np.random.default_rng(options.seed)
    lengths = np.array([len(row) for row in rows])
    padded = torch.zeros(len(rows), MAX_TOKENS, dtype=torch.int32, device=device)
    for start in range(0, len(rows), 50_000):
        part = pad_rows(rows[start : start + 50_000])
        padded[start : start + len(part), : part.shape[1]] = part.to(device, torch.int32)

    step, epoch, start, running, log = 0, 0, time.time(), [], []
    while time.time() - start < options.seconds:
        epoch += 1
        for chosen in cut_batches(lengths, options.batch, generator):
            spent = (time.time() - start) / options.seconds
            if spent >= 1:
                break
            warm = min(1.0, (step + 1) / 300)
            for group in optimiser.param_groups:
                group["lr"] = rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * spent)))
            index = torch.from_numpy(chosen).to(device)
            ids = padded[index, : int(lengths[chosen].max())].long()
            mask = (ids != 0).long()
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                hidden = student(ids, mask)
            weights = mask.unsqueeze(-1).float()
            vectors = F.normalize((hidden.float() * weights).sum(1) / weights.sum(1), dim=-1)
            away, kin = measure_loss(vectors, targets[index])
            loss = away + 0.5 * kin
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
            optimiser.step()
            step += 1
            running.append(away.detach())
            if step % 500 == 0:
                log.append({"step": step, "epoch": epoch, "seconds": round(time.time() - start), "away": float(torch.stack(running).mean())})
                print(log[-1], flush=True)
                running = []
    torch.save({"state": {k: v.half().cpu() for k, v in student.state_dict().items()}, "form": options.form, "vocabulary": len(vocabulary)}, options.out / "student.pt")
    (options.out / "log.json").write_text(json.dumps({"texts": len(texts), "steps": step, "epochs": epoch, "log": log}, indent=1))
    print(f"saved after {step} steps, {epoch} epochs, {time.time() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
