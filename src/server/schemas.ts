/**
 * What the server takes, checked at the door: every string and array bounded, unknown keys refused. `satisfies`
 * holds each schema to the type in protocol.ts; openapi.ts publishes the same schemas. Addresses and ranges are
 * only bounded here: reading them is core's, which says better what is wrong with one.
 */
import { z } from 'zod';
import type {
  Allocate,
  CheckStore,
  CniAdd,
  CniCheck,
  CniDel,
  CniGc,
  Collect,
  PodIdentity,
  Release,
  Renew,
  Spool,
  Stamp,
} from '../protocol.ts';
import type { Resource } from '../core/binding.ts';

/** Printable text: no control characters, no lone surrogates, nothing that breaks a log line or a table. */
export const text = (maximum: number) =>
  z
    .string()
    .min(1)
    .max(maximum)
    .regex(/^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u, 'must not contain control characters');

/** RFC 1123 label, as Kubernetes takes it. */
export const label = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be a DNS label: a-z, 0-9 and -, at most 63');

export const poolName = label;

/** An address or range as text: 45 characters hold the longest IPv6 form, twice that a range; the rest is margin. */
export const addressText = z.string().min(1).max(100);

const cniName = z
  .string()
  .max(1024)
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, 'must start with a letter or digit and hold only letters, digits, _ . -');

/** Linux: 1 to 15 bytes, not "." or "..", no slash, colon or white space (CNI spec, "Parameters"). */
const ifName = z
  .string()
  .max(15)
  .regex(/^(?!\.{1,2}$)[^\s/:\p{Cc}]+$/u, 'must be the name of a network interface');

export const family = z.enum(['IPv4', 'IPv6']);

export const resource = z
  .strictObject({ type: z.enum(['mac', 'vm', 'container', 'pod', 'custom']), value: text(253) })
  .meta({ id: 'Resource' }) satisfies z.ZodType<Resource>;

export const tags = z
  .record(text(128).regex(/^[^=]*$/, 'must not contain "="'), text(256).or(z.literal('')))
  .refine((value) => Object.keys(value).length <= 64, 'must not have more than 64 entries');

export const stamp = z
  .strictObject({
    bootId: z.string().max(64),
    startedTicks: z.number().int().nonnegative(),
    monotonicNs: z
      .string()
      .max(24)
      .regex(/^(0|[1-9][0-9]*)$/, 'must be a decimal number as text'),
    attempt: z.number().int().nonnegative(),
  })
  .meta({ id: 'Stamp' }) satisfies z.ZodType<Stamp>;

const podIdentity = z
  .strictObject({ namespace: text(253), name: text(253), uid: text(128).exactOptional() })
  .meta({ id: 'PodIdentity' }) satisfies z.ZodType<PodIdentity>;

const cniKey = {
  cniVersion: z.string().max(32),
  cniNetwork: cniName,
  containerId: cniName,
  ifName,
  stamp,
};

/** Only a hint where to look, so nothing in it is worth failing a DEL for but its size. */
const prevAddresses = z.array(z.string().max(100)).max(256);

export const cniAdd = z
  .strictObject({
    ...cniKey,
    pod: podIdentity.exactOptional(),
    pools: z
      .array(z.union([poolName, z.array(poolName).min(1).max(32)]))
      .max(32)
      .exactOptional(),
    families: z.array(family).min(1).max(2).exactOptional(),
    requested: z.array(addressText).max(32).exactOptional(),
  })
  .meta({ id: 'CniAdd' }) satisfies z.ZodType<CniAdd>;

export const cniDel = z
  .strictObject({ ...cniKey, prevAddresses: prevAddresses.exactOptional() })
  .meta({ id: 'CniDel' }) satisfies z.ZodType<CniDel>;

export const cniCheck = z
  .strictObject({ ...cniKey, pod: podIdentity.exactOptional(), prevAddresses: prevAddresses.exactOptional() })
  .meta({ id: 'CniCheck' }) satisfies z.ZodType<CniCheck>;

export const cniGc = z
  .strictObject({
    cniVersion: z.string().max(32),
    cniNetwork: cniName,
    stamp,
    validAttachments: z.array(z.strictObject({ containerId: cniName, ifName })).max(20_000),
    gcMinAgeSeconds: z.number().nonnegative().max(31_536_000),
  })
  .meta({ id: 'CniGc' }) satisfies z.ZodType<CniGc>;

export const spool = z.strictObject({ deletes: z.array(cniDel).max(4_096) }).meta({ id: 'Spool' }) satisfies z.ZodType<Spool>;

/** A century: long enough for anybody, and far from where dates stop being dates. */
const leaseSeconds = z.number().int().min(1).max(3_155_760_000);

export const allocate = z
  .strictObject({
    pools: z.array(poolName).min(1).max(32).exactOptional(),
    subinstance: text(253),
    subid: text(253),
    resource,
    family: family.exactOptional(),
    slot: z.number().int().min(0).max(255).exactOptional(),
    address: addressText.exactOptional(),
    leaseSeconds: leaseSeconds.exactOptional(),
    tags: tags.exactOptional(),
    dryRun: z.boolean().exactOptional(),
  })
  .meta({ id: 'Allocate' }) satisfies z.ZodType<Allocate>;

export const release = z
  .strictObject({
    network: label.exactOptional(),
    address: addressText.exactOptional(),
    subinstance: text(253).exactOptional(),
    subid: text(253).exactOptional(),
    dryRun: z.boolean().exactOptional(),
  })
  .refine(
    (value) => (value.address === undefined) !== (value.subinstance === undefined),
    'exactly one of address and subinstance must be given',
  )
  .refine((value) => value.subid === undefined || value.subinstance !== undefined, 'subid needs subinstance')
  .meta({ id: 'Release' }) satisfies z.ZodType<Release>;

export const renew = z
  .strictObject({ network: label.exactOptional(), address: addressText, leaseSeconds })
  .meta({ id: 'Renew' }) satisfies z.ZodType<Renew>;

export const checkStore = z
  .strictObject({ repair: z.boolean().exactOptional(), dryRun: z.boolean().exactOptional() })
  .meta({ id: 'CheckStore' }) satisfies z.ZodType<CheckStore>;

export const collect = z
  .strictObject({ dryRun: z.boolean().exactOptional(), approve: z.boolean().exactOptional() })
  .meta({ id: 'Collect' }) satisfies z.ZodType<Collect>;
