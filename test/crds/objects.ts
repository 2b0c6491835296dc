/** Objects that the API server takes, and what it says to others. */
import { request } from '../support/cluster.ts';
import type { HttpAnswer } from '../support/http.ts';

export const API_VERSION = 'berth-ipam.dev/v1alpha1';
export const POOLS = '/apis/berth-ipam.dev/v1alpha1/addresspools';
export const BINDINGS = '/apis/berth-ipam.dev/v1alpha1/addressbindings';

export const pool = (spec: object, name = 'pods'): object => ({
  apiVersion: API_VERSION,
  kind: 'AddressPool',
  metadata: { name },
  spec,
});

const stamp = { bootId: 'b7a1c1f0-1d0a-4a3e-9b77-2f7f3f1f8f10', startedTicks: 4711, monotonicNs: '98765432101234', attempt: 1 };

export const attachment = {
  cniNetwork: 'pods',
  ifName: 'eth0',
  containerId: '3f4e1d2c3b4a5968778695a4b3c2d1e0f1e2d3c4b5a6978877665544332211ff',
  podUid: '0b2a4c6e-1111-4222-8333-944455556666',
  node: 'worker-1',
  nodeUid: '99999999-1111-4222-8333-944455556666',
  terminationGraceSeconds: 30,
  stamp,
};

/** What a controller writes for a pod: 10.244.1.7 of the pool "pods", unless changed. */
export const bindingSpec = {
  address: '10.244.1.7',
  network: 'default',
  pool: 'pods',
  subinstance: 'shop',
  subid: 'cart-0',
  slot: 0,
  resource: { type: 'pod', value: 'shop/cart-0' },
  node: 'worker-1',
  podUid: attachment.podUid,
  state: 'Bound',
  attachments: [attachment],
  boundAt: '2026-11-24T03:24:04.000Z',
  cooldownSeconds: 30,
  stickySeconds: 0,
};

/** A field set to undefined is left out. */
export const binding = (change: object = {}, name = 'default.10-244-1-7'): object => ({
  apiVersion: API_VERSION,
  kind: 'AddressBinding',
  metadata: { name },
  spec: { ...bindingSpec, ...change },
});

export const released = { state: 'Released', releasedAt: '2026-11-24T04:24:04.000Z' };

/** The fields that the API server refuses and why, in its own words, sorted, as its order is by chance; [] when it takes the object. */
export function refusalsOf({ status, json, text }: HttpAnswer): string[] {
  if (status < 300) return [];
  if (status !== 422) throw new Error(`an answer of its own kind: ${status} ${text}`);
  return (json.details.causes as { field: string; message: string }[])
    .map(({ field, message }) => `${field}: ${message.replace(VALUE, '')}`)
    .filter((refusal) => !refusal.startsWith('<nil>: some validation rules were not checked')) // CEL comes after the schema
    .toSorted();
}

/** What was wrong matters, not how the value is printed. */
const VALUE = /^Invalid value: (?:(?:"(?:[^"\\]|\\.)*"|null|-?\d+): )?/;

/** Judges the object by itself: nothing is stored. */
export const judge = async (collection: string, object: object): Promise<string[]> =>
  refusalsOf(await request('POST', `${collection}?dryRun=All`, object));
