/** The world as the operations see it, besides the store and time: who runs where, and where messages go. */

/** pino's shape: a constant message, the facts as fields. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface BootVerdict {
  /** superseded: the node has booted since. not shown: its Node object does not say that it runs this boot. Both refuse the call. */
  readonly verdict: 'current' | 'superseded' | 'not shown';
  /** This is the first call of a new boot: what older boots of this node held may be let go. Remembered durably before it is said. */
  readonly rebooted: boolean;
  readonly nodeUid?: string;
}

export interface Nodes {
  /**
   * Judges the boot id that a live call carries. `held`: another boot id, which a record of this node carries; which of
   * the two is newer is decided by a read of the node just now (LESSONS R).
   */
  judgeBoot(node: string, bootId: string, held?: string): Promise<BootVerdict>;
  /**
   * Whether a record's boot id is known to be over. Learns nothing from the question. Absent in a cluster, where the
   * collector reads the Nodes itself.
   */
  isSuperseded?(node: string, bootId: string): Promise<boolean>;
}
