/** A process that has a database open and one acknowledged binding in it: node hold-database.ts PATH */
import { contractBinding, contractName } from '../../src/store/contract.ts';
import { openSqliteStore } from '../../src/sqlite/open.ts';

const { store } = openSqliteStore(process.argv[2] as string, { localNode: { name: 'here' } });
await store.bindings.create(contractName(1), contractBinding(1, 'a'));
process.stdout.write('open\n');
setInterval(() => undefined, 60_000);
