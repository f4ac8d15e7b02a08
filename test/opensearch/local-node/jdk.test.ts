import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseJdk, listJdks } from '../../../opensearch/local-node/jdk.js';
import { LOCK } from '../../../opensearch/local-node/lock.js';
import { needsIcu } from '../../../opensearch/local-node/node-process.js';

let machine: string;
beforeEach(() => void (machine = realpathSync(mkdtempSync(join(tmpdir(), 'fuserank-jdk-')))));
afterEach(() => rmSync(machine, { recursive: true, force: true }));

/** Puts a Java into the machine of the test; without a release file it is one that must be asked. */
function install(path: string, options: { version: string; modules?: string[]; release?: boolean }): string {
  const { version, modules = ['java.base', 'jdk.compiler'], release = true } = options;
  const home = join(machine, path);
  mkdirSync(join(home, 'bin'), { recursive: true });
  const answers = modules.map((name) => `echo ${name}@${version}`).join('\n');
  writeFileSync(join(home, 'bin/java'), `#!/bin/sh\n${answers}\n`);
  chmodSync(join(home, 'bin/java'), 0o755);
  if (release) writeFileSync(join(home, 'release'), `IMPLEMENTOR="X"\nJAVA_VERSION="${version}"\nMODULES="${modules.join(' ')}"\n`);
  return home;
}

const search = (env: NodeJS.ProcessEnv = {}, platform: NodeJS.Platform = 'linux') =>
  listJdks({ env: { PATH: '', ...env }, home: join(machine, 'home'), platform, root: machine });

describe('finding a Java', () => {
  it('looks at JAVA_HOME, the PATH, the system’s folders and the version managers, in this order', () => {
    const named = install('named', { version: '21.0.1' });
    const onPath = install('path/jdk', { version: '22' });
    const system = install('usr/lib/jvm/temurin-25', { version: '25.0.3' });
    const sdkman = install('home/.sdkman/candidates/java/24-open', { version: '24' });
    const found = search({ JAVA_HOME: named, PATH: [join(machine, 'nowhere'), join(onPath, 'bin')].join(delimiter) });
    expect(found.map(({ home }) => home)).toEqual([named, onPath, system, sdkman]);
    expect(found.map(({ major }) => major)).toEqual([21, 22, 25, 24]);
  });

  it('knows the folders of macOS', () => {
    const installed = install('Library/Java/JavaVirtualMachines/temurin-21.jdk/Contents/Home', { version: '21' });
    const brewed = install('opt/homebrew/opt/openjdk@25/libexec/openjdk.jdk/Contents/Home', { version: '25' });
    install('usr/lib/jvm/never-there', { version: '25' });
    expect(search({}, 'darwin').map(({ home }) => home)).toEqual([installed, brewed]);
  });

  it('counts a Java once however many links lead to it', () => {
    const home = install('usr/lib/jvm/java-25', { version: '25' });
    symlinkSync(home, join(machine, 'usr/lib/jvm/default'));
    mkdirSync(join(machine, 'bin'));
    symlinkSync(join(home, 'bin/java'), join(machine, 'bin/java'));
    expect(search({ PATH: join(machine, 'bin') }).map((jdk) => jdk.home)).toEqual([home]);
  });

  it('asks a Java that has no release file, and passes over one that does not run', () => {
    const asked = install('usr/lib/jvm/a', { version: '23.0.1', release: false });
    const broken = install('usr/lib/jvm/b', { version: '23', release: false });
    writeFileSync(join(broken, 'bin/java'), '#!/bin/sh\nexit 1\n');
    expect(search()).toEqual([{ home: asked, major: 23, modules: new Set(['java.base', 'jdk.compiler']) }]);
  });
});

describe('choosing a Java', () => {
  const jdk = (major: number, home = `/jdk-${major}`) => ({ home, major, modules: new Set<string>() });

  it('takes the preferred majors in their order, then any that is new enough, else none', () => {
    expect(chooseJdk([jdk(17), jdk(24), jdk(21), jdk(25)], LOCK)?.major).toBe(25);
    expect(chooseJdk([jdk(17), jdk(24), jdk(21)], LOCK)?.major).toBe(21);
    expect(chooseJdk([jdk(17), jdk(24)], LOCK)?.major).toBe(24);
    expect(chooseJdk([jdk(8), jdk(17)], LOCK)).toBeNull();
  });

  it('keeps the order of discovery within one major', () => {
    expect(chooseJdk([jdk(25, '/named'), jdk(25, '/found')], LOCK)?.home).toBe('/named');
  });

  it('brings ICU where a Java was cut to size', () => {
    expect(needsIcu(jdk(25))).toBe(true);
    expect(needsIcu({ ...jdk(25), modules: new Set(['java.base', 'jdk.compiler']) })).toBe(false);
  });
});
