import { Command } from 'commander';
import { vi } from 'vitest';
import { readProductTexts } from '../../../indexer/product-texts.js';
import { registerModelCommand } from '../../../tuning/model/command.js';

export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
  /** What the command left as the process's exit code, or the code of the error that it threw. */
  readonly exitCode: number;
}

/** Runs `fuserank model …` as a person would. */
export async function runModel(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Printed> {
  const program = new Command().exitOverride();
  registerModelCommand(program, readProductTexts);
  const printed = { stdout: '', stderr: '' };
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => (printed.stdout += String(text)) !== '');
  const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => (printed.stderr += String(text)) !== '');
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await program.parseAsync(['model', ...words], { from: 'user' });
    return { ...printed, exitCode: Number(process.exitCode) };
  } catch (error) {
    if (!(error instanceof Error) || !('exitCode' in error) || typeof error.exitCode !== 'number') throw error;
    return { ...printed, stderr: `${printed.stderr}${error.message}\n`, exitCode: error.exitCode };
  } finally {
    process.exitCode = before;
    vi.unstubAllEnvs();
    out.mockRestore();
    err.mockRestore();
  }
}
