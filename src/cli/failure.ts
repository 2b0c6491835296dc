/** What went wrong, in words for a person, and the exit code that goes with it. Nothing here shows a stack. */
import { RefusedError, UnreachableError } from '../client/errors.ts';
import type { Context } from './command.ts';
import { OUT_OF_REACH, REFUSED, USAGE, exitCodeOf } from './exit-code.ts';
import { count } from './text.ts';
import { UsageError } from './usage.ts';

export interface Failure {
  readonly lines: readonly string[];
  readonly exitCode: number;
}

/** Something on this machine that is in the way: a file that cannot be read or written. */
export class LocalError extends Error {
  override readonly name = 'LocalError';
}

export function describeFailure(error: unknown, controller: Context['controller'], command: string): Failure {
  if (error instanceof UsageError) {
    const help = ['berthctl', error.command || command, '--help'].filter((word) => word !== '').join(' ');
    return { lines: [`berthctl: ${error.message}`, `See "${help}".`], exitCode: USAGE };
  }
  if (error instanceof RefusedError) return { lines: describeRefusal(error), exitCode: exitCodeOf(error.problem.reason) };
  if (error instanceof UnreachableError) return { lines: describeUnreachable(error, controller), exitCode: OUT_OF_REACH };
  if (error instanceof LocalError) return { lines: [`berthctl: ${error.message}`], exitCode: REFUSED };
  const message = error instanceof Error ? error.message : String(error);
  return {
    lines: [`berthctl: unexpected: ${message.split('\n')[0]}`, 'This is a fault in berthctl; please report it.'],
    exitCode: REFUSED,
  };
}

export function describeRefusal({ problem }: RefusedError): string[] {
  const lines = [`berthctl: refused (${problem.reason}): ${problem.detail}`];
  // One pool that says the same as the sentence above it would only be said twice.
  const pools = (problem.pools ?? []).filter(({ pool, detail }) => !(problem.detail.includes(pool) && problem.detail.includes(detail)));
  for (const { pool, reason, detail } of pools) lines.push(`  pool ${pool}: ${detail} (${reason})`);
  if (problem.retryAfterSeconds !== undefined) lines.push(`Try again in ${count(problem.retryAfterSeconds, 'second')}.`);
  return lines;
}

function describeUnreachable(error: UnreachableError, controller: Context['controller']): string[] {
  const isCluster = controller.from === 'kubeconfig';
  const lines = [`berthctl: ${isCluster ? `the cluster of ${controller.text}` : 'the controller'} is out of reach: ${error.message}.`];
  if (error.mayBeDone) lines.push('The change may have been made all the same: look before you repeat it (repeating is safe).');
  if (isCluster) return lines;
  if (error.kind === 'absent' || error.kind === 'dead') {
    lines.push(
      controller.from === 'default'
        ? 'Start one ("berth-controller --store sqlite:PATH --listen unix:SOCKET"), or say where it listens with --controller or BERTH_CONTROLLER.'
        : `That socket comes from ${controller.from}. Is berth-controller running, and does it --listen there?`,
      'A cluster is asked where there is a kubeconfig: KUBECONFIG, ~/.kube/config, or --kubeconfig.',
    );
  }
  if (error.kind === 'denied')
    lines.push(
      "The socket belongs to the controller's user: run berthctl as that user, or start the controller with another --socket-mode.",
    );
  if (error.kind === 'slow') lines.push('Give it longer with --timeout, or see how it is with "berthctl doctor".');
  return lines;
}
