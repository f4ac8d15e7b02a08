import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { packageRoot } from '../../../config/package-root.js';
import { cacheFolder } from '../../../opensearch/local-node/index.js';

/** Training cannot be run on this machine as it is; the message says what to mend. */
export class TrainingUnable extends Error {
  override readonly name = 'TrainingUnable';
  readonly exitCode = 2;
}

/** What was trained on cannot be used, or the trainer failed; its own words stand above. */
export class TrainingFailed extends Error {
  override readonly name = 'TrainingFailed';
  readonly exitCode = 6;
}

export const trainingFolder: string = join(packageRoot, 'models', 'training');

/** What is installed for a trainer, and what that takes. */
const REQUIREMENTS = {
  lambdamart: { file: 'requirements-lambdamart.txt', imports: 'lightgbm, numpy, onnx, onnxmltools, onnxruntime', size: '450 MB of disk' },
  fusion: {
    file: 'requirements-tune.txt',
    imports: 'numpy, onnx, onnxruntime, torch',
    size: 'up to 6 GB of disk, since PyTorch brings its GPU libraries on Linux, though no GPU is needed',
  },
  text: {
    file: 'requirements-tune.txt',
    imports: 'numpy, onnx, onnxruntime, tokenizers, torch',
    size: 'up to 6 GB of disk, since PyTorch brings its GPU libraries on Linux, though no GPU is needed',
  },
  'own-vectors': {
    file: 'requirements-tune.txt',
    imports: 'numpy, onnx, onnxruntime, onnxscript, torch',
    size: 'up to 6 GB of disk, since PyTorch brings its GPU libraries on Linux; a GPU is used where there is one',
  },
} as const;
export type Trainer = keyof typeof REQUIREMENTS;

/**
 * The Python that has what a trainer needs: `FUSERANK_PYTHON`, else a virtual environment in the cache folder, made here when it is first
 * needed. One for each list of requirements, which trainers share; another version of the product makes another one.
 *
 * @param tell told what is about to be fetched, and how it goes
 * @throws TrainingUnable
 */
export async function findPython(trainer: Trainer, tell: (line: string) => void, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const { file, imports, size } = REQUIREMENTS[trainer];
  const requirements = join(trainingFolder, file);
  const own = env['FUSERANK_PYTHON'];
  if (own !== undefined && own !== '') {
    const said = await runQuietly(own, ['-c', `import ${imports}`]);
    if (said === null) return own;
    throw new TrainingUnable(
      `FUSERANK_PYTHON=${own} lacks what training needs (${said}); install it: ${own} -m pip install -r ${requirements}`,
    );
  }
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const room = join(cacheFolder({ env }), 'training', `${basename(file, '.txt')}-${hash}`);
  const python = join(room, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  if (existsSync(join(room, 'whole'))) return python;
  tell(`training needs Python packages (${file}: ${readRequirements(requirements).join(', ')})`);
  tell(`they are installed once, into ${room}: ${size}`);
  await makeRoom({ room, python, requirements, tell });
  return python;
}

async function makeRoom(parts: { room: string; python: string; requirements: string; tell: (line: string) => void }): Promise<void> {
  const { room, python, requirements, tell } = parts;
  mkdirSync(dirname(room), { recursive: true });
  const said = await runQuietly('python3', ['-m', 'venv', '--clear', room]);
  if (said !== null) {
    throw new TrainingUnable(
      `python3 -m venv fails (${said}); install Python 3.11 or later with venv, or name a Python that has what ${requirements} lists in FUSERANK_PYTHON`,
    );
  }
  const code = await runAloud(python, ['-m', 'pip', 'install', '--disable-pip-version-check', '--requirement', requirements], tell);
  if (code !== 0) {
    throw new TrainingUnable(
      [
        `pip could not install ${requirements} (its own words stand above); nothing was trained. Offline, one of these mends it:`,
        `  PIP_INDEX_URL=<your mirror>                        pip reads it, as it reads PIP_EXTRA_INDEX_URL and PIP_FIND_LINKS`,
        `  PIP_NO_INDEX=1 PIP_FIND_LINKS=<folder of wheels>   fetched elsewhere with: pip download -r ${requirements}`,
        `  FUSERANK_PYTHON=<a Python that has them>`,
      ].join('\n'),
    );
  }
  writeFileSync(join(room, 'whole'), ''); // a room without it is begun anew
}

function readRequirements(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** Null where it went well, else the last line of what it said. */
function runQuietly(command: string, words: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(command, words, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-4_000)));
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code) => resolve(code === 0 ? null : (said.trim().split('\n').at(-1) ?? `exit ${code}`)));
  });
}

/** Runs a program whose every line is passed on; gives its exit code. */
export function runAloud(
  command: string,
  words: readonly string[],
  tell: (line: string) => void,
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'], env });
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream.on('data', (chunk: Buffer) => {
        const lines = `${rest}${chunk.toString()}`.split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) tell(line);
      });
      stream.on('end', () => rest !== '' && tell(rest));
    }
    child.once('error', (error) => {
      tell(error.message);
      resolve(127);
    });
    child.once('close', (code) => resolve(code ?? 1));
  });
}
