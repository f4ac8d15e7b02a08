import { chmodSync, writeFileSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { crc32, inflateRawSync } from 'node:zlib';
import { openFolder } from './cache.js';

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_ENTRY = 0x04034b50;

/** The archive is damaged, uses a feature we do not read, or wants to write outside its folder. */
export class BadArchive extends Error {
  override readonly name = 'BadArchive';
}

/** One file or folder of an archive; `read` inflates and checks it. */
interface Entry {
  name: string;
  executable: boolean;
  read: () => Buffer;
}

/**
 * Unpacks a zip or wheel (stored and deflated entries; no zip64, no encryption: what build tools write).
 * Names are the archive's after dropping `strip` leading folders; those that begin with one of `leaveOut` are not written.
 * Throws {@link BadArchive} before an entry could leave `into`.
 */
export function unzip(archive: Buffer, into: string, options: { strip?: number; leaveOut?: readonly string[] } = {}): void {
  const { strip = 0, leaveOut = [] } = options;
  const root = resolve(into);
  openFolder(root);
  for (const entry of readEntries(archive)) {
    const name = entry.name.split('/').slice(strip).join('/');
    if (name === '' || leaveOut.some((prefix) => name.startsWith(prefix))) continue;
    const path = resolve(root, name);
    // A backslash or a drive letter is a separator on Windows only; no archive of ours has either.
    if (!path.startsWith(root + sep) || /[\\:\0]/.test(name)) throw new BadArchive(`an entry would leave its folder: ${entry.name}`);
    if (name.endsWith('/')) {
      openFolder(path);
      continue;
    }
    openFolder(dirname(path));
    writeFileSync(path, entry.read());
    chmodSync(path, entry.executable ? 0o755 : 0o644);
  }
}

/** Walks the central directory (PKWARE APPNOTE 4.3.12), whose sizes hold where local headers leave theirs open. */
function* readEntries(archive: Buffer): Generator<Entry> {
  const end = findEnd(archive);
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    if (at + 46 > archive.length || archive.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new BadArchive('its directory is damaged');
    const flags = archive.readUInt16LE(at + 8);
    const method = archive.readUInt16LE(at + 10);
    const checksum = archive.readUInt32LE(at + 16);
    const packedSize = archive.readUInt32LE(at + 20);
    const nameLength = archive.readUInt16LE(at + 28);
    const unixMode = archive.readUInt32LE(at + 38) >>> 16;
    const header = archive.readUInt32LE(at + 42);
    const name = archive.toString('utf8', at + 46, at + 46 + nameLength);
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
    if ((flags & 1) !== 0) throw new BadArchive(`an entry is encrypted: ${name}`);
    // A link could lead a later entry out of the folder.
    if ((unixMode & 0o170000) === 0o120000) throw new BadArchive(`an entry is a link: ${name}`);
    yield {
      name,
      executable: (unixMode & 0o111) !== 0,
      read: () => inflate(archive, { name, method, checksum, packedSize, header }),
    };
  }
}

function findEnd(archive: Buffer): number {
  for (let at = archive.length - 22; at >= 0; at--) {
    if (archive.readUInt32LE(at) === END_OF_DIRECTORY) return at;
  }
  throw new BadArchive('it is no zip file');
}

function inflate(archive: Buffer, entry: { name: string; method: number; checksum: number; packedSize: number; header: number }): Buffer {
  const { header, name } = entry;
  if (header + 30 > archive.length || archive.readUInt32LE(header) !== LOCAL_ENTRY) throw new BadArchive(`${name}: its header is damaged`);
  const start = header + 30 + archive.readUInt16LE(header + 26) + archive.readUInt16LE(header + 28);
  const packed = archive.subarray(start, start + entry.packedSize);
  if (entry.method !== 0 && entry.method !== 8) throw new BadArchive(`${name}: packed by a method we do not read (${entry.method})`);
  const bytes = entry.method === 0 ? packed : inflateRawSync(packed);
  if (crc32(bytes) !== entry.checksum) throw new BadArchive(`${name}: its checksum differs`);
  return bytes;
}
