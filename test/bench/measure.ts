/**
 * Contestants take turns, round by round, so that a neighbour's burst hits all of them; the median round counts. Time
 * is the thread's own CPU time: what others do on the machine is not in it, nor is the collector's helper thread.
 */
export interface Contestant {
  readonly name: string;
  /** Does `count` operations. */
  run(count: number): void;
}

export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** Of pairs that were measured one right after the other, so that a burst meets both or spoils one pair. */
export const medianRatio = (ones: readonly number[], others: readonly number[]): number =>
  median(ones.map((one, index) => one / others[index]!));

export function cpuNanoseconds(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) * 1000;
}

/** Some systems count CPU time in steps of 4 ms: a round is long enough for that not to matter. */
const ROUND_NANOSECONDS = 100e6;

/** Nanoseconds an operation, by name; `count` is of the warm-up, and the least of a round. */
export function compare(contestants: readonly Contestant[], rounds: number, count: number): Map<string, number> {
  const times = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  const counts = new Map(contestants.map((contestant) => [contestant, count * repeatsToFill(contestant, count)]));
  for (let round = 0; round < rounds; round++) {
    for (const [contestant, operations] of counts) {
      const start = cpuNanoseconds();
      contestant.run(operations);
      times.get(contestant.name)!.push((cpuNanoseconds() - start) / operations);
    }
  }
  return new Map([...times].map(([name, values]) => [name, median(values)]));
}

/** How often `count` operations fit into a round, once they are warm. */
function repeatsToFill(contestant: Contestant, count: number): number {
  contestant.run(count);
  for (let repeats = 1; ; repeats *= 2) {
    const start = cpuNanoseconds();
    contestant.run(count * repeats);
    const spent = cpuNanoseconds() - start;
    if (spent >= ROUND_NANOSECONDS / 2) return Math.max(1, Math.round((repeats * ROUND_NANOSECONDS) / spent));
  }
}

export interface Bound {
  readonly what: string;
  readonly measured: number;
  /** `least`: at least this; `most`: at most this. */
  readonly least?: number;
  readonly most?: number;
  readonly unit?: string;
}

export function holds({ measured, least, most }: Bound): boolean {
  return (least === undefined || measured >= least) && (most === undefined || measured <= most);
}

/** What more than one round is measured for. */
export interface Rounds {
  /** How many there are at least. */
  readonly rounds: number;
  readonly round: (index: number) => void | Promise<void>;
  /** Of all rounds so far. */
  readonly isHeld: () => boolean;
  /** How much longer it may take while the bound is missed; a minute unless said. */
  readonly moreSeconds?: number;
}

/**
 * Wall-clock time on a shared machine: a neighbour's burst can spoil the first rounds. Where they miss the bound, as many
 * again are measured, and again, until all of them together hold it or the time is over. No round is thrown away, so
 * what is really too slow stays so.
 */
export async function measureRounds({ rounds, round, isHeld, moreSeconds = 60 }: Rounds): Promise<void> {
  let index = 0;
  const measure = async (): Promise<void> => {
    for (let count = 0; count < rounds; count++) await round(index++);
  };
  await measure();
  const started = performance.now();
  const mostMs = moreSeconds * 1_000;
  while (!isHeld() && performance.now() - started < mostMs) await measure();
  if (index > rounds) console.log(`(${index} rounds: the first ${rounds} missed a bound, on a machine that others may use)\n`);
}

export function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}
