/** What version 1 of the database was: records, and no memory of boots. */
import { DatabaseSync } from 'node:sqlite';
import { migrate } from '../../src/sqlite/migrations.ts';
import { contractBinding, contractName } from '../../src/store/contract.ts';

/** With bindings of the hosts 1, 2 and 3. */
export function makeVersionOne(path: string): void {
  const database = new DatabaseSync(path);
  migrate(database, 0, { target: 1 });
  const insert = database.prepare('INSERT INTO bindings (name, uid, version, spec) VALUES (?, ?, ?, ?)');
  for (const host of [1, 2, 3]) insert.run(contractName(host), `uid-${host}`, host, JSON.stringify(contractBinding(host, 'a')));
  database.exec("UPDATE meta SET value = 3 WHERE key = 'sequence'");
  database.close();
}
