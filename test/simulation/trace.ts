/** What happened, line by line: its hash tells two runs apart, its end tells a person what went wrong. */
import { createHash } from 'node:crypto';
import type { EventLoop } from './event-loop.ts';

const KEPT = 400;

export class Trace {
  readonly lines: string[] = [];
  readonly #hash = createHash('sha256');
  readonly #loop: EventLoop;
  readonly #print: ((line: string) => void) | undefined;

  constructor(loop: EventLoop, print?: (line: string) => void) {
    this.#loop = loop;
    this.#print = print;
  }

  add(text: string): void {
    const line = `${this.#loop.now.toFixed(3)} ${text}`;
    this.#hash.update(line).update('\n');
    this.lines.push(line);
    if (this.lines.length > 2 * KEPT) this.lines.splice(0, KEPT);
    this.#print?.(line);
  }

  hash(): string {
    return this.#hash.copy().digest('hex').slice(0, 16);
  }
}
