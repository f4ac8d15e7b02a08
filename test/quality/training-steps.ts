import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../config/package-root.js';
import { runProgram } from './own-command.js';

/** One script of models/training and the file by whose presence its work is known to be done. */
export interface TrainingStep {
  readonly script: string;
  readonly args: readonly string[];
  readonly makes: string;
  /** Done anew each time there is a Python: it looks at what else is there. */
  readonly always?: boolean;
}

const FOLDER = join(packageRoot, 'models', 'training');

/**
 * Runs the scripts whose files are not there yet, one after the other; the last one's file is what they are all for.
 * @param options.python null: nothing is run, and what was made before is taken
 * @throws Error naming the file that is missing where there is no Python, or with what a script complained of
 */
export async function runMissing(
  steps: readonly TrainingStep[],
  { python, tell }: { python: string | null; tell: (line: string) => void },
): Promise<void> {
  if (python === null) {
    const wanted = steps.at(-1)?.makes ?? '';
    if (existsSync(wanted)) return;
    throw new Error(`${wanted} is missing, and no Python to make it with: set FUSERANK_PYTHON (models/training/README.md)`);
  }
  for (const { script, args, makes, always } of steps) {
    if (existsSync(makes) && !always) continue;
    tell(`${script} ${args.filter((argument) => !argument.includes('/')).join(' ')}`);
    await mkdir(dirname(makes), { recursive: true });
    await runProgram(python, [join(FOLDER, script), ...args], { cwd: FOLDER, name: script });
  }
}
