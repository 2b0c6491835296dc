/**
 * What callers saw, as operations on one register per address, "free | held by". Kept apart from how Berth works: only
 * that an address is taken when it is free (or its own pod's), and that it may come free once its holder has ended.
 */

/** One sandbox's hold of its addresses: asked for at `invoked`, told at `answered` (or never), given up at `ended` (or never). */
export interface Hold {
  readonly container: string;
  /** The incarnation: a pod's sandboxes share the address. */
  readonly holder: string;
  readonly invoked: number;
  readonly answered?: number | undefined;
  readonly addresses: readonly string[];
  readonly ended?: number | undefined;
}

export interface Operation {
  readonly kind: 'take' | 'free';
  readonly container: string;
  readonly holder: string;
  readonly call: number;
  /** Infinity: nobody knows when, or whether. */
  readonly return: number;
}

/** The register's operations by address. An ADD that was not answered has told nobody of an address: it is no operation of any. */
export function operationsOf(holds: readonly Hold[]): Map<string, Operation[]> {
  const byAddress = new Map<string, Operation[]>();
  for (const { container, holder, invoked, answered, addresses, ended } of holds) {
    if (answered === undefined) continue;
    for (const address of addresses) {
      const operations = byAddress.get(address) ?? [];
      byAddress.set(address, operations);
      operations.push({ kind: 'take', container, holder, call: invoked, return: answered });
      if (ended !== undefined) operations.push({ kind: 'free', container, holder, call: ended, return: Infinity });
    }
  }
  return byAddress;
}

/** One line a hold, in JSON: what a run keeps, so that it can be looked at and judged again. */
export const formatHolds = (holds: readonly Hold[]): string => holds.map((hold) => `${JSON.stringify(hold)}\n`).join('');

export const parseHolds = (text: string): Hold[] => text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Hold]));

/** One line an operation, as test/history/porcupine reads it: address, kind, container, holder, call, return (nanoseconds; -1: never). */
export function formatOperations(byAddress: ReadonlyMap<string, readonly Operation[]>): string {
  const time = (ms: number): string => (ms === Infinity ? '-1' : String(Math.round(ms * 1e6)));
  return [...byAddress]
    .flatMap(([address, operations]) =>
      operations.map((one) => [address, one.kind, one.container, one.holder, time(one.call), time(one.return)].join(' ')),
    )
    .join('\n');
}
