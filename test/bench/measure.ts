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

export function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}
