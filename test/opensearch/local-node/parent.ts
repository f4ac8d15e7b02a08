// A process that starts something, says what, and then does nothing: to be killed by a test.
// usage: tsx parent.ts node | tsx parent.ts program FOLDER [graceMs]
import { mkdirSync } from 'node:fs';
import { findOrStartNode } from '../../../opensearch/local-node/index.js';
import { startSupervised } from '../../../opensearch/local-node/supervised-process.js';

const [what, folder = '', graceMs = '5000'] = process.argv.slice(2);
if (what === 'node') {
  const node = await findOrStartNode({ name: 'parent' });
  console.log(JSON.stringify({ url: node.url }));
} else {
  mkdirSync(folder, { recursive: true });
  const stubborn = 'process.on("SIGTERM", () => undefined); setInterval(() => undefined, 1000); console.log("up")';
  startSupervised({
    command: process.execPath,
    args: ['-e', stubborn],
    folder,
    env: {},
    uid: null,
    graceMs: Number(graceMs),
    removeFolder: true,
    afterwards: null,
  });
  console.log(JSON.stringify({ folder }));
}
if (process.argv.includes('--end')) process.exitCode = 0;
else setInterval(() => undefined, 1000);
