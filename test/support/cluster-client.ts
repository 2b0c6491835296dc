/** A client of a pretended API server, and what else code under test wants to have around it. */
import type { Timers } from '../../src/core/clock.ts';
import type { Log } from '../../src/ipam/ports.ts';
import { createClient, type Client } from '../../src/kubernetes/client.ts';
import type { Transport } from '../../src/kubernetes/transport.ts';

export const silentLog: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

export interface Entry {
  readonly level: keyof Log;
  readonly message: string;
  readonly fields: Readonly<Record<string, any>>;
}

/** Keeps what is logged. */
export function recordingLog(): Log & { readonly entries: Entry[] } {
  const entries: Entry[] = [];
  const at = (level: keyof Log) => (fields: object, message: string) =>
    void entries.push({ level, message, fields: fields as Entry['fields'] });
  return { entries, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Numbers from 0 to 1, the same ones every time (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const clientOf = (server: { readonly transport: Transport }, timers: Timers, random: () => number = () => 0.5): Client =>
  createClient({ transport: server.transport, timers, random });
