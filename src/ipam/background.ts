/** What runs by itself: collecting, adopting and sweeping, by the one replica that leads; alone, always. */
import type { CollectReport } from '../protocol.ts';
import { collect, sweep } from './collect.ts';
import { Adopter } from './collector/adopt.ts';
import { Collector, type CollectOptions } from './collector/collector.ts';
import type { PodAddresses } from './collector/pod-addresses.ts';
import type { Context } from './context.ts';
import type { Workloads } from './workloads.ts';

/** What a controller in a cluster has besides its store. */
export interface Cluster {
  readonly workloads: Workloads;
  /** This replica holds the leader's lease: a hint, the writes' preconditions are the fence. */
  readonly leads: () => boolean;
  readonly nodeGoneAfterMs: number;
}

const COLLECT_EVERY_MS = 10_000;
const SWEEP_EVERY_MS = 1_000;
/** Deletions share durable commits with the calls beside them; few at a time keep those short. */
const SWEPT_AT_ONCE = 64;

export interface Background {
  /** One pass of everything that collects. */
  collect(options: CollectOptions): Promise<CollectReport>;
  stop(): void;
}

export function startBackground(context: Context, cluster: Cluster | undefined, podAddresses: PodAddresses | undefined): Background {
  const stops: (() => void)[] = [];
  // Nothing is let go before everything was read (LESSONS 9).
  const leads = () => context.synced() && (cluster?.leads() ?? true);
  const passes = [(options: CollectOptions) => collect(context, options)];
  if (cluster !== undefined && podAddresses !== undefined) {
    const collector = new Collector(context, cluster.workloads, podAddresses, cluster.nodeGoneAfterMs);
    const adopter = new Adopter(context, cluster.workloads, podAddresses);
    stops.push(collector.follow());
    passes.push((options) => collector.pass(options));
    stops.push(every(context, COLLECT_EVERY_MS, async () => void (leads() && (await adopter.pass()))));
  }
  const pass = async (options: CollectOptions): Promise<CollectReport> => {
    const reports: CollectReport[] = [];
    for (const one of passes) reports.push(await one(options));
    const report = {
      released: reports.flatMap(({ released }) => released),
      held: reports.flatMap(({ held }) => held),
      dryRun: options.dryRun,
    };
    if (!options.dryRun) context.tally.passed(report);
    return report;
  };
  const collectIfLeading = async (): Promise<void> => {
    if (leads()) await pass({ dryRun: false, approve: false });
    else context.tally.idle();
  };
  void context.view.whenSynced().then(() => {
    // At once: if this machine has booted since, what it held then is not held any more.
    void collectIfLeading().catch((error: unknown) => context.log.warn({ error }, 'a background pass failed'));
    stops.push(every(context, COLLECT_EVERY_MS, collectIfLeading));
    stops.push(every(context, SWEEP_EVERY_MS, async () => void (leads() && (await sweep(context, SWEPT_AT_ONCE)))));
    if (context.closed()) for (const stop of stops) stop();
  });
  return {
    collect: pass,
    stop: () => {
      for (const stop of stops) stop();
    },
  };
}

/** Runs again and again, one pass after the other; a pass that fails is logged and tried again. */
function every(context: Context, milliseconds: number, pass: () => Promise<unknown>): () => void {
  let cancel = (): void => undefined;
  let stopped = false;
  const next = (): void => {
    cancel = context.timers.after(milliseconds, () => {
      void pass()
        .catch((error: unknown) => context.log.warn({ error }, 'a background pass failed'))
        .then(() => {
          if (!stopped) next();
        });
    });
  };
  next();
  return () => {
    stopped = true;
    cancel();
  };
}
