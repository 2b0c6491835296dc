/**
 * What must always hold, looked at where it cannot be hidden: at each commit of the API server, at each answer on the
 * wire, and in what each live sandbox believes. Nothing here asks the code under test, but for its own audit.
 */
import { bindingName } from '../../src/core/binding-name.ts';
import { StoreAmbiguous, StoreUnavailable } from '../../src/store/store.ts';
import { kindId } from '../support/pretended-api-server/kinds.ts';
import { ADDRESS_BINDINGS, NODES, PODS } from '../../src/kubernetes/objects.ts';
import type { HttpRequest } from '../../src/kubernetes/transport.ts';
import type { Change } from '../support/pretended-api-server.ts';
import type { ApiWitness } from './api-link.ts';
import type { Process } from './event-loop.ts';
import { CONFIG_MIRROR, type PodObject } from './kubelet.ts';
import type { SimNode } from './node.ts';
import type { Sandbox } from './sandbox.ts';
import type { World } from './world.ts';

export interface Violation {
  readonly invariant: Invariant;
  readonly detail: string;
  readonly at: number;
}

export type Invariant =
  | 'P1 one address, one live holder'
  | 'P2 what was answered is kept'
  | 'P3 nothing is freed while its sandbox lives'
  | 'P4 what is leaked comes back'
  | 'P5 one holder, one record'
  | 'P5 a DEL succeeds'
  | 'P5 a DEL that succeeded is not lost'
  | 'all addresses or none'
  | 'released records are cleaned up'
  | 'P6 STATUS is local'
  | 'P7 no mass mistake'
  | 'every pod gets an address'
  | 'a cooling address waits'
  | 'no success without a compare-and-swap or a quorum read'
  | 'no write before everything was read'
  | 'every index equals its records'
  | 'every replica knows what is there'
  | 'no internal error';

interface Serving {
  readonly process: Process;
  readonly line: string;
  readonly asked: any;
  readonly at: number;
}

const BINDINGS = kindId(ADDRESS_BINDINGS);
const LISTED = ['addressbindings', 'addresspools', 'pods', 'nodes', 'namespaces'];
const BRAKE_WINDOW_MS = 5 * 60_000;
const BRAKE_LEAST = 5;
/** Longer than watches lag, and than it takes to try some times. */
const SOON_MS = 20_000;
/** With an API server that is quick and well. */
const AT_ONCE_MS = 1_000;

export class Checks implements ApiWitness {
  violation: Violation | undefined;
  /** Records that somebody deletes by hand just now. */
  isByHand = false;
  /** Pods that a listing does not show any more though nobody deleted them; and by when that happened. */
  vanished = new Set<string>();
  readonly #world: World;
  readonly #listed = new Map<Process, Set<string>>();
  readonly #touched = new Map<Process, Map<string, number>>();
  readonly #releases = new Map<string, { at: number; subid: string }>();
  readonly #lastWrites = new Map<string, { writer: Process | undefined; at: number }>();
  /** What each record was at each version, over all histories; and which of those were two things. */
  readonly #versions = new Map<string, string>();
  readonly #repeated = new Set<string>();
  readonly #inferred = new Map<Process, number[]>();
  /** Whose request the API server has on its desk just now. */
  writer: Process | undefined;
  /** Containers whose DEL a controller has answered with success. */
  readonly #answeredDeletes = new Set<string>();
  /** What a call took over from its own pod, which stays whatever comes of the call: addresses by the call's stamp. */
  readonly #takenOver = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  fail(invariant: Invariant, detail: string): void {
    this.violation ??= { invariant, detail, at: this.#world.loop.now };
    this.#world.trace.add(`VIOLATION ${invariant}: ${detail}`);
  }

  started(process: Process): void {
    this.#listed.set(process, new Set());
    this.#touched.set(process, new Map());
  }

  // At the API server.

  arrived(owner: Process, { method, path }: HttpRequest): void {
    if (method === 'GET' || !path.includes('/addressbindings')) return;
    this.#world.chaos.writeSent(owner);
    const missing = LISTED.filter((plural) => !this.#listed.get(owner)!.has(plural));
    if (missing.length > 0)
      this.fail('no write before everything was read', `${owner.name}: ${method} ${path} before ${missing.join(', ')}`);
  }

  answered(owner: Process, { method, path, body }: HttpRequest, status: number, text: string): void {
    if (status >= 300) {
      this.#world.marks.add(`API ${status}`);
      return;
    }
    const plural = /\/([a-z]+)(\?.*)?$/.exec(path)?.[1];
    if (method === 'GET' && plural !== undefined && LISTED.includes(plural) && !path.includes('limit=1&') && !/limit=1$/.test(path)) {
      const { metadata } = JSON.parse(text) as { metadata: { continue?: string } };
      if (metadata.continue === undefined || metadata.continue === '') this.#listed.get(owner)!.add(plural);
    }
    const named = /\/addressbindings\/([^?]+)/.exec(path)?.[1];
    const created = method === 'POST' && path.includes('/addressbindings') ? (JSON.parse(body!) as any).metadata.name : undefined;
    const name = named === undefined ? created : decodeURIComponent(named);
    if (name !== undefined) this.#touched.get(owner)!.set(name, this.#world.loop.now);
  }

  committed({ kind, type, key, object, previous }: Change): void {
    if (kind !== BINDINGS) return;
    const before = (previous as any)?.spec;
    const after = type === 'DELETED' ? undefined : (object as any).spec;
    const isHeld = after !== undefined && after.releasedAt === undefined;
    const wasHeld = before !== undefined && before.releasedAt === undefined;
    const { loop, trace, setting } = this.#world;
    this.#lastWrites.set(key, { writer: this.writer, at: loop.now });
    const isRepeated = this.#isVersionRepeated(previous);
    this.#noteVersion(object);
    trace.add(`commit ${type} ${key} ${isHeld ? describe(after) : `released by ${JSON.stringify(after?.releasedBy?.monotonicNs)}`}`);
    const { address } = (after ?? before) as { address: string };
    for (const sandbox of this.#livesWith(address)) {
      if (this.isByHand) sandbox.isUnrecorded = true;
      if (isRepeated) sandbox.isOvertaken = true;
      if (isHeld && after.attachments[0].podUid === sandbox.pod.runtimeUid) {
        if (after.attachments[0].stamp.bootId !== sandbox.bootId) sandbox.isOvertaken = true;
        continue;
      }
      if (!this.#isExcused(sandbox) && !this.isByHand)
        this.fail('P3 nothing is freed while its sandbox lives', `${address} of ${sandbox.id} on ${sandbox.node}`);
    }
    const wasTold = (): boolean =>
      this.#world.sandboxes.some(({ id, addresses }) => id === before.attachments[0].containerId && addresses.includes(address));
    if (wasHeld && !isHeld && !this.isByHand && wasTold()) {
      this.#releases.set(key, { at: loop.now, subid: before.subid });
      if (after !== undefined && after.releasedBy === undefined) this.#inferredRelease(before.attachments[0]);
    }
    if (this.isByHand) this.#releases.delete(key);
    const isOwn = wasHeld && isHeld && before.attachments[0].podUid === after.attachments[0].podUid;
    if (isOwn) this.#takenOver.add(`${address} ${JSON.stringify(after.attachments[0].stamp)}`);
    const last = this.#releases.get(key);
    if (!wasHeld && isHeld && last !== undefined && last.subid !== after.subid && setting.whenFull === 'Wait') {
      const coolsUntil = last.at + setting.cooldownSeconds * 1000;
      if (loop.now < coolsUntil) this.fail('a cooling address waits', `${address} was given on after ${loop.now - last.at} ms`);
    }
  }

  /** By a server that was restored without skipping versions one may come twice, and fences nothing: a stated limit. */
  #isVersionRepeated(object: Change['object'] | undefined): boolean {
    return object !== undefined && this.#repeated.has(versionOf(object));
  }

  #noteVersion(object: Change['object']): void {
    const [version, text] = [versionOf(object), JSON.stringify((object as any).spec)];
    const before = this.#versions.get(version);
    if (before !== undefined && before !== text) this.#repeated.add(version);
    this.#versions.set(version, text);
  }

  /** The brake: of pods that only seem to be gone, no more than a few are believed. */
  #inferredRelease({ podUid, node, stamp }: { podUid: string; node: string; stamp: { bootId: string } }): void {
    if (!this.vanished.has(podUid) || this.#world.node(node).bootId !== stamp.bootId) return;
    if (this.writer === undefined) return;
    const { loop } = this.#world;
    const before = this.#inferred.get(this.writer) ?? [];
    const recent = [...before.filter((at) => at > loop.now - BRAKE_WINDOW_MS), loop.now];
    this.#inferred.set(this.writer, recent);
    // All addresses of a sandbox go, or none.
    const most = BRAKE_LEAST + (this.#world.setting.isDualStack ? 1 : 0);
    if (recent.length > most) this.fail('P7 no mass mistake', `${recent.length} addresses of pods that only vanished`);
  }

  /** History was taken back: what came after counts for nothing. */
  restored(): void {
    this.#world.isRestored = true;
    this.vanished.clear();
    this.#releases.clear();
  }

  // On the wire between plugin and controller.

  callArrived(process: Process, node: string, request: string): Serving {
    const line = request.slice(0, request.indexOf(' HTTP'));
    const body = request.slice(request.indexOf('\r\n\r\n') + 4);
    this.#world.trace.add(`${node} → ${process.name} ${line} ${body}`);
    return { process, line, asked: JSON.parse(body), at: this.#world.loop.now };
  }

  /** A pool refused: what the other family's pool had given for this very call is given back. */
  #refused(process: Process, { containerId, stamp }: any, { reason }: { reason: string }): void {
    this.#world.marks.add(`an ADD was refused: ${reason}`);
    this.#soon(process, () => {
      for (const { spec } of this.#world.boundRecords()) {
        const [held] = spec.attachments;
        const isOfCall = held.containerId === containerId && JSON.stringify(held.stamp) === JSON.stringify(stamp);
        if (isOfCall && reason !== 'StaleCall' && !this.#takenOver.has(`${spec.address} ${JSON.stringify(stamp)}`))
          this.fail('all addresses or none', `${spec.address} stayed with ${containerId} after ${reason}`);
      }
    });
  }

  /** A DEL was answered: what is older is released by now, or as soon as the replica hears of it. */
  #answeredDelete(process: Process, at: number, { containerId, stamp }: any): void {
    this.#answeredDeletes.add(containerId);
    /** Whether there is one that must go and need not be known yet. */
    const look = (isKnown: (name: string) => boolean): boolean => {
      // No two calls have one stamp.
      const older = this.#world.boundRecords().filter(({ spec: { attachments } }) => {
        const [held] = attachments;
        return held.containerId === containerId && held.stamp.bootId === stamp.bootId && !isBefore(stamp, held.stamp);
      });
      const known = older.find(({ name }) => isKnown(name));
      if (known !== undefined) this.fail('P5 a DEL that succeeded is not lost', `${containerId} still holds ${known.spec.address}`);
      return older.length > 0;
    };
    // Of its own writes it had heard before.
    const touched = this.#touched.get(process)!;
    const isOwn = (name: string): boolean => {
      const last = this.#lastWrites.get(name);
      const heardAt = touched.get(name) ?? -1;
      return last !== undefined && last.writer === process && heardAt >= last.at && heardAt < at;
    };
    if (!this.#world.isRestored) look(isOwn);
    // Another replica may have written one a moment ago, for a call that was late: it is looked at again.
    const isOld = (name: string): boolean => (this.#lastWrites.get(name)?.at ?? 0) <= this.#world.loop.now - this.#soonMs();
    const lookSoon = (): void =>
      this.#soon(process, () => {
        if (look(isOld)) lookSoon();
      });
    lookSoon();
  }

  /** In a while, if the replica is still there and nothing was in its way. */
  #soon(process: Process, check: () => void): void {
    const { loop, chaos } = this.#world;
    const asked = loop.now;
    if (chaos.share.apiFails > 0) return;
    loop.after(this.#soonMs(), () => {
      const isDisturbed = process.isDead || this.#world.isRestored || chaos.disturbedAt > asked - SOON_MS;
      if (!isDisturbed) check();
    });
  }

  #soonMs(): number {
    const { share } = this.#world.chaos;
    return share.apiLags + share.apiSlow > 0 ? SOON_MS : AT_ONCE_MS;
  }

  callAnswered({ process, line, asked, at }: Serving, text: string): void {
    const body = text.slice(text.indexOf('\r\n\r\n') + 4);
    const isDone = text.startsWith('HTTP/1.0 200');
    this.#world.trace.add(`${process.name} answers ${line} ${text.slice(9, 12)} ${body}`);
    if (isDone && line.includes('/v1/cni/del')) this.#answeredDelete(process, at, asked);
    if (isDone && line.includes('/v1/cni/spool')) for (const one of asked.deletes) this.#answeredDelete(process, at, one);
    if (!line.includes('/v1/cni/add')) return;
    if (!isDone) return this.#refused(process, asked, JSON.parse(body) as { reason: string });
    for (const { address } of (JSON.parse(body) as { addresses: { address: string }[] }).addresses) {
      const name = bindingName('default', address.split('/')[0]!);
      const touched = this.#touched.get(process)!.get(name) ?? -1;
      if (touched < at) this.fail('no success without a compare-and-swap or a quorum read', `${process.name} answered with ${address}`);
    }
  }

  // At the runtime.

  accepted(sandbox: Sandbox): void {
    for (const address of sandbox.addresses) {
      for (const other of this.#livesWith(address)) {
        if (other === sandbox || this.#isExcused(other) || this.#isExcused(sandbox)) continue;
        this.fail('P1 one address, one live holder', `${address}: ${other.id} on ${other.node} and ${sandbox.id} on ${sandbox.node}`);
      }
      const record = this.#world.api.object<any>(ADDRESS_BINDINGS, bindingName('default', address))?.spec;
      const isKept = record !== undefined && record.releasedAt === undefined && record.attachments[0].containerId === sandbox.id;
      if (!isKept && !sandbox.isForgotten) this.fail('P2 what was answered is kept', `${address} of ${sandbox.id}: ${describe(record)}`);
    }
    const families = this.#world.setting.isDualStack ? 2 : 1;
    if (sandbox.addresses.length !== families) this.fail('every pod gets an address', `${sandbox.id} has ${sandbox.addresses.join(' ')}`);
  }

  refusedAdd(sandbox: Sandbox, output: any): void {
    if (output === undefined) return; // killed
    this.#world.marks.add(`ADD refused with code ${output.code}`);
    if (/failed inside|Internal error/.test(output.msg)) this.fail('no internal error', `ADD of ${sandbox.id}: ${output.msg}`);
  }

  deleted(sandbox: Sandbox, code: number, output: any): void {
    const node = this.#world.node(sandbox.node);
    if (code === 0 || output === undefined || node.disk.failure !== '' || /ENOSPC/.test(output.msg)) return;
    this.fail('P5 a DEL succeeds', `${sandbox.id}: ${JSON.stringify(output)}`);
  }

  probed(verb: string, node: SimNode, sandbox: Sandbox | undefined, code: number, output: any): void {
    if (code === 0 || output === undefined) return;
    if (verb === 'STATUS') this.fail('P6 STATUS is local', `${node.name}: ${output.msg}`);
    if (output.code !== 11 && sandbox?.state === 'live' && !sandbox.isForgotten && !sandbox.isUnrecorded && !sandbox.isOvertaken)
      this.fail('P2 what was answered is kept', `${verb} of ${sandbox.id}: ${output.msg}`);
  }

  // Now and then, and in the end.

  async audit(): Promise<void> {
    this.#auditDeletes();
    for (const replica of this.#world.replicas) {
      if (replica === undefined) continue;
      const report = await replica.ipam.checkStore({ repair: false, dryRun: true }).catch((error: unknown) => {
        if (!(error instanceof StoreUnavailable) && !(error instanceof StoreAmbiguous)) this.fail('no internal error', String(error));
      });
      const wrong = report?.findings.find(({ code }) => code === 'IndexMismatch');
      if (wrong !== undefined) this.fail('every index equals its records', `${replica.process.name}: ${wrong.detail}`);
    }
  }

  /** A DEL that the runtime was told is done was answered by a controller, or waits on the node's disk. */
  #auditDeletes(): void {
    const { sandboxes, node } = this.#world;
    for (const { id, node: name, isDeleted } of sandboxes) {
      if (!isDeleted || this.#answeredDeletes.has(id)) continue;
      const isSpooled = [...node(name).disk.files].some(([path, text]) => path.endsWith('.json') && text.includes(`"${id}"`));
      if (!isSpooled) this.fail('P5 a DEL that succeeded is not lost', `${id} of ${name}: neither answered nor spooled`);
    }
  }

  /** What is not yet as it must be once faults have stopped; undefined: all is well. */
  unrest(): { readonly invariant: Invariant; readonly detail: string } | undefined {
    const { api, sandboxes, setting, nodes } = this.#world;
    const staticPods = nodes.reduce((sum, one) => sum + one.staticPods.length, 0);
    const live = sandboxes.filter(({ state }) => state === 'live');
    const records = this.#world.boundRecords();
    const holders = new Set<string>();
    let isCapacityLost = false;
    for (const { spec } of records) {
      const { podUid, containerId, static: isStatic } = spec.attachments[0];
      // Adopted as a static pod, or from a status that was out of date: stated limits.
      // Whoever the backup did not know uses one of the sandbox's addresses: rule 5 keeps them all.
      const isContested = records.some(
        (one) =>
          one.spec.attachments[0].containerId === containerId &&
          live.some(({ isForgotten, addresses }) => isForgotten && addresses.includes(one.spec.address)),
      );
      if (isContested) continue;
      // The backup has an earlier sandbox of the pod, of which no DEL comes again: a stated limit, below too.
      if (live.some(({ isForgotten, pod }) => isForgotten && pod.runtimeUid === podUid)) continue;
      const isPodLive = live.some(({ pod, addresses }) => pod.runtimeUid === podUid && !addresses.includes(spec.address));
      if (containerId === '(adopted)' && (isStatic || isPodLive)) {
        isCapacityLost = true;
        continue;
      }
      const key = `${podUid}/${spec.address.includes(':')}`;
      if (holders.has(key)) return { invariant: 'P5 one holder, one record', detail: `${spec.subid} (${podUid}) holds two of a family` };
      holders.add(key);
      const isUsed = live.some(
        ({ id, pod, addresses, isForgotten, isUnrecorded, isOvertaken }) =>
          (id === containerId || containerId === '(adopted)' || isForgotten || isUnrecorded || isOvertaken) &&
          pod.runtimeUid === podUid &&
          addresses.includes(spec.address),
      );
      if (!isUsed) return { invariant: 'P4 what is leaked comes back', detail: `${spec.address} is held for ${describe(spec)}` };
    }
    const kept = api.objects<any>(ADDRESS_BINDINGS).find(({ spec }) => spec.releasedAt !== undefined && live.length === staticPods);
    if (kept !== undefined) return { invariant: 'released records are cleaned up', detail: `${kept.spec.address} is still kept` };
    for (const sandbox of live) {
      const { pod, isForgotten } = sandbox;
      if (isForgotten && records.some(({ spec }) => spec.attachments[0].podUid === pod.runtimeUid)) continue;
      for (const address of sandbox.addresses)
        if (!records.some(({ spec }) => spec.address === address))
          return { invariant: 'P2 what was answered is kept', detail: `${address} of ${sandbox.id} has no record` };
    }
    for (const pod of api.objects<PodObject>(PODS)) {
      const { metadata, status } = pod;
      if (metadata.deletionTimestamp !== undefined)
        return { invariant: 'every pod gets an address', detail: `${metadata.name} does not end` };
      if (isCapacityLost || status?.phase === 'Succeeded' || api.object(NODES, pod.spec.nodeName!) === undefined) continue;
      const uid = metadata.annotations?.[CONFIG_MIRROR] ?? metadata.uid;
      const families = setting.isDualStack ? 2 : 1;
      if (!live.some((one) => one.pod.runtimeUid === uid && one.addresses.length === families))
        return { invariant: 'every pod gets an address', detail: `${metadata.namespace}/${metadata.name} on ${pod.spec.nodeName}` };
    }
    return this.#findUnaware();
  }

  /** A replica whose view is not what the API server has. */
  #findUnaware(): { readonly invariant: Invariant; readonly detail: string } | undefined {
    const invariant = 'every replica knows what is there';
    const there = new Map(this.#world.api.objects(ADDRESS_BINDINGS).map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
    for (const replica of this.#world.replicas) {
      if (replica === undefined) continue;
      const known = replica.ipam.bindings({ state: 'all' });
      const wrong = known.find(({ name, version }) => there.get(name) !== version);
      if (wrong !== undefined) return { invariant, detail: `${replica.process.name} has ${wrong.name} of version ${wrong.version}` };
      if (known.length < there.size) return { invariant, detail: `${replica.process.name} knows ${known.length} of ${there.size} records` };
    }
    return undefined;
  }

  /** Stated limits: who is not in the backup; who lost its record by hand, and then its pod (or mirror) before it was adopted. */
  #isExcused({ isForgotten, isUnrecorded, isOvertaken, pod }: Sandbox): boolean {
    const object = this.#world.api.object<PodObject>(PODS, `${pod.namespace}/${pod.name}`);
    return isForgotten || isOvertaken || (isUnrecorded && (pod.isStatic || object?.metadata.uid !== pod.uid));
  }

  #livesWith(address: string): Sandbox[] {
    return this.#world.sandboxes.filter(({ state, addresses }) => state === 'live' && addresses.includes(address));
  }
}

const versionOf = ({ metadata }: Change['object']): string => `${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`;

const describe = (spec: any): string =>
  spec === undefined
    ? 'nothing'
    : `${spec.subid} ${spec.releasedAt === undefined ? '' : 'released '}${JSON.stringify(spec.attachments?.[0])}`;

/** Of one boot. Not the code under test's own comparison, which may be the one that is wrong. */
function isBefore(a: any, b: any): boolean {
  const [x, y] = [a, b].map(({ startedTicks, monotonicNs, attempt }) => [BigInt(startedTicks), BigInt(monotonicNs), BigInt(attempt)]);
  const differs = x!.findIndex((part, index) => part !== y![index]);
  return differs >= 0 && x![differs]! < y![differs]!;
}
