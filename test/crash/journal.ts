/**
 * What a process that is about to be killed wanted and was told: one JSON line each, appended by a plain write, which
 * a SIGKILL does not take back. An intent is written before the call, an acknowledgement after its answer.
 */
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';

export class Journal<Entry> {
  readonly #descriptor: number;

  constructor(path: string) {
    this.#descriptor = openSync(path, 'a');
  }

  write(entry: Entry): void {
    writeSync(this.#descriptor, `${JSON.stringify(entry)}\n`);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** Every entry; the last line is left out if the kill cut it short. */
export function readJournal<Entry>(path: string): Entry[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Entry);
}
