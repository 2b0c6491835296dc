/** The world as the operations see it, besides the store and time: who runs where, and where messages go. */

/** pino's shape: a constant message, the facts as fields. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface BootVerdict {
  /** superseded: the node has booted since; the call is refused. */
  readonly verdict: 'current' | 'superseded';
  /** The node itself (its Node object, or this machine) says that this is the boot it runs. */
  readonly confirmed: boolean;
  /** This is the first call of a new boot: what older boots of this node held may be let go. Remembered durably before it is said. */
  readonly rebooted: boolean;
  readonly nodeUid?: string;
}

export interface Nodes {
  /** A live read of the node, judging the boot id a live call carries. */
  judgeBoot(node: string, bootId: string): Promise<BootVerdict>;
  /** Whether a record's (or a spooled call's) boot id is known to be over. Learns nothing from the question. */
  isSuperseded(node: string, bootId: string): Promise<boolean>;
}
