/**
 * Lines on stderr, each written before the call returns, so a crash loses none. pino's own destination ends the process
 * when the disk under its file is full, and can be told to wait for ever instead; both would be an outage because
 * nobody can be told of it. Here a line that cannot be written is lost, and the next one is tried.
 */
import { writeSync } from 'node:fs';

/** A reader of a pipe that is behind gets this long to catch up, in all. */
const MOST_TRIES = 10;
const PAUSE_MS = 10;

export class LineWriter {
  readonly #descriptor: number;
  /** The last line was written in part: the next begins on a line of its own. */
  #cut = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  write(line: string): void {
    const bytes = Buffer.from(this.#cut ? `\n${line}` : line);
    let written = 0;
    for (let tries = 0; written < bytes.length && tries < MOST_TRIES; tries += 1) {
      try {
        written += writeSync(this.#descriptor, bytes, written);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') break;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
      }
    }
    this.#cut = written < bytes.length && (this.#cut || written > 0);
  }
}
