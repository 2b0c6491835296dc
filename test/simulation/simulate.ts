/** One run: trouble for a while, then calm, then everything must be as it should; then all pods go, and so must all addresses. */
import type { Violation } from './checks.ts';
import { World, type Setting, type WorldOptions } from './world.ts';

export interface Report {
  readonly seed: number;
  readonly setting: Setting;
  readonly hash: string;
  readonly violation: Violation | undefined;
  readonly marks: ReadonlyMap<string, number>;
  readonly virtualMs: number;
  /** How long after the end of trouble all was well: with the pods there, and with all of them gone. */
  readonly restMs: readonly number[];
  readonly trace: readonly string[];
  readonly world: World;
}

export interface SimulateOptions extends WorldOptions {
  /** Milliseconds of trouble. */
  readonly troubleMs?: number;
}

const TROUBLE_MS = 180_000;
/** Long: what the brake holds back trickles. */
const REST_MS = 45 * 60_000;
const LOOK_EVERY_MS = 5_000;
const AUDIT_EVERY_MS = 20_000;

export async function simulate({ troubleMs = TROUBLE_MS, ...options }: SimulateOptions): Promise<Report> {
  const world = new World(options);
  const { loop, checks, workload, chaos } = world;
  const isBroken = (): boolean => checks.violation !== undefined;
  const audit = (): void => {
    void checks.audit();
    loop.after(AUDIT_EVERY_MS, audit);
  };
  loop.after(AUDIT_EVERY_MS, audit);
  world.begin();
  chaos.begin();
  await loop.runUntil(troubleMs, isBroken);
  const restMs: number[] = [];
  if (!isBroken()) {
    world.trace.add('calm');
    chaos.calm();
    restMs.push(await rest(world));
  }
  if (!isBroken()) {
    world.trace.add('all pods go');
    workload.replicas = workload.members = 0;
    restMs.push(await rest(world));
  }
  const { violation } = checks;
  const hash = world.trace.hash();
  world.end();
  return {
    seed: options.seed,
    setting: world.setting,
    hash,
    violation,
    marks: world.marks.counts,
    virtualMs: loop.now,
    restMs,
    trace: world.trace.lines,
    world,
  };
}

/** Until nothing is left to be done, twice in a row; milliseconds it took. */
async function rest({ loop, checks }: World): Promise<number> {
  const began = loop.now;
  let calmLooks = 0;
  while (calmLooks < 2) {
    await loop.runUntil(loop.now + LOOK_EVERY_MS, () => checks.violation !== undefined);
    if (checks.violation !== undefined) return loop.now - began;
    const unrest = checks.unrest();
    calmLooks = unrest === undefined ? calmLooks + 1 : 0;
    if (unrest !== undefined && loop.now - began > REST_MS) checks.fail(unrest.invariant, unrest.detail);
  }
  return loop.now - began;
}
