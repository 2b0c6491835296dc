/**
 * Which boot of a node is the one that runs, remembered on disk, because a boot id that was superseded never comes
 * back (DESIGN section 5). For the controller's own machine its kernel is the truth. Other nodes (client certificates)
 * have nobody to ask: their latest id is the current one.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { BootVerdict, Nodes } from '../ipam/ports.ts';
import type { Applied, CommitQueue } from './commit-queue.ts';

export interface LocalNode {
  readonly name: string;
  /** /proc/sys/kernel/random/boot_id; absent where there is none, and then the node is judged like any other. */
  readonly bootId?: string | undefined;
  readonly uid?: string | undefined;
}

/** A node that invents boot ids must not fill the disk; an id from so many boots ago is no delayed call any more. */
const BOOTS_REMEMBERED = 100;

interface Boots {
  readonly current: string;
  readonly superseded: ReadonlySet<string>;
}

export class SqliteNodes implements Nodes {
  /** The machine has booted since the database was last opened: what its older boots hold is let go at the start. */
  readonly bootChangedAtOpen: boolean;
  readonly #local: LocalNode;
  readonly #queue: CommitQueue;
  readonly #selectBoots: StatementSync;
  readonly #supersede: StatementSync;
  readonly #insert: StatementSync;
  readonly #forget: StatementSync;
  /** What is on disk, never more. */
  readonly #known = new Map<string, Boots>();
  #localBootIsNews = false;

  /** Reads what is known and, where the machine has booted, records that at once. */
  constructor(database: DatabaseSync, queue: CommitQueue, local: LocalNode) {
    this.#local = local;
    this.#queue = queue;
    this.#selectBoots = database.prepare('SELECT boot_id, current FROM boots WHERE node = ?');
    this.#supersede = database.prepare('UPDATE boots SET current = 0 WHERE node = ?');
    this.#insert = database.prepare('INSERT INTO boots (node, boot_id, current) VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET current = 1');
    this.#forget = database.prepare(
      'DELETE FROM boots WHERE node = ?1 AND current = 0 AND rowid NOT IN (SELECT rowid FROM boots WHERE node = ?1 ORDER BY rowid DESC LIMIT ?2)',
    );
    for (const { node } of database.prepare('SELECT DISTINCT node FROM boots').all())
      this.#known.set(String(node), this.#read(String(node)) as Boots);
    const before = this.#known.get(local.name)?.current;
    this.#localBootIsNews = local.bootId !== undefined && local.bootId !== before;
    this.bootChangedAtOpen = this.#localBootIsNews && before !== undefined;
    if (this.#localBootIsNews) {
      database.exec('BEGIN IMMEDIATE');
      this.#record(local.name, local.bootId as string);
      database.exec('COMMIT');
      this.#remember(local.name);
    }
  }

  async judgeBoot(node: string, bootId: string): Promise<BootVerdict> {
    if (node === this.#local.name && this.#local.bootId !== undefined) return this.#judgeLocal(bootId);
    const boots = this.#known.get(node);
    if (boots?.current === bootId) return this.#verdict(node, true, false);
    if (boots?.superseded.has(bootId)) return this.#verdict(node, false, false);
    const news = await this.#queue.submit(() => this.#learn(node, bootId));
    return this.#verdict(node, news !== 'superseded', news === 'rebooted');
  }

  async isSuperseded(node: string, bootId: string): Promise<boolean> {
    if (node === this.#local.name && this.#local.bootId !== undefined) return bootId !== this.#local.bootId;
    return this.#known.get(node)?.superseded.has(bootId) ?? false;
  }

  /** Any other id than the kernel's is of a boot that is over: this is the machine the controller runs on. */
  #judgeLocal(bootId: string): BootVerdict {
    const current = bootId === this.#local.bootId;
    const rebooted = current && this.#localBootIsNews;
    if (rebooted) this.#localBootIsNews = false;
    return this.#verdict(this.#local.name, current, rebooted);
  }

  /** In the transaction: another call of the same batch may have said it a moment ago. */
  #learn(node: string, bootId: string): Applied<'current' | 'superseded' | 'rebooted'> {
    const boots = this.#read(node);
    if (boots?.current === bootId) return { result: 'current' };
    if (boots?.superseded.has(bootId)) return { result: 'superseded' };
    this.#record(node, bootId);
    return { result: 'rebooted', committed: () => this.#remember(node) };
  }

  #record(node: string, bootId: string): void {
    this.#supersede.run(node);
    this.#insert.run(node, bootId);
    this.#forget.run(node, BOOTS_REMEMBERED);
  }

  #remember(node: string): void {
    this.#known.set(node, this.#read(node) as Boots);
  }

  #read(node: string): Boots | undefined {
    const rows = this.#selectBoots.all(node);
    const current = rows.find((row) => row['current'] === 1);
    if (!current) return undefined;
    const superseded = rows.filter((row) => row !== current).map((row) => String(row['boot_id']));
    return { current: String(current['boot_id']), superseded: new Set(superseded) };
  }

  #verdict(node: string, current: boolean, rebooted: boolean): BootVerdict {
    const local = node === this.#local.name;
    const verdict = current ? 'current' : 'superseded';
    return { verdict, rebooted, ...(local && this.#local.uid !== undefined && { nodeUid: this.#local.uid }) };
  }
}
