/** How the leader is asked to collect without a socket: both sides, on virtual time, against a pretended API server. */
import { describe, expect, test } from 'vitest';
import { askLeader } from '../../src/cli/cluster/ask-leader.ts';
import { COLLECT_MAILBOX, withReport, emptyMailbox, reportIn, requestIn, type Mailbox } from '../../src/kubernetes/collect-mailbox.ts';
import { answerCollectRequests } from '../../src/kubernetes/collect-requests.ts';
import { CONFIG_MAPS } from '../../src/kubernetes/objects.ts';
import type { Collect, CollectReport } from '../../src/protocol.ts';
import { clientOf, recordingLog, seededRandom } from '../support/cluster-client.ts';
import { PretendedApiServer } from '../support/pretended-api-server.ts';
import { virtualTimers } from '../support/virtual-timers.ts';

const entry = (index: number) => ({ address: `10.0.0.${index}`, network: 'default', evidence: 'gone' });

function makeWorld() {
  const timers = virtualTimers();
  const server = new PretendedApiServer({ timers, random: seededRandom(1) });
  const client = clientOf(server, timers);
  const log = recordingLog();
  const collected: Collect[] = [];
  let isLeader = true;
  const start = () =>
    answerCollectRequests({
      client,
      namespace: 'berth',
      timers,
      log,
      leads: () => isLeader,
      collect: async (request): Promise<CollectReport> => {
        collected.push(request);
        return { released: [entry(collected.length)], held: [], dryRun: request.dryRun };
      },
    });
  const ask = (body: Collect, timeoutMilliseconds = 10_000) =>
    askLeader({ client, timers, namespace: 'berth', timeoutMilliseconds }, body).then(
      (report) => ({ report, error: undefined }),
      (error: Error) => ({ report: undefined, error }),
    );
  const mailbox = () => server.object<Mailbox>(CONFIG_MAPS, `berth/${COLLECT_MAILBOX}`);
  return { timers, server, start, ask, mailbox, collected, log, setLeader: (value: boolean) => (isLeader = value) };
}

describe('asking the leader to collect', () => {
  test('it collects as asked, once, and nothing is left behind', async () => {
    const { timers, start, ask, mailbox, collected } = makeWorld();
    const stop = start();
    await timers.advance(1_000);
    const asking = ask({ approve: true });
    await timers.advance(10_000);
    expect(await asking).toMatchObject({ report: { released: [entry(1)], held: [], dryRun: false } });
    expect(collected).toEqual([{ dryRun: false, approve: true }]);
    expect(mailbox()?.data).toBeUndefined();
    stop();
  });

  test('two that ask at once are served one after the other', async () => {
    const { timers, start, ask, collected } = makeWorld();
    const stop = start();
    await timers.advance(1_000);
    const first = ask({ dryRun: true }, 30_000);
    await timers.advance(5);
    const second = ask({ approve: true }, 30_000);
    await timers.advance(30_000);
    expect(await first).toMatchObject({ report: { dryRun: true } });
    expect(await second).toMatchObject({ report: { dryRun: false } });
    expect(collected).toHaveLength(2);
    stop();
  });

  test('no mailbox, and no leader: each says so; the request is taken back', async () => {
    const { timers, start, ask, mailbox, collected, setLeader } = makeWorld();
    expect((await ask({})).error?.message).toContain('no controller takes requests in namespace berth (no ConfigMap berth-collect)');
    const stop = start();
    await timers.advance(1_000);
    setLeader(false);
    await timers.advance(3_000);
    const asking = ask({ approve: true });
    await timers.advance(12_000);
    expect((await asking).error).toMatchObject({ kind: 'slow', mayBeDone: true });
    expect(mailbox()?.data).toBeUndefined();
    setLeader(true);
    await timers.advance(10_000);
    expect(collected).toEqual([]);
    stop();
  });

  test('who still waits when a leader is new asks again, and is answered once', async () => {
    const { timers, start, ask, collected, log, setLeader } = makeWorld();
    const stop = start();
    await timers.advance(1_000);
    setLeader(false);
    await timers.advance(3_000);
    const asking = ask({ approve: true }, 30_000);
    await timers.advance(2_000);
    setLeader(true);
    await timers.advance(10_000);
    expect(await asking).toMatchObject({ report: { dryRun: false } });
    expect(collected).toHaveLength(1);
    expect(log.entries.map(({ message }) => message)).toEqual(['a request to collect that is too old was dropped', 'collected as asked']);
    stop();
  });

  test('a report that could not be written is written again; nothing is carried out twice', async () => {
    const { timers, start, ask, collected, server } = makeWorld();
    const stop = start();
    await timers.advance(1_000);
    const asking = ask({ approve: true }, 10_000);
    await timers.advance(500);
    server.forbid('update', CONFIG_MAPS);
    await timers.advance(4_000);
    expect(collected).toHaveLength(1);
    server.allow('update', CONFIG_MAPS);
    await timers.advance(4_000);
    expect(await asking).toMatchObject({ report: { released: [entry(1)] } });
    expect(collected).toHaveLength(1);
    stop();
  });

  test('an approval whose author was killed is dropped by a leader that is new, or was away', async () => {
    const { timers, start, ask, mailbox, collected, log, setLeader } = makeWorld();
    const stop = start();
    await timers.advance(1_000);
    setLeader(false);
    await timers.advance(3_000);
    void ask({ approve: true }, 3_600_000); // killed: nobody reads the answer, or takes the request back
    await timers.advance(1_000);
    expect(mailbox()?.data?.['request']).toContain('"approve":true');
    setLeader(true);
    await timers.advance(1_500);
    expect(collected).toEqual([]);
    expect(log.entries.map(({ message }) => message)).toContain('a request to collect that is too old was dropped');
    stop();
  });

  test('what somebody else has written there is no request, and no report', () => {
    const data = (request: string, report = '') => ({ ...emptyMailbox('berth'), data: { request, report } });
    for (const text of ['', 'null', '[]', '7', '{"id":7,"dryRun":true,"approve":true}', '{"id":"a","dryRun":"no","approve":true}']) {
      expect(requestIn(data(text))).toBeUndefined();
    }
    expect(requestIn(data(JSON.stringify({ id: 'x'.repeat(101), dryRun: true, approve: false })))).toBeUndefined();
    expect(requestIn(data('{"id":"a","dryRun":true,"approve":false,"more":1}'))).toEqual({ id: 'a', dryRun: true, approve: false });
    expect(reportIn(data('', '{"id":"a","released":{}}'), 'a')).toBeUndefined();
  });

  test('a report is cut where an object would grow too large, and says by how much', () => {
    const released = Array.from({ length: 1_500 }, (_, index) => entry(index));
    const mailbox = withReport(emptyMailbox('berth'), { id: 'x', dryRun: true, approve: false }, { released, held: [], dryRun: true });
    expect(reportIn(mailbox, 'x')).toMatchObject({ omitted: { released: 500, held: 0 } });
    expect(reportIn(mailbox, 'x')?.released).toHaveLength(1_000);
    expect(reportIn(mailbox, 'y')).toBeUndefined();
  });
});
