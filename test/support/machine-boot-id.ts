import { readFileSync } from 'node:fs';

/** Of the machine that runs the tests: what the built plugin says, so a node whose calls it makes must show it. */
export const machineBootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
