import { join } from 'node:path';
import { packageRoot } from '../config/package-root.js';
import { runProgram } from './quality/own-command.js';

/** A Python that can train; undefined: tests that need one skip. */
export const python = process.env.FUSERANK_PYTHON;
/** Where the training scripts import each other from. */
export const trainingFolder = join(packageRoot, 'models', 'training');
/** Importing torch takes its time where others work too. */
export const PYTHON_MS = 120_000;

/** Runs a program beside the training scripts. @returns what it printed @throws Error with what it complained of */
export const askPython = (program: string): Promise<string> =>
  runProgram(python ?? '', ['-c', program], { cwd: trainingFolder, name: 'python' });
