/**
 * The bug museum: faults that others had, that Berth's first designs had, and that Berth itself had, each as an edit of
 * today's source. They exist in no build: test/simulation/plant.ts puts one in while the modules are loaded. An edit
 * that does not fit any more is an error, so none can rot in silence.
 */
export interface Bug {
  readonly name: string;
  /** Of LESSONS: its row, or "Berth" for one of our own that the simulation found. */
  readonly lesson: string;
  readonly what: string;
  readonly edits: readonly Edit[];
}

export interface Edit {
  readonly file: string;
  /** Exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

const bug = (name: string, lesson: string, what: string, ...edits: readonly [file: string, find: string, replace: string][]): Bug => ({
  name,
  lesson,
  what,
  edits: edits.map(([file, find, replace]) => ({ file, find, replace })),
});

const ADD = 'src/ipam/add.ts';
const DEL = 'src/ipam/del.ts';
const WRITE = 'src/ipam/write.ts';
const EVIDENCE = 'src/ipam/collector/evidence.ts';
const LIST_WATCH = 'src/kubernetes/list-watch.ts';
const CONDEMNED = 'src/ipam/release-condemned.ts';

export const BUGS: readonly Bug[] = [
  bug('holder-is-the-name', 'A', 'a pod is given the bound address of its namesake', [
    ADD,
    'const own = context.view.ledger.byHolder(key).find(isListed) ??',
    'const own = context.view.ledger.byHolder(key).find(isListed) ?? context.view.ledger.bySubject(request.pod?.namespace ?? "", request.pod?.name ?? "").find(isListed) ??',
  ]),
  bug('older-call-takes-over', 'B', 'an orphaned ADD takes the attachment back from the newer one', [
    ADD,
    'if (order > 0) return refuse',
    'if (order > 99e9) return refuse',
  ]),
  bug('undone-when-caller-left', 'C', 'what was written is undone because the caller has gone', [
    ADD,
    '  return done(answer(call, given));',
    '  if (call.caller.gone()) for (const { stored } of given) await releaseBinding(call.context, stored.name, () => true);\n  return done(answer(call, given));',
  ]),
  bug('answered-from-cache', 'D', 'an idempotent ADD is answered from memory', [
    ADD,
    '  const held = own.spec.attachments.find(',
    '  if (own !== undefined) return done({ stored: own, slot });\n  const held = own.spec.attachments.find(',
  ]),
  bug('spool-without-stamp', 'E', 'a DEL releases whatever the container id holds, however new', [
    DEL,
    'return held.bootId === by.bootId ? compareStamps(held, by) < 0 : held.bootId === olderBoot;',
    'return held.bootId === by.bootId || held.bootId === olderBoot || compareStamps(held, { ...by, bootId: held.bootId }) !== undefined;',
  ]),
  bug(
    'one-record-a-pod',
    'F',
    'both families of a pod are taken for duplicates, of which one goes',
    ['src/core/holder.ts', 'holder.ifName, holder.family, holder.slot]', 'holder.ifName]'],
    ['src/ipam/release-condemned.ts', 'if (compareStamps(stamp, newest.stamp) < 0) letGo', 'if (name !== newest.name) letGo'],
  ),
  bug('no-tombstone', 'G', 'a DEL that finds nothing leaves nothing behind', [
    'src/ipam/tombstones.ts',
    'const by = this.#current(this.#deleted, attachment);',
    'const by = undefined as Stamp | undefined;',
  ]),
  bug('twins-stay', 'H', 'two records of one holder are left', [
    CONDEMNED,
    'if (twins.length < 2) return;',
    'if (twins.length < 99) return;',
  ]),
  bug('status-asks', 'I', 'STATUS asks the controller', [
    'src/cni/plugin.ts',
    'return { outcome: status(call.host, call.request.configuration), reached: false, attempt: 0 };',
    'return collect(call);',
  ]),
  bug('finalizer', 'J', 'records carry a finalizer', [
    'src/kubernetes/collection.ts',
    'const object = this.#conversion.toObject(name, spec);\n    return this.#write(() => this.#client.create',
    'const made = this.#conversion.toObject(name, spec);\n    const object = { ...made, metadata: { ...made.metadata, finalizers: ["berth-ipam.dev/keep"] } };\n    return this.#write(() => this.#client.create',
  ]),
  bug('no-brake', 'K', 'what seems to be gone is released at once, however much it is', [
    'src/ipam/collector/brake.ts',
    'this.#released.push({ pool, at: this.#clock.monotonic() });',
    'void pool;',
  ]),
  bug('brake-for-ever', 'K', 'a share of a small pool is no address at all', [
    'src/ipam/collector/brake.ts',
    'const AT_LEAST = 5;',
    'const AT_LEAST = 0;',
  ]),
  bug('cooling-by-wall-clock', 'L', 'cooling is measured between two machines’ clocks', [
    'src/core/tombstone.ts',
    'const coolingUntil = seenAt + binding.cooldownSeconds * 1000;',
    'const coolingUntil = seenAt + binding.cooldownSeconds * 1000 - ((binding.releasedAt ?? 0) % 60_000);',
  ]),
  bug('del-by-interface', 'M', 'a late DEL of the first sandbox frees the second one’s address', [
    DEL,
    'const isOwn = (attachment: Attachment) => attachmentKey(attachment) === key;',
    'const isOwn = (attachment: Attachment) => attachmentKey({ ...attachment, containerId: request.containerId }) === key;',
  ]),
  bug('no-grace', 'N', 'a deleted pod’s grace period is not waited for', [
    EVIDENCE,
    'const left = waitsFrom + graceSeconds * 1000 + MARGIN_MS - this.#context.timers.monotonic();',
    'const left = waitsFrom + 0 * (graceSeconds * 1000 + MARGIN_MS) - this.#context.timers.monotonic();',
  ]),
  bug(
    'ready-is-enough',
    'N',
    'a node counts as alive without renewing its Lease',
    [EVIDENCE, 'return suspicion.renewal === renewal ?', "return suspicion.renewal === '' ?"],
    [EVIDENCE, 'if (suspicion.first === renewal) return Infinity;', "if (suspicion.first === '') return Infinity;"],
  ),
  bug('ticks-only', 'O', 'two calls within one tick have no order', [
    'src/core/stamp.ts',
    'if (a.monotonicNs !== b.monotonicNs) {',
    'if (a.monotonicNs !== b.monotonicNs && a.startedTicks < 0) {',
  ]),
  bug('undo-with-own-stamp', 'O', 'the plugin’s own DEL carries the ADD’s stamp', [
    'src/cni/verbs.ts',
    'after: attempt, body: (number) => deletion(call, number)',
    'after: attempt, body: () => deletion(call, attempt)',
  ]),
  bug('old-stamp-stays', 'P', 'a success by read leaves the older call’s stamp in the record', [
    ADD,
    'const stored = await replaceBinding(context, own, { ...own.spec, attachments: [attachmentOf(call)] });',
    'const stored = await learn(context, own.name);',
  ]),
  bug('release-without-stamp', 'Q', 'the release does not carry the DEL’s stamp', [
    WRITE,
    '...(releasedBy !== undefined && { releasedBy }),',
    '...(releasedBy === undefined && { releasedBy: undefined }),',
  ]),
  bug('any-boot-is-newer', 'R', 'a call of the boot before is believed', [
    'src/ipam/cluster-nodes.ts',
    "verdict: isShown ? 'current' : 'not shown',",
    "verdict: 'current',",
  ]),
  bug('mirror-gone-is-dead', 'S', 'a static pod is judged by its mirror', [
    EVIDENCE,
    'if (sandbox.attachment.static === true) return this.#alive(sandbox);',
    '',
  ]),
  bug('relist-is-a-witness', 'T', 'a relist counts as having seen the deletion', [
    LIST_WATCH,
    'if (!seen.has(key)) this.#remove(key, value, false);',
    'if (!seen.has(key)) this.#remove(key, value, true);',
  ]),
  bug('spool-strikes-out', 'U', 'a later DEL of the interface replaces the one that waits', [
    'src/cni/spool.ts',
    "const name = `${String(startedTicks).padStart(16, '0')}-${monotonicNs.padStart(20, '0')}-${host.processId}-${attempt}`;",
    "const name = `${startedTicks < 0 || attempt < 0 || monotonicNs === '' ? host.processId : ''}-${del.cniNetwork}-${del.ifName}`;",
  ]),
  bug('pod-from-cache', '14', 'the collector does not read the pod again before it writes', [
    EVIDENCE,
    'const pod = findPodOf(sandbox, await this.#workloads.readPod(sandbox.namespace, sandbox.name));',
    'const pod = findPodOf(sandbox, this.#workloads.cachedPod(sandbox.namespace, sandbox.name));',
  ]),
  bug('pod-by-name', '2', 'the collector knows a pod by its name', [
    EVIDENCE,
    'return pod !== undefined && (pod.uid === sandbox.podUid || pod.annotations[CONFIG_MIRROR] === sandbox.podUid) ? pod : undefined;',
    'return pod !== undefined && sandbox.podUid !== "" && CONFIG_MIRROR !== "" ? pod : undefined;',
  ]),
  bug(
    'pending-is-dead',
    '3',
    'a pod without an address in its status is judged dead',
    [
      EVIDENCE,
      'if (pod === undefined) return this.#judgePodGone(sandbox, node);',
      'if (pod === undefined || pod.addresses.length === 0) return this.#judgePodGone(sandbox, node);',
    ],
    [EVIDENCE, 'return pod === undefined || isOver(pod);', 'return pod === undefined || pod.addresses.length === 0 || isOver(pod);'],
  ),
  bug('delete-without-version', '8', 'the janitor deletes whatever has the name', [
    'src/kubernetes/collection.ts',
    'const preconditions = { uid: old.uid, resourceVersion: old.version };',
    "const preconditions = { uid: '', resourceVersion: old.version.slice(0, 0) };",
  ]),
  bug('answers-before-sync', '9', 'calls are served before everything was read', [
    'src/ipam/open.ts',
    'if (!context.synced()) return refuse',
    'if (closed) return refuse',
  ]),
  bug('recreated-is-updated', '12', 'deletion and re-creation within a gap look like one update', [
    LIST_WATCH,
    'if (last !== undefined && last.uid !== uid) this.#remove(key, last, false);',
    '',
  ]),
  bug('container-is-the-holder', '16', 'each sandbox of a pod takes an address of its own', [
    'src/core/holder.ts',
    "const [kind, id] = holder.podUid ? ['pod', holder.podUid] : ['container', holder.containerId];",
    "const [kind, id] = ['container', holder.containerId];",
  ]),
  bug('no-collector', '17', 'nobody looks for what no DEL will free', [
    'src/ipam/background.ts',
    'passes.push((options) => collector.pass(options));',
    '',
  ]),
  bug('one-of-two', '18', 'a refused family leaves the other one’s address', [
    ADD,
    'if (before === undefined) continue;',
    'if (before !== undefined) continue;',
  ]),
  bug('unknown-is-an-error', '19', 'DEL of the unknown fails', [
    DEL,
    '    for (const name of await readHints',
    '    if (names.size === 0 && (request.prevAddresses ?? []).length === 0) throw new Error("never allocated");\n    for (const name of await readHints',
  ]),
  bug('del-forgotten', '20', 'a DEL that cannot be delivered is said to be done', [
    'src/cni/spool.ts',
    "const kept = created === '' ? host.renameFile(hidden, final, directory) : created;",
    "const kept = created === '' ? (final === '' ? created : host.removeFile(hidden)) : created;",
  ]),
  bug('boots-do-not-count', '21', 'what a boot before held is kept', [
    EVIDENCE,
    "return bootId !== '' && stamp",
    "return bootId === '' && stamp",
  ]),
  bug('netns-needed', '23', 'DEL wants a network namespace', [
    'src/cni/environment.ts',
    "DEL: ['CNI_CONTAINERID', 'CNI_IFNAME'],",
    "DEL: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'],",
  ]),
  bug('existing-is-ours', '4', 'a create that meets another’s record takes it for its own', [
    WRITE,
    'if (current !== undefined && sameSpec(current.spec, spec)) return current;',
    'if (current !== undefined && (lost === undefined || sameSpec(current.spec, spec))) return current;',
  ]),
  bug('lost-answer-is-success', 'DESIGN 5', 'an ambiguous write counts as done', [
    WRITE,
    'if (current !== undefined && sameSpec(current.spec, spec)) return current;',
    'if (current !== undefined && (lost !== undefined || sameSpec(current.spec, spec))) return current;',
  ]),
  bug('cooling-is-free', '13', 'a pool that should wait gives cooling addresses on', [
    'src/core/choose.ts',
    "(book.pool.spec.whenFull === 'Reuse' ? notAvoided(book.cooling) : undefined)",
    'notAvoided(book.cooling)',
  ]),
  bug('status-is-ignored', 'DESIGN 6', 'an address in a live pod’s status is a candidate', [
    'src/ipam/choose-in-pools.ts',
    'network === DEFAULT_NETWORK && (podAddresses',
    "network === '' && (podAddresses",
  ]),
  bug('no-adoption', 'DESIGN 6', 'running pods without a record stay without', [
    'src/ipam/collector/adopt.ts',
    'if (audits < AUDITS) continue;',
    'if (audits < 1e9 * AUDITS) continue;',
  ]),
  bug('no-janitor', 'DESIGN 6', 'cooled records are never deleted', [
    'src/ipam/collect.ts',
    'ledger.forgettable().slice(0, most)',
    'ledger.forgettable().slice(0, 0 * most)',
  ]),
  bug(
    'gc-without-stamps',
    'CNI 2.1',
    'GC releases what came after its list was made',
    [
      'src/ipam/gc.ts',
      'isUnknown(one) && isOlderCall(one.stamp, stamp, olderBoot)',
      'isUnknown(one) && (isOlderCall(one.stamp, stamp, olderBoot) || true)',
    ],
    [
      'src/ipam/gc.ts',
      '|| ageSeconds(context, name) < request.gcMinAgeSeconds',
      '|| ageSeconds(context, name) < 0 * request.gcMinAgeSeconds',
    ],
  ),
  bug('crashed-is-over', 'Berth', 'a container that ended is taken for the end of its pod, also when it will be started again', [
    'src/kubernetes/workload-objects.ts',
    'if (!isFinished(status.phase)) return false;',
    '',
  ]),
  bug('grace-from-the-deletion', 'Berth', 'a kubelet that was cut off begins the grace period later than is counted', [
    EVIDENCE,
    'const waitsFrom = node.isOutOfService ? -Infinity : await this.#heardAt(suspicion, node);',
    'const waitsFrom = gone?.at ?? (await this.#heardAt(suspicion, node));',
  ]),
  bug('relist-not-believed', 'Berth', 'what a listing brings back stays forgotten', [
    'src/kubernetes/collection.ts',
    'relisted: (all, upTo) => watcher.relisted?.(all, upTo),',
    '',
  ]),
  bug(
    'watch-of-another-history',
    'Berth',
    'an open watch is not compared with the server, nor listed anew after trouble',
    [
      LIST_WATCH,
      'const problem = await this.#checkHistory(version);\n      if (problem !== undefined || this.#version === undefined) return problem;',
      '',
    ],
    [LIST_WATCH, 'this.#isInDoubt ? timers.after', 'this.#failures < 0 ? timers.after'],
  ),
  bug('gc-of-an-old-listing', 'Berth', 'GC stumbles over what went while it waited', [
    'src/ipam/gc.ts',
    'const name = bindingName(binding.network, binding.address);',
    'const { name } = context.view.storedOf(binding);',
  ]),
  bug(
    'no-pool-no-network',
    'Berth',
    'a CHECK looks only in networks of which a pool is known',
    ['src/core/ledger.ts', 'books.length > 0 || records.size > 0', 'books.length > 0'],
    ['src/ipam/hints.ts', '[DEFAULT_NETWORK, ...view', '[...view'],
  ),
  bug('writes-before-sync', 'Berth', 'the janitor and the healing of twins begin before everything was read', [
    'src/ipam/background.ts',
    'context.synced() && (cluster?.leads() ?? true)',
    'cluster?.leads() ?? true',
  ]),
];
