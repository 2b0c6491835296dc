/** The calls of a run as a history: who asked for what, when, and what came back. */
import type { Hold } from '../history/history.ts';
import type { EventLoop } from './event-loop.ts';
import type { Sandbox } from './sandbox.ts';

type Written = { -readonly [Key in keyof Hold]: Hold[Key] };

export class CallHistory {
  readonly holds: Written[] = [];
  /** By container id: that of its last ADD. */
  readonly #current = new Map<string, Written>();
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
