/**
 * The twin that the library is measured against: what somebody writes in an afternoon who needs no more than three
 * Maps. It has no ranges, reservations, families, counts, leases, cooling, tags or slots; it deals addresses in order
 * and takes back what is released.
 */
import type { Resource } from '../../src/core/index.ts';

interface Held {
  readonly address: string;
  readonly subinstance: string;
  readonly subid: string;
  readonly resource: Resource;
  readonly boundAt: number;
}

export class ThreeMaps {
  readonly #byAddress = new Map<string, Held>();
  readonly #bySubject = new Map<string, Held>();
  readonly #byResource = new Map<string, Held>();
  readonly #free: string[] = [];
  #next: number;

  constructor(first: number) {
    this.#next = first;
  }

  allocate(subinstance: string, subid: string, resource: Resource): string {
    const subject = `${subinstance}/${subid}`;
    const own = this.#bySubject.get(subject);
    if (own) return own.address;
    const address = this.#free.pop() ?? this.#dealNext();
    const held = { address, subinstance, subid, resource, boundAt: Date.now() };
    this.#byAddress.set(address, held);
    this.#bySubject.set(subject, held);
    this.#byResource.set(`${resource.type}:${resource.value}`, held);
    return address;
  }

  releaseByIp(address: string): Held {
    const held = this.#byAddress.get(address);
    if (!held) throw new Error(`nobody holds ${address}`);
    this.#byAddress.delete(address);
    this.#bySubject.delete(`${held.subinstance}/${held.subid}`);
    this.#byResource.delete(`${held.resource.type}:${held.resource.value}`);
    this.#free.push(address);
    return held;
  }

  #dealNext(): string {
    const value = this.#next++;
    return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
  }
}
