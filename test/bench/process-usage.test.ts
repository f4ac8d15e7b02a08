import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { childrenOf, cpuOf, memoryOf, parseStat } from './process-usage.js';

test('parseStat reads past a name with spaces and parentheses', () => {
  const line = '4321 (node (worker) 1) S 17 4321 4321 0 -1 4194304 9 0 0 0 250 50 7 7 20 0 11 0 1 2 3';
  expect(parseStat(line)).toEqual({ parent: 17, cpuMs: 3000 });
});

test.skipIf(process.platform !== 'linux')('a child is found, and its time and memory are read', async () => {
  const child = spawn(process.execPath, ['-e', 'while (process.cpuUsage().user < 300_000); setInterval(() => {}, 1000)']);
  try {
    const { pid = 0 } = child;
    expect(childrenOf(process.pid)).toContain(pid);
    for (let wait = 0; wait < 100 && cpuOf([pid]) < 200; wait += 1) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(cpuOf([pid])).toBeGreaterThanOrEqual(200);
    expect(memoryOf(pid).nowMb).toBeGreaterThan(10);
    expect(memoryOf(pid).peakMb).toBeGreaterThanOrEqual(memoryOf(pid).nowMb);
  } finally {
    child.kill('SIGKILL');
  }
});
