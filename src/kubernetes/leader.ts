/**
 * One of several replicas leads, by a Lease (coordination.k8s.io): held for 15 s, renewed every 2 s, given up after
 * 10 s without a renewal. No clocks are compared: a lease is over when this candidate has seen it unchanged for its
 * duration by its own monotonic clock. Leadership is a hint for who does the background work; what that work writes is
 * fenced by preconditions.
 */
import type { Timers } from '../core/clock.ts';
import type { Log } from '../ipam/ports.ts';
import type { Client } from './client.ts';
import { apiVersionOf, LEASES, type KubernetesObject } from './objects.ts';
import { ApiUnreachable, type ApiAnswer } from './status.ts';
import { wait } from './waiting.ts';

export interface ElectionOptions {
  readonly client: Client;
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  /** Another one for every process: a restarted one must not take itself for the old. */
  readonly identity: string;
  readonly timers: Timers;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
  readonly log: Log;
  /** Called at each change. Leadership may end before it is called: ask `leads` before acting. */
  readonly changed?: (leads: boolean) => void;
}

export interface Election {
  /** True only within 10 s of the start of the last successful renewal, however long this process was stalled since. */
  leads(): boolean;
  /** Who leads as far as this candidate has seen; undefined: nobody, or not known yet. */
  leader(): string | undefined;
  /** Stops and gives the lease back, so that another candidate need not wait it out. */
  stop(): Promise<void>;
}

interface Lease extends KubernetesObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

const LEASE_SECONDS = 15;
const RENEW_DEADLINE_MS = 10_000;
const RETRY_MS = 2_000;
/** A call must not use up the time in which a second one could still save the lease. */
const CALL_MS = 3_000;

export function startElection(options: ElectionOptions): Election {
  const candidate = new Candidate(options);
  const running = candidate.run();
  return {
    leads: () => candidate.leads(),
    leader: () => candidate.leader(),
    stop: async () => {
      candidate.stopping.abort();
      await running;
      await candidate.release();
    },
  };
}

class Candidate {
  readonly stopping = new AbortController();
  readonly #options: ElectionOptions;
  /** The lease as last seen, and when it was first seen so. */
  #seen: { readonly lease: Lease; readonly at: number } | undefined;
  #leadsUntil = -Infinity;
  #told = false;
  /** The lease may be ours on the server: a write of it was acknowledged, or nobody knows. */
  #mayHold = false;
  #cancelLapse = (): void => undefined;

  constructor(options: ElectionOptions) {
    this.#options = options;
  }

  leads(): boolean {
    return this.#options.timers.monotonic() < this.#leadsUntil;
  }

  leader(): string | undefined {
    return holderOf(this.#seen?.lease);
  }

  async run(): Promise<void> {
    const { timers, random, log, identity } = this.#options;
    const { signal } = this.stopping;
    await Promise.resolve();
    while (!signal.aborted) {
      const started = timers.monotonic();
      try {
        await this.#attempt(started);
      } catch (error) {
        if (!(error instanceof ApiUnreachable)) throw error;
        if (!signal.aborted) log.warn({ identity, detail: error.message }, 'leader election could not ask the API server');
      }
      this.#tell();
      if (signal.aborted) return;
      await wait(timers, RETRY_MS * (1 + random() * 0.2), signal);
    }
  }

  /** Gives it back if it may be ours; what it says otherwise, or that nobody answers, changes nothing. */
  async release(): Promise<void> {
    this.#leadsUntil = -Infinity;
    this.#cancelLapse();
    this.#tell();
    if (!this.#mayHold) return;
    const { client, identity, log } = this.#options;
    try {
      const lease = await this.#read();
      if (lease === undefined || holderOf(lease) !== identity) return;
      const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, ...this.#renewTime() };
      await client.replace<Lease>(LEASES, { ...lease, spec }, { deadlineMs: CALL_MS });
    } catch (error) {
      if (!(error instanceof ApiUnreachable)) throw error;
      log.warn({ identity, detail: error.message }, 'the lease could not be given back');
    }
  }

  async #attempt(started: number): Promise<void> {
    const { client, identity, timers, log } = this.#options;
    const lease = await this.#read();
    if (lease === undefined) {
      this.#mayHold = true;
      return this.#written(await client.create<Lease>(LEASES, this.#fresh(), this.#call()), started);
    }
    if (this.#seen?.lease.metadata.resourceVersion !== lease.metadata.resourceVersion) this.#seen = { lease, at: timers.monotonic() };
    const holder = holderOf(lease);
    if (holder !== undefined && holder !== identity) {
      const unchangedMs = timers.monotonic() - this.#seen!.at;
      if (unchangedMs < (lease.spec?.leaseDurationSeconds ?? LEASE_SECONDS) * 1000) {
        this.#leadsUntil = -Infinity;
        this.#mayHold = false;
        return;
      }
      log.info({ identity, holder, unchangedMs }, 'the leader has not renewed its lease');
    }
    const spec = { ...lease.spec, ...this.#fresh().spec };
    if (holder === identity) spec.acquireTime = lease.spec?.acquireTime ?? spec.acquireTime!;
    spec.leaseTransitions = (lease.spec?.leaseTransitions ?? 0) + (holder === identity ? 0 : 1);
    this.#mayHold = true;
    this.#written(await client.replace<Lease>(LEASES, { ...lease, spec }, this.#call()), started);
  }

  #written(answer: ApiAnswer<Lease>, started: number): void {
    const { log, identity, timers } = this.#options;
    if (answer.ok) {
      const now = timers.monotonic();
      this.#seen = { lease: answer.value, at: now };
      this.#leadsUntil = started + RENEW_DEADLINE_MS;
      // The end of leadership is told when it comes, not when the next call returns.
      this.#cancelLapse();
      this.#cancelLapse = timers.after(this.#leadsUntil - now, () => this.#tell());
    } else if (answer.status.reason !== 'Conflict' && answer.status.reason !== 'AlreadyExists') {
      const { reason, message, lacks } = answer.status;
      log.warn({ identity, reason, detail: message, ...(lacks !== undefined && { lacks }) }, 'the lease could not be written');
    }
  }

  async #read(): Promise<Lease | undefined> {
    const { client, namespace, name, identity, log } = this.#options;
    const answer = await client.get<Lease>(LEASES, { namespace, name }, { deadlineMs: CALL_MS });
    if (answer.ok) return answer.value;
    if (answer.status.reason === 'NotFound') return undefined;
    const { reason, message, lacks } = answer.status;
    log.warn({ identity, reason, detail: message, ...(lacks !== undefined && { lacks }) }, 'the lease could not be read');
    throw new ApiUnreachable(message, false);
  }

  #call() {
    return { deadlineMs: CALL_MS, signal: this.stopping.signal };
  }

  #fresh(): Lease {
    const { namespace, name, identity } = this.#options;
    const { renewTime } = this.#renewTime();
    return {
      apiVersion: apiVersionOf(LEASES),
      kind: LEASES.kind,
      metadata: { namespace, name },
      spec: { holderIdentity: identity, leaseDurationSeconds: LEASE_SECONDS, acquireTime: renewTime, renewTime, leaseTransitions: 0 },
    };
  }

  /** For people and other tools; no candidate of ours reads it. */
  #renewTime(): { readonly renewTime: string } {
    return { renewTime: new Date(this.#options.timers.now()).toISOString().replace('Z', '000Z') };
  }

  #tell(): void {
    const leads = this.leads();
    if (leads === this.#told) return;
    this.#told = leads;
    this.#options.log.info({ identity: this.#options.identity, leads }, 'leadership changed');
    this.#options.changed?.(leads);
  }
}

const holderOf = (lease: Lease | undefined): string | undefined => lease?.spec?.holderIdentity || undefined;
