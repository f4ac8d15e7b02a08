"""Distils MobileNetV2 into the small built-in picture encoder.

    python train_picture_encoder.py --data "$FUSERANK_DATA" --rendered rendered --teacher ../mobilenet-v2-224 --out runs/picture

Pictures: clothing (CC0) and grocery (MIT) without their held-out parts, and pictures the project draws itself, from
the generator's training values only: npx tsx demo/render-training.ts rendered --count 6000 --seed 101

Four pulls on the unit vector: likeness within the batch as the teacher sees it, the teacher's own features, the same
picture disturbed twice, and labels where there are any.
"""

import argparse
import csv
import gzip
import hashlib
import json
import math
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from picture_student import FEATURES, SIDE, PictureStudent, disturb
from teachers import PictureTeacher

TASKS = ("kind", "pattern", "material", "garment", "grocery")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rendered", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dims", type=int, default=192)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--batch", type=int, default=384)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--limit", type=int, default=None, help="so many pictures of each source, for a trial")
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


def is_held_out(kind: str, name: str) -> bool:
    """Clothing: a third of the photos by hash. Grocery: every third class, products and photos."""
    if kind == "grocery":
        return int(name) % 3 == 0
    return hashlib.sha256(name.encode()).digest()[0] % 3 == 0


def list_pictures(options: argparse.Namespace) -> tuple[list[Path], list[dict[str, str]]]:
    files, labels = [], []

    def add(file: Path, **named: str) -> None:
        files.append(file)
        labels.append(named)

    clothing, grocery = options.data / "clothing", options.data / "grocery"
    with open(clothing / "labels.csv", encoding="utf-8", newline="") as stream:
        for row in list(csv.DictReader(stream))[: options.limit]:
            if not is_held_out("clothing", row["id"]):
                add(clothing / "images" / f"{row['id']}.jpg", garment=row["label"])
    with open(grocery / "photos.csv", encoding="utf-8", newline="") as stream:
        for row in list(csv.DictReader(stream))[: options.limit]:
            if not is_held_out("grocery", row["class_id"]):
                add(grocery / "photos" / f"{row['id']}.jpg", grocery=row["class_id"])
    with gzip.open(grocery / "products.jsonl.gz", "rt", encoding="utf-8") as stream:
        for row in map(json.loads, list(stream)[: options.limit]):
            if not is_held_out("grocery", str(row["class_id"])):
                add(grocery / "images" / f"{row['id']}.jpg", grocery=str(row["class_id"]))
    for line in (options.rendered / "products.ndjson").read_text().splitlines()[: options.limit]:
        row = json.loads(line)
        add(options.rendered / "images" / row["image"], **{task: row["latent"][task] for task in ("kind", "pattern", "material")})
    return files, labels


def read_square(file: Path) -> np.ndarray:
    """The whole picture on a white square, as the sidecar prepares it. → uint8 [3, SIDE, SIDE]"""
    picture = Image.open(file).convert("RGB")
    picture.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    scale = SIDE / max(picture.size)
    if scale > 1:
        picture = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))), Image.Resampling.BILINEAR)
    square = Image.new("RGB", (SIDE, SIDE), "white")
    square.paste(picture, ((SIDE - picture.width) // 2, (SIDE - picture.height) // 2))
    return np.asarray(square).transpose(2, 0, 1)


def number_labels(labels: list[dict[str, str]]) -> tuple[dict[str, torch.Tensor], dict[str, int]]:
    """Task → class numbers, -1 where unlabelled."""
    numbers, sizes = {}, {}
    for task in TASKS:
        names = sorted({row[task] for row in labels if task in row})
        position = {name: i for i, name in enumerate(names)}
        numbers[task] = torch.tensor([position.get(row.get(task), -1) for row in labels])
        sizes[task] = len(names)
    return numbers, sizes


@torch.no_grad()
def read_all(model, pictures: torch.Tensor, side: int) -> torch.Tensor:
    parts = []
    for start in range(0, len(pictures), 256):
        x = pictures[start : start + 256].float() / 127.5 - 1
        parts.append(model(F.interpolate(x, size=(side, side), mode="bilinear", align_corners=False) if side != SIDE else x))
    return torch.cat(parts)


def whiten(features: torch.Tensor, dims: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(mean, [n, dims] map): principal directions, half whitened, of what the teacher sees."""
    mean = features.mean(0)
    values, directions = torch.linalg.eigh((features - mean).T @ (features - mean) / len(features))
    return mean, directions[:, -dims:] / values[-dims:].clamp_min(1e-6) ** 0.25


def measure_kinship(own: torch.Tensor, wanted: torch.Tensor, heat: float) -> torch.Tensor:
    """Unit vectors [B, a], [B, b] → divergence of who resembles whom."""
    hide = torch.eye(len(own), device=own.device, dtype=torch.bool)
    p = (own @ own.T).masked_fill(hide, -9) / heat
    q = (wanted @ wanted.T).masked_fill(hide, -9) / heat
    return F.kl_div(p.log_softmax(-1), q.log_softmax(-1), log_target=True, reduction="batchmean")


def measure_recognition(first: torch.Tensor, second: torch.Tensor, heat: float) -> torch.Tensor:
    """Two disturbed views [B, d] each → cross entropy of finding one's other view among all."""
    both = torch.cat([first, second])
    similar = (both @ both.T).fill_diagonal_(-9) / heat
    count = len(first)
    return F.cross_entropy(similar, torch.cat([torch.arange(count, 2 * count), torch.arange(count)]).to(first.device))


def main() -> None:
    options = parse_arguments()
    torch.manual_seed(options.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    began = time.time()

    files, labels = list_pictures(options)
    with ThreadPoolExecutor(8) as pool:
        pictures = torch.from_numpy(np.stack(list(pool.map(read_square, files)))).to(device)
    numbers, sizes = number_labels(labels)
    numbers = {task: n.to(device) for task, n in numbers.items()}
    print(f"{len(files)} pictures, {sizes}, {time.time() - began:.0f} s", flush=True)

    teacher = PictureTeacher(options.teacher).to(device).eval().requires_grad_(False)
    student = PictureStudent(PictureTeacher(options.teacher), options.dims).to(device)
    mean, directions = whiten(read_all(lambda x: teacher(x)["pooler_output"], pictures, 224), 256)
    student.start_from(read_all(student.read, pictures, SIDE))
    save(student, options, "start")

    to_teacher = nn.Linear(options.dims, 256).to(device)
    heads = nn.ModuleDict({task: nn.Linear(options.dims, max(size, 2)) for task, size in sizes.items()}).to(device)
    optimiser = torch.optim.AdamW(
        [
            {"params": [p for n, p in student.named_parameters() if n.startswith("trunk")], "scale": 1.0},
            {"params": [*student.out.parameters(), *to_teacher.parameters(), *heads.parameters()], "scale": 5.0},
        ],
        lr=options.rate,
        weight_decay=1e-3,
    )
    drawn = (numbers["kind"] >= 0).float()
    shares = torch.where(drawn > 0, 0.5 / drawn.sum(), 0.5 / (1 - drawn).sum())  # half drawn, half photographed

    step, start, log = 0, time.time(), []
    while (spent := (time.time() - start) / options.seconds) < 1:
        for group in optimiser.param_groups:
            group["lr"] = group["scale"] * options.rate * min(1.0, (step + 1) / 50) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * spent)))
        chosen = torch.multinomial(shares, options.batch, replacement=False)
        first, second = disturb(pictures[chosen], SIDE, 0.5), disturb(pictures[chosen], SIDE, 1.0)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            with torch.no_grad():
                seen = teacher(F.interpolate(first, size=(224, 224), mode="bilinear", align_corners=False))["pooler_output"]
            one, two = student(first), student(second)
        wanted = F.normalize((seen.float() - mean) @ directions, dim=-1)
        one, two = F.normalize(one.float(), dim=-1), F.normalize(two.float(), dim=-1)
        losses = {
            "kinship": measure_kinship(one, wanted, 0.1),
            "teacher": 1 - (F.normalize(to_teacher(two), dim=-1) * wanted).sum(-1).mean(),
            "recognition": 0.3 * measure_recognition(one, two, 0.1),
        }
        for task, head in heads.items():
            known = numbers[task][chosen] >= 0
            if known.any():
                losses[task] = 0.15 * F.cross_entropy(head(8 * two[known]), numbers[task][chosen][known])
        loss = sum(losses.values())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for g in optimiser.param_groups for p in g["params"]], 2.0)
        optimiser.step()
        step += 1
        if step % 100 == 0:
            log.append({"step": step, "seconds": round(time.time() - start), **{k: round(float(v), 4) for k, v in losses.items()}})
            print(log[-1], flush=True)
    save(student, options, "student")
    (options.out / "log.json").write_text(json.dumps({"pictures": len(files), "steps": step, "log": log}, indent=1))
    print(f"saved after {step} steps, {time.time() - began:.0f} s", flush=True)


def save(student: PictureStudent, options: argparse.Namespace, name: str) -> None:
    state = {k: v.half().cpu() for k, v in student.state_dict().items()}
    torch.save({"state": state, "dims": options.dims, "features": FEATURES, "side": SIDE}, options.out / f"{name}.pt")


if __name__ == "__main__":
    main()
