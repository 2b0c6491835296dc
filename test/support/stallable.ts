import type { Timers } from '../../src/core/clock.ts';

/** Time that can be made to stand still for one process, with its timers, while the world goes on. */
export function stallable(timers: Timers): Timers & { stall(): void; resume(): void } {
  let held: (() => void)[] | undefined;
  return {
    now: () => timers.now(),
    monotonic: () => timers.monotonic(),
    after: (ms, callback) => timers.after(ms, () => (held === undefined ? callback() : void held.push(callback))),
    stall: () => (held = []),
    resume: () => {
      const callbacks = held ?? [];
      held = undefined;
      for (const callback of callbacks) callback();
    },
  };
}
