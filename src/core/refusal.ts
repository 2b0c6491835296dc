/**
 * A refusal is an expected "no": a value with a name, a sentence and the facts behind it, never an exception
 * inside the engine. Every border translates it once: the plugin to a CNI code, the server to an HTTP status,
 * the CLI to an exit code, the library to an `IpPoolError`.
 */
export type RefusalReason =
  // The eight of the library (DESIGN section 10).
  | 'InvalidIpAddress' // malformed text
  | 'InvalidRange' // first > last, overlap, mixed families, in use
  | 'InvalidSubnet' // bad prefix length
  | 'IpNotAvailable' // reserved, cooling or limited
  | 'IpNotFound' // outside every range
  | 'IpAlreadyAllocated' // held by another; names the holder
  | 'BindingNotFound' // releasing what is not held
  | 'PoolFull' // nothing left
  // What a controller adds.
  | 'InvalidRequest' // the request itself is malformed
  | 'UnknownPool' // no pool of that name
  | 'PoolNotActive' // state NoNew or Draining
  | 'PoolInUse' // deleting or shrinking a pool that has bindings
  | 'Conflict' // somebody changed it meanwhile: read again
  | 'Unauthenticated' // who asks is not known: no token, or not a good one
  | 'NotAllowed' // selectors, requestedAddresses: Forbidden, another node's attachment
  | 'LimitReached' // per subinstance, node or pod
  | 'PodMismatch' // the pod is another incarnation, or not on this node
  | 'StaleCall' // a newer call of this attachment was already served
  | 'Overloaded' // the queue is full: come back after retryAfterSeconds
  | 'Unavailable'; // the store cannot be reached, or this controller is not synced yet

/** Why one pool of several could not serve; `detail` is a short clause ("full: 254 of 254 held"). */
export interface PoolReason {
  readonly pool: string;
  readonly reason: RefusalReason;
  readonly detail: string;
}

export interface Refusal {
  readonly reason: RefusalReason;
  /** One sentence for a person: what was refused, why, and what to do next. Never holds a secret. */
  readonly detail: string;
  readonly address?: string;
  /** Who holds the address, as "subinstance/subid". */
  readonly holder?: string;
  /** The pools that were tried, in order, and why each refused. */
  readonly pools?: readonly PoolReason[];
  readonly retryAfterSeconds?: number;
}

export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal };

export const done = <T>(value: T): Outcome<T> => ({ ok: true, value });

export const refuse = (
  reason: RefusalReason,
  detail: string,
  data: Omit<Refusal, 'reason' | 'detail'> = {},
): { readonly ok: false; readonly refusal: Refusal } => ({ ok: false, refusal: { reason, detail, ...data } });
