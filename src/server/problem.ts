/**
 * The server's border: from a refusal to an HTTP status, a CNI error code (CNI spec, "Error"; DESIGN section 10)
 * and an RFC 9457 problem document. One table, read by nobody else: the plugin takes the code from the document.
 */
import type { Refusal, RefusalReason } from '../core/refusal.ts';
import type { Problem } from '../protocol.ts';

interface Translation {
  readonly status: number;
  /** CNI: 4 bad environment, 7 invalid configuration, 11 try again later, from 100 on Berth's own. */
  readonly code: number;
  readonly title: string;
}

export const TRANSLATIONS: Readonly<Record<RefusalReason, Translation>> = {
  InvalidRequest: { status: 400, code: 7, title: 'The request is malformed' },
  InvalidIpAddress: { status: 400, code: 4, title: 'Not an IP address' },
  InvalidRange: { status: 400, code: 7, title: 'Not a usable range' },
  InvalidSubnet: { status: 400, code: 7, title: 'Not a usable subnet' },
  UnknownPool: { status: 404, code: 101, title: 'No such pool' },
  PodMismatch: { status: 409, code: 100, title: 'The pod is another one' },
  IpAlreadyAllocated: { status: 409, code: 102, title: 'The address is held' },
  Unauthenticated: { status: 401, code: 11, title: 'Who asks is not known' },
  NotAllowed: { status: 403, code: 103, title: 'Not allowed' },
  IpNotAvailable: { status: 409, code: 103, title: 'The address is not available' },
  IpNotFound: { status: 404, code: 103, title: 'The address is outside every range' },
  PoolNotActive: { status: 409, code: 103, title: 'The pool gives out nothing new' },
  PoolInUse: { status: 409, code: 103, title: 'The pool is in use' },
  LimitReached: { status: 409, code: 104, title: 'A limit is reached' },
  BindingNotFound: { status: 404, code: 105, title: 'Nothing holds it' },
  PoolFull: { status: 409, code: 11, title: 'No address is left' },
  StaleCall: { status: 409, code: 11, title: 'A newer call was served' },
  Conflict: { status: 409, code: 11, title: 'Changed meanwhile' },
  Overloaded: { status: 503, code: 11, title: 'Too busy' },
  Unavailable: { status: 503, code: 11, title: 'Not available now' },
};

/** The problem document of a refusal. A 503 always says when to come back: in one second unless the refusal knows better. */
export function toProblem(refusal: Refusal): Problem {
  const { status, code, title } = TRANSLATIONS[refusal.reason];
  return {
    type: 'about:blank',
    title,
    status,
    code,
    ...refusal,
    ...(status === 503 && { retryAfterSeconds: Math.max(1, Math.ceil(refusal.retryAfterSeconds ?? 1)) }),
  };
}

/** What HTTP itself refuses (no such route, body too large, …): the status is HTTP's, the rest as for a malformed request. */
export function httpProblem(status: number, title: string, detail: string): Problem {
  return { type: 'about:blank', title, status, code: TRANSLATIONS.InvalidRequest.code, reason: 'InvalidRequest', detail };
}

/** An exception nobody expected. The stack goes to the log, not over the wire; 11 makes a runtime try again. */
export function internalProblem(): Problem {
  return {
    type: 'about:blank',
    title: 'Internal error',
    status: 500,
    code: 11,
    reason: 'Unavailable',
    detail: 'The controller failed unexpectedly; its log has the details. Try again.',
  };
}
