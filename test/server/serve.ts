/** A server on a socket in a folder of its own, for one test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Timers } from '../../src/core/clock.ts';
import { openIpam } from '../../src/ipam/open.ts';
import type { Operations } from '../../src/ipam/operations.ts';
import { createBerthServer } from '../../src/server/server.ts';
import type { BerthServer, ServerPorts } from '../../src/server/server.ts';
import { openSqliteStore } from '../../src/sqlite/open.ts';
import { ask } from '../support/http.ts';
import type { HttpAnswer } from '../support/http.ts';
import { stamp } from './requests.ts';

export const timers: Timers = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

export interface Served {
  readonly server: BerthServer;
  readonly socketPath: string;
  readonly folder: string;
  readonly log: readonly LogLine[];
}

export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-server-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function serve(operations: Operations, ports: Partial<ServerPorts> = {}): Promise<Served> {
  const folder = await makeFolder();
  const log: LogLine[] = [];
  const write = (level: LogLine['level']) => (fields: object, message: string) => void log.push({ level, message, fields: { ...fields } });
  const server = createBerthServer({
    operations,
    timers,
    log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
    version: '1.2.3',
    store: 'memory',
    node: 'node-1',
    ...ports,
  });
  onTestFinished(() => server.close(100));
  const socketPath = join(folder, 'berth.sock');
  await server.listen({ kind: 'unix', path: socketPath }, { socketMode: 0o600 });
  return { server, socketPath, folder, log };
}

export interface RealServed extends Served {
  ask(method: string, path: string, body?: unknown): Promise<HttpAnswer>;
}

/** The real operations on a real database. */
export async function serveReal(ports: Partial<ServerPorts> = {}): Promise<RealServed> {
  const folder = await makeFolder();
  const sqlite = openSqliteStore(join(folder, 'berth.db'), { localNode: { name: 'node-1', bootId: stamp.bootId } });
  onTestFinished(() => sqlite.close());
  const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const ipam = openIpam({ store: sqlite.store, nodes: sqlite.nodes, timers, log: silent });
  onTestFinished(() => ipam.close());
  await ipam.whenSynced();
  const served = await serve(ipam, {
    store: 'sqlite',
    counters: () => sqlite.counters,
    backup: async (response) => void (await sqlite.streamBackup(response)),
    ...ports,
  });
  return { ...served, ask: (method, path, body) => ask({ socketPath: served.socketPath }, method, path, body) };
}

export const poolDocument = (name: string, spec: object, metadata: object = {}) => ({
  apiVersion: 'berth-ipam.dev/v1alpha1',
  kind: 'AddressPool',
  metadata: { name, ...metadata },
  spec,
});
