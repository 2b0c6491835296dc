/** The controller from its first file to its last answer: open → read → listen → serve until told to stop. */
import { readFile } from 'node:fs/promises';
import { openIpam } from '../../src/ipam/open.ts';
import type { Ipam } from '../../src/ipam/open.ts';
import type { Log } from '../../src/ipam/ports.ts';
import { addressText, createBerthServer } from '../../src/server/server.ts';
import type { BerthServer, ListenOptions } from '../../src/server/server.ts';
import type { ListenAddress } from '../../src/server/listen-address.ts';
import { VERSION } from '../../src/version.ts';
import { drainSpool } from './drain-spool.ts';
import { explainFailure } from './explain-failure.ts';
import type { RunOptions } from './flags.ts';
import { createLog } from './log.ts';
import { openStore } from './open-store.ts';
import type { OpenedStore } from './open-store.ts';
import { applyPoolsOfFile, readPools, reloadPools } from './pools.ts';
import { systemTimers } from './timers.ts';

/** What is under way when a stop is asked for gets this long; systemd's own patience is 90 s. */
const GRACE_MS = 10_000;

/** Resolves when the controller has stopped as asked. Throws StartFailure when it cannot start. */
export async function run(options: RunOptions): Promise<void> {
  const log = createLog(options.logLevel);
  const stopAsked = catchStop(log);
  const { promise: started, resolve: reloadsMayBegin } = Promise.withResolvers<() => Promise<void>>();
  reloadOnHangup(started, log);
  const pools = options.poolsFile === undefined ? [] : await readPools(options.poolsFile);
  const opened = openStore(options.store, { node: options.nodeName, bootId: await readBootId() }, log);
  const { store, nodes, cluster } = opened;
  const ipam = openIpam({ store, nodes, timers: systemTimers, log, ...(cluster && { cluster }) });
  const stopStatus = opened.keepStatus?.(ipam);
  const server = createBerthServer({
    operations: ipam,
    timers: systemTimers,
    log,
    version: VERSION,
    store: opened.kind,
    node: options.nodeName,
    waiting: () => ipam.waiting(),
    collecting: () => ipam.collecting(),
    ...(opened.staleSeconds && { staleSeconds: opened.staleSeconds }),
    ...(opened.counters && { counters: opened.counters }),
    ...(opened.backup && { backup: opened.backup }),
  });
  const needsIdentity = options.metrics !== undefined || (options.tls === undefined && options.listen.some(({ kind }) => kind === 'https'));
  const identity = needsIdentity ? opened.openIdentity?.() : undefined;
  try {
    // A cluster's API server may take its time: until then the probes answer, and say so.
    if (cluster === undefined) await ipam.whenSynced();
    if (options.poolsFile !== undefined) await applyPoolsOfFile(ipam, options.poolsFile, pools, log);
    const listenOptions = { socketMode: options.socketMode, ...(options.tls && { tls: options.tls }), ...(identity && { identity }) };
    // Those that can open do: a cluster's certificate may be long in coming.
    const listen = (address: ListenAddress, how: ListenOptions): Promise<ListenAddress> =>
      server.listen(address, how).catch((error: unknown) => {
        throw explainFailure(`listen on ${addressText(address)}`, error);
      });
    const listening = options.listen.map((address) => listen(address, listenOptions));
    if (options.metrics) listening.push(listen(options.metrics, { ...listenOptions, metricsOnly: true }));
    await Promise.race([Promise.all(listening), stopAsked]);
    reloadsMayBegin(async () => {
      if (options.poolsFile !== undefined) await reloadPools(ipam, options.poolsFile, log);
      await server.reloadCertificates();
    });
    log.info({ version: VERSION, store: opened.kind, node: options.nodeName, pid: process.pid }, 'started');
    if (options.spoolFolder !== undefined) await drainSpool(ipam, options.nodeName, options.spoolFolder, log);
    log.info({ signal: await stopAsked }, 'stopping');
  } finally {
    stopStatus?.();
    await identity?.stop();
    await stop(server, ipam, opened);
  }
  log.info({}, 'stopped');
}

async function stop(server: BerthServer, ipam: Ipam, opened: OpenedStore): Promise<void> {
  await server.close(GRACE_MS);
  await ipam.close();
  await opened.close();
}

/** The first SIGTERM or SIGINT asks, the second ends the process at once: nothing acknowledged is lost by either. */
function catchStop(log: Log): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (asked) {
        log.warn({ signal }, 'stopped at once');
        process.exit(1);
      }
      asked = true;
      resolve(signal);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}

/** One reload at a time, none before the start is over; those asked for while one waits are one. */
function reloadOnHangup(started: Promise<() => Promise<void>>, log: Log): void {
  let reloading: Promise<void> = Promise.resolve();
  let waiting = false;
  process.on('SIGHUP', () => {
    if (waiting) return;
    waiting = true;
    reloading = reloading.then(async () => {
      const reload = await started;
      waiting = false;
      log.info({}, 'reloading');
      await reload();
    });
  });
}

/** Absent off Linux: then nobody's boot is known to be over. */
async function readBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim();
}
