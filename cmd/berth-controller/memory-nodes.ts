import type { BootVerdict, Nodes } from '../../src/ipam/ports.ts';

/** Which boots are over, for as long as the process lives; records in memory do not outlive it either. */
export class MemoryNodes implements Nodes {
  readonly #local: string;
  readonly #localBootId: string | undefined;
  readonly #current = new Map<string, string>();
  readonly #superseded = new Set<string>();

  constructor(local: string, localBootId: string | undefined) {
    this.#local = local;
    this.#localBootId = localBootId;
    if (localBootId !== undefined) this.#current.set(local, localBootId);
  }

  /** For this machine its kernel is the truth; of another node the latest boot is the current one. */
  async judgeBoot(node: string, bootId: string): Promise<BootVerdict> {
    const current = this.#current.get(node);
    if (current === bootId) return { verdict: 'current', rebooted: false };
    if (this.#knowsByItself(node) || this.#superseded.has(`${node} ${bootId}`)) return { verdict: 'superseded', rebooted: false };
    if (current !== undefined) this.#superseded.add(`${node} ${current}`);
    this.#current.set(node, bootId);
    return { verdict: 'current', rebooted: current !== undefined };
  }

  async isSuperseded(node: string, bootId: string): Promise<boolean> {
    return this.#knowsByItself(node) ? bootId !== this.#localBootId : this.#superseded.has(`${node} ${bootId}`);
  }

  #knowsByItself(node: string): boolean {
    return node === this.#local && this.#localBootId !== undefined;
  }
}
