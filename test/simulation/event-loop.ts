/**
 * The one loop of a simulated world: it owns time, and runs what falls due in order. Each event belongs to a process;
 * that of a dead process never runs, that of a stalled one waits until it goes on. So a process can die or stall at
 * each of its awaits, because only events wake them.
 */
import type { Timers } from '../../src/core/clock.ts';

/** When the simulated world begins: 2026-01-01. */
const START_WALL = Date.UTC(2026, 0, 1);

interface Event {
  at: number;
  readonly order: number;
  readonly owner: Process | undefined;
  readonly run: () => void;
  isCancelled: boolean;
}

export class EventLoop {
  /** Milliseconds since the world began; with fractions. */
  now = 0;
  readonly #heap: Event[] = [];
  #orders = 0;

  /** Runs once, `ms` from now; the returned function cancels. */
  after(ms: number, run: () => void, owner?: Process): () => void {
    const event: Event = { at: this.now + Math.max(0, ms), order: this.#orders++, owner, run, isCancelled: false };
    this.#push(event);
    return () => {
      event.isCancelled = true;
    };
  }

  /** Until then, or until `enough` says so (asked after each event). */
  runUntil(end: number, enough: () => boolean = () => false): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        try {
          settle();
          for (let events = 0; events < EVENTS_A_TURN; events++) {
            const first = this.#heap[0];
            if (first === undefined || first.at > end) {
              this.now = end;
              return resolve();
            }
            this.#pop();
            if (!this.#run(first)) continue;
            settle();
            if (enough()) return resolve();
          }
          setImmediate(turn);
        } catch (error) {
          reject(error as Error);
        }
      };
      setImmediate(turn);
    });
  }

  /** False: nothing of it ran. */
  #run(event: Event): boolean {
    if (event.isCancelled || event.owner?.isDead) return false;
    if (event.owner !== undefined && event.owner.stalledUntil > event.at) {
      event.at = event.owner.stalledUntil;
      this.#push(event);
      return false;
    }
    this.now = event.at;
    event.run();
    return true;
  }

  /** The world's own clock and timers. */
  timers(): Timers {
    return {
      now: () => START_WALL + Math.floor(this.now),
      monotonic: () => this.now,
      after: (ms, callback) => this.after(ms, callback),
    };
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const child = left + 1 < heap.length && isBefore(heap[left + 1]!, heap[left]!) ? left + 1 : left;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

const isBefore = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** The machine's own event loop gets a turn after so many: test runners talk over it. */
const EVENTS_A_TURN = 500;

/**
 * All that waits for nothing but promises has run when this returns. Node's own drain, which its callbacks end with:
 * a turn of the machine's event loop for each event instead takes a third more time.
 */
const settle = (process as unknown as { _tickCallback(): void })._tickCallback;

/** Something that runs on a machine: it has clocks of its own, and ends or stalls as a whole. */
export class Process {
  isDead = false;
  stalledUntil = 0;
  readonly name: string;
  readonly #loop: EventLoop;
  readonly #ends: (() => void)[] = [];
  /** What its wall clock is off, milliseconds. */
  skewMs: number;

  constructor(loop: EventLoop, name: string, skewMs = 0) {
    this.#loop = loop;
    this.name = name;
    this.skewMs = skewMs;
  }

  readonly after = (ms: number, run: () => void): (() => void) => this.#loop.after(ms, run, this);

  timers(): Timers {
    return {
      now: () => START_WALL + Math.floor(this.#loop.now + this.skewMs),
      monotonic: () => this.#loop.now,
      after: this.after,
    };
  }

  stall(ms: number): void {
    this.stalledUntil = Math.max(this.stalledUntil, this.#loop.now + ms);
  }

  /** kill -9: nothing of it ever runs again; its connections break. */
  kill(): void {
    if (this.isDead) return;
    this.isDead = true;
    for (const end of this.#ends.splice(0)) end();
  }

  onEnd(run: () => void): void {
    this.#ends.push(run);
  }
}
