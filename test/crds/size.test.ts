/** etcd keeps every binding whole: what one weighs, times 100,000 addresses, is what a cluster pays for Berth. */
import { expect, test } from 'vitest';
import { describeCluster, request } from '../support/cluster.ts';
import { binding, BINDINGS } from './objects.ts';

/** Measured: 1,450 bytes with a 64-digit container id and all optional fields of a pod's attachment. */
const MOST_BYTES = 1_600;

describeCluster('a binding', () => {
  test(`of a pod takes at most ${MOST_BYTES} bytes, of which those that say who wrote it are few`, async () => {
    const created = await request('POST', `${BINDINGS}?fieldManager=berth-controller`, binding());
    expect(created.status, created.text).toBe(201);
    try {
      const { text, json } = await request('GET', `${BINDINGS}/default.10-244-1-7`);
      expect(Buffer.byteLength(text)).toBeLessThan(MOST_BYTES);
      // The whole spec is one field to the API server: tracked one by one they would weigh as much as the spec.
      expect(json.metadata.managedFields).toEqual([expect.objectContaining({ manager: 'berth-controller', fieldsV1: { 'f:spec': {} } })]);
    } finally {
      expect((await request('DELETE', `${BINDINGS}/default.10-244-1-7`)).status).toBe(200);
    }
  });
});
