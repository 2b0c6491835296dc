/** "Sometimes": that each fault and each branch of recovery was really reached, over many seeds. */
export class Marks {
  readonly counts = new Map<string, number>();

  add(name: string, count = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + count);
  }
}

/** What two hundred seeds must have reached; `log:` is what a controller or the plugin said, `API` what the server answered. */
export const MUST_BE_REACHED: readonly string[] = [
  'a sandbox came to life',
  'a sandbox died and was made anew',
  'a container came back under its id',
  'a DEL was repeated, late',
  'a DEL was never sent',
  'a DEL was refused',
  'a main plugin was killed, its plugin orphaned',
  'a main plugin failed after its ADD',
  'a plugin was killed',
  'a result could not be printed',
  'a call was lost on its way',
  'an answer was lost',
  'a caller was gone before its answer',
  'an ADD was refused: PoolFull',
  'an ADD was refused: PoolNotActive',
  'an ADD was refused: PodMismatch',
  'an ADD was refused: StaleCall',
  'an ADD was refused: NotAllowed',
  'an ADD was refused: Unavailable',
  'a pod was force-deleted',
  'all pods were deleted at once',
  'pods of a node that is cut off were force-deleted',
  'a node crashed',
  'a node came back without its sandboxes',
  'a new boot was shown late',
  'a node was not ready',
  'a Node object was deleted',
  'a node was cut off the API server',
  'a node was cut off the controllers',
  "a node's disk was full",
  'a controller was killed',
  'all controllers were killed',
  'a controller stalled',
  'a controller stalled with a write under way',
  'a controller died with a write under way',
  'a leader stalled for longer than its lease',
  "a controller's clock jumped",
  'a controller was cut off the API server',
  'the API server was down',
  'the API server failed often',
  'the watches lagged',
  'history was compacted',
  'all connections were dropped',
  'the API server was restored from a backup',
  'all pods vanished from the API server',
  'a pool was drained',
  'a pool was shrunk',
  'addresses of a pool were reserved',
  'a pool was deleted, and made again',
  'a record was deleted by hand',
  "a static pod's mirror was deleted",
  "a static pod's mirror was refused for a while",
  'API 404',
  'API 409',
  'API 429',
  'API 500',
  'API 503',
  'API 504',
  'log: address collected',
  'log: address of a running pod adopted',
  'log: the brake holds back releases',
  'log: the API server went back in time',
  'log: the leader has not renewed its lease',
  'log: leadership changed',
  'log: a background pass could not do an address',
  'log: a record without an owner could not be released yet',
];

export function showMarks(counts: ReadonlyMap<string, number>): string {
  const rows = MUST_BE_REACHED.map((name) => `${String(counts.get(name) ?? 0).padStart(9)}  ${name}`);
  return ['  reached  what', ...rows].join('\n');
}
