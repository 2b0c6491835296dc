/** Time as a parameter: nothing below `cmd` reads a clock or sets a timer by itself, so a simulation can own time. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump; never compared between machines. */
  now(): number;
  /** Milliseconds since some start; never goes back, not even when the wall clock does. */
  monotonic(): number;
}

/** A clock that can also wake you. */
export interface Timers extends Clock {
  /** Calls back once after at least `ms`; the returned function cancels. */
  after(ms: number, callback: () => void): () => void;
}
