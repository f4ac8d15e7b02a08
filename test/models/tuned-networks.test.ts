import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';

const python = process.env['FUSERANK_PYTHON'];
const PROOF_MS = 240_000;
const ROUNDING = 1e-4;

/** Choice of a network for one shop → what was tried → greatest difference. */
const proofSchema = z.record(z.string(), z.record(z.string(), z.number()));

it.skipIf(python === undefined)(
  'every fusion, user encoder, head and stand-in for a missing vector keeps what a ranker promises (needs FUSERANK_PYTHON)',
  async () => {
    const script = join(packageRoot, 'models', 'training', 'prove_tuned.py');
    const { stdout } = await promisify(execFile)(python ?? '', [script], { env: { ...process.env, OMP_NUM_THREADS: '1' } });
    const proof = proofSchema.parse(JSON.parse(stdout));
    const failed = Object.entries(proof).flatMap(([choice, tried]) =>
      Object.entries(tried).flatMap(([what, apart]) => (apart <= ROUNDING ? [] : [`${choice}: ${what} ${apart}`])),
    );
    expect(failed).toEqual([]);
    const choices = Object.keys(proof);
    for (const fusion of ['early_concat', 'weighted', 'mlp', 'attention', 'hadamard', 'attention+hadamard', 'transformer']) {
      expect(choices).toContain(`fusion ${fusion}`);
    }
    for (const user of ['none', 'mean', 'gru', 'lstm', 'cnn', 'sasrec']) {
      expect(choices).toContain(`user ${user}`);
      // Late fusion is additive, whatever reads the history: its contributions add up, and no modality moves another's.
      expect(Object.keys(proof[`late, user ${user}`] ?? {})).toEqual(
        expect.arrayContaining(['sum', 'text alone moves', 'image alone moves']),
      );
    }
    expect(Object.keys(proof['causal'] ?? {})).toEqual(['gru', 'lstm', 'cnn', 'sasrec']);
  },
  PROOF_MS,
);
