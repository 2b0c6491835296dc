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
  readonly holds = new Map<string, Hold>();
  readonly #loop: EventLoop;

  constructor(loop: EventLoop) {
    this.#loop = loop;
  }

  invoke(_verb: 'add', sandbox: Sandbox): void {
    const { id, pod } = sandbox;
    this.holds.set(id, { container: id, holder: pod.runtimeUid, invoked: this.#loop.now, answered: undefined, addresses: [], ended: undefined });
  }

  answered({ id, addresses }: Sandbox): void {
    const hold = this.holds.get(id)!;
    hold.answered = this.#loop.now;
    hold.addresses = addresses;
  }

  ended({ id }: Sandbox): void {
    this.holds.get(id)!.ended ??= this.#loop.now;
  }
}
