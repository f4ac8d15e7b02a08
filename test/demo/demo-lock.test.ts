import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DemoRunsAlready, holdDemo } from '../../demo/demo-lock.js';

describe('the demo’s place', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'demo-lock-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is held by one at a time for each OpenSearch, and given back', () => {
    const release = holdDemo(null, folder);
    expect(() => holdDemo(null, folder)).toThrow(DemoRunsAlready);
    const releaseOther = holdDemo('http://127.0.0.1:9200', folder);
    release();
    releaseOther();
    holdDemo(null, folder)();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is taken over from a process that has ended, or left nothing readable', () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    writeFileSync(join(folder, 'running-own.pid'), String(pid));
    holdDemo(null, folder)();
    writeFileSync(join(folder, 'running-own.pid'), '');
    holdDemo(null, folder)();
    expect(readdirSync(folder)).toEqual([]);
  });
});
