"""A ranker's artefact folder beside its model.onnx: manifest.json and parity.json (models/artefact.ts reads them). Needs numpy alone."""

import hashlib
import json
from pathlib import Path

import numpy as np

from contract import feature_set_hash

# What the exported model may differ by from the one it was made of.
TOLERANCE = 1e-5


def write_manifest(
    folder: Path,
    *,
    name: str,
    version: str,
    inputs: dict[str, list],
    outputs: dict[str, list],
    columns: list[str],
    licence: str,
    trained_on: list[str],
    metrics: dict,
    **facts: object,
) -> None:
    """Of the model.onnx that lies in the folder. `facts`: members of this kind of ranker alone."""
    model = (folder / "model.onnx").read_bytes()
    manifest = {
        "name": name,
        "version": version,
        "kind": "ranker",
        "model": {"file": "model.onnx", "sha256": hashlib.sha256(model).hexdigest(), "bytes": len(model)},
        "inputs": inputs,
        "outputs": outputs,
        "columns": columns,
        "featureSet": feature_set_hash(columns),
        "encoders": {"text": "any", "image": "any"},
        **facts,
        "licence": licence,
        "trainedOn": trained_on,
        "metrics": metrics,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def write_parity(folder: Path, worst: float, cases: list[dict]) -> None:
    """What the model it was made of gave for recorded inputs. Stops where the exported one differs by more than TOLERANCE."""
    if worst > TOLERANCE:
        raise SystemExit(f"parity {worst:.2e} is above {TOLERANCE:.0e}")
    (folder / "parity.json").write_text(json.dumps({"tolerance": TOLERANCE, "worst": worst, "cases": cases}) + "\n")


def flat(values: np.ndarray) -> list[float]:
    return [float(f"{value:.8g}") for value in values.reshape(-1)]
