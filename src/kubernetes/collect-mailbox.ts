/**
 * How somebody with no socket asks the leader to collect: a ConfigMap with one request and its answer, which RBAC
 * guards like any other object. One request at a time; who writes compares versions, so none is lost unseen.
 *
 *   data.request  {"id", "dryRun", "approve"}                who asks
 *   data.report   {"id", "released", "held", "dryRun", …}    the leader
 */
import type { Operations } from '../ipam/operations.ts';
import { apiVersionOf, CONFIG_MAPS, type KubernetesObject } from './objects.ts';

/** In the controllers' namespace; the leader makes it. */
export const COLLECT_MAILBOX = 'berth-collect';

export interface Mailbox extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
}

export type CollectOptions = Parameters<Operations['collect']>[0];
export type CollectReport = Awaited<ReturnType<Operations['collect']>>;

export interface CollectRequest extends CollectOptions {
  readonly id: string;
}

export type Answered = CollectReport & { readonly id: string };

/** An object holds at most 1 MiB, and an entry may have 500 bytes. */
const MOST_ENTRIES = 1_000;
const LONGEST_ID = 100;

export const emptyMailbox = (namespace: string): Mailbox => ({
  apiVersion: apiVersionOf(CONFIG_MAPS),
  kind: CONFIG_MAPS.kind,
  metadata: { namespace, name: COLLECT_MAILBOX, labels: { 'app.kubernetes.io/name': 'berth' } },
});

export function withoutData({ data: _, ...mailbox }: Mailbox): Mailbox {
  return mailbox;
}

export const withRequest = (mailbox: Mailbox, request: CollectRequest): Mailbox => ({
  ...mailbox,
  data: { request: JSON.stringify(request) },
});

export function withReport(mailbox: Mailbox, { id }: CollectRequest, { released, held, dryRun }: CollectReport): Mailbox {
  const omitted = { released: Math.max(0, released.length - MOST_ENTRIES), held: Math.max(0, held.length - MOST_ENTRIES) };
  const report: Answered = {
    id,
    released: released.slice(0, MOST_ENTRIES),
    held: held.slice(0, MOST_ENTRIES),
    dryRun,
    ...(omitted.released + omitted.held > 0 && { omitted }),
  };
  return { ...mailbox, data: { ...mailbox.data, report: JSON.stringify(report) } };
}

/** Undefined: there is none, or it is none. */
export function requestIn({ data }: Mailbox): CollectRequest | undefined {
  const value = parse(data?.['request']) as Partial<CollectRequest> | undefined;
  // It goes into the log.
  if (
    typeof value?.id !== 'string' ||
    value.id.length > LONGEST_ID ||
    typeof value.dryRun !== 'boolean' ||
    typeof value.approve !== 'boolean'
  )
    return undefined;
  return { id: value.id, dryRun: value.dryRun, approve: value.approve };
}

/** The answer to that request; undefined: not yet. */
export function reportIn({ data }: Mailbox, id: string): Answered | undefined {
  const value = parse(data?.['report']) as Partial<Answered> | undefined;
  return value?.id === id && Array.isArray(value.released) && Array.isArray(value.held) ? (value as Answered) : undefined;
}

/** An answer is still to come. */
export const isWaiting = (mailbox: Mailbox): boolean => {
  const request = requestIn(mailbox);
  return request !== undefined && reportIn(mailbox, request.id) === undefined;
};

function parse(text: string | undefined): object | undefined {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
