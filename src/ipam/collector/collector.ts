/**
 * The collector of a cluster: one pass looks at every sandbox that holds an address and lets go of those that are
 * provably gone. One replica is active by leader election; that is only a hint, the writes' preconditions are the fence.
 */
import { bindingName } from '../../core/binding-name.ts';
import type { BindingSpec } from '../../core/binding.ts';
import { DEFAULT_NETWORK } from '../../core/pool.ts';
import { sameStamp } from '../../core/stamp.ts';
import type { CollectReport } from '../../protocol.ts';
import type { Context } from '../context.ts';
import { releaseBinding } from '../write.ts';
import type { Workloads } from '../workloads.ts';
import { Brake } from './brake.ts';
import { Breath } from './breath.ts';
import { Evidence, type Dead } from './evidence.ts';
import { Failures, goOnAfter } from './failures.ts';
import type { PodAddresses } from './pod-addresses.ts';
import { sandboxesOf, type Sandbox } from './sandboxes.ts';
import { HOLD_REASONS, type HoldReason } from './tally.ts';

export interface CollectOptions {
  readonly dryRun: boolean;
  /** Let go what the brake holds back. */
  readonly approve: boolean;
}

type Collected = CollectReport['released'][number];
type HeldBack = CollectReport['held'][number];

export class Collector {
  readonly #context: Context;
  readonly #workloads: Workloads;
  readonly #podAddresses: PodAddresses;
  readonly #evidence: Evidence;
  readonly #brake: Brake;
  /** The sandbox at which a pass ended because of failures. */
  #endedAt: string | undefined;

  constructor(context: Context, workloads: Workloads, podAddresses: PodAddresses, nodeGoneAfterMs: number) {
    this.#context = context;
    this.#workloads = workloads;
    this.#podAddresses = podAddresses;
    this.#evidence = new Evidence(context, workloads, nodeGoneAfterMs);
    this.#brake = new Brake(context.timers);
  }

  /** Until the returned function is called, deletions of pods are noted as they are seen. */
  follow(): () => void {
    return this.#workloads.onPodGone((gone) => this.#evidence.noteGone(gone));
  }

  async pass(options: CollectOptions): Promise<CollectReport> {
    const released: Collected[] = [];
    const held: HeldBack[] = [];
    // Nothing before everything was read (LESSONS 1, 9).
    if (!this.#context.view.synced() || !this.#workloads.synced()) return { released, held, dryRun: options.dryRun };

    const sandboxes = await sandboxesOf(this.#context);
    this.#evidence.beginPass(sandboxes);
    const failures = new Failures(this.#context.log);
    const brake = options.dryRun ? this.#brake.copy() : this.#brake;
    const breath = new Breath(this.#context.timers);
    for (const sandbox of goOnAfter([...sandboxes.values()], ({ key }) => key === this.#endedAt)) {
      if (breath.isDue()) await breath.take();
      const { address } = sandbox.records[0]!.spec;
      const isOver = await failures.endPassAfter(address, () => this.#visit(sandbox, brake, options, released, held));
      if (!isOver) continue;
      this.#endedAt = sandbox.key;
      break;
    }
    const braked = held.filter(({ reason }) => reason === HOLD_REASONS.Brake).length;
    if (braked > 0 && !options.dryRun) this.#context.log.error({ held: braked }, 'the brake holds back releases');
    return { released, held, dryRun: options.dryRun };
  }

  async #visit(sandbox: Sandbox, brake: Brake, options: CollectOptions, released: Collected[], held: HeldBack[]): Promise<void> {
    const verdict = await this.#evidence.judge(sandbox);
    if (verdict.kind === 'alive') return;
    const hold = (why: HoldReason) =>
      held.push(...sandbox.records.map(({ spec: { address, network } }) => ({ address, network, reason: HOLD_REASONS[why] })));
    if (verdict.kind === 'waiting') {
      hold(verdict.reason);
    } else if (this.#isInUse(sandbox)) {
      hold('InUse');
    } else if (verdict.inferred && !options.approve && !this.#allowedBy(brake, sandbox)) {
      hold('Brake');
    } else if (options.dryRun) {
      for (const { spec } of sandbox.records) {
        released.push({ address: spec.address, network: spec.network, evidence: verdict.evidence });
        if (verdict.inferred) brake.count(sandbox.records[0]!.spec.pool);
      }
    } else {
      for (const { address, network } of await this.#release(sandbox, verdict, brake)) {
        released.push({ address, network, evidence: verdict.evidence });
      }
    }
  }

  #isInUse({ records }: Sandbox): boolean {
    return records.some(({ spec }) => spec.network === DEFAULT_NETWORK && this.#podAddresses.isInUse(spec.address));
  }

  #allowedBy(brake: Brake, { records }: Sandbox): boolean {
    const { ledger } = this.#context.view;
    const inAll = ledger.pools().reduce((sum, pool) => sum + Number(ledger.counts(pool.name).allocated), 0);
    return records.every(({ spec: { pool } }) => {
      const inPool = ledger.pool(pool) === undefined ? 0 : Number(ledger.counts(pool).allocated);
      return brake.allows(pool, { inPool, inAll });
    });
  }

  async #release(sandbox: Sandbox, { proof, evidence, inferred }: Dead, brake: Brake): Promise<readonly BindingSpec[]> {
    if (!(await this.#evidence.confirm(sandbox, proof))) return [];
    const released: BindingSpec[] = [];
    for (const { spec } of sandbox.records) {
      const { stamp } = spec.attachments[0]!;
      const same = (current: BindingSpec) => current.attachments.length === 1 && sameStamp(current.attachments[0]!.stamp, stamp);
      // Before the write: of one whose answer is lost nobody may ever learn that it was done.
      if (inferred) brake.count(spec.pool);
      const gone = await releaseBinding(this.#context, bindingName(spec.network, spec.address), same);
      if (gone === undefined) continue;
      released.push(gone);
      this.#context.tally.released(proof);
      this.#context.log.info({ address: spec.address, network: spec.network, evidence }, 'address collected');
    }
    return released;
  }
}
