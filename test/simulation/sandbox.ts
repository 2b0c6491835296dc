/** A pod's sandbox on a node, and what it believes: what counts in the end is who uses which address. */
export interface PodRef {
  readonly namespace: string;
  readonly name: string;
  /** Of the API object. */
  readonly uid: string;
  /** What the runtime is told: the same, or for a static pod its configuration's hash. */
  readonly runtimeUid: string;
  readonly isStatic: boolean;
}

export interface Sandbox {
  readonly id: string;
  readonly node: string;
  readonly bootId: string;
  readonly pod: PodRef;
  /** creating: its ADD is under way. live: it uses its addresses. stopped: it uses nothing any more. */
  state: 'creating' | 'live' | 'stopped';
  /** What its ADD was answered; used while it is live. */
  addresses: readonly string[];
  /** The result, as later calls are given it (prevResult). */
  result: object | undefined;
  bornAt: number;
  liveAt: number | undefined;
  endedAt: number | undefined;
  /** A DEL of it was answered with success. */
  isDeleted: boolean;
  /** Another container has its id now: nobody asks for its end again. */
  isReplaced: boolean;
  /** Its node goes on with it although the API server knows nothing of it any more (restored from a backup): a stated limit. */
  isForgotten: boolean;
  /** A delayed call of the boot before took its record over, while the Node still showed that boot; or somebody wrote it by a version that came twice: stated limits. */
  isOvertaken: boolean;
  /** Somebody deleted its record by hand: adopted, it is no container's any more. */
  isUnrecorded: boolean;
}
