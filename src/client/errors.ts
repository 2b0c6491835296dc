/** The two ways in which a call to the controller fails: it said no, or it could not be asked. */
import type { Problem } from '../protocol.ts';

/** The controller answered with a refusal. `message` is the refusal's own sentence. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/**
 * absent: no such socket · dead: nobody listens on it · denied: no permission · slow: no answer in time ·
 * cut: the connection broke · garbage: the answer is not a controller's.
 */
export type UnreachableKind = 'absent' | 'dead' | 'denied' | 'slow' | 'cut' | 'garbage';

/** No usable answer. `mayBeDone`: a change was sent, and may have been made all the same. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
  readonly kind: UnreachableKind;
  readonly mayBeDone: boolean;

  constructor(kind: UnreachableKind, message: string, mayBeDone = false) {
    super(message);
    this.kind = kind;
    this.mayBeDone = mayBeDone;
  }
}

/** Translates what node:net and node:http throw. `sent`: the request may have reached the controller. */
export function unreachable(error: unknown, where: string, sent: boolean): UnreachableError {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ENOENT' || code === 'ENOTDIR') return new UnreachableError('absent', `no socket at ${where}`);
  if (code === 'ECONNREFUSED') return new UnreachableError('dead', `nobody listens on ${where}`);
  if (code === 'EACCES' || code === 'EPERM') return new UnreachableError('denied', `no permission to use ${where}`);
  if (code.startsWith('HPE_')) return new UnreachableError('garbage', `${where} does not answer in HTTP`, sent);
  return new UnreachableError('cut', `the connection to ${where} broke before the answer was complete`, sent);
}
