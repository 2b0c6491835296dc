import { setTimeout as sleep } from 'node:timers/promises';

/** Looks until it sees something (neither undefined nor false), at most half a minute: machines are slow at times. */
export async function eventually<T>(
  look: () => T | Promise<T>,
  what: string,
  milliseconds = 30_000,
): Promise<Exclude<NonNullable<T>, false>> {
  const deadline = performance.now() + milliseconds;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false && seen !== null) return seen as Exclude<NonNullable<T>, false>;
    if (performance.now() > deadline) throw new Error(`waited ${milliseconds} ms in vain for ${what}`);
    await sleep(10);
  }
}
