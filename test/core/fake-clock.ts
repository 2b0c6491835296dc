/** Time that only passes when a test says so. */
import type { Clock } from '../../src/core/clock.ts';

export class FakeClock implements Clock {
  #wall = Date.UTC(2026, 0, 1);
  #monotonic = 0;

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  advance(seconds: number): void {
    this.#wall += seconds * 1000;
    this.#monotonic += seconds * 1000;
  }

  /** The wall clock is set, as an administrator or NTP does; the monotonic one knows nothing of it. */
  setWall(milliseconds: number): void {
    this.#wall = milliseconds;
  }
}
