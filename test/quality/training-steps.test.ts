import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runMissing } from './training-steps.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuserank-steps-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const tell = (): void => undefined;

/** A stand-in for a Python: writes the file that its last argument names, and takes down every call. */
async function fakePython(): Promise<string> {
  const file = join(folder, 'python');
  await writeFile(file, `#!/bin/sh\nfor made; do :; done\necho "$2" >> "${join(folder, 'calls')}"\ntouch "$made"\n`);
  await chmod(file, 0o755);
  return file;
}

const step = (name: string, always = false): Parameters<typeof runMissing>[0][number] => {
  const makes = join(folder, name);
  return { script: 'next_item.py', args: [name, makes], makes, always };
};

test('only what is missing is run, and what looks at the others again each time', async () => {
  const python = await fakePython();
  await writeFile(join(folder, 'there'), '');
  const steps = [step('there'), step('missing'), step('summary', true)];
  await runMissing(steps, { python, tell });
  await runMissing(steps, { python, tell });
  expect((await readFile(join(folder, 'calls'), 'utf8')).split('\n')).toEqual(['missing', 'summary', 'summary', '']);
});

test('without a Python what was made before is taken, and what was not is named', async () => {
  await writeFile(join(folder, 'made-before'), '');
  await runMissing([step('never'), step('made-before')], { python: null, tell });
  expect(existsSync(join(folder, 'never'))).toBe(false);
  await expect(runMissing([step('never')], { python: null, tell })).rejects.toThrow(/never is missing.*FUSERANK_PYTHON/);
});
