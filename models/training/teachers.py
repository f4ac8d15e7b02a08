"""The two teachers, read from folders in Transformers.js layout into PyTorch.

sentence teacher: all-MiniLM-L6-v2 (Apache-2.0); picture teacher: MobileNetV2 1.0 at 224 (Apache-2.0).
Both are only read: nothing of the folders is copied.
"""

import json
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from tokenizers import Tokenizer
from torch import nn


def open_tokenizer(folder: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def find_model(folder: Path) -> Path:
    for name in ("model.onnx", "model_quantized.onnx"):
        if (Path(folder) / "onnx" / name).exists():
            return Path(folder) / "onnx" / name
    raise FileNotFoundError(f"{folder}/onnx holds no model; give a folder in Transformers.js layout")


class SentenceTeacher(nn.Module):
    """BERT encoder whose weights come out of the ONNX graph; forward gives the unit mean vector [B, 384]."""

    def __init__(self, folder: Path):
        super().__init__()
        from transformers import BertConfig, BertModel

        config = json.loads((Path(folder) / "config.json").read_text())
        self.bert = BertModel(BertConfig(**{k: v for k, v in config.items() if k != "transformers.js_config"}), add_pooling_layer=False)
        self.bert.load_state_dict(read_bert_weights(find_model(folder), config["num_hidden_layers"]), strict=False)
        self.eval()

    @torch.no_grad()
    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        hidden = self.bert(input_ids=ids, attention_mask=mask).last_hidden_state.float()  # [B, T, 384]
        weights = mask.unsqueeze(-1).float()
        return F.normalize((hidden * weights).sum(1) / weights.sum(1), dim=-1)


def read_bert_weights(file: Path, layers: int) -> dict[str, torch.Tensor]:
    """Named initialisers keep their name (behind "m."); matrices are int8 with a scale a column, in the order of use."""
    graph = onnx.load(str(file)).graph
    values = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    state = {name[2:]: torch.tensor(value) for name, value in values.items() if name.startswith("m.")}
    scaled = {}
    for node in graph.node:
        if node.op_type == "Mul" and node.input[1].endswith("_s") and node.input[0].endswith("_f") and node.input[1] in values:
            quantised = values.get(node.input[0][:-2] + "_q")
            if quantised is not None and quantised.ndim == 2:
                scaled[node.output[0]] = quantised.astype(np.float32) * values[node.input[1]]
    used = [scaled[n.input[1]] for n in graph.node if n.op_type == "MatMul" and n.input[1] in scaled]
    parts = ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense", "intermediate.dense", "output.dense"]
    assert len(used) == layers * len(parts), f"{file}: {len(used)} matrices, {layers * len(parts)} expected"
    for index, matrix in enumerate(used):
        state[f"encoder.layer.{index // 6}.{parts[index % 6]}.weight"] = torch.tensor(matrix.T.copy())
    for name, value in values.items():
        if name.startswith("m.") and name.endswith("_q"):  # tables: one scale a row
            state[name[2:-2]] = torch.tensor(value.astype(np.float32) * values[name[:-2] + "_s"])
    return state


class PictureTeacher(nn.Module):
    """MobileNetV2 out of its ONNX graph (Conv, Clip, Add, pooling), as a list of steps over named tensors."""

    def __init__(self, folder: Path):
        super().__init__()
        graph = onnx.load(str(find_model(folder))).graph
        values = {i.name: torch.tensor(numpy_helper.to_array(i).copy()) for i in graph.initializer}
        self.weights = nn.ParameterDict({name: nn.Parameter(v) for name, v in values.items() if v.ndim >= 1})
        self.steps = []
        for node in graph.node:
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            self.steps.append((node.op_type, list(node.input), node.output[0], attributes))

    def forward(self, pixels: torch.Tensor, stop: str | None = None) -> dict[str, torch.Tensor]:
        """pixels [B, 3, H, W] in -1..1 → every named tensor of the graph; `stop` ends after that one."""
        tensors = {"pixel_values": pixels}
        for kind, inputs, output, attributes in self.steps:
            x = tensors[inputs[0]]
            if kind == "Conv":
                x = convolve(x, self.weights[inputs[1]], self.weights[inputs[2]], attributes)
            elif kind == "Clip":
                x = x.clamp(0, 6)
            elif kind == "Add":
                x = x + tensors[inputs[1]]
            elif kind == "GlobalAveragePool":
                x = x.mean((2, 3), keepdim=True)
            elif kind == "Flatten":
                x = x.flatten(1)
            tensors[output] = x
            if output == stop:
                break
        return tensors


def convolve(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, attributes: dict) -> torch.Tensor:
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    if (top, left) != (bottom, right):  # TensorFlow's "same" padding at stride 2
        x = F.pad(x, (left, right, top, bottom))
        top = left = 0
    return F.conv2d(x, weight, bias, stride=tuple(attributes.get("strides", [1, 1])), padding=(top, left), groups=attributes.get("group", 1))
