/**
 * The Host port on Node ≥ 20: for machines without a Rust toolchain, and for the tests. The twin of cmd/berth/host; the
 * same conformance suite judges both.
 */
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import type { Exchanged, Failure, Host } from './host.ts';

const startedNs = process.hrtime.bigint();
const startedTicks = Math.floor((os.uptime() - process.uptime()) * 100);

/** `outputIsClosed`: the launcher saw that descriptor 1 was closed; Node itself has put /dev/null there by now. */
export function createNodeHost({ outputIsClosed }: { readonly outputIsClosed: boolean }): Host {
  return {
    startedNs: String(startedNs),
    startedTicks,
    processId: process.pid,
    environment: (name) => (name.startsWith('CNI_') ? (process.env[name] ?? '') : ''),
    readStdin,
    print: (text) => !outputIsClosed && writeAll(1, text),
    complain: (text) => void writeAll(2, text),
    elapsedMs: () => Number(process.hrtime.bigint() - startedNs) / 1e6,
    wallMs: () => Date.now(),
    sleep: (milliseconds) => sleep(milliseconds),
    exchange,
    exit: (code) => process.exit(code),
    ...files,
  };
}

const nameOf = (error: unknown): string => {
  const code = (error as NodeJS.ErrnoException).code;
  return code ?? (error instanceof Error ? error.message : String(error));
};

function outcome(act: () => void): Failure {
  try {
    act();
    return '';
  } catch (error) {
    return nameOf(error);
  }
}

/** Opens, acts, closes. */
function withFile(path: string, flags: string | number, act: (descriptor: number) => void): Failure {
  return outcome(() => {
    const descriptor = fs.openSync(path, flags, 0o600);
    try {
      act(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  });
}

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = fs.constants;

const files: Pick<
  Host,
  'readFile' | 'createFile' | 'appendFile' | 'renameFile' | 'removeFile' | 'makeDirectory' | 'listDirectory' | 'inspectFile'
> = {
  readFile(path, limitBytes) {
    let text = '';
    const failure = withFile(path, 'r', (descriptor) => {
      const buffer = Buffer.alloc(limitBytes);
      let length = 0;
      for (let read = -1; read !== 0 && length < limitBytes; length += read)
        read = fs.readSync(descriptor, buffer, length, limitBytes - length, null);
      text = buffer.toString('utf8', 0, length);
    });
    return [failure, text];
  },
  createFile: (path, text) =>
    withFile(path, 'wx', (descriptor) => {
      fs.writeFileSync(descriptor, text);
      fs.fsyncSync(descriptor);
    }),
  appendFile: (path, text) =>
    withFile(path, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK, (descriptor) => fs.writeFileSync(descriptor, text)),
  renameFile: (from, to, directory) =>
    outcome(() => fs.renameSync(from, to)) || withFile(directory, 'r', (descriptor) => fs.fsyncSync(descriptor)),
  removeFile: (path) => outcome(() => fs.unlinkSync(path)),
  makeDirectory,
  listDirectory(path) {
    let names: string[] = [];
    const failure = outcome(() => (names = fs.readdirSync(path)));
    return [failure, ...names];
  },
  inspectFile(path) {
    let found: readonly [string, string] = ['', ''];
    const failure = outcome(() => {
      const { dev, ino, size } = fs.statSync(path, { bigint: true });
      found = [`${dev}:${ino}`, String(size)];
    });
    return [failure, ...found];
  },
};

/** Not Node's own `recursive`: below /proc that never returns. */
function makeDirectory(path: string): Failure {
  const failure = outcome(() => fs.mkdirSync(path, 0o700));
  if (failure === 'EEXIST') return outcome(() => fs.readdirSync(path));
  const parent = path.slice(0, path.lastIndexOf('/'));
  if (failure !== 'ENOENT' || parent === '' || fs.existsSync(parent)) return failure;
  return makeDirectory(parent) || outcome(() => fs.mkdirSync(path, 0o700));
}

function writeAll(descriptor: number, text: string): boolean {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length;) {
    try {
      written += fs.writeSync(descriptor, bytes, written);
    } catch (error) {
      if (nameOf(error) !== 'EAGAIN') return false;
      // A pipe that somebody made non-blocking, and full: give its reader a moment.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
  return true;
}

function readStdin(limitBytes: number, timeoutMs: number): Promise<readonly [Failure, string]> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const end = (failure: Failure): void => {
      clearTimeout(timer);
      process.stdin.removeAllListeners().on('error', () => undefined);
      process.stdin.pause();
      resolve([failure, failure === '' ? Buffer.concat(chunks).toString() : '']);
    };
    const timer = setTimeout(() => end('ETIMEDOUT'), timeoutMs);
    process.stdin
      .on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > limitBytes) end('EFBIG');
      })
      .on('end', () => end(''))
      .on('error', (error) => end(nameOf(error)));
  });
}

/** See Host.exchange. */
function exchange(
  address: string,
  [ca, client]: readonly [ca: string, client: string],
  serverName: string,
  request: string,
  connectMs: number,
  totalMs: number,
  limitBytes: number,
): Promise<Exchanged> {
  return new Promise<Exchanged>((resolve) => {
    const socket = open(address, ca, serverName, client);
    const chunks: Buffer[] = [];
    let length = 0;
    let connected = false;
    const end = (why: string): void => {
      clearTimeout(connecting);
      clearTimeout(whole);
      socket.destroy();
      const text = length > limitBytes ? '' : Buffer.concat(chunks).toString();
      resolve(connected ? ['answered', text, why] : ['unreached', '', why]);
    };
    const connecting = setTimeout(() => end('ETIMEDOUT'), Math.min(connectMs, totalMs));
    const whole = setTimeout(() => end('ETIMEDOUT'), totalMs);
    socket
      .on(address.startsWith('unix:') ? 'connect' : 'secureConnect', () => {
        connected = true;
        clearTimeout(connecting);
        socket.write(request);
      })
      .on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > limitBytes) end(`the answer is larger than ${limitBytes} bytes`);
      })
      .on('end', () => end(''))
      .on('close', () => end('ECONNRESET'))
      .on('error', (error) => end(nameOf(error)));
    // A certificate and a key that do not fit together are thrown.
  }).catch((error: unknown) => ['unreached', '', nameOf(error)]);
}

function open(address: string, ca: string, servername: string, client: string): net.Socket {
  if (address.startsWith('unix:')) return net.connect({ path: address.slice('unix:'.length) });
  const at = address.lastIndexOf(':');
  return tls.connect({
    host: address.slice(0, at).replace(/^\[|\]$/g, ''),
    port: Number(address.slice(at + 1)),
    ca,
    servername,
    ...(client === '' ? {} : { cert: client, key: client }),
    minVersion: 'TLSv1.2',
  });
}
