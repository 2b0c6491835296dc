/** The calls of a run as a history: who asked for what, when, and what came back. */
import type { EventLoop } from './event-loop.ts';
import type { Sandbox } from './sandbox.ts';

/** One sandbox's hold of addresses: asked for at `invoked`, told at `answered` (or never), given up at `ended` (or never). */
export interface Hold {
  readonly container: string;
  /** The incarnation: its sandboxes share the address. */
  readonly holder: string;
  readonly invoked: number;
  answered: number | undefined;
  addresses: readonly string[];
  ended: number | undefined;
}

export class CallHistory {
  readonly holds: Hold[] = [];
  /** By container id: that of its last ADD. */
  readonly #current = new Map<string, Hold>();
  readonly #loop: EventLoop;

  constructor(loop: EventLoop) {
    this.#loop = loop;
  }

  asked({ id, pod }: Sandbox): void {
    const hold = { container: id, holder: pod.runtimeUid, invoked: this.#loop.now, answered: undefined, addresses: [], ended: undefined };
    this.#current.set(id, hold);
    this.holds.push(hold);
  }

  answered({ id, addresses }: Sandbox): void {
    const hold = this.#current.get(id)!;
    hold.answered = this.#loop.now;
    hold.addresses = addresses;
  }

  ended({ id }: Sandbox): void {
    this.#current.get(id)!.ended ??= this.#loop.now;
  }
}
