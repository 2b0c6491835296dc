/** "Sometimes": that each fault and each branch of recovery was really reached, over many seeds. */
export class Marks {
  readonly counts = new Map<string, number>();

  add(name: string, count = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + count);
  }
}
