/** What the server gives, for /openapi.json: held to protocol.ts by `satisfies`, so the two cannot drift apart. */
import { z } from 'zod';
import { API_VERSION } from '../protocol.ts';
import type {
  AddressBinding,
  CheckReport,
  CniAddAnswer,
  CollectReport,
  Explanation,
  PodExplanation,
  Problem,
  Released,
  Stats,
  VersionAnswer,
} from '../protocol.ts';
import { addressPool, dns, poolStatus, route } from './pool-schema.ts';
import { TRANSLATIONS } from './problem.ts';
import { family, resource, stamp } from './schemas.ts';
import type { RefusalReason } from '../core/refusal.ts';

const string = z.string();
const boolean = z.boolean();
const integer = z.number().int();
const time = z.string().meta({ format: 'date-time' });
const reason = z.enum(Object.keys(TRANSLATIONS) as [RefusalReason, ...RefusalReason[]]).meta({ id: 'RefusalReason' });

export const cniAddAnswer = z
  .object({
    addresses: z.array(z.object({ address: string, gateway: string.exactOptional(), pool: string })),
    routes: z.array(route),
    dns: dns.exactOptional(),
  })
  .meta({ id: 'CniAddAnswer' }) satisfies z.ZodType<CniAddAnswer>;

export const released = z
  .object({ released: z.array(z.object({ address: string, network: string, pool: string, subinstance: string, subid: string })) })
  .meta({ id: 'Released' }) satisfies z.ZodType<Released>;

export const problem = z
  .object({
    type: z.literal('about:blank'),
    title: string,
    status: integer,
    code: integer,
    reason,
    detail: string,
    address: string.exactOptional(),
    holder: string.exactOptional(),
    pools: z.array(z.object({ pool: string, reason, detail: string })).exactOptional(),
    retryAfterSeconds: integer.exactOptional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457; `code` is the CNI error code.' }) satisfies z.ZodType<Problem>;

const attachment = z
  .object({
    cniNetwork: string,
    ifName: string,
    containerId: string,
    podUid: string.exactOptional(),
    static: boolean.exactOptional(),
    node: string,
    nodeUid: string.exactOptional(),
    terminationGraceSeconds: z.number().exactOptional(),
    stamp,
  })
  .meta({ id: 'Attachment' });

export const addressBinding = z
  .object({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal('AddressBinding'),
    metadata: z.object({ name: string, uid: string.exactOptional(), resourceVersion: string.exactOptional() }),
    spec: z.object({
      address: string,
      pool: string,
      network: string,
      subinstance: string,
      subid: string,
      slot: integer,
      resource,
      attachments: z.array(attachment),
      tags: z.record(string, string).exactOptional(),
      boundAt: time,
      expiresAt: time.exactOptional(),
      releasedAt: time.exactOptional(),
      releasedBy: stamp.exactOptional(),
      cooldownSeconds: z.number(),
      stickySeconds: z.number(),
    }),
  })
  .meta({ id: 'AddressBinding' }) satisfies z.ZodType<AddressBinding>;

export const poolList = z.object({ items: z.array(addressPool), continue: string.exactOptional() }).meta({ id: 'AddressPoolList' });
export const bindingList = z
  .object({ items: z.array(addressBinding), continue: string.exactOptional() })
  .meta({ id: 'AddressBindingList' });

export const stats = z
  .object({ pools: z.array(poolStatus.extend({ pool: string, network: string, family, state: string })) })
  .meta({ id: 'Stats' }) satisfies z.ZodType<Stats>;

export const explanation = z
  .object({
    address: string,
    network: string,
    state: z.enum(['outside', 'free', 'held', 'reserved', 'cooling', 'sticky']),
    detail: string,
    pool: string.exactOptional(),
    binding: addressBinding.exactOptional(),
    availableAt: time.exactOptional(),
  })
  .meta({ id: 'Explanation' }) satisfies z.ZodType<Explanation>;

export const podExplanation = z
  .object({
    namespace: string,
    name: string,
    state: z.enum(['holds', 'gives', 'refuses', 'gone']),
    detail: string,
    uid: string.exactOptional(),
    node: string.exactOptional(),
    asks: z.object({
      pools: z.array(string.or(z.array(string))),
      by: z.enum(['configuration', 'pod', 'namespace']).exactOptional(),
      addresses: z.array(string),
    }),
    bindings: z.array(addressBinding),
    pools: z.array(z.object({ pool: string, family, order: integer.exactOptional(), reason: reason.exactOptional(), detail: string })),
  })
  .meta({ id: 'PodExplanation' }) satisfies z.ZodType<PodExplanation>;

export const checkReport = z
  .object({
    checked: z.object({ pools: integer, bindings: integer }),
    findings: z.array(z.object({ code: string, object: string, detail: string, repair: string.exactOptional(), repaired: boolean })),
  })
  .meta({ id: 'CheckReport' }) satisfies z.ZodType<CheckReport>;

export const collectReport = z
  .object({
    released: z.array(z.object({ address: string, network: string, evidence: string })),
    held: z.array(z.object({ address: string, network: string, reason: string })),
    dryRun: boolean,
    omitted: z.object({ released: integer, held: integer }).exactOptional(),
  })
  .meta({ id: 'CollectReport' }) satisfies z.ZodType<CollectReport>;

export const versionAnswer = z
  .object({ version: string, store: z.enum(['memory', 'sqlite', 'kubernetes']) })
  .meta({ id: 'VersionAnswer' }) satisfies z.ZodType<VersionAnswer>;

export const nothing = z.object({}).meta({ id: 'Nothing' });
