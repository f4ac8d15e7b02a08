// Makes a fresh clone ready to run: the right Node, the dependencies of the lockfile, the compiled code.
// Says nothing and takes a moment when there is nothing to do, so that every command can begin with it.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const LEAST_NODE = [20, 19];
const root = dirname(fileURLToPath(import.meta.url));

requireNode();
installDependencies();
compile();

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1])) return;
  fail(
    `fuserank needs Node ${LEAST_NODE.join('.')} or newer; this is ${process.versions.node}. Get one from https://nodejs.org or with nvm: nvm install 22`,
  );
}

/** `npm ci`, when what is installed is not what the lockfile says. */
function installDependencies() {
  const lockfile = join(root, 'package-lock.json');
  const stamp = join(root, 'node_modules/.fuserank-lock');
  const wanted = hash([lockfile]);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  // npm's own record, newer than the lockfile: somebody has installed by hand.
  const record = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(stamp) && existsSync(record) && statSync(record).mtimeMs >= statSync(lockfile).mtimeMs) {
    writeFileSync(stamp, wanted);
    return;
  }
  say('installing dependencies (npm ci)');
  // Prebuilt binaries come inside the packages; an install script would fetch GPU libraries of some hundred megabytes.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  runNpm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], env);
  writeFileSync(stamp, wanted);
}

/** TypeScript to dist/, when a source has changed, come or gone since. */
function compile() {
  const stamp = join(root, 'dist/.fuserank-sources');
  const wanted = hash([
    join(root, 'tsconfig.json'),
    join(root, 'tsconfig.build.json'),
    join(root, 'package-lock.json'),
    ...listSources(root),
  ]);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('compiling (tsc)');
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json')], process.env);
  // npx makes it executable only when it first sees the package; a pull and a compile later it would refuse.
  chmodSync(join(root, 'dist/fuserank.js'), 0o755);
  writeFileSync(stamp, wanted);
}

function listSources(folder) {
  const apart = new Set(['node_modules', 'dist', 'test', 'docs']);
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith('.') && !apart.has(entry.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return listSources(path);
      return entry.name.endsWith('.ts') ? [path] : [];
    });
}

function hash(files) {
  const sum = createHash('sha256');
  for (const file of files)
    sum
      .update(`${relative(root, file)}\0`)
      .update(readFileSync(file))
      .update('\0');
  return sum.digest('hex');
}

function runNpm(args, env) {
  // The very npm that called us, where one did: it need not be the first on the PATH.
  const npm = process.env.npm_execpath;
  if (npm?.endsWith('.js')) return run(process.execPath, [npm, ...args], env);
  // On Windows npm is a batch file, which only a shell can start; its arguments here need no quotes.
  run('npm', args, env, { shell: process.platform === 'win32' });
}

function run(command, args, env, options = {}) {
  // Standard output belongs to the command that comes after us.
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: ['ignore', 2, 2], ...options });
  if (error) fail(`${command}: ${error.message}`);
  if (status !== 0) fail(`${command} ${args.join(' ')} ended with ${status}`);
}

function say(line) {
  console.error(`setup: ${line}`);
}

function fail(line) {
  say(line);
  process.exit(1);
}
