/** AddressPool documents as a person writes them, in a file or in a PUT. Meaning (overlaps, families, …) is core's to check. */
import { z } from 'zod';
import { API_VERSION } from '../protocol.ts';
import type { AddressPool, PoolSpecInput } from '../protocol.ts';
import { addressText, label, poolName, text } from './schemas.ts';

const range = z.union([z.strictObject({ cidr: addressText }), z.strictObject({ first: addressText, last: addressText })]);

const uint32 = z.number().int().min(0).max(0xffff_ffff);

export const route = z
  .strictObject({
    dst: addressText,
    gw: addressText.exactOptional(),
    mtu: uint32.exactOptional(),
    advmss: uint32.exactOptional(),
    priority: uint32.exactOptional(),
    table: uint32.exactOptional(),
    scope: z.number().int().min(0).max(255).exactOptional(),
  })
  .meta({ id: 'Route' });

export const dns = z
  .strictObject({
    nameservers: z.array(addressText).max(32).exactOptional(),
    domain: text(253).exactOptional(),
    search: z.array(text(253)).max(32).exactOptional(),
    options: z.array(text(253)).max(32).exactOptional(),
  })
  .meta({ id: 'Dns' });

const selector = z
  .strictObject({
    matchLabels: z.record(text(317), z.string().max(63)).exactOptional(),
    matchExpressions: z
      .array(
        z.strictObject({
          key: text(317),
          operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
          values: z.array(z.string().max(63)).max(256).exactOptional(),
        }),
      )
      .max(64)
      .exactOptional(),
  })
  .meta({ id: 'LabelSelector' });

const seconds = z.number().int().min(0).max(315_576_000);
const limit = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

export const poolSpec = z
  .strictObject({
    network: label.exactOptional(),
    ranges: z.array(range).min(1).max(4_096),
    reserved: z.array(addressText).max(16_384).exactOptional(),
    subnet: addressText.exactOptional(),
    gateway: addressText.exactOptional(),
    routes: z.array(route).max(256).exactOptional(),
    dns: dns.exactOptional(),
    placement: z.enum(['Home', 'Lowest']).exactOptional(),
    cooldownSeconds: seconds.exactOptional(),
    whenFull: z.enum(['Reuse', 'Wait']).exactOptional(),
    stickySeconds: seconds.exactOptional(),
    limits: z
      .strictObject({ perSubinstance: limit.exactOptional(), perNode: limit.exactOptional(), perPod: limit.exactOptional() })
      .exactOptional(),
    namespaceSelector: selector.exactOptional(),
    podSelector: selector.exactOptional(),
    nodeSelector: selector.exactOptional(),
    priority: z.number().int().min(-1_000_000_000).max(1_000_000_000).exactOptional(),
    default: z.boolean().exactOptional(),
    requestedAddresses: z.enum(['Allowed', 'Forbidden']).exactOptional(),
    state: z.enum(['Active', 'NoNew', 'Draining']).exactOptional(),
  })
  .meta({ id: 'PoolSpec' }) satisfies z.ZodType<PoolSpecInput>;

const count = z.string().regex(/^[0-9]+$/);

export const poolStatus = z
  .strictObject({ total: count, allocated: count, reserved: count, cooling: count, available: count })
  .meta({ id: 'PoolStatus', description: 'Decimal text: a /48 has more addresses than a JSON number can count.' });

/** `status` is taken and ignored, so that what a GET printed can be put back; so are labels and what the API server adds. */
export const addressPool = z
  .strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal('AddressPool'),
    metadata: z.strictObject({
      name: poolName,
      uid: z.string().max(128).exactOptional(),
      resourceVersion: z.string().max(128).exactOptional(),
      annotations: z.record(text(317), z.string().max(16_384)).exactOptional(),
      labels: z.record(text(317), z.string().max(63)).exactOptional(),
      generation: z.number().int().exactOptional(),
      creationTimestamp: z.string().max(64).exactOptional(),
    }),
    spec: poolSpec,
    status: poolStatus.exactOptional(),
  })
  .meta({ id: 'AddressPool' }) satisfies z.ZodType<AddressPool>;
