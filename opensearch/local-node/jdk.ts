import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { ArtefactLock } from './lock.js';

/** A Java installation that can run something. */
export interface Jdk {
  home: string;
  /** 21 of 21.0.4. */
  major: number;
  /** Names of its modules; a runtime cut to size lacks some that OpenSearch looks for. */
  modules: ReadonlySet<string>;
}

type Surroundings = { env?: NodeJS.ProcessEnv; home?: string; platform?: NodeJS.Platform; root?: string };

/** The Java executable of a home. */
export function javaOf(home: string, platform: NodeJS.Platform = process.platform): string {
  return join(home, 'bin', platform === 'win32' ? 'java.exe' : 'java');
}

/**
 * Every Java on this machine, each once, in the order in which a user would expect them to be tried: `JAVA_HOME`,
 * the PATH, then the folders where installers and version managers put them. `root` stands before absolute folders.
 */
export function listJdks(surroundings: Surroundings = {}): Jdk[] {
  const { platform = process.platform } = surroundings;
  const seen = new Set<string>();
  const jdks: Jdk[] = [];
  for (const candidate of candidateHomes(surroundings)) {
    if (!existsSync(javaOf(candidate, platform))) continue;
    const home = realpathSync(candidate);
    if (seen.has(home)) continue;
    seen.add(home);
    const jdk = readJdk(home);
    if (jdk !== null) jdks.push(jdk);
  }
  return jdks;
}

/** The best of them for the lock: its preferred majors in order, then any that is new enough; null when none is. */
export function chooseJdk(jdks: readonly Jdk[], lock: Pick<ArtefactLock, 'java'>): Jdk | null {
  const { least, preferred } = lock.java;
  const rank = ({ major }: Jdk) => (preferred.includes(major) ? preferred.indexOf(major) : preferred.length);
  const fit = jdks.filter(({ major }) => major >= least);
  return fit.sort((a, b) => rank(a) - rank(b))[0] ?? null;
}

/** What a Java home is, by its `release` file or, where that is missing, by asking it; null when it does not run. */
export function readJdk(home: string): Jdk | null {
  const release = existsSync(join(home, 'release')) ? readFileSync(join(home, 'release'), 'utf8') : '';
  const version = /^JAVA_VERSION="?(\d+)/m.exec(release)?.[1];
  const modules = /^MODULES="?([^"\n]*)/m.exec(release)?.[1];
  if (version !== undefined && modules !== undefined) return { home, major: Number(version), modules: new Set(modules.split(/\s+/)) };
  const asked = spawnSync(javaOf(home), ['--list-modules'], { encoding: 'utf8' });
  // Java 8 knows no modules, and macOS has a java that only offers to install one.
  const base = /^java\.base@(\d+)/m.exec(asked.status === 0 ? asked.stdout : '')?.[1];
  if (base === undefined) return null;
  return { home, major: Number(base), modules: new Set([...asked.stdout.matchAll(/^([\w.]+)@/gm)].map((match) => match[1] ?? '')) };
}

function candidateHomes({ env = process.env, home = homedir(), platform = process.platform, root = '' }: Surroundings): string[] {
  const inside = (folder: string, below = '') =>
    existsSync(folder)
      ? readdirSync(folder)
          .sort()
          .map((name) => join(folder, name, below))
      : [];
  const named = [env.JAVA_HOME ?? ''].filter((path) => path !== '');
  const onPath = (env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, platform === 'win32' ? 'java.exe' : 'java'))
    .filter((file) => existsSync(file))
    .map((file) => dirname(dirname(realpathSync(file))));
  const managed = [
    '.sdkman/candidates/java',
    '.asdf/installs/java',
    '.local/share/mise/installs/java',
    '.jabba/jdk',
    '.jdks',
    '.jenv/versions',
  ];
  const byUser = managed.flatMap((folder) => inside(join(home, folder)));
  const bySystem: Partial<Record<NodeJS.Platform, () => string[]>> = {
    darwin: () => [
      ...inside(`${root}/Library/Java/JavaVirtualMachines`, 'Contents/Home'),
      ...inside(join(home, 'Library/Java/JavaVirtualMachines'), 'Contents/Home'),
      ...['/opt/homebrew/opt', '/usr/local/opt'].flatMap((folder) =>
        inside(root + folder, 'libexec/openjdk.jdk/Contents/Home').filter((path) => path.includes('openjdk')),
      ),
    ],
    win32: () =>
      [env.ProgramFiles ?? 'C:\\Program Files', join(env.LOCALAPPDATA ?? home, 'Programs')].flatMap((programs) =>
        ['Java', 'Eclipse Adoptium', 'Microsoft', 'Amazon Corretto', 'Zulu'].flatMap((vendor) => inside(join(programs, vendor))),
      ),
  };
  const unix = () => ['/usr/lib/jvm', '/usr/java', '/opt/java', '/opt'].flatMap((folder) => inside(root + folder));
  return [...named, ...onPath, ...(bySystem[platform] ?? unix)(), ...byUser];
}
