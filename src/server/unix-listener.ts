/** The unix socket: who may open the file may ask, so its mode is the access control. */
import { chmod, lstat, mkdir, unlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { Server } from 'node:http';
import type { Handler } from './handler.ts';
import { HTTP_OPTIONS, limitServer } from './http-limits.ts';
import { listening } from './listening.ts';

export class SocketInUse extends Error {
  override readonly name = 'SocketInUse';
}

/**
 * Listens on `path` with exactly `mode`. A socket that a dead process left is replaced; one that answers, and a file
 * that is no socket, are refused with SocketInUse. The directory is made if it is missing.
 */
export async function listenOnUnixSocket(path: string, mode: number, handler: Handler): Promise<Server> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await clearStaleSocket(path);
  const server = createServer(HTTP_OPTIONS, handler);
  limitServer(server);
  // bind() happens inside listen(), so the file is never there with a wider mode than asked for.
  const umask = process.umask(0o777 & ~mode);
  let started: Promise<void>;
  try {
    started = listening(server, { path });
  } finally {
    process.umask(umask);
  }
  await started;
  await chmod(path, mode);
  return server;
}

async function clearStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!found) return;
  if (!found.isSocket()) throw new SocketInUse(`${path} exists and is not a socket: remove it, or listen elsewhere.`);
  if (await answers(path)) throw new SocketInUse(`Another process listens on ${path}: stop it first, or listen elsewhere.`);
  await unlink(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      else reject(error);
    });
  });
}
