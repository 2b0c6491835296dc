/** kill -9 at every named point of a commit: what was acknowledged is there afterwards, and nothing else that was not asked for. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import type { BindingSpec } from '../../src/core/binding.ts';
import { openSqliteStore } from '../../src/sqlite/open.ts';
import { contractName } from '../../src/store/contract.ts';
import type { Stored } from '../../src/store/store.ts';
import { prepareChild } from './child.ts';
import { readJournal } from './journal.ts';
import { killPlan, kills } from './kill-at.ts';
import { makeVersionOne } from '../sqlite/version-one.ts';
import type { StoreEntry } from './store-child.ts';

test(
  `${kills()} kills of a process with eight writers lose no acknowledged write and undo no acknowledged removal`,
  async () => {
    const { folder, start } = prepareChild('store-child.ts');
    const path = join(folder, 'berth.db');
    const journalPath = join(folder, 'journal');
    let unanswered = 0;
    for (const [index, { step, pass }] of killPlan(kills()).entries()) {
      expect(await start([path, journalPath, step, String(pass), `run${index}`]).gone).toBe('SIGKILL ');
      const { store, nodes, close } = openSqliteStore(path, { localNode: { name: 'here' } });
      const entries = readJournal<StoreEntry>(journalPath);
      const found = checkAgainst(await store.bindings.list(), entries);
      unanswered += found.unanswered;
      await checkBoots(nodes, entries);
      await close();
      expect(found.violations, `after the kill at pass ${pass} of ${step}`).toEqual([]);
    }
    const entries = readJournal<StoreEntry>(journalPath);
    const acknowledged = entries.filter((entry) => entry.kind === 'done').length;
    console.log(`${kills()} kills: ${acknowledged} acknowledged writes kept, ${unanswered} unanswered ones found done, 0 lost, 0 undone`);
    expect(acknowledged).toBeGreaterThan(kills());
    const database = new DatabaseSync(path);
    expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
    database.close();
  },
  20_000 + kills() * 3_000,
);

test('a start that is killed, at whatever point, a first one or one that upgrades, hinders no later one', async () => {
  const { folder, start } = prepareChild('store-child.ts');
  const old = join(folder, 'old.db');
  const fresh = join(folder, 'fresh.db');
  makeVersionOne(old);
  for (const path of [fresh, old]) {
    for (const step of ['made', 'logged', 'migrating', 'opened', 'started']) {
      // The second migration of the new one; what was migrated before stays, so it is the last to be killed there.
      const pass = step === 'migrating' && path === fresh ? 2 : 1;
      expect(await start([path, `${path}.journal`, step, String(pass), step]).gone, `${path} ${step}`).toBe('SIGKILL ');
    }
  }
  for (const [path, names] of [
    [fresh, []],
    [old, [1, 2, 3].map(contractName)],
  ] as const) {
    const { store, close } = openSqliteStore(path, { localNode: { name: 'here' } });
    expect((await store.bindings.list()).map((stored) => stored.name)).toEqual(names);
    await close();
  }
});

/** Compares what is there with what was asked and answered. `unanswered`: records of calls that got no answer, which is allowed. */
function checkAgainst(
  records: readonly Stored<BindingSpec>[],
  entries: readonly StoreEntry[],
): { readonly violations: readonly string[]; readonly unanswered: number } {
  const violations: string[] = [];
  const there = new Map(records.map((record) => [record.name, record]));
  const intents = new Map(entries.filter((entry) => entry.kind === 'intent').map((entry) => [entry.call, entry]));
  const answered = new Set(entries.filter((entry) => entry.kind !== 'intent').map((entry) => entry.call));
  const done = entries.filter((entry) => entry.kind === 'done');
  const refused = new Set(entries.filter((entry) => entry.kind === 'refused').map((entry) => entry.call));
  const removedUids = new Set(done.filter((entry) => entry.verb === 'remove').map((entry) => entry.uid));
  let unanswered = 0;

  for (const record of records) {
    const call = record.spec.subid;
    if (!intents.has(call)) violations.push(`${record.name} holds ${call}, which nobody asked for`);
    if (refused.has(call)) violations.push(`${record.name} holds ${call}, which was refused`);
    if (removedUids.has(record.uid)) violations.push(`${record.name} is there although its removal was acknowledged`);
    if (!answered.has(call)) unanswered++;
  }
  for (const name of new Set(done.map((entry) => entry.name))) {
    const record = there.get(name);
    const last = done
      .filter((entry) => entry.name === name && entry.verb !== 'remove')
      .sort((a, b) => Number(b.version) - Number(a.version))[0];
    if (!last || record?.version === last.version) continue;
    if (record && Number(record.version) > Number(last.version)) {
      if (answered.has(record.spec.subid))
        violations.push(`${name} has a newer version than the last acknowledged one, of an answered call`);
      continue;
    }
    const removed = [...intents.values()].some(
      (entry) => entry.verb === 'remove' && entry.base?.uid === last.uid && !refused.has(entry.call),
    );
    if (record || !removed) violations.push(`${name} lost its acknowledged version ${last.version} of ${last.call}`);
  }
  const creates = done.filter((entry) => entry.verb === 'create');
  if (new Set(creates.map((entry) => entry.uid)).size !== creates.length) violations.push('one uid was given twice');
  return { violations, unanswered };
}

/**
 * A boot that was announced is remembered: only the last one announced or a later one can be current. A hundred are
 * remembered, some of them of announcements that were never answered; the last fifty are surely among them.
 */
async function checkBoots(
  nodes: { isSuperseded(node: string, bootId: string): Promise<boolean> },
  entries: readonly StoreEntry[],
): Promise<void> {
  const announced = entries.filter((entry) => entry.kind === 'boot').map((entry) => entry.call);
  expect(new Set(announced).size).toBe(announced.length);
  for (const bootId of announced.slice(-51, -1)) expect(await nodes.isSuperseded('there', bootId), bootId).toBe(true);
}
