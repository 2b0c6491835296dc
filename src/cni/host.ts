/**
 * The Host port: all that the plugin sees of the world. The native host (cmd/berth/host) and the Node host
 * (node-host.ts) implement it; both decide nothing. A failure is a name such as "ENOSPC", never a sentence of the
 * operating system's, and "" is success.
 */
export type Failure = string;

/** The native host answers at once, the Node host's network and sleep do not. */
export type Soon<T> = T | Promise<T>;

/**
 * unreached: nothing was sent. answered: what came before the other side closed; `why` says that it may be cut
 * short (a deadline, a reset, a limit).
 */
export type Exchanged = readonly [outcome: 'unreached' | 'answered', text: string, why: string];

export interface Host {
  /** Nanoseconds of the monotonic clock, read first thing; decimal text. */
  readonly startedNs: string;
  /** Hundredths of a second since boot at the start: where /proc does not tell. */
  readonly startedTicks: number;
  readonly processId: number;
  /** "" for a variable that is unset, and for any whose name does not begin with CNI_. */
  environment(name: string): string;
  /** Waits until stdin is closed: ETIMEDOUT and EFBIG are its own failures. */
  readStdin(limitBytes: number, timeoutMs: number): Soon<readonly [Failure, string]>;
  /** False when not every byte was taken: the reader has gone. */
  print(text: string): boolean;
  complain(text: string): void;
  /** Milliseconds since the start, by the monotonic clock. */
  elapsedMs(): number;
  wallMs(): number;
  sleep(milliseconds: number): Soon<void>;
  readFile(path: string, limitBytes: number): readonly [Failure, string];
  /** A new file, mode 0600, on the disk when this returns; EEXIST where there is one. */
  createFile(path: string, text: string): Failure;
  appendFile(path: string, text: string): Failure;
  /** Within one directory, which is on the disk when this returns. */
  renameFile(from: string, to: string, directory: string): Failure;
  removeFile(path: string): Failure;
  /** With its parents, mode 0700. */
  makeDirectory(path: string): Failure;
  listDirectory(path: string): readonly [Failure, ...string[]];
  /** Follows links; the size is decimal text. */
  inspectFile(path: string): readonly [failure: Failure, deviceAndInode: string, size: string];
  /**
   * Sends `request` and reads until the other side closes. `address` is "unix:PATH", or "IP:PORT" for TLS with
   * `ca` as the only trust and `serverName` as the only name accepted. `client`: a certificate and its key, to show
   * the other side, or "". Both PEM.
   */
  exchange(
    address: string,
    pem: readonly [ca: string, client: string],
    serverName: string,
    request: string,
    connectMs: number,
    totalMs: number,
    limitBytes: number,
  ): Soon<Exchanged>;
  exit(code: number): void;
}
