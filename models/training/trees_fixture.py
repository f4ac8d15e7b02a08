"""Ties tree contributions of TypeScript to LightGBM's pred_contrib: writes test/models/trees.fixture.json anew.

    python trees_fixture.py
"""

import base64
import json

import lightgbm
import numpy as np

from contract import MODELS
from train_lambdamart import to_onnx

COLUMNS = ["first_phase_z", "text_cosine", "popularity", "seen", "log_price_z", "is_added"]
LISTS, LENGTH, TOLD = 120, 40, 60


def write_fixture() -> None:
    """Repeated splits by one column, columns that are 0 for most rows as ours are, bagging, and a column that no tree asks for."""
    rng = np.random.default_rng(11)
    rows = rng.normal(size=(LISTS * LENGTH, len(COLUMNS))).astype(np.float32)
    rows[:, 3] = rows[:, 3] > 1
    rows[:, 2:5][rng.random((len(rows), 3)) < 0.4] = 0
    rows[:, 5] = 0
    worth = rows[:, 0] * rows[:, 1] + np.sin(3 * rows[:, 0]) + rows[:, 3] * (rows[:, 2] > 0.3) + 0.3 * rng.normal(size=len(rows))
    grades = np.digitize(worth, [0.5, 1.5, 2.5])
    model = lightgbm.LGBMRanker(
        n_estimators=24, num_leaves=15, learning_rate=0.2, min_child_samples=5, subsample=0.7, subsample_freq=1, random_state=1,
        n_jobs=1, deterministic=True, verbose=-1,
    )  # fmt: skip
    model.fit(rows, grades, group=np.full(LISTS, LENGTH))
    told = rows[:TOLD]
    contributions = model.predict(told, pred_contrib=True)  # [rows, F + 1], the last is the expected value
    fixture = {
        "columns": COLUMNS,
        "model": base64.b64encode(to_onnx(model, len(COLUMNS)).SerializeToString()).decode(),
        "rows": told.tolist(),
        "contributions": contributions[:, :-1].tolist(),
        "expected": float(contributions[0, -1]),
    }
    (MODELS.parent / "test" / "models" / "trees.fixture.json").write_text(json.dumps(fixture) + "\n")


if __name__ == "__main__":
    write_fixture()
