/** Time that moves only when told to: `advance` runs what falls due, in order, and lets promises settle in between. */
import type { Timers } from '../../src/core/clock.ts';

export interface VirtualTimers extends Timers {
  advance(ms: number): Promise<void>;
  /** The wall clock jumps; the monotonic one does not notice. */
  jumpWall(ms: number): void;
}

export function virtualTimers(startWall = Date.UTC(2026, 0, 1)): VirtualTimers {
  let monotonic = 0;
  let wallOffset = startWall;
  const due: { at: number; callback: () => void }[] = [];
  return {
    now: () => wallOffset + monotonic,
    monotonic: () => monotonic,
    jumpWall: (ms) => {
      wallOffset += ms;
    },
    after(ms, callback) {
      const entry = { at: monotonic + ms, callback };
      due.push(entry);
      return () => {
        const index = due.indexOf(entry);
        if (index >= 0) due.splice(index, 1);
      };
    },
    async advance(ms) {
      const end = monotonic + ms;
      for (;;) {
        await settle();
        const next = due.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        due.splice(due.indexOf(next), 1);
        monotonic = next.at;
        next.callback();
      }
      monotonic = end;
      await settle();
    },
  };
}

/** Everything that waits for nothing but promises has run when this returns. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
