import { createHash } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { featureSetHash } from '../../models/feature-set.js';
import { writeModel, type WrittenModel } from './written-model.js';

/**
 * The folder of an artefact around a written graph.
 * @param about.columns of the input `columns`
 * @param about.cases of parity.json
 */
export async function writeRanker(
  model: WrittenModel,
  about: { columns: readonly string[]; modalities?: readonly string[]; cases?: readonly unknown[] },
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fuserank-written-'));
  const bytes = writeModel(model);
  const manifest = {
    name: 'written',
    version: '1',
    kind: 'ranker',
    model: { file: 'model.onnx', sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length },
    inputs: model.inputs,
    outputs: model.outputs,
    columns: about.columns,
    featureSet: featureSetHash(about.columns),
    ...(about.modalities ? { modalities: about.modalities } : {}),
    licence: 'Apache-2.0',
    trainedOn: [],
    metrics: {},
  };
  await Promise.all([
    writeFile(join(folder, 'model.onnx'), bytes),
    writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest)),
    writeFile(join(folder, 'parity.json'), JSON.stringify({ tolerance: 1e-5, cases: about.cases ?? [] })),
  ]);
  return folder;
}
