import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, placeFolder } from '../../opensearch/local-node/cache.js';

/** How to start a Python that has the packages of requirements.txt beside this file. */
export interface PythonWithPackages {
  readonly command: string;
  readonly env: NodeJS.ProcessEnv;
}

const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');

/**
 * Installs the packages into the cache folder, once. Throws where there is no Python with pip, or no index to fetch them from,
 * and says which.
 */
export async function findPythonPackages(): Promise<PythonWithPackages> {
  const command = ['python3', 'python'].find((name) => spawnSync(name, ['-m', 'pip', '--version']).status === 0);
  if (command === undefined) throw new Error('opensearch-py needs a Python with pip');
  const version = spawnSync(command, ['-c', 'import sys; print(sys.version)'], { encoding: 'utf8' }).stdout;
  const key = createHash('sha256').update(version).update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12);
  const folder = join(cacheFolder(), `python-clients-${key}`);
  await placeFolder(folder, (draft) => {
    const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--target', draft, '-r', REQUIREMENTS];
    const { status, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 240_000 });
    if (status !== 0) throw new Error(`pip could not install opensearch-py: ${stderr.trim().split('\n').at(-1) ?? ''}`);
  });
  return { command, env: { ...process.env, PYTHONPATH: folder } };
}
