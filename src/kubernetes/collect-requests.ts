/**
 * The leader's side of the mailbox: it looks every two seconds, collects as asked, and leaves the report.
 *
 * An approval that nobody waits for any more must not be carried out hours later, by a leader that comes back or is
 * new. No clocks are compared: a request counts only when this leader had looked half a minute ago at most and had not
 * seen it then. Whatever else it finds it clears.
 */
import type { Timers } from '../core/clock.ts';
import type { Operations } from '../ipam/operations.ts';
import type { Log } from '../ipam/ports.ts';
import type { Client } from './client.ts';
import {
  COLLECT_MAILBOX,
  emptyMailbox,
  isWaiting,
  requestIn,
  withReport,
  withoutData,
  type CollectReport,
  type Mailbox,
} from './collect-mailbox.ts';
import { CONFIG_MAPS } from './objects.ts';
import { ApiUnreachable, describeStatus, type ApiStatus } from './status.ts';
import { wait } from './waiting.ts';

export interface CollectRequestsOptions {
  readonly client: Client;
  readonly namespace: string;
  readonly timers: Timers;
  readonly log: Log;
  readonly leads: () => boolean;
  readonly collect: Operations['collect'];
}

const LOOK_EVERY_MS = 2_000;
const FRESH_MS = 30_000;
const CALL = { deadlineMs: 5_000 };

/** Until the returned function is called. */
export function answerCollectRequests(options: CollectRequestsOptions): () => void {
  const stopping = new AbortController();
  const clerk = new Clerk(options);
  void (async () => {
    while (!stopping.signal.aborted) {
      await clerk.look();
      await wait(options.timers, LOOK_EVERY_MS, stopping.signal);
    }
  })();
  return () => stopping.abort();
}

class Clerk {
  readonly #options: CollectRequestsOptions;
  /** The request that the last look found, and when that was. Undefined while this replica does not lead. */
  #last: { readonly id: string | undefined; readonly at: number } | undefined;
  #answered: { readonly id: string; readonly report: CollectReport } | undefined;
  #told: string | undefined;

  constructor(options: CollectRequestsOptions) {
    this.#options = options;
  }

  async look(): Promise<void> {
    if (!this.#options.leads()) {
      this.#last = undefined;
      return;
    }
    try {
      await this.#look();
      this.#told = undefined;
    } catch (error) {
      // Nobody's call hangs on it: whoever asks hears that there is no answer.
      const detail = error instanceof Error ? error.message : String(error);
      if (detail !== this.#told) this.#options.log.warn({ detail }, 'requests to collect cannot be answered');
      this.#told = detail;
    }
  }

  async #look(): Promise<void> {
    const { client, namespace, timers, log, collect } = this.#options;
    const mailbox = await this.#read();
    const before = this.#last;
    const now = timers.monotonic();
    const request = mailbox && requestIn(mailbox);
    this.#last = { id: request?.id, at: now };
    if (mailbox === undefined) {
      const made = await client.create<Mailbox>(CONFIG_MAPS, emptyMailbox(namespace), CALL);
      if (!made.ok && made.status.reason !== 'AlreadyExists') throw refused(made.status);
      return;
    }
    if (request === undefined || !isWaiting(mailbox)) return;
    const { id, dryRun, approve } = request;
    // Its report did not get through: it is written again, nothing is done again.
    if (this.#answered?.id === id) return this.#write(withReport(mailbox, request, this.#answered.report));
    if (before === undefined || before.id === id || now - before.at > FRESH_MS) {
      log.warn({ id, dryRun, approve }, 'a request to collect that is too old was dropped');
      await this.#write(withoutData(mailbox));
      // Whoever still waits writes the same again: that is seen to arrive.
      this.#last = { id: undefined, at: now };
      return;
    }
    const report = await collect({ dryRun, approve });
    this.#answered = { id, report };
    log.info({ id, dryRun, approve, released: report.released.length, held: report.held.length }, 'collected as asked');
    return this.#write(withReport(mailbox, request, report));
  }

  async #read(): Promise<Mailbox | undefined> {
    const { client, namespace } = this.#options;
    const answer = await client.get<Mailbox>(CONFIG_MAPS, { namespace, name: COLLECT_MAILBOX }, CALL);
    if (answer.ok) return answer.value;
    if (answer.status.reason === 'NotFound') return undefined;
    throw refused(answer.status);
  }

  /** Whoever asked may have gone and taken the request along: a conflict is none. */
  async #write(mailbox: Mailbox): Promise<void> {
    const answer = await this.#options.client.replace<Mailbox>(CONFIG_MAPS, mailbox, CALL);
    if (!answer.ok && answer.status.reason !== 'Conflict' && answer.status.reason !== 'NotFound') throw refused(answer.status);
  }
}

const refused = (status: ApiStatus): ApiUnreachable => new ApiUnreachable(describeStatus(status), false);
