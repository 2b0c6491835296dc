/** What the system or a store threw at start, as one sentence and what to do next; no stack trace reaches a user. */
import { SocketInUse } from '../../src/server/unix-listener.ts';
import { StoreUnavailable } from '../../src/store/store.ts';

const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'permission denied: run it as a user who may, or choose another path',
  EPERM: 'not permitted: run it as a user who may, or choose another path',
  EADDRINUSE: 'the address is in use: stop who listens there, or choose another',
  EADDRNOTAVAIL: 'this machine does not have that address',
  ENOENT: 'it is not there: check the path',
  EISDIR: 'it is a directory: give a file',
  ENOTDIR: 'a part of its path is not a directory: check the path',
  EROFS: 'the file system is read-only: choose another path',
  ENOSPC: 'the disk is full: free some space',
  ENOTFOUND: 'no such host: check the name',
};

/** `doing` says what failed: "listen on unix:/run/berth/berth.sock". */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export function explainFailure(doing: string, error: unknown): StartFailure {
  if (error instanceof StartFailure) return error;
  if (error instanceof SocketInUse || error instanceof StoreUnavailable) return new StartFailure(`cannot ${doing}: ${error.message}`);
  const { code, message } = error as NodeJS.ErrnoException;
  const advice = code === undefined ? undefined : ADVICE[code];
  return new StartFailure(`cannot ${doing}: ${advice === undefined ? message : `${advice} (${code})`}`);
}
