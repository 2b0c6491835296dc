/** create, get, update, patch and delete, with the preconditions and special cases of a real API server. */
import { isDeepStrictEqual } from 'node:util';
import type { Timers } from '../../../src/core/clock.ts';
import { apiVersionOf, keyOf, type KubernetesObject } from '../../../src/kubernetes/objects.ts';
import { alreadyExists, conflict, failure, invalid, json, notFound, type Reply } from './answers.ts';
import type { History } from './history.ts';
import { kindId, type Kind } from './kinds.ts';
import { applyPatch } from './patches.ts';

export interface Address {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly subresource: string | undefined;
}

interface Body extends KubernetesObject {
  readonly spec?: any;
  readonly status?: any;
}

interface DeleteBody {
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export class Verbs {
  readonly #history: History;
  readonly #timers: Timers;
  #uids = 0;

  constructor(history: History, timers: Timers) {
    this.#history = history;
    this.#timers = timers;
  }

  get({ kind, namespace, name }: Address): Reply {
    const object = this.#find(kind, namespace, name);
    return object === undefined ? notFound(kind, name) : json(200, object);
  }

  create(kind: Kind, namespace: string | undefined, body: Body): Reply {
    const name = body.metadata?.name ?? '';
    if (name === '') return invalid(kind, name, 'metadata.name: Required value: name or generateName is required');
    const wrong = kind.validate?.(body);
    if (wrong !== undefined) return invalid(kind, name, wrong);
    if (body.metadata.resourceVersion) return failure(400, 'BadRequest', 'resourceVersion should not be set on objects to be created');
    if (this.#find(kind, namespace, name) !== undefined) return alreadyExists(kind, name);
    return json(201, this.add(kind, namespace, kind.hasStatus ? withStatus(body, kind.group === '' ? {} : undefined) : body));
  }

  /** What a create does once nothing speaks against it; also the tests' own door, where a status may be given. */
  add(kind: Kind, namespace: string | undefined, body: Body): KubernetesObject {
    const metadata = {
      ...body.metadata,
      ...(kind.namespaced && namespace !== undefined && { namespace }),
      uid: uuid(++this.#uids),
      creationTimestamp: new Date(this.#timers.now()).toISOString(),
      generation: 1,
    };
    const object = { ...body, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata };
    return this.#history.commit(kindId(kind), keyOf(metadata), object);
  }

  update(address: Address, body: Body): Reply {
    const { kind, namespace, name } = address;
    const current = this.#find(kind, namespace, name);
    if (current === undefined) return notFound(kind, name);
    const refused = this.#compare(kind, current, body.metadata ?? {}, 'Operation');
    if (refused !== undefined) return refused;
    if (!kind.allowsUnconditionalUpdate && !body.metadata.resourceVersion) {
      return invalid(kind, name, 'metadata.resourceVersion: Invalid value: 0: must be specified for an update');
    }
    const next = this.#next(address, current, body);
    const wrong = kind.validate?.(next);
    if (wrong !== undefined) return invalid(kind, name, wrong);
    return json(200, this.write(kind, current, next));
  }

  patch(address: Address, patch: unknown, contentType: string): Reply {
    const { kind, namespace, name } = address;
    const current = this.#find(kind, namespace, name);
    if (current === undefined) return notFound(kind, name);
    const patched = applyPatch(current, patch, contentType);
    if ('wrong' in patched)
      return failure(422, 'Invalid', `the server rejected our request due to an error in our request: ${patched.wrong}`);
    const { uid, resourceVersion } = patched.object.metadata;
    if (uid !== current.metadata.uid && resourceVersion === current.metadata.resourceVersion) {
      return invalid(kind, name, `metadata.uid: Invalid value: ${JSON.stringify(uid)}: field is immutable`);
    }
    return this.update(address, patched.object);
  }

  /** An update that changes nothing is none; one that takes the last finalizer off what is being deleted deletes it. */
  write(kind: Kind, current: KubernetesObject, next: Body): KubernetesObject {
    const same = isDeepStrictEqual(
      { ...next, metadata: { ...next.metadata, resourceVersion: '' } },
      { ...current, metadata: { ...current.metadata, resourceVersion: '' } },
    );
    if (same) return current;
    const key = keyOf(current.metadata);
    const { deletionTimestamp, finalizers } = next.metadata;
    const last = (current.metadata.finalizers ?? []).length > 0 && (finalizers ?? []).length === 0;
    const written = this.#history.commit(kindId(kind), key, next);
    return deletionTimestamp !== undefined && last ? this.#history.commit(kindId(kind), key, undefined) : written;
  }

  remove({ kind, namespace, name }: Address, body: DeleteBody): Reply {
    const current = this.#find(kind, namespace, name) as Body | undefined;
    if (current === undefined) return notFound(kind, name);
    const refused = this.#compare(kind, current, body.preconditions ?? {}, 'Precondition');
    if (refused !== undefined) return refused;
    const finalizers = current.metadata.finalizers ?? [];
    const grace =
      kind.hasGrace && current.spec?.nodeName ? (body.gracePeriodSeconds ?? current.spec.terminationGracePeriodSeconds ?? 30) : 0;
    if (finalizers.length === 0 && grace === 0) {
      this.#history.commit(kindId(kind), keyOf(current.metadata), undefined);
      const { uid } = current.metadata;
      return json(200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details: { name, uid, kind: kind.plural } });
    }
    if (current.metadata.deletionTimestamp !== undefined) return json(200, current);
    const deletionTimestamp = new Date(this.#timers.now() + grace * 1000).toISOString();
    const metadata = { ...current.metadata, deletionTimestamp, ...(kind.hasGrace && { deletionGracePeriodSeconds: grace }) };
    return json(200, this.#history.commit(kindId(kind), keyOf(current.metadata), { ...current, metadata } as KubernetesObject));
  }

  #find(kind: Kind, namespace: string | undefined, name: string): KubernetesObject | undefined {
    return this.#history.live(kindId(kind)).get(keyOf({ namespace, name }));
  }

  #next({ kind, subresource }: Address, current: Body, body: Body): Body {
    if (subresource === 'status') return { ...current, status: body.status };
    const {
      uid,
      creationTimestamp,
      deletionTimestamp,
      generation = 1,
    } = current.metadata as Body['metadata'] & { creationTimestamp: string };
    const changed = !isDeepStrictEqual(body.spec, current.spec);
    const metadata = {
      ...body.metadata,
      ...(current.metadata.namespace !== undefined && { namespace: current.metadata.namespace }),
      uid: uid as string,
      creationTimestamp,
      ...(deletionTimestamp !== undefined && { deletionTimestamp }),
      generation: changed ? generation + 1 : generation,
    };
    const next = { ...body, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata };
    return kind.hasStatus ? withStatus(next, current.status) : next;
  }

  #compare(
    kind: Kind,
    current: KubernetesObject,
    wanted: { readonly uid?: string; readonly resourceVersion?: string },
    what: 'Operation' | 'Precondition',
  ): Reply | undefined {
    const { name, uid, resourceVersion } = current.metadata;
    if (wanted.uid && wanted.uid !== uid) {
      return conflict(kind, name, `Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${uid}`);
    }
    if (wanted.resourceVersion && wanted.resourceVersion !== resourceVersion) {
      const latest = 'the object has been modified; please apply your changes to the latest version and try again';
      return conflict(
        kind,
        name,
        what === 'Operation' ? latest : `the ResourceVersion in the precondition (${wanted.resourceVersion}) does not match`,
      );
    }
    return undefined;
  }
}

function withStatus(body: Body, status: unknown): Body {
  const { status: _, ...rest } = body;
  return status === undefined ? rest : { ...rest, status };
}

const uuid = (count: number): string => `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`;
