import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { packageRoot } from '../../../config/package-root.js';

const python = process.env['FUSERANK_PYTHON'];

/** Pairs of float32 that have no float32 between them; the larger one of each is wanted, so trees must split between the two. */
const SCRIPT = `
import lightgbm, numpy as np, onnxruntime
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType
from train_lambdamart import to_onnx
low = np.random.default_rng(3).random(40).astype(np.float32)
values = np.tile(np.concatenate([low, np.nextafter(low, np.float32(2))]), 15)
wanted = np.tile(np.repeat([0, 1], 40), 15)
order = np.random.default_rng(4).permutation(len(values))
values, wanted = values[order, None], wanted[order]
model = lightgbm.LGBMRanker(n_estimators=20, min_child_samples=5, random_state=1, n_jobs=1, verbose=-1)
model.fit(values, wanted, group=[20] * 60)
expected = model.predict(values)
def worst(graph, name, fed):
    return float(np.abs(onnxruntime.InferenceSession(graph.SerializeToString()).run(None, {name: fed})[0].ravel() - expected).max())
rounded = convert_lightgbm(model, initial_types=[("rows", FloatTensorType([None, 1]))], target_opset=15, zipmap=False)
print(worst(rounded, "rows", values), worst(to_onnx(model, 1), "columns", values[None]))
`;

test.skipIf(python === undefined)(
  'a tree goes the same way in the graph where no float lies between two values (needs FUSERANK_PYTHON)',
  async () => {
    const cwd = join(packageRoot, 'models', 'training');
    const { stdout } = await promisify(execFile)(python ?? '', ['-c', SCRIPT], { cwd });
    const [rounded, lowered] = stdout.trim().split(' ').map(Number);
    expect(rounded).toBeGreaterThan(0.01); // what the converter alone makes of it
    expect(lowered).toBeLessThan(1e-5);
  },
);
