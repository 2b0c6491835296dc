/** Five bindings, one after the other, each acknowledged by a line on stdout: node answer-five.ts DATABASE */
import { writeSync } from 'node:fs';
import { contractBinding, contractName } from '../../src/store/contract.ts';
import { openSqliteStore } from '../../src/sqlite/open.ts';

const { store, close } = openSqliteStore(process.argv[2] as string, { localNode: { name: 'here' } });
for (let host = 0; host < 5; host++) {
  await store.bindings.create(contractName(host), contractBinding(host, 'a'));
  writeSync(1, `answer ${host}\n`);
}
await close();
