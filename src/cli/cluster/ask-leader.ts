/** `collect` in a cluster: puts the request where the leading controller looks, and waits for its report. */
import type { Timers } from '../../core/clock.ts';
import { isCollectReport } from '../../client/check-answer.ts';
import { UnreachableError } from '../../client/errors.ts';
import type { Client } from '../../kubernetes/client.ts';
import {
  COLLECT_MAILBOX,
  isWaiting,
  reportIn,
  requestIn,
  withRequest,
  withoutData,
  type Mailbox,
} from '../../kubernetes/collect-mailbox.ts';
import { CONFIG_MAPS } from '../../kubernetes/objects.ts';
import type { ApiAnswer } from '../../kubernetes/status.ts';
import type { Collect, CollectReport } from '../../protocol.ts';
import { refused } from './explaining-client.ts';

export interface LeaderAsked {
  readonly client: Client;
  readonly timers: Timers;
  /** The controllers'. */
  readonly namespace: string;
  readonly timeoutMilliseconds: number;
}

const LOOK_EVERY_MS = 300;
/** Somebody else's report is left this long for them to read. */
const REPORT_STAYS_MS = 1_500;

/** Throws RefusedError where a right or the mailbox is missing, UnreachableError when no leader answers in time. */
export async function askLeader(asked: LeaderAsked, { dryRun = false, approve = false }: Collect): Promise<CollectReport> {
  const { client, timers, timeoutMilliseconds } = asked;
  // Of all that ask at this moment only one can write, so this tells its request from theirs.
  const id = `${timers.now().toString(36)}-${Math.round(timers.monotonic() * 1e3).toString(36)}`;
  const until = timers.monotonic() + timeoutMilliseconds;
  let sent = false;
  let seen: { readonly version: string | undefined; readonly at: number } | undefined;
  while (timers.monotonic() < until) {
    const mailbox = await read(asked);
    const isOurs = requestIn(mailbox)?.id === id;
    const report = reportIn(mailbox, id);
    if (report !== undefined) {
      await client.replace(CONFIG_MAPS, withoutData(mailbox));
      const { id: _, ...rest } = report;
      if (isCollectReport(rest)) return rest;
      throw refused(
        'Unavailable',
        `what ConfigMap ${COLLECT_MAILBOX} has for a report is none; are berthctl and the controllers of one version?`,
      );
    }
    const version = mailbox.metadata.resourceVersion;
    if (seen?.version !== version) seen = { version, at: timers.monotonic() };
    const isFree = mailbox.data === undefined || timers.monotonic() - seen!.at >= REPORT_STAYS_MS;
    // A new leader drops what it did not see arrive: it is asked again.
    if (!isOurs && !isWaiting(mailbox) && isFree)
      sent = valueOf(await client.replace(CONFIG_MAPS, withRequest(mailbox, { id, dryRun, approve }))) || sent;
    await new Promise<void>((resolve) => timers.after(LOOK_EVERY_MS, resolve));
  }
  const mailbox = await read(asked);
  if (requestIn(mailbox)?.id === id) await client.replace(CONFIG_MAPS, withoutData(mailbox));
  throw new UnreachableError(
    'slow',
    `no controller answers within ${timeoutMilliseconds / 1000} s (kubectl -n ${asked.namespace} get lease berth-controller says which one leads)`,
    sent && !dryRun,
  );
}

async function read({ client, namespace }: LeaderAsked): Promise<Mailbox> {
  const answer = await client.get<Mailbox>(CONFIG_MAPS, { namespace, name: COLLECT_MAILBOX });
  if (answer.ok) return answer.value;
  if (answer.status.reason !== 'NotFound') throw refused('Unavailable', answer.status.message);
  throw refused(
    'Unavailable',
    `no controller takes requests in namespace ${namespace} (no ConfigMap ${COLLECT_MAILBOX}): say where they run with --controllers-namespace, or ask one on its socket with --controller`,
  );
}

/** False: somebody else has written meanwhile. */
function valueOf(answer: ApiAnswer<unknown>): boolean {
  if (answer.ok || answer.status.reason === 'Conflict') return answer.ok;
  throw refused('Unavailable', answer.status.message);
}
