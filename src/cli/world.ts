/** The world as berthctl sees it: streams, clock, files. cmd/berthctl wires the real one. */
import type { Writable } from 'node:stream';
import type { Timers } from '../core/clock.ts';

export interface OutputStream {
  write(text: string): void;
  readonly isTerminal: boolean;
  readonly columns: number;
}

export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'socket' | 'other';
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
}

/** The disk, for reading what a person names and for `doctor`. All throw node's errors, with their `code`. */
export interface Files {
  readText(path: string): Promise<string>;
  list(directory: string): Promise<readonly string[]>;
  /** Follows symbolic links. */
  facts(path: string): Promise<FileFacts>;
  /** Whether this user may: existing file only. */
  mayAccess(path: string, how: 'read' | 'write' | 'execute'): Promise<boolean>;
  /** Writes a new file of mode 0600 in one step: it is there whole, or not at all. Refuses to replace one unless told to. */
  writeWhole(path: string, replace: boolean, fill: (sink: Writable) => Promise<number>): Promise<number>;
}

export interface World {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly timers: Timers;
  readonly files: Files;
  environment(name: string): string | undefined;
  readStandardInput(): Promise<string>;
  /** Whether there is a person to ask. */
  readonly mayAsk: boolean;
  /** Asks on the terminal (stderr); the line that was typed, undefined for end of input. */
  ask(question: string): Promise<string | undefined>;
  /** Aborts on Ctrl-C and on SIGTERM; the reason is the exit code that goes with it. */
  readonly interrupted: AbortSignal;
}
