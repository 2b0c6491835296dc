/** This call's stamp (DESIGN section 5), from /proc; where there is none, from the host's clocks. */
import type { Stamp } from '../protocol.ts';
import type { Host } from './host.ts';

/** Field 22 of proc_pid_stat(5), counted behind the command's name, which may hold anything but its last ")". */
const START_AFTER_NAME = 19;

export function readStamp(host: Host): Stamp {
  const [, bootId] = host.readFile('/proc/sys/kernel/random/boot_id', 64);
  const [, stat] = host.readFile('/proc/self/stat', 4096);
  const started = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[START_AFTER_NAME]);
  return {
    bootId: bootId.trim(),
    startedTicks: Number.isSafeInteger(started) && started > 0 ? started : host.startedTicks,
    monotonicNs: host.startedNs,
    attempt: 1,
  };
}
