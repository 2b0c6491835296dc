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

/** Nanoseconds an operation, by name. */
export function compare(contestants: readonly Contestant[], rounds: number, count: number): Map<string, number> {
  const times = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  for (const contestant of contestants) contestant.run(count);
  for (let round = 0; round < rounds; round++) {
    for (const contestant of contestants) {
      const start = cpuNanoseconds();
      contestant.run(count);
      times.get(contestant.name)!.push((cpuNanoseconds() - start) / count);
    }
  }
  return new Map([...times].map(([name, values]) => [name, median(values)]));
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
