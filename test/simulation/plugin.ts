/** One call of the plugin as a process on a pretended node: the real src/cni, the Host port pretended. */
import type { Exchanged, Failure, Host } from '../../src/cni/host.ts';
import { runPlugin } from '../../src/cni/plugin.ts';
import type { Process } from './event-loop.ts';

/** What a node's file system answers; paths are whole. */
export class Disk {
  readonly files = new Map<string, string>();
  /** Writes fail with it while set. */
  failure: Failure = '';

  list(directory: string): string[] {
    return [...this.files.keys()].filter((path) => path.startsWith(`${directory}/`)).map((path) => path.slice(directory.length + 1));
  }
}

export interface PluginCall {
  readonly process: Process;
  readonly disk: Disk;
  /** Milliseconds since the node's boot, with fractions. */
  readonly uptimeMs: () => number;
  readonly bootId: string;
  readonly processId: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly stdin: string;
  readonly wallMs: () => number;
  /** False: whoever should read it has gone. */
  readonly print: (text: string) => boolean;
  readonly exchange: (address: string, request: string, connectMs: number, totalMs: number) => Promise<Exchanged>;
}

const TICK_MS = 10;

/** Resolves with the exit code; never, when its process is killed. */
export function callPlugin(call: PluginCall): Promise<number> {
  const { disk } = call;
  const started = call.uptimeMs();
  const ticks = Math.floor(started / TICK_MS);
  const write = (run: () => void): Failure => {
    if (disk.failure !== '') return disk.failure;
    run();
    return '';
  };
  const host: Host = {
    startedNs: String(Math.floor(started * 1e6)),
    startedTicks: ticks,
    processId: call.processId,
    environment: (name) => call.environment[name] ?? '',
    readStdin: () => ['', call.stdin],
    print: call.print,
    complain: () => undefined,
    elapsedMs: () => call.uptimeMs() - started,
    wallMs: call.wallMs,
    sleep: (ms) => new Promise((resolve) => void call.process.after(ms, resolve)),
    readFile: (path) => {
      if (path === '/proc/sys/kernel/random/boot_id') return ['', call.bootId];
      if (path === '/proc/self/stat') return ['', `${call.processId} (berth) S ${'0 '.repeat(18)}${ticks} 0`];
      const text = disk.files.get(path);
      return text === undefined ? ['ENOENT', ''] : ['', text];
    },
    createFile: (path, text) => (disk.files.has(path) ? 'EEXIST' : write(() => disk.files.set(path, text))),
    appendFile: () => '',
    renameFile: (from, to) => {
      const text = disk.files.get(from);
      if (text === undefined) return 'ENOENT';
      return write(() => {
        disk.files.delete(from);
        disk.files.set(to, text);
      });
    },
    removeFile: (path) => (disk.files.delete(path) ? '' : 'ENOENT'),
    makeDirectory: () => '',
    listDirectory: (path) => ['', ...disk.list(path)],
    inspectFile: (path) => (path === '/proc/self/ns/net' ? ['', '4:1', '0'] : ['', `4:${path.length + 1}`, '0']),
    exchange: (address, _ca, _name, request, connectMs, totalMs) => call.exchange(address, request, connectMs, totalMs),
    exit: () => undefined,
  };
  return runPlugin(host);
}
