/**
 * A storm over two replicas on a real API server: many holders come and go, calls hop between the replicas, which are
 * killed and started again, and so is the API server. On the wire no address ever has two holders; in the end
 * nothing is held that nobody has.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BINDINGS, POOLS, pool } from '../crds/objects.ts';
import { spawnController, whenReady, type Started } from '../server/controller-process.ts';
import { startApiServer, type ApiServer } from '../support/api-server.ts';
import { describeCluster } from '../support/cluster.ts';
import { seededRandom } from '../support/cluster-client.ts';
import { eventually } from '../support/eventually.ts';
import { ask, type HttpAnswer } from '../support/http.ts';
import { applyPath } from '../support/kubectl.ts';
import { workloadsOn } from '../support/workloads-on.ts';

const HOLDERS = 40;
/** Fewer addresses than holders: some find the pool full, and cooling addresses are dealt again. */
const ADDRESSES = 32;
/** Two kills of replicas and one of the API server each. */
const ROUNDS = Number(process.env['BERTH_STORM_ROUNDS'] ?? 1);
/** At 50 ms each: longer than anything is away. */
const MOST_ATTEMPTS = 1_200;
const NODE = 'stormy';
const BOOT = '0f0e0d0c-0b0a-4908-8706-050403020100';

interface Replica {
  readonly socket: string;
  running: Started;
}

describeCluster('a storm over two replicas', () => {
  test('no address has two holders, and none is held for nobody', { timeout: 240_000 }, async () => {
    const random = seededRandom(Date.now() & 0xffff);
    const directory = mkdtempSync(join(tmpdir(), 'berth-storm-'));
    const server = await startApiServer();
    const replicas: Replica[] = [];
    try {
      const pods = await prepare(server);
      for (const name of ['a', 'b']) replicas.push(await startReplica(server, join(directory, `${name}.sock`)));
      const storm = new Storm(replicas, random);
      let isOver = false;
      const disturbed = disturb(server, replicas).finally(() => (isOver = true));
      await Promise.all([disturbed, ...pods.map((uid, index) => storm.holder(index, uid, () => isOver))]);

      expect(storm.violations).toEqual([]);
      expect(storm.served).toBeGreaterThan(HOLDERS * 2);
      // What a killed replica had written for a call that was then answered by the other is healed by who lives.
      await eventually(async () => (await boundIn(server)).length === 0, 'nothing to be held any more', 90_000);
      expect(storm.violations).toEqual([]);
    } finally {
      for (const { running } of replicas) running.child.kill('SIGKILL');
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

/** What the callers believe, which is what counts. */
class Storm {
  readonly violations: string[] = [];
  served = 0;
  readonly #replicas: readonly Replica[];
  readonly #random: () => number;
  readonly #held = new Map<string, number>();
  #ticks = 1_000;

  constructor(replicas: readonly Replica[], random: () => number) {
    this.#replicas = replicas;
    this.#random = random;
  }

  /** Comes and goes until the time is over, and is gone in the end. */
  async holder(index: number, uid: string, isOver: () => boolean): Promise<void> {
    for (let life = 0; !isOver(); life++) {
      const key = { cniVersion: '1.0.0', cniNetwork: 'storm', containerId: `c-${index}-${life}`, ifName: 'eth0' };
      const address = await this.#add({ ...key, pod: { namespace: 'storm', name: `p-${index}`, uid } });
      if (address !== undefined) {
        const other = this.#held.get(address);
        if (other !== undefined) this.violations.push(`${address} was given to ${index} while ${other} has it`);
        this.#held.set(address, index);
        this.served++;
        await pause(20 + this.#random() * 200);
        if (this.#held.get(address) === index) this.#held.delete(address);
      }
      await this.#del(index, key);
    }
  }

  /** As a plugin asks: again with the next attempt while nobody knows; undefined for a refusal. */
  async #add(body: object): Promise<string | undefined> {
    const stamp = this.#stamp();
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const answer = await this.#call('add', { ...body, stamp: { ...stamp, attempt } });
      if (answer?.status === 200) return (answer.json.addresses[0].address as string).split('/')[0];
      if (answer !== undefined && answer.status !== 503) return undefined;
      await pause(50);
    }
    return undefined;
  }

  async #del(index: number, body: object): Promise<void> {
    const stamp = this.#stamp();
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const answer = await this.#call('del', { ...body, stamp: { ...stamp, attempt } });
      if (answer?.status === 200) return;
      await pause(50);
    }
    this.violations.push(`a DEL of ${index} was never taken`);
  }

  async #call(verb: string, body: object): Promise<HttpAnswer | undefined> {
    const { socket } = this.#replicas[Math.floor(this.#random() * this.#replicas.length)]!;
    return ask({ socketPath: socket }, 'POST', `/v1/cni/${verb}`, body).catch(() => undefined);
  }

  #stamp(): object {
    this.#ticks++;
    return { bootId: BOOT, startedTicks: this.#ticks, monotonicNs: String(this.#ticks * 10_000_000), attempt: 0 };
  }
}

/** Each replica is killed, the API server, and etcd with it, round by round. */
async function disturb(server: ApiServer, replicas: readonly Replica[]): Promise<void> {
  const kill = async (replica: Replica): Promise<void> => {
    replica.running.child.kill('SIGKILL');
    await replica.running.ended;
    replica.running = await spawnAt(server, replica.socket);
  };
  const restart = async (withEtcd: boolean): Promise<void> => {
    await server.server.kill('SIGKILL');
    if (withEtcd) await server.etcd.kill('SIGKILL').then(() => server.etcd.start());
    server.server.start();
    await server.whenReady();
  };
  for (let round = 0; round < ROUNDS; round++) {
    for (const replica of replicas) {
      await pause(1_000);
      await kill(replica);
    }
    await pause(2_000);
    await restart(round % 2 === 1);
  }
  await pause(2_000);
}

const spawnAt = (server: ApiServer, socket: string): Promise<Started> =>
  spawnController(['--store', 'kubernetes', '--kubeconfig', server.kubeconfig, '--listen', `unix:${socket}`, '--node-name', NODE, '--namespace', 'storm']); // prettier-ignore

async function startReplica(server: ApiServer, socket: string): Promise<Replica> {
  const running = await spawnAt(server, socket);
  await whenReady(running, socket);
  return { socket, running };
}

async function prepare(server: ApiServer): Promise<readonly string[]> {
  await applyPath(server.kubeconfig, 'deploy/crds');
  const { makeNamespace, makeNode, makePod } = workloadsOn(server.request);
  await makeNamespace('storm');
  await makeNode(NODE, BOOT);
  const ranges = [{ first: '10.91.0.10', last: `10.91.0.${9 + ADDRESSES}` }];
  const spec = { ranges, subnet: '10.91.0.0/24', gateway: '10.91.0.1', default: true, cooldownSeconds: 2 };
  const made = await server.request('POST', POOLS, pool(spec, 'storm'));
  if (made.status !== 201) throw new Error(made.text);
  const uids: string[] = [];
  for (let index = 0; index < HOLDERS; index++) uids.push(await makePod('storm', `p-${index}`, NODE));
  return uids;
}

async function boundIn(server: ApiServer): Promise<readonly unknown[]> {
  const { items } = (await server.request('GET', BINDINGS)).json as { items: { spec: { state: string } }[] };
  return items.filter(({ spec }) => spec.state === 'Bound');
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
