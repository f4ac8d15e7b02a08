"""Trained student → artefact folder: model.onnx, manifest.json, parity.json and what prepares the inputs.

    python export_encoders.py text    --run runs/text/student.pt    --teacher ../all-minilm-l6-v2 --out ../artefacts/text-small-1
    python export_encoders.py picture --run runs/picture/student.pt --teacher ../mobilenet-v2-224  --out ../artefacts/picture-small-1

Weights are stored as int8 with a scale an output channel (a row in tables) and turned back into floats when the model is
loaded: the arithmetic stays float32, so a vector does not depend on its neighbours in a batch. What the manifest says of
training data and measurements is read from encoder-manifests.json.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import nn

from picture_student import SIDE, PictureStudent
from shrunk_weights import SMALLEST, shrink_weights
from teachers import PictureTeacher, open_tokenizer
from text_student import StaticStudent, TransformerStudent

OPSET = 20
TOLERANCE = 1e-4
LONGEST_TEXT = 128
PARITY_TEXTS = [
    "red dress", "striped cotton shirt", "table lamp", "a", "Women's Waterproof Hiking Boots, Size 8, Dark Brown",
    "mug for coffee with polka dots", "usb-c charging cable 2m", "cushion", "café crème", "dress red",
]  # fmt: skip


def round_weights(model: nn.Module) -> None:
    """Every large matrix to the nearest of 255 steps, so that PyTorch computes what the stored model will."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim >= 2 and parameter.numel() >= SMALLEST:
                scale = parameter.abs().flatten(1).amax(1).clamp_min(1e-12) / 127
                scale = scale.reshape(-1, *[1] * (parameter.ndim - 1))
                parameter.copy_((parameter / scale).round() * scale)


def export_text(options: argparse.Namespace) -> None:
    saved = torch.load(options.run, map_location="cpu")
    student = (TransformerStudent if saved["form"] == "transformer" else StaticStudent)(saved["vocabulary"], 256)
    student.load_state_dict({k: v.float() for k, v in saved["state"].items()})
    round_weights(student.eval())
    tokenizer = open_tokenizer(options.teacher)
    ids = torch.tensor([tokenizer.encode("a red dress").ids, tokenizer.encode("a blue lamp").ids])
    axes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    write_model(student, (ids, torch.ones_like(ids)), options.out, ["input_ids", "attention_mask"], "last_hidden_state", (axes, axes))
    write_tokenizer(tokenizer, options.out / "tokenizer.json")
    write_json(options.out / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "pad_token": "[PAD]", "model_max_length": LONGEST_TEXT})

    session = open_session(options.out)
    vectors, worst = [], 0.0
    for text in PARITY_TEXTS:
        ids = torch.tensor([tokenizer.encode(text).ids])
        with torch.no_grad():
            wanted = F.normalize(student(ids, torch.ones_like(ids)).mean(1), dim=-1)[0].numpy()
        hidden = session.run(None, {"input_ids": ids.numpy(), "attention_mask": np.ones_like(ids.numpy())})[0].mean(1)[0]
        worst = max(worst, float(np.abs(hidden / np.linalg.norm(hidden) - wanted).max()))
        vectors.append([round(float(v), 6) for v in wanted])
    finish(options, worst, {"texts": PARITY_TEXTS, "vectors": vectors, "tolerance": TOLERANCE}, kind="text-encoder",
           axes={"input_ids": ["batch", "length"], "attention_mask": ["batch", "length"]}, outputs={"last_hidden_state": ["batch", "length", 256]})  # fmt: skip


def write_tokenizer(tokenizer: Tokenizer, file: Path) -> None:
    """The vocabulary keeps its numbers; places that BERT left unused are dropped."""
    form = json.loads(tokenizer.to_str())
    form["model"]["vocab"] = {piece: number for piece, number in form["model"]["vocab"].items() if not piece.startswith("[unused")}
    file.write_text(json.dumps(form, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def export_picture(options: argparse.Namespace) -> None:
    saved = torch.load(options.run, map_location="cpu")
    student = PictureStudent(PictureTeacher(options.teacher), saved["dims"])
    student.load_state_dict({k: v.float() for k, v in saved["state"].items()})
    round_weights(student.eval())
    batch = {0: torch.export.Dim.DYNAMIC}
    write_model(student, (torch.rand(2, 3, SIDE, SIDE) * 2 - 1,), options.out, ["pixel_values"], "image_embeds", (batch,))
    write_json(options.out / "preprocessor_config.json", {"side": SIDE, "fit": "inside, on white", "mean": 0.5, "std": 0.5})

    # Three pictures that anybody can draw again: value = 0.5 + 0.5 · sin of a plane wave, by channel.
    waves = [[3, 0, 0], [5, 9, 1], [0, 17, 2]]
    session = open_session(options.out)
    pixels = torch.stack([draw_wave(*wave) for wave in waves])
    with torch.no_grad():
        wanted = F.normalize(student(pixels), dim=-1).numpy()
    got = session.run(None, {"pixel_values": pixels.numpy()})[0]
    worst = float(np.abs(got / np.linalg.norm(got, axis=1, keepdims=True) - wanted).max())
    parity = {"waves": waves, "vectors": [[round(float(v), 6) for v in row] for row in wanted], "tolerance": TOLERANCE}
    finish(options, worst, parity, kind="image-encoder", axes={"pixel_values": ["batch", 3, SIDE, SIDE]}, outputs={"image_embeds": ["batch", saved["dims"]]})


def draw_wave(across: int, down: int, shift: int) -> torch.Tensor:
    """[3, SIDE, SIDE] in -1..1, of whole byte values."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    planes = [np.rint(127.5 + 127.5 * np.sin(2 * np.pi * (across * x + down * y) + channel * shift)) / 127.5 - 1 for channel in range(3)]
    return torch.tensor(np.stack(planes), dtype=torch.float32)


def write_model(model: nn.Module, sample: tuple, folder: Path, inputs: list[str], output: str, axes: tuple) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "model.onnx"
    with torch.no_grad():
        program = torch.onnx.export(
            model, sample, dynamo=True, opset_version=OPSET, input_names=inputs, output_names=[output], dynamic_shapes=axes, external_data=False
        )
    program.save(str(file))
    shrink_weights(file)


def open_session(folder: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(folder / "model.onnx"), options)


def finish(options: argparse.Namespace, worst: float, parity: dict, *, kind: str, axes: dict, outputs: dict) -> None:
    assert worst <= TOLERANCE, f"the exported model is {worst} off PyTorch"
    write_json(options.out / "parity.json", parity)
    model = (options.out / "model.onnx").read_bytes()
    name, version = options.out.name.rsplit("-", 1)
    told = json.loads((Path(__file__).parent / "encoder-manifests.json").read_text()).get(options.out.name, {})
    write_json(
        options.out / "manifest.json",
        {
            "name": name,
            "version": version,
            "kind": kind,
            "model": {"file": "model.onnx", "sha256": hashlib.sha256(model).hexdigest(), "bytes": len(model)},
            "inputs": axes,
            "outputs": outputs,
            "licence": "Apache-2.0",
            "trainedOn": told.get("trainedOn", []),
            "metrics": told.get("metrics", {}),
        },
    )
    print(f"{options.out}: {len(model):,} bytes, {worst:.1e} off PyTorch")


def write_json(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["text", "picture"])
    parser.add_argument("--run", type=Path, required=True, help="student.pt of a training run")
    parser.add_argument("--teacher", type=Path, required=True, help="the same folder as in training: tokenizer, or shape of the trunk")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    {"text": export_text, "picture": export_picture}[options.what](options)


if __name__ == "__main__":
    main()
