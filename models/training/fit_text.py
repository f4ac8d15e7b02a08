"""Goes on training the built-in text encoder on a shop's own texts → an artefact. Minutes on one thread.

    python fit_text.py --from ../artefacts/text-small-1 --products products.ndjson --teacher ../all-minilm-l6-v2 --out text-shop-1

products.ndjson: a line {"title", "group", "texts", "labels"} a product. A title is pulled to the sentences, labels
and fragments of its own product and away from those of others; with a teacher, texts to its vectors and to who resembles whom there as well.
Held-out products decide: the best round is kept, and where none is better than what was started from, nothing is written (exit 4).
"""

import argparse
import hashlib
import json
import math
import random
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor

from sentence_folder import SentenceFolder
from shop_texts import GENERIC_SHARE, gather_lessons, generic_texts, hold_out, read_products
from text_graph import TextGraph
from text_lessons import Batch, OwnLessons, TaughtLessons, turn_into
from text_probe import Findings, Probe, bound_gain
from text_pupil import Anchor, Pupil, open_pupil

LONGEST_TEXT = 128
TEACHER_SHARE = 0.4  # of the minutes, at most
SHARES = {"taught": 0.6, "own": 0.25, "generic": 0.1}
ROUNDS = 6
RATE = {"taught": 6e-4, "own": 5e-4}
WARM = 40
TOLERANCE = 1e-4
NOT_BETTER = 4


def clone(pupil: Pupil) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in pupil.network.state_dict().items()}


@dataclass
class Share:
    """A kind of lesson and how often it comes."""

    share: float
    lessons: TaughtLessons | OwnLessons


@dataclass
class Outcome:
    state: dict[str, Tensor]
    round: int
    before: Findings
    best: Findings
    history: list[dict]
    steps: int


def teach(lessons: list[str], teacher: SentenceFolder, anchor: Anchor, until: float) -> TaughtLessons:
    """As many lessons as the teacher reads until then, at least one chunk; titles are the first."""
    vectors = []
    for start in range(0, len(lessons), 128):
        vectors.append(teacher.encode(lessons[start : start + 128]))
        if time.process_time() > until:
            break
    read = np.concatenate(vectors)
    lessons = lessons[: len(read)]
    sample = np.random.default_rng(0).permutation(len(read))[:20_000]
    turn = turn_into(anchor.pupil.encode([lessons[i] for i in sample]), read[sample])
    wanted = read @ turn
    return TaughtLessons(lessons, wanted / np.maximum(np.linalg.norm(wanted, axis=1, keepdims=True), 1e-9))


def learn(graph: TextGraph, pupil: Pupil, lessons: list[Share], probe: Probe, *, rate: float, until: float, seed: int, short: bool) -> Outcome:
    """Rounds of even time until the minutes are over; the state is the rounded one of the best round."""
    chance = random.Random(seed)
    network = pupil.network
    network.table.sparse = True
    table = torch.optim.SparseAdam([network.table.weight], lr=rate)
    dense = [parameter for parameter in network.parameters() if parameter is not network.table.weight]
    rest = torch.optim.AdamW(dense, lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
    before = probe.measure(pupil.encode)
    best = Outcome(clone(pupil), 0, before, before, [{"round": 0, **before.summary()}], 0)
    print(f"before: {tell(before)}", flush=True)
    began = time.process_time()
    step, losses = 0, []
    waiting: list[list] = [[] for _ in lessons]
    for number in range(1, ROUNDS + 1):
        end = began + (until - began) * number / ROUNDS
        while time.process_time() < end:
            spent = min(1.0, (time.process_time() - began) / max(1e-9, until - began))
            batch = next_batch(lessons, waiting, chance)
            pace = rate * min(1.0, (step + 1) / WARM) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * spent)))
            for group in [*table.param_groups, *rest.param_groups]:
                group["lr"] = pace
            network.train()
            with torch.autocast("cpu", torch.bfloat16, enabled=short):
                vectors = pupil.forward(batch.texts)
            lost = batch.loss(vectors.float())
            table.zero_grad(set_to_none=True)
            rest.zero_grad(set_to_none=True)
            lost.backward()
            torch.nn.utils.clip_grad_norm_(dense, 1.0)
            table.step()
            rest.step()
            losses.append(float(lost.detach()))
            step += 1
        going = clone(pupil)
        rounded = TextGraph(graph.write(going), graph.places).read()
        network.load_state_dict(rounded)
        found = probe.measure(pupil.encode)
        if found.values().mean() > best.best.values().mean():
            best.state, best.round, best.best = rounded, number, found
        network.load_state_dict(going)
        loss = round(sum(losses) / max(1, len(losses)), 4)
        best.history.append({"round": number, "loss": loss, **found.summary()})
        print(f"round {number}: loss {loss}, {tell(found)}, {step} steps, {time.process_time() - began:.0f} s", flush=True)
        losses = []
    best.steps = step
    return best


def next_batch(lessons: list[Share], waiting: list[list], chance: random.Random) -> Batch:
    """From a kind of lesson drawn by its share; a kind begins again when all its batches have come."""
    kind = chance.choices(range(len(lessons)), [each.share for each in lessons])[0]
    if not waiting[kind]:
        waiting[kind] = lessons[kind].lessons.batches(chance)
    return waiting[kind].pop()()


def tell(findings: Findings) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in findings.summary().items())


def write_encoder(out: Path, start: Path, graph: TextGraph, outcome: Outcome, *, pupil: Pupil, told: dict) -> None:
    """The start's folder with other numbers. Neither the manifest nor parity.json holds a text of the shop's."""
    manifest = json.loads((start / "manifest.json").read_text())
    parity = json.loads((start / "parity.json").read_text())
    model = graph.write(outcome.state)
    pupil.network.load_state_dict(outcome.state)
    vectors = pupil.encode(parity["texts"])
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    worst = 0.0
    for text, wanted in zip(parity["texts"], vectors, strict=True):
        ids = np.array(pupil.rows([text], LONGEST_TEXT))
        hidden = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0].mean(0)
        worst = max(worst, float(np.abs(hidden / np.linalg.norm(hidden) - wanted).max()))
    if worst > TOLERANCE:
        raise SystemExit(f"the written model is {worst:.1e} off PyTorch")
    out.mkdir(parents=True)
    onnx.save(model, str(out / "model.onnx"))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(start / name, out / name)
    write_json(out / "parity.json", {**parity, "vectors": [[round(float(value), 6) for value in row] for row in vectors]})
    data = (out / "model.onnx").read_bytes()
    name, _, version = out.name.rpartition("-")
    learnt = [f"{told['products'] - told['heldOut']} products of the shop's own: {told['lessons']} texts", *told["teacher"]]
    write_json(
        out / "manifest.json",
        {
            **manifest,
            "name": name,
            "version": version,
            "model": {"file": "model.onnx", "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)},
            "fittedFrom": f"{manifest['name']}-{manifest['version']}@{manifest['model']['sha256'][:8]}",
            "licence": f"{manifest['licence']}; the texts, and the teacher if there is one, are of whoever owns them",
            "trainedOn": [*manifest["trainedOn"], *learnt],
            "metrics": {key: told[key] for key in ("heldOut", "questions", "before", "fitted", "gain", "round", "steps", "minutes", "seed")},
        },
    )


def write_json(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="start", type=Path, required=True, help="folder of the built-in text encoder")
    parser.add_argument("--products", type=Path, required=True, help="NDJSON with title, group, texts, labels")
    parser.add_argument("--teacher", type=Path, help="sentence encoder in Transformers.js layout (default: the texts alone teach)")
    parser.add_argument("--out", type=Path, required=True, help="NAME-VERSION folder to write")
    parser.add_argument("--report", type=Path, help="file for what was found, as JSON")
    parser.add_argument("--minutes", type=float, default=10, help="of CPU, all in all")
    parser.add_argument("--rate", type=float, help=f"learning rate (default: {RATE['taught']} with a teacher, {RATE['own']} without)")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> int:
    options = parse_arguments()
    if not all(options.out.name.rpartition("-")[::2]):
        raise SystemExit(f"--out {options.out}: the folder's name must be NAME-VERSION, such as text-shop-1")
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    seconds = 60 * options.minutes
    products = read_products(options.products)
    kept, held = hold_out(products, options.seed)
    graph, pupil = open_pupil(options.start)
    anchor = Anchor(options.start)
    chance = random.Random(options.seed)
    lessons = gather_lessons(kept, chance)
    print(f"{len(kept)} products to learn from, {len(held)} held out, {len(lessons)} texts", flush=True)
    teacher = None if options.teacher is None else SentenceFolder(options.teacher)
    probe = Probe(held, options.seed, None if teacher is None else teacher.encode)
    own, read, source, parts = OwnLessons(kept, anchor), len(lessons), [], []
    if teacher is not None:
        taught = teach(lessons, teacher, anchor, TEACHER_SHARE * seconds)
        read, source = len(taught.texts), [f"teacher: {teacher.folder.name}, model sha256 {teacher.sha256}"]
        print(f"the teacher read {read} of them, {time.process_time():.0f} s", flush=True)
        parts.append(Share(SHARES["taught"], taught))
    words = [word for word in pupil.tokenizer.get_vocab() if word.isascii() and word.isalpha() and len(word) > 2]
    generic = generic_texts(round(GENERIC_SHARE * read), sorted(words), chance)
    parts += [Share(SHARES["own"], own), Share(SHARES["generic"], TaughtLessons(generic, anchor(generic)))]
    rate = options.rate or RATE["own" if teacher is None else "taught"]
    outcome = learn(graph, pupil, parts, probe, rate=rate, until=seconds, seed=options.seed, short=anchor.pupil.short)
    mean, low, high = bound_gain(outcome.before.values(), outcome.best.values(), probe.groups, options.seed)
    told = {
        "products": len(products),
        "heldOut": len(held),
        "questions": len(probe.questions),
        "lessons": read,
        "teacher": source,
        "before": outcome.before.summary(),
        "fitted": outcome.best.summary(),
        "gain": {"mean": round(mean, 4), "low": round(low, 4), "high": round(high, 4)},
        "round": outcome.round,
        "rounds": outcome.history,
        "steps": outcome.steps,
        "minutes": round(time.process_time() / 60, 2),
        "seed": options.seed,
    }
    if options.report is not None:
        write_json(options.report, told)
    if not low > 0:
        print(f"no round is better than what it started from beyond chance ({mean:+.4f} [{low:+.4f}, {high:+.4f}]): nothing is written")
        return NOT_BETTER
    write_encoder(options.out, options.start, graph, outcome, pupil=pupil, told=told)
    print(f"round {outcome.round} is kept, {mean:+.4f} [{low:+.4f}, {high:+.4f}] → {options.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
