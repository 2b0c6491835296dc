/** A server on a socket in a folder of its own, for one test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Timers } from '../../src/core/clock.ts';
import type { Operations } from '../../src/ipam/operations.ts';
import { createBerthServer } from '../../src/server/server.ts';
import type { BerthServer, ServerPorts } from '../../src/server/server.ts';

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
