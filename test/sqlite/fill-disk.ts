/** Fills the disk under a store, then gives space back: node fill-disk.ts FOLDER BALLAST_KIB, prints what it saw as JSON. */
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { contractBinding, contractName } from '../../src/store/contract.ts';
import type { BindingSpec } from '../../src/core/binding.ts';
import { openSqliteStore } from '../../src/sqlite/open.ts';
import type { Stored } from '../../src/store/store.ts';

const folder = process.argv[2] as string;
const path = join(folder, 'berth.db');
const ballast = join(folder, 'ballast');

type Tried = { readonly ok: boolean } | { readonly ok: 'thrown'; readonly name: string; readonly fault: string; readonly message: string };
const tried = (write: Promise<{ ok: boolean }>): Promise<Tried> =>
  write.then(
    ({ ok }) => ({ ok }),
    (error: { name: string; fault: string; message: string }) => ({
      ok: 'thrown' as const,
      name: error.name,
      fault: error.fault,
      message: error.message,
    }),
  );

writeFileSync(ballast, Buffer.alloc(Number(process.argv[3]) * 1024));
let opened = openSqliteStore(path, { localNode: { name: 'here' } });
const view = new Map<string, Stored<BindingSpec>>();
opened.store.bindings.watch({
  event: (event) => (event.type === 'put' ? view.set(event.stored.name, event.stored) : view.delete(event.stored.name)),
  synced: () => undefined,
});

const acknowledged: string[] = [];
const namesOf = (records: readonly Stored<BindingSpec>[]): string =>
  records
    .map((record) => record.name)
    .sort()
    .join(' ');
const same = async (): Promise<boolean> => {
  const listed = namesOf(await opened.store.bindings.list());
  return listed === [...acknowledged].sort().join(' ') && listed === namesOf([...view.values()]);
};

// Somebody else fills the disk: releases do not make the database longer, so they go on.
for (let host = 0; host < 100; host++) {
  await opened.store.bindings.create(contractName(host), contractBinding(host, 'x'.repeat(200)));
  acknowledged.push(contractName(host));
}
const others = openSync(join(folder, 'others'), 'a');
try {
  for (;;) writeSync(others, Buffer.alloc(1024));
} catch {
  closeSync(others);
}
let released = 0;
for (let round = 0; round < 3; round++) {
  for (const record of [...view.values()]) {
    const result = await tried(opened.store.bindings.replace(record, { ...record.spec, releasedAt: 1 }));
    if (result.ok === true) released++;
  }
}
const agreedAfterReleases = await same();
rmSync(join(folder, 'others'));

// The store itself fills it, 64 writes at a time.
let failed: Tried[] = [];
for (let host = 100; failed.length === 0; host += 64) {
  const hosts = Array.from({ length: 64 }, (_, index) => host + index);
  const results = await Promise.all(
    hosts.map((one) => tried(opened.store.bindings.create(contractName(one), contractBinding(one, 'x'.repeat(200))))),
  );
  for (const [index, result] of results.entries()) if (result.ok === true) acknowledged.push(contractName(hosts[index] as number));
  failed = results.filter((result) => result.ok === 'thrown');
}
const agreedWhileFull = await same();

/** Releases of twenty, one after the other; how many were served. */
async function releaseTwenty(): Promise<number> {
  let served = 0;
  for (const record of [...view.values()].slice(-20)) {
    const result = await tried(opened.store.bindings.replace(record, { ...record.spec, releasedAt: 2 }));
    if (result.ok === true) served++;
  }
  return served;
}
const releasedWhileFull = await releaseTwenty();
await opened.close();

// A restart on the full disk knows all, and serves releases only; without a reserve it may have to wait for space.
try {
  opened = openSqliteStore(path, { localNode: { name: 'here' } });
} catch (error) {
  if ((error as { fault?: string }).fault !== 'Full') throw error;
  rmSync(ballast);
  opened = openSqliteStore(path, { localNode: { name: 'here' } });
}
view.clear();
for (const record of await opened.store.bindings.list()) view.set(record.name, record);
const agreedAfterRestart = await same();
const releasedKept = [...view.values()].filter((record) => record.spec.releasedAt === 1).length;
const releasedAfterRestart = await releaseTwenty();
const bindAfterRestart = await tried(opened.store.bindings.create(contractName(60_000), contractBinding(60_000, 'a')));

// Space comes back.
rmSync(ballast, { force: true });
const afterSpace = await tried(opened.store.bindings.create(contractName(60_001), contractBinding(60_001, 'a')));
await opened.close();
process.stdout.write(
  JSON.stringify({
    acknowledged: acknowledged.length > 1_000,
    refused: [...new Set(failed.map((result) => JSON.stringify(result)))].map((text) => JSON.parse(text) as unknown),
    ...{ released, agreedAfterReleases, agreedWhileFull, releasedWhileFull },
    ...{ agreedAfterRestart, releasedKept, releasedAfterRestart, bindAfterRestart, afterSpace },
  }),
);
