// All tests, or those whose files match the arguments, against one OpenSearch for the whole run: the one at
// OPENSEARCH_URL, else one started here and stopped at the end. The last line counts: `N passed, N failed`.
// `--write` renews the pages of docs/ that a test writes from what it finds.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), 'fuserank-tests-'));
const report = join(folder, 'report.json');

let exitCode = 1;
try {
  const node = await startOpenSearch();
  try {
    const writes = process.argv.includes('--write') ? { FUSERANK_WRITE_PAGES: '1' } : {};
    const files = process.argv.slice(2).filter((argument) => argument !== '--write');
    exitCode = await runVitest(files, { ...process.env, ...writes, OPENSEARCH_URL: node.url });
  } finally {
    await node.stop();
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
}
const { passed, failed, skipped } = readCounts();
rmSync(folder, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = exitCode === 0 && failed === 0 && passed > 0 ? 0 : exitCode || 1;

async function startOpenSearch() {
  const compiled = join(root, 'dist/opensearch/local-node/index.js');
  if (!existsSync(compiled)) throw new Error('nothing is compiled yet: run `npm run setup`');
  const { findOrStartNode } = await import(pathToFileURL(compiled).href);
  return findOrStartNode({ name: 'tests', log: (line) => console.error(`tests: ${line}`) });
}

function runVitest(args, env) {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...args], { cwd: root, env, stdio: 'inherit' });
    // A Ctrl-C reaches vitest by itself; we wait for it, so that OpenSearch goes last.
    process.on('SIGINT', () => undefined);
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/** A file that fails outside its tests (it does not compile, its set-up throws) counts as one failure. */
function readCounts() {
  if (!existsSync(report)) return { passed: 0, failed: 0, skipped: 0 };
  const { numPassedTests, numPendingTests, numTodoTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const broken = testResults.filter((file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'));
  return { passed: numPassedTests, failed: numFailedTests + broken.length, skipped: numPendingTests + numTodoTests };
}
