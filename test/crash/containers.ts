/**
 * Containers as a runtime drives them through a controller that keeps dying: each is asked for, asked for again,
 * deleted, deleted again, and what was answered is remembered. An answer that never came is remembered as that.
 */
import { request } from 'node:http';
import type { AddressBinding, CheckReport, CniAddAnswer, List } from '../../src/protocol.ts';
import { machineBootId } from '../support/machine-boot-id.ts';

const BOOT_ID = machineBootId();

type State =
  | { readonly kind: 'absent' }
  | { readonly kind: 'held'; readonly address: string }
  /** An ADD, or a DEL, got no answer: there may be a record or not. `address` is what an earlier ADD was told. */
  | { readonly kind: 'unknown'; readonly address?: string };

interface Container {
  readonly id: string;
  readonly slot: number;
  state: State;
}

export interface Tally {
  adds: number;
  dels: number;
  unanswered: number;
}

export class Containers {
  readonly tally: Tally = { adds: 0, dels: 0, unanswered: 0 };
  readonly violations: string[] = [];
  readonly #socket: string;
  /** The container that lives in each slot, and the deleted ones before it. */
  readonly #current: Container[] = [];
  readonly #deleted: Container[] = [];
  #serial = 0;
  #ticks = 0;

  constructor(socket: string, slots: number) {
    this.#socket = socket;
    for (let slot = 0; slot < slots; slot++) this.#current.push(this.#newContainer(slot));
  }

  /** All slots at once, each call after call, until the controller is gone. */
  async driveUntilGone(): Promise<void> {
    await Promise.all(
      this.#current.map(async (_, slot) => {
        for (let round = slot; await this.#drive(slot, round); round++);
      }),
    );
  }

  /** Compares what the controller has with what it has answered, ever. */
  async check(): Promise<void> {
    const { items } = JSON.parse((await this.#call('GET', '/v1/bindings?state=bound&limit=500')).body) as List<AddressBinding>;
    const records = new Map<string, string[]>();
    for (const { spec } of items) {
      for (const { containerId } of spec.attachments) records.set(containerId, [...(records.get(containerId) ?? []), spec.address]);
    }
    const addresses = items.map(({ spec }) => spec.address);
    if (new Set(addresses).size !== addresses.length) this.violations.push('an address is bound twice');
    for (const { id, state } of this.#current) {
      const held = records.get(id) ?? [];
      if (held.length > 1) this.violations.push(`${id} holds ${held.join(' and ')}`);
      if (state.kind === 'held' && held[0] !== state.address)
        this.violations.push(`${id} was told ${state.address}, and holds ${held[0] ?? 'nothing'}`);
      if (state.kind === 'absent' && held.length > 0) this.violations.push(`${id} was never asked for, and holds ${held[0]}`);
    }
    for (const { id } of this.#deleted) {
      if (records.has(id)) this.violations.push(`${id} holds ${records.get(id)?.join()} although its DEL was acknowledged`);
    }
    const report = JSON.parse((await this.#call('POST', '/v1/check', {})).body) as CheckReport;
    for (const { code, object, detail } of report.findings) this.violations.push(`check: ${code} ${object}: ${detail}`);
    const known = new Set([...this.#current, ...this.#deleted].map(({ id }) => id));
    for (const id of records.keys()) if (!known.has(id)) this.violations.push(`${id}, which nobody asked for, holds an address`);
  }

  /** False once the controller is gone. */
  async #drive(slot: number, round: number): Promise<boolean> {
    const container = this.#current[slot] as Container;
    const before = container.state;
    const wantsAdd = before.kind === 'absent' || round % 3 === 0;
    const earlier = before.kind === 'absent' ? undefined : before.address;
    container.state = { kind: 'unknown', ...(earlier !== undefined && { address: earlier }) };
    const answer = await this.#call('POST', wantsAdd ? '/v1/cni/add' : '/v1/cni/del', this.#body(container, wantsAdd)).catch(
      () => undefined,
    );
    if (answer === undefined) {
      this.tally.unanswered++;
      return false;
    }
    if (answer.status !== 200) {
      this.violations.push(`${wantsAdd ? 'ADD' : 'DEL'} of ${container.id}: ${answer.status} ${answer.body}`);
      return false;
    }
    if (wantsAdd) this.#added(container, before, JSON.parse(answer.body) as CniAddAnswer);
    else this.#removed(container, slot);
    return true;
  }

  #added(container: Container, before: State, answer: CniAddAnswer): void {
    const address = (answer.addresses[0]?.address ?? 'nothing').replace(/\/.*/, '');
    const other = this.#current.find(({ state }) => state.kind === 'held' && state.address === address);
    if (other) this.violations.push(`${address} was given to ${container.id} while ${other.id} holds it`);
    if (before.kind === 'held' && before.address !== address) {
      this.violations.push(`${container.id} asked again, and got ${address} instead of ${before.address}`);
    }
    container.state = { kind: 'held', address };
    this.tally.adds++;
  }

  #removed(container: Container, slot: number): void {
    this.#deleted.push(container);
    this.#current[slot] = this.#newContainer(slot);
    this.tally.dels++;
  }

  #newContainer(slot: number): Container {
    return { id: `container-${++this.#serial}`, slot, state: { kind: 'absent' } };
  }

  /** As the plugin makes it, each call from a process of its own. */
  #body({ id, slot }: Container, wantsAdd: boolean): object {
    const stamp = { bootId: BOOT_ID, startedTicks: ++this.#ticks, monotonicNs: String(process.hrtime.bigint()), attempt: 0 };
    const key = { cniVersion: '1.1.0', cniNetwork: 'lan', containerId: id, ifName: 'eth0', stamp };
    return wantsAdd ? { ...key, pod: { namespace: 'crash', name: `pod-${slot}`, uid: `uid-of-${id}` } } : key;
  }

  #call(method: string, path: string, body?: object): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const sent = request(
        { socketPath: this.#socket, method, path, agent: false, headers: { 'content-type': 'application/json' } },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          response.once('error', reject);
          response.once('end', () =>
            response.complete ? resolve({ status: response.statusCode ?? 0, body: text }) : reject(new Error('cut off')),
          );
        },
      );
      sent.once('error', reject);
      sent.end(body && JSON.stringify(body));
    });
  }
}
