import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, openFolder } from '../opensearch/local-node/cache.js';
import { isAlive } from '../opensearch/local-node/supervised-process.js';

/** Two demos on one OpenSearch would fill each other's index and forget each other's clicks. */
export class DemoRunsAlready extends Error {
  override readonly name = 'DemoRunsAlready';
  readonly exitCode = 8;
}

function readHolder(file: string): number {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10);
  } catch {
    return Number.NaN;
  }
}

function tryHold(file: string): boolean {
  try {
    const handle = openSync(file, 'wx');
    writeSync(handle, String(process.pid));
    closeSync(handle);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Holds the demo's place on one OpenSearch: the one at `engine`, or our own when null. The place of a process that has
 * ended is taken over. @returns what gives it back @throws DemoRunsAlready
 */
export function holdDemo(engine: string | null, folder = join(cacheFolder(), 'demo')): () => void {
  openFolder(folder);
  const name = engine === null ? 'own' : createHash('sha256').update(engine).digest('hex').slice(0, 12);
  const file = join(folder, `running-${name}.pid`);
  if (!tryHold(file)) {
    const holder = readHolder(file);
    if (isAlive(holder))
      throw new DemoRunsAlready(`a demo runs already (process ${holder}): use its page, or stop it with Ctrl-C and start again`);
    rmSync(file, { force: true });
    if (!tryHold(file)) throw new DemoRunsAlready('another demo was started at the same moment: wait for it, or stop it and start again');
  }
  return () => rmSync(file, { force: true });
}
