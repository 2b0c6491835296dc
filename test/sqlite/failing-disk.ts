/**
 * A disk that answers with errors: the kernel refuses to make any file longer (RLIMIT_FSIZE, which the parent set), which SQLite
 * sees as an I/O error while it commits. node failing-disk.ts FOLDER, prints what it saw as JSON.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { contractBinding, contractName } from '../../src/store/contract.ts';
import { openSqliteStore } from '../../src/sqlite/open.ts';

const path = join(process.argv[2] as string, 'berth.db');
const first = openSqliteStore(path, { localNode: { name: 'here' } });
const seen: string[] = [];
first.store.bindings.watch({ event: ({ stored }) => seen.push(stored.name), synced: () => undefined });

const acknowledged: string[] = [];
let refused: { name?: string; message?: string } = {};
for (let host = 0; refused.name === undefined; host++) {
  await first.store.bindings.create(contractName(host), contractBinding(host, 'a')).then(
    () => acknowledged.push(contractName(host)),
    (error: Error) => (refused = { name: error.name, message: error.message }),
  );
}
const listed = (await first.store.bindings.list()).length;
const counted = first.counters.failures;

execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited']);
const again = await first.store.bindings.create(contractName(acknowledged.length), contractBinding(acknowledged.length, 'b'));
await first.close();
const second = openSqliteStore(path, { localNode: { name: 'here' } });
const kept = (await second.store.bindings.list()).length;
await second.close();
// Differences to what was acknowledged: all 0.
process.stdout.write(
  JSON.stringify({
    ...{ refused, counted, again: again.ok },
    ...{ listed: listed - acknowledged.length, seen: seen.length - acknowledged.length - 1, kept: kept - acknowledged.length - 1 },
  }),
);
