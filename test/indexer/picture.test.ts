import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../../config/schema.js';
import { AddressGuard, isPublicAddress, type Resolve } from '../../indexer/picture/address-guard.js';
import { isVideo, openPictureSource, PictureFolderMissing, type PictureSource } from '../../indexer/picture.js';

const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const MP4 = Buffer.concat([Buffer.from([0, 0, 0, 0x20]), Buffer.from('ftypisom'), Buffer.alloc(64)]);

async function openSource(
  options: { folder?: string | null; allowHosts?: string[]; resolve?: Resolve; fetch?: object } = {},
): Promise<PictureSource> {
  const { fetch } = configSchema.parse({
    index: { fetch: { timeoutMs: 1_500, maxBytes: 4096, allowHosts: options.allowHosts ?? [], ...options.fetch } },
  }).index;
  return openPictureSource({ folder: options.folder ?? null, fetch, ...(options.resolve ? { resolve: options.resolve } : {}) });
}

describe('addresses', () => {
  it.each(['93.184.215.14', '2606:4700::6810:84e5', '8.8.8.8'])('%s is public', (address) => expect(isPublicAddress(address)).toBe(true));
  it.each([
    ...['127.0.0.1', '0.0.0.0', '10.1.2.3', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '224.0.0.1', '255.255.255.255'],
    ...['::1', '::', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::7f00:1', 'fe80::1', 'fd00::1', 'ff02::1', '64:ff9b::7f00:1', '2002:7f00:1::'],
    ...['2001:db8::1', 'fec0::1', 'not an address', ''],
  ])('%s is not', (address) => expect(isPublicAddress(address)).toBe(false));

  it.each([
    ['http://127.0.0.1/a.jpg', /not a public address/],
    ['http://[::ffff:127.0.0.1]/a.jpg', /not a public address/],
    ['http://[::1]/a.jpg', /not a public address/],
    ['http://2130706433/a.jpg', /not a public address/],
    ['http://0x7f.1/a.jpg', /not a public address/],
    ['http://0177.0.0.1/a.jpg', /not a public address/],
    ['http://169.254.169.254/latest/meta-data', /not a public address/],
    ['http://10.0.0.1:80/a.jpg', /not a public address/],
    ['http://93.184.215.14:9200/_search', /has port 9200/],
    ['http://user:secret@93.184.215.14/a.jpg', /user name or password/],
  ])('%s is refused before anything is sent', async (address, reason) => {
    const source = await openSource();
    await expect(source.read(address)).rejects.toThrow(reason);
    await source.close();
  });

  it('lets the operator name hosts of their own, with or without a port', () => {
    const guard = new AddressGuard({ allowHosts: ['pictures.internal', '10.0.0.7:8000'] });
    expect(() => guard.check(new URL('http://PICTURES.internal:8080/a.jpg'))).not.toThrow();
    expect(() => guard.check(new URL('http://10.0.0.7:8000/a.jpg'))).not.toThrow();
    expect(() => guard.check(new URL('http://10.0.0.7:8001/a.jpg'))).toThrow();
    const onOnePort = new AddressGuard({ allowHosts: ['pictures.internal:8000'] });
    expect(() => onOnePort.check(new URL('http://pictures.internal:8000/a.jpg'))).not.toThrow();
    expect(() => onOnePort.check(new URL('http://pictures.internal/admin'))).toThrow(/other ports only/);
    expect(() => guard.check(new URL('ftp://pictures.internal/a.jpg'))).toThrow(/scheme ftp/);
  });
});

describe('fetching', () => {
  let server: Server;
  let port = 0;
  const asked: string[] = [];
  const answers: Record<string, (response: ServerResponse) => void> = {
    '/a.png': (response) => response.end(PNG),
    '/clip': (response) => response.end(MP4),
    '/empty': (response) => response.end(),
    '/large': (response) => {
      // A declared length that lies: only counted bytes matter.
      response.writeHead(200);
      const pour = setInterval(() => response.write(Buffer.alloc(1024)), 1);
      response.on('close', () => clearInterval(pour));
    },
    '/slow': (response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write('x'), 100);
      response.on('close', () => clearInterval(drip));
    },
    '/packed': (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(1_000_000))),
    '/absent': (response) => response.writeHead(404).end('no'),
    '/loop': (response) => response.writeHead(302, { location: '/loop' }).end(),
    '/once': (response) => response.writeHead(301, { location: '/a.png' }).end(),
    '/inward': (response) => response.writeHead(302, { location: `http://127.0.0.1:${port}/a.png` }).end(),
    '/inward-port-80': (response) => response.writeHead(307, { location: 'http://[::ffff:7f00:1]/a.png' }).end(),
    '/to-file': (response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    '/nowhere': (response) => response.writeHead(302).end(),
  };
  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      (answers[request.url ?? ''] ?? answers['/absent'])?.(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  /** The operator's own host: its name is allowed, so that it may stand for loopback here. */
  const readOwn = async (path: string, fetch: object = {}) => {
    const source = await openSource({
      allowHosts: ['shop.test'],
      resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
      fetch,
    });
    try {
      return await source.read(`http://shop.test:${port}${path}`);
    } finally {
      await source.close();
    }
  };

  it('gives the bytes, follows a redirect, knows a video', async () => {
    expect(await readOwn('/a.png')).toEqual({ kind: 'picture', bytes: PNG });
    expect(await readOwn('/once')).toMatchObject({ kind: 'picture' });
    expect(await readOwn('/clip')).toEqual({ kind: 'video' });
  });

  it.each([
    ['/absent', /HTTP 404/],
    ['/empty', /empty file/],
    ['/large', /larger than 4096 bytes/],
    ['/packed', /packed \(gzip\)/],
    ['/slow', /no complete answer within 1500 ms/],
    ['/loop', /more than 3 redirects/],
    ['/inward', /has port|not a public address/],
    ['/inward-port-80', /not a public address/],
    ['/to-file', /scheme file/],
    ['/nowhere', /without a usable location/],
  ])('%s', async (path, reason) => {
    await expect(readOwn(path)).rejects.toThrow(reason);
  });

  it('refuses a public name that stands for an inner address, or for one of each', async () => {
    for (const addresses of [['127.0.0.1'], ['93.184.215.14', '10.0.0.1'], ['::ffff:127.0.0.1']]) {
      const resolve: Resolve = () => Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
      const source = await openSource({ resolve });
      await expect(source.read('http://pictures.example/a.png')).rejects.toThrow(/pictures.example is not a public address/);
      await source.close();
    }
  });

  it('connects to the very addresses that were checked, so that a second answer of the name server gains nothing', async () => {
    let lookups = 0;
    const guard = new AddressGuard({
      allowHosts: [],
      resolve: () => Promise.resolve([{ address: lookups++ === 0 ? '93.184.215.14' : '127.0.0.1', family: 4 }]),
    });
    const look = () =>
      new Promise((resolve, reject) =>
        guard.lookup('flip.example', { all: true }, (error, found) => (error ? reject(error) : resolve(found))),
      );
    expect(await look()).toEqual([{ address: '93.184.215.14', family: 4 }]);
    await expect(look()).rejects.toThrow(/not a public address/);
  });

  it('asked the server for nothing that was refused by address', () => {
    expect(asked.filter((path) => path === '/latest/meta-data')).toEqual([]);
  });
});

describe('a picture folder', () => {
  const base = mkdtempSync(join(tmpdir(), 'fuserank-pictures-'));
  const folder = join(base, 'shop');
  let source: PictureSource;
  beforeAll(async () => {
    mkdirSync(join(folder, 'sub'), { recursive: true });
    writeFileSync(join(folder, 'a.png'), PNG);
    writeFileSync(join(folder, 'sub', 'b.png'), PNG);
    writeFileSync(join(folder, 'clip.bin'), MP4);
    writeFileSync(join(folder, 'long.bin'), Buffer.concat([MP4, Buffer.alloc(8192)]));
    writeFileSync(join(folder, 'large.png'), Buffer.concat([PNG, Buffer.alloc(8192)]));
    writeFileSync(join(base, 'secret.png'), PNG);
    mkdirSync(join(base, 'shop-of-another'));
    writeFileSync(join(base, 'shop-of-another', 'x.png'), PNG);
    symlinkSync(join(base, 'secret.png'), join(folder, 'link.png'));
    symlinkSync(base, join(folder, 'up'));
    symlinkSync(join(folder, 'a.png'), join(folder, 'inner.png'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    source = await openSource({ folder });
  });
  afterAll(async () => {
    await source.close();
    rmSync(base, { recursive: true, force: true });
  });

  it('reads what lies inside, also through a link that stays inside', async () => {
    for (const name of ['a.png', 'sub/b.png', 'inner.png', './a.png'])
      expect(await source.read(name)).toEqual({ kind: 'picture', bytes: PNG });
  });

  it('knows a video by its head, however long it is', async () => {
    expect(await source.read('clip.bin')).toEqual({ kind: 'video' });
    expect(await source.read('long.bin')).toEqual({ kind: 'video' });
  });

  it.each([
    ['../secret.png', /leads out/],
    ['sub/../../secret.png', /leads out/],
    ['..\\secret.png', /leads out/],
    ['link.png', /leads out/],
    ['up/secret.png', /leads out/],
    ['up/shop-of-another/x.png', /leads out/],
    ['/etc/passwd', /not a path inside/],
    ['file:///etc/passwd', /not a path inside/],
    ['data:image/png;base64,AAAA', /not a path inside/],
    ['a.png\0.jpg', /zero byte/],
    ['pipe', /not a file/],
    ['sub', /not a file/],
    ['absent.png', /no such file/],
    ['large.png', /larger than 4096 bytes/],
  ])('refuses %j', async (name, reason) => {
    await expect(source.read(name)).rejects.toThrow(reason);
  });

  it('is missed at once, not picture by picture', async () => {
    await expect(openSource({ folder: join(base, 'absent') })).rejects.toThrow(PictureFolderMissing);
    await expect(openSource({ folder: join(folder, 'a.png') })).rejects.toThrow(/--image-folder/);
  });

  it('says what is missing when there is no folder', async () => {
    const none = await openSource();
    await expect(none.read('a.png')).rejects.toThrow(/--image-folder/);
    await none.close();
  });
});

describe('videos', () => {
  it.each([
    ['mp4', MP4, true],
    ['webm', Buffer.from('1a45dfa3', 'hex'), true],
    ['avi', Buffer.from('RIFF\0\0\0\0AVI '), true],
    ['png', PNG, false],
    ['webp', Buffer.from('RIFF\0\0\0\0WEBP'), false],
    ['avif, a still picture', Buffer.from('\0\0\0 ftypavif'), false],
    ['nothing', Buffer.alloc(0), false],
  ])('%s', (_, bytes, video) => expect(isVideo(bytes)).toBe(video));
});
