"""A sentence encoder in Transformers.js layout, run by onnxruntime on one thread: the teacher, whatever its kind and dims."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

LONGEST_TEXT = 128
CHUNK = 16
ENDINGS = {"fp32": "", "q8": "_quantized", "int8": "_int8", "uint8": "_uint8", "fp16": "_fp16", "q4": "_q4", "q4f16": "_q4f16", "bnb4": "_bnb4"}


class SentenceFolder:
    def __init__(self, folder: Path):
        self.folder = folder
        self.file = find_model(folder)
        self.sha256 = hashlib.sha256(self.file.read_bytes()).hexdigest()
        try:
            self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as cause:  # the package raises plain Exception
            raise SystemExit(f"{folder / 'tokenizer.json'} cannot be read ({cause}); give a folder in Transformers.js layout") from None
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(LONGEST_TEXT)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(self.file), options, providers=["CPUExecutionProvider"])
        self.wants = [each.name for each in self.session.get_inputs()]
        outputs = [each.name for each in self.session.get_outputs()]
        self.output = next((name for name in ("sentence_embedding", "last_hidden_state") if name in outputs), None)
        if self.output is None or not set(self.wants) <= {"input_ids", "attention_mask", "token_type_ids"}:
            wanted = "a teacher takes token ids and gives last_hidden_state or sentence_embedding"
            raise SystemExit(f"{self.file} takes {self.wants} and gives {outputs}; {wanted}")
        pooling = folder / "1_Pooling" / "config.json"
        self.first_token = pooling.exists() and bool(json.loads(pooling.read_text()).get("pooling_mode_cls_token"))

    def encode(self, texts: list[str]) -> np.ndarray:
        """→ unit vectors [texts, dims]; a text does not depend on its neighbours."""
        rows = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        vectors: list[np.ndarray] = [np.zeros(0)] * len(rows)
        order = np.argsort([len(row) for row in rows], kind="stable")
        for start in range(0, len(order), CHUNK):
            chunk = order[start : start + CHUNK]
            ids = np.zeros((len(chunk), max(1, *(len(rows[i]) for i in chunk))), np.int64)
            mask = np.zeros_like(ids)
            for place, i in enumerate(chunk):
                ids[place, : len(rows[i])], mask[place, : len(rows[i])] = rows[i], 1
            feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            out = self.session.run([self.output], {name: feeds[name] for name in self.wants})[0]
            if out.ndim == 3:
                out = out[:, 0] if self.first_token else (out * mask[..., None]).sum(1) / np.maximum(1, mask.sum(1, keepdims=True))
            for place, i in enumerate(chunk):
                vectors[i] = out[place]
        stacked = np.stack(vectors).astype(np.float32)
        return stacked / np.maximum(np.linalg.norm(stacked, axis=1, keepdims=True), 1e-9)


def find_model(folder: Path) -> Path:
    """As models/model-folder.ts chooses it: an artefact's model, else the dtype that config.json presets, a text tower before the whole."""
    if (folder / "manifest.json").exists():
        return folder / json.loads((folder / "manifest.json").read_text())["model"]["file"]
    config = folder / "config.json"
    if not config.exists():
        raise SystemExit(f"{config} is missing; give a teacher's folder in Transformers.js layout")
    preset = json.loads(config.read_text()).get("transformers.js_config", {}).get("dtype")
    endings = [*([] if preset is None else [ENDINGS.get(preset, f"_{preset}")]), "", "_quantized"]
    for name in (f"{stem}{ending}.onnx" for stem in ("text_model", "model") for ending in endings):
        if (folder / "onnx" / name).exists():
            return folder / "onnx" / name
    raise SystemExit(f"{folder / 'onnx'} holds no model.onnx; give a teacher's folder in Transformers.js layout")
