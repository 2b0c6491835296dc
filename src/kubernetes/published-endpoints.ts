/**
 * Where the controllers are, as the nodes read it: each replica keeps its own addresses in a ConfigMap and counts on
 * while it lives. A count that stands still for long, by the clock of who looks, is a replica that is gone.
 */
import type { Clock } from '../core/clock.ts';

interface Replica {
  readonly urls: readonly string[];
  readonly count: number;
}

type Replicas = Readonly<Record<string, Replica>>;

const GONE_AFTER_MS = 5 * 60_000;

export class PublishedEndpoints {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #identity: string;
  readonly #urls: readonly string[];
  readonly #seen = new Map<string, { readonly count: number; readonly since: number }>();

  constructor(clock: Pick<Clock, 'monotonic'>, identity: string, urls: readonly string[]) {
    this.#clock = clock;
    this.#identity = identity;
    this.#urls = urls;
  }

  /** The ConfigMap's data with this replica alive in it. */
  beat(data: Readonly<Record<string, string>>): { readonly endpoints: string; readonly replicas: string } {
    const known = parse(data['replicas']);
    const count = (known[this.#identity]?.count ?? 0) + 1;
    return render({ ...this.#living(known), [this.#identity]: { urls: this.#urls, count } });
  }

  /**
   * The same without it: it stops. The last one leaves its addresses behind: it comes back there, or behind the same
   * ClusterIP, and a node that had an empty list would wait for its kubelet to bring the next one.
   */
  leave(data: Readonly<Record<string, string>>): { readonly endpoints: string; readonly replicas: string } {
    const { [this.#identity]: own, ...others } = this.#living(parse(data['replicas']));
    const { endpoints, replicas } = render(others);
    return { endpoints: endpoints || render({ [this.#identity]: own ?? { urls: this.#urls, count: 0 } }).endpoints, replicas };
  }

  #living(replicas: Replicas): Replicas {
    const now = this.#clock.monotonic();
    for (const [name, { count }] of Object.entries(replicas)) {
      if (this.#seen.get(name)?.count !== count) this.#seen.set(name, { count, since: now });
    }
    return Object.fromEntries(Object.entries(replicas).filter(([name]) => now - this.#seen.get(name)!.since < GONE_AFTER_MS));
  }
}

function render(replicas: Replicas): { readonly endpoints: string; readonly replicas: string } {
  const urls = [...new Set(Object.values(replicas).flatMap(({ urls }) => urls))];
  return { endpoints: urls.map((url) => `${url}\n`).join(''), replicas: JSON.stringify(replicas) };
}

/** What somebody else has written there counts as nothing. */
function parse(text: string | undefined): Replicas {
  try {
    const parsed = JSON.parse(text ?? '{}') as Record<string, Partial<Replica> | null>;
    return Object.fromEntries(
      Object.entries(parsed).filter(
        (entry): entry is [string, Replica] => Array.isArray(entry[1]?.urls) && typeof entry[1].count === 'number',
      ),
    );
  } catch {
    return {};
  }
}
