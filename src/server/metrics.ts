/**
 * What /metrics shows. Names and labels are interface (docs/controller.md lists them, a test compares). Labels are
 * bounded: pool, family, state, verb, result; never a pod, a container or an address, or memory grows with the load.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from '@prometheus-io/client';
import type { Collecting } from '../ipam/collector/tally.ts';
import type { Operations } from '../ipam/operations.ts';

export interface StoreCounters {
  /** Durable commits since start. */
  readonly commits: number;
  /** Records written in them. */
  readonly writes: number;
  /** Writes that found the name taken or another version: somebody was quicker. */
  readonly conflicts: number;
  /** Commits that failed: nothing of them was kept. */
  readonly failures: number;
}

export interface Metrics {
  readonly contentType: string;
  /** `result`: done, a refusal's reason, Gone (the caller left) or Failed (a bug). */
  observe(verb: string, result: string, seconds: number): void;
  render(): Promise<string>;
}

export interface MetricsSources {
  readonly operations: Pick<Operations, 'synced' | 'pools' | 'counts'>;
  readonly version: string;
  readonly store: string;
  readonly counters: () => StoreCounters | undefined;
  readonly connections: () => number;
  readonly eventStreams: () => number;
  /** Calls that wait to be worked on. */
  readonly waiting: () => { readonly add: number; readonly del: number };
  readonly collecting?: () => Collecting;
  /** Seconds since the API server was last heard, per resource; absent outside a cluster. */
  readonly staleSeconds?: () => Readonly<Record<string, number>>;
}

/** From a quarter of a millisecond, where ADD on the socket starts, to the plugin's deadline. */
const BUCKETS = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: 'berth_requests_total',
    help: 'Requests answered, by verb and result.',
    labelNames: ['verb', 'result'],
    registers,
  });
  const durations = new Histogram({
    name: 'berth_request_duration_seconds',
    help: 'From the end of a request’s headers to its answer.',
    labelNames: ['verb'],
    buckets: BUCKETS,
    registers,
  });
  addStateMetrics(registry, sources);
  addCollectorMetrics(registry, sources);
  collectDefaultMetrics({ register: registry });
  return {
    contentType: registry.contentType,
    observe(verb, result, seconds) {
      requests.inc({ verb, result });
      durations.observe({ verb }, seconds);
    },
    render: () => registry.metrics(),
  };
}

/** Read when somebody looks, not kept up to date. */
function addStateMetrics(registry: Registry, sources: MetricsSources): void {
  const registers = [registry];
  const { operations } = sources;
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  const counter = (name: string, help: string, read: (counters: StoreCounters) => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        const counters = sources.counters();
        this.reset();
        if (counters) this.inc(read(counters));
      },
    });

  new Gauge({
    name: 'berth_build_info',
    help: 'Always 1; says which build runs on which store.',
    labelNames: ['version', 'store'],
    registers,
  }).set({ version: sources.version, store: sources.store }, 1);
  gauge('berth_synced', '1 when pools and bindings have been read.', () => Number(operations.synced()));
  gauge('berth_connections', 'Open connections on all listeners.', sources.connections);
  gauge('berth_event_streams', 'Open streams of /v1/events.', sources.eventStreams);
  counter('berth_store_commits_total', 'Durable commits of the store.', ({ commits }) => commits);
  counter('berth_store_writes_total', 'Records written by the store.', ({ writes }) => writes);
  counter('berth_store_conflicts_total', 'Writes that found the name taken or another version.', ({ conflicts }) => conflicts);
  counter('berth_store_failures_total', 'Commits that failed; nothing of them was kept.', ({ failures }) => failures);
  new Gauge({
    name: 'berth_waiting_calls',
    help: 'Calls that wait for their turn; beyond a bound they are refused as Overloaded.',
    labelNames: ['verb'],
    registers,
    collect() {
      for (const [verb, count] of Object.entries(sources.waiting())) this.set({ verb }, count);
    },
  });
  new Gauge({
    name: 'berth_pool_addresses',
    help: 'Addresses of a pool by state; total is all of them. Beyond 2^53 rounded.',
    labelNames: ['pool', 'state'],
    registers,
    collect() {
      this.reset();
      for (const { name } of operations.pools()) {
        const counts = operations.counts(name);
        if (!counts.ok) continue;
        for (const [state, count] of Object.entries(counts.value)) this.set({ pool: name, state }, Number(count));
      }
    },
  });
  new Gauge({
    name: 'berth_bindings',
    help: 'Addresses held, by family.',
    labelNames: ['family'],
    registers,
    collect() {
      const held = { IPv4: 0n, IPv6: 0n };
      for (const { name, spec } of operations.pools()) {
        const counts = operations.counts(name);
        if (counts.ok) held[spec.family] += counts.value.allocated;
      }
      for (const [family, count] of Object.entries(held)) this.set({ family }, Number(count));
    },
  });
}

/** LESSONS 22: a collector that is stuck, or held back, must be seen. */
function addCollectorMetrics(registry: Registry, { collecting, staleSeconds }: MetricsSources): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: (now: Collecting) => number): Gauge =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        if (collecting) this.set(read(collecting()));
      },
    });
  gauge('berth_collector_leads', '1 where this controller collects: one of several does.', ({ leads }) => Number(leads));
  gauge(
    'berth_collector_pass_age_seconds',
    'Since the last pass ended, or since it was another controller’s.',
    (now) => now.passAgeSeconds,
  );
  gauge('berth_collector_candidates', 'Addresses whose holder looked gone in the last pass.', ({ candidates }) => candidates);
  gauge(
    'berth_collector_braked_seconds',
    'How long the brake has been holding something back; 0: nothing.',
    ({ brakedSeconds }) => brakedSeconds,
  );
  new Gauge({
    name: 'berth_collector_held',
    help: 'Of these, addresses that were not released, by what held them back.',
    labelNames: ['reason'],
    registers,
    collect() {
      for (const [reason, count] of Object.entries(collecting?.().held ?? {})) this.set({ reason }, count);
    },
  });
  new Counter({
    name: 'berth_collector_released_total',
    help: 'Addresses collected, by what proved the end of their holder.',
    labelNames: ['proof'],
    registers,
    collect() {
      this.reset();
      for (const [proof, count] of Object.entries(collecting?.().released ?? {})) this.inc({ proof }, count);
    },
  });
  new Counter({
    name: 'berth_adopted_total',
    help: 'Addresses of running pods without a record that were given one.',
    registers,
    collect() {
      this.reset();
      this.inc(collecting?.().adopted ?? 0);
    },
  });
  new Gauge({
    name: 'berth_stale_seconds',
    help: 'Since the API server was last heard, by resource.',
    labelNames: ['resource'],
    registers,
    collect() {
      for (const [resource, seconds] of Object.entries(staleSeconds?.() ?? {})) this.set({ resource }, seconds);
    },
  });
}
