/** Lists: consistent ones from what is written, in pages of one snapshot; with resourceVersion=0 from the cache, however old. */
import type { KubernetesObject } from '../../../src/kubernetes/objects.ts';
import { apiVersionOf } from '../../../src/kubernetes/objects.ts';
import { expired, failure, json, type Reply } from './answers.ts';
import type { History } from './history.ts';
import { kindId, type Kind } from './kinds.ts';
import { selectorFilter, type Filter } from './selectors.ts';

interface Snapshot {
  readonly revision: number;
  readonly items: readonly KubernetesObject[];
}

export class Listings {
  readonly #history: History;
  readonly #snapshots = new Map<string, Snapshot>();
  #tokens = 0;

  constructor(history: History) {
    this.#history = history;
  }

  list(kind: Kind, namespace: string | undefined, query: URLSearchParams): Reply {
    const limit = Number(query.get('limit') ?? 0);
    const token = query.get('continue');
    if (token !== null && token !== '') return this.#page(kind, token, limit);
    const filter = filterOf(namespace, query);
    const version = query.get('resourceVersion');
    if (version === '0')
      return this.#answer(kind, { revision: this.#history.cached, items: sorted(this.#history.cache(kindId(kind)), filter) }, 0, 0);
    if (version !== null && Number(version) > this.#history.revision) {
      return failure(504, 'Timeout', `Too large resource version: ${version}, current: ${this.#history.revision}`, {
        retryAfterSeconds: 1,
      });
    }
    return this.#answer(kind, { revision: this.#history.revision, items: sorted(this.#history.live(kindId(kind)), filter) }, 0, limit);
  }

  #page(kind: Kind, token: string, limit: number): Reply {
    const [id = '', start = ''] = token.split('.');
    const snapshot = this.#snapshots.get(id);
    if (snapshot === undefined || snapshot.revision < this.#history.compacted) {
      return expired('The provided continue parameter is too old to display a consistent list result.');
    }
    return this.#answer(kind, snapshot, Number(start), limit, id);
  }

  #answer(kind: Kind, snapshot: Snapshot, start: number, limit: number, id = String(++this.#tokens)): Reply {
    const end = limit > 0 ? start + limit : snapshot.items.length;
    const more = end < snapshot.items.length;
    if (more) this.#snapshots.set(id, snapshot);
    else this.#snapshots.delete(id);
    const metadata = {
      resourceVersion: String(snapshot.revision),
      ...(more && { continue: `${id}.${end}`, remainingItemCount: snapshot.items.length - end }),
    };
    // As served: the items of a list of built-in kinds say neither apiVersion nor kind.
    const bare = kind.allowsUnconditionalUpdate;
    const items = snapshot.items.slice(start, end).map((object) => (bare ? { ...object, apiVersion: undefined, kind: undefined } : object));
    return json(200, { apiVersion: apiVersionOf(kind), kind: `${kind.kind}List`, metadata, items });
  }
}

export function filterOf(namespace: string | undefined, query: URLSearchParams): Filter {
  const selected = selectorFilter(query.get('labelSelector'), query.get('fieldSelector'));
  return (object) => (namespace === undefined || object.metadata.namespace === namespace) && selected(object);
}

export const sorted = (objects: ReadonlyMap<string, KubernetesObject>, filter: Filter): readonly KubernetesObject[] =>
  [...objects]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, object]) => object)
    .filter((object) => filter(object));
