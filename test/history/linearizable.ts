/**
 * Is there an order of these operations, each at a moment between its call and its return, in which the register
 * answers as it did? By search (Wing and Gong 1993), with what was already tried remembered (Lowe 2017).
 */
import type { Operation } from './history.ts';

/** Who has the address; undefined: nobody. */
type Register = Pick<Operation, 'container' | 'holder'> | undefined;

/** Undefined: the operation cannot come next. */
function apply(register: Register, { kind, container, holder }: Operation): { readonly register: Register } | undefined {
  if (kind === 'take') return register === undefined || register.holder === holder ? { register: { container, holder } } : undefined;
  return { register: register?.container === container ? undefined : register };
}

export function isLinearizable(operations: readonly Operation[]): boolean {
  const sorted = operations.toSorted((a, b) => a.call - b.call || a.return - b.return);
  const tried = new Set<string>();
  const search = (done: bigint, register: Register): boolean => {
    const left = sorted.flatMap((operation, index) => ((done >> BigInt(index)) & 1n ? [] : [{ operation, index }]));
    // What need not have happened yet need not have happened.
    if (left.every(({ operation }) => operation.return === Infinity)) return true;
    const key = `${done} ${register?.container ?? ''}`;
    if (tried.has(key)) return false;
    tried.add(key);
    const firstReturn = Math.min(...left.map(({ operation }) => operation.return));
    return left.some(({ operation, index }) => {
      if (operation.call > firstReturn) return false;
      const next = apply(register, operation);
      return next !== undefined && search(done | (1n << BigInt(index)), next.register);
    });
  };
  return search(0n, undefined);
}

/** The addresses whose history no order explains. */
export function illegalAddresses(byAddress: ReadonlyMap<string, readonly Operation[]>): string[] {
  return [...byAddress].filter(([, operations]) => !isLinearizable(operations)).map(([address]) => address);
}
