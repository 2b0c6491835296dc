/**
 * Eight workers on one embedded store until the process is killed: node store-child.ts DATABASE JOURNAL STEP PASS SALT.
 * They share a dozen names, so that they are in each other's way.
 */
import { contractBinding, contractName } from '../../src/store/contract.ts';
import { openSqliteStore } from '../../src/sqlite/open.ts';
import { Journal } from './journal.ts';
import { killAt } from './kill-at.ts';

export interface StoreEntry {
  readonly kind: 'intent' | 'done' | 'refused' | 'boot';
  /** Unique over all processes; also the subid that a create or replace writes. */
  readonly call: string;
  readonly verb: 'create' | 'replace' | 'remove';
  readonly name: string;
  /** The record a replace or remove was based on. */
  readonly base?: { readonly uid: string; readonly version: string } | undefined;
  /** The answer: the record written, or the one removed. */
  readonly uid?: string;
  readonly version?: string;
}

const NAMES = 12;

async function main([path, journalPath, step, pass, salt]: readonly string[]): Promise<void> {
  const journal = new Journal<StoreEntry>(journalPath as string);
  const { store, nodes } = openSqliteStore(path as string, { localNode: { name: 'here' }, onStep: killAt(step as string, Number(pass)) });
  let calls = 0;

  async function work(worker: number): Promise<void> {
    for (let round = 0; ; round++) {
      const host = (worker * 5 + round * 7) % NAMES;
      const name = contractName(host);
      const current = await store.bindings.get(name);
      const call = `${salt}-${++calls}`;
      const verb = current === undefined ? 'create' : round % 3 === 0 ? 'remove' : 'replace';
      const entry = { call, verb, name, base: current && { uid: current.uid, version: current.version } } as const;
      journal.write({ kind: 'intent', ...entry });
      const spec = contractBinding(host, call);
      const writing =
        current === undefined
          ? store.bindings.create(name, spec)
          : verb === 'remove'
            ? store.bindings.remove(current)
            : store.bindings.replace(current, spec);
      const result = await writing;
      if (result.ok) journal.write({ kind: 'done', ...entry, uid: result.stored.uid, version: result.stored.version });
      else journal.write({ kind: 'refused', ...entry });
    }
  }

  const boot = async (): Promise<void> => {
    const { verdict, rebooted } = await nodes.judgeBoot('there', `boot-${salt}`);
    if (verdict !== 'current') throw new Error('a new boot must be the current one');
    if (rebooted) journal.write({ kind: 'boot', call: `boot-${salt}`, verb: 'create', name: 'there' });
  };

  await Promise.all([boot(), ...Array.from({ length: 8 }, (_, worker) => work(worker))]);
}

if (import.meta.main) await main(process.argv.slice(2));
