import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BadArchive, unzip } from '../../../opensearch/local-node/unzip.js';
import { zipArchive } from './zip-archive.js';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'fuserank-unzip-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('unpacking an archive', () => {
  it('gives back every file as it went in, packed or stored', () => {
    const name = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ name, text: fc.string(), stored: fc.boolean() }), { selector: (file) => file.name }),
        (files) => {
          const into = mkdtempSync(join(folder, 'run-'));
          unzip(zipArchive(files.map((file) => ({ ...file, name: `deep/er/${file.name}` }))), into);
          for (const { name: file, text } of files) expect(readFileSync(join(into, 'deep/er', file), 'utf8')).toBe(text);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('drops leading folders, leaves out what nobody needs, keeps programs executable', () => {
    const archive = zipArchive([
      { name: 'top/bin/run', text: '#!', mode: 0o755 },
      { name: 'top/lib/a.jar', text: 'jar', mode: 0o600 },
      { name: 'top/lib/tools/b.jar', text: 'tool' },
    ]);
    unzip(archive, folder, { strip: 1, leaveOut: ['lib/tools/'] });
    expect(statSync(join(folder, 'bin/run')).mode & 0o777).toBe(0o755);
    // The node may run as somebody else, who must be able to read it.
    expect(statSync(join(folder, 'lib/a.jar')).mode & 0o777).toBe(0o644);
    expect(statSync(join(folder, 'lib')).mode & 0o777).toBe(0o755);
    expect(existsSync(join(folder, 'lib/tools'))).toBe(false);
  });

  it.each(['../out', 'a/../../out', '/etc/out', 'a/..', '..\\out', 'C:\\out', 'a/../../fuserank-unzip-x/out'])(
    'refuses the name %s',
    (name) => {
      const into = join(folder, 'into');
      expect(() => unzip(zipArchive([{ name, text: 'x' }]), into)).toThrow(BadArchive);
      expect(existsSync(join(folder, 'out'))).toBe(false);
    },
  );

  it('refuses links, encrypted and damaged entries, and what is no archive', () => {
    const refuse = (archive: Buffer, why: RegExp) => expect(() => unzip(archive, folder)).toThrow(why);
    refuse(zipArchive([{ name: 'link', text: '/etc/passwd', mode: 0o120777 }]), /link/);
    refuse(zipArchive([{ name: 'a', text: 'x', flags: 1 }]), /encrypted/);
    refuse(zipArchive([{ name: 'a', text: 'x', crc: 1 }]), /checksum/);
    refuse(Buffer.from('<html>not found</html>'), /no zip file/);
  });
});
