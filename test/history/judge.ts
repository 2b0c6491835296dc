/** Both judges on one history. */
import { formatOperations, operationsOf, type Hold } from './history.ts';
import { illegalAddresses } from './linearizable.ts';
import { askPorcupine, buildPorcupine } from './porcupine.ts';

export interface Verdict {
  /** Takes and frees. */
  readonly operations: number;
  /** The addresses whose history no order explains: by our checker, and by Porcupine. */
  readonly ours: readonly string[];
  /** Undefined where Porcupine cannot be built. */
  readonly porcupine: readonly string[] | undefined;
}

export function judge(holds: readonly Hold[]): Verdict {
  const byAddress = operationsOf(holds);
  const program = buildPorcupine();
  return {
    operations: [...byAddress.values()].reduce((sum, operations) => sum + operations.length, 0),
    ours: illegalAddresses(byAddress).sort(),
    porcupine: program === undefined ? undefined : askPorcupine(program, formatOperations(byAddress)).sort(),
  };
}
