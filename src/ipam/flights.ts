/**
 * Addresses that calls of this replica are writing just now. The ledger does not show them yet, so without this, two
 * calls would pick the same candidate of a nearly full pool, and limits would be overrun by what is in flight.
 */
export interface Flight {
  readonly network: string;
  readonly address: string;
  readonly pool: string;
  readonly subinstance: string;
  readonly node?: string;
  readonly podUid?: string;
}

type Who = { readonly subinstance?: string; readonly node?: string; readonly podUid?: string };

export class Flights {
  readonly #flying = new Map<string, Flight>();

  has(network: string, address: string): boolean {
    return this.#flying.has(`${network}/${address}`);
  }

  start(flight: Flight): () => void {
    const key = `${flight.network}/${flight.address}`;
    this.#flying.set(key, flight);
    return () => this.#flying.delete(key);
  }

  /** How many are in flight in a pool for one holder; there are never more of them than calls under way. */
  count(pool: string, who: Who): number {
    let count = 0;
    for (const flight of this.#flying.values()) {
      if (flight.pool !== pool) continue;
      if (who.subinstance !== undefined && flight.subinstance !== who.subinstance) continue;
      if (who.node !== undefined && flight.node !== who.node) continue;
      if (who.podUid !== undefined && flight.podUid !== who.podUid) continue;
      count++;
    }
    return count;
  }
}
