import { open, type FileHandle } from 'node:fs/promises';

const TYPES = { float32: '<f4', int32: '<i4' } as const;
/** Room for the header, so that the shape can be written when it is known. */
const HEADER_BYTES = 128;
/** Values wait for a write of so many bytes. */
const WRITE_BYTES = 1024 * 1024;

/**
 * A NumPy array file (`.npy`, format 1.0) that grows: values are appended, memory flat, and the shape is written last. NumPy can map it
 * into memory (`numpy.load(path, mmap_mode='r')`).
 */
export class ArrayFile {
  readonly #file: FileHandle;
  readonly #type: keyof typeof TYPES;
  readonly #inner: readonly number[];
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #values = 0;

  private constructor(file: FileHandle, type: keyof typeof TYPES, inner: readonly number[]) {
    this.#file = file;
    this.#type = type;
    this.#inner = inner;
  }

  /** @param inner sizes of all axes but the first, which grows */
  static async open(path: string, type: keyof typeof TYPES, inner: readonly number[] = []): Promise<ArrayFile> {
    const file = await open(path, 'w');
    await file.write(Buffer.alloc(HEADER_BYTES, ' '));
    return new ArrayFile(file, type, inner);
  }

  async append(values: Float32Array | Int32Array): Promise<void> {
    this.#waiting.push(Buffer.from(Uint8Array.from(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))));
    this.#waitingBytes += values.byteLength;
    this.#values += values.length;
    if (this.#waitingBytes >= WRITE_BYTES) await this.#flush();
  }

  /** Everything is in the file, and the file on the disk, when it resolves. */
  async finish(): Promise<void> {
    await this.#flush();
    const width = this.#inner.reduce((product, size) => product * size, 1);
    const shape = [width === 0 ? 0 : this.#values / width, ...this.#inner].map((size) => `${size},`).join(' ');
    const text = `{'descr': '${TYPES[this.#type]}', 'fortran_order': False, 'shape': (${shape}), }`;
    const header = Buffer.alloc(HEADER_BYTES, ' ');
    header.write('\x93NUMPY\x01\x00', 0, 'latin1');
    header.writeUInt16LE(HEADER_BYTES - 10, 8);
    header.write(text, 10, 'latin1');
    header[HEADER_BYTES - 1] = 0x0a;
    await this.#file.write(header, 0, HEADER_BYTES, 0);
    await this.#file.sync();
    await this.#file.close();
  }

  /** Lets go of the file; what was written is not whole. */
  async abandon(): Promise<void> {
    await this.#file.close().catch(() => undefined);
  }

  async #flush(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (waiting.length > 0) await this.#file.appendFile(Buffer.concat(waiting));
  }
}
