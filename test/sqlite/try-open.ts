/** Opens FOLDER/berth.db and prints what came of it as JSON: node try-open.ts FOLDER */
import { join } from 'node:path';
import { openSqliteStore } from '../../src/sqlite/open.ts';

try {
  const { store, close } = openSqliteStore(join(process.argv[2] as string, 'berth.db'), { localNode: { name: 'here' } });
  const bindings = (await store.bindings.list()).length;
  await close();
  process.stdout.write(JSON.stringify({ bindings }));
} catch (error) {
  const { name, fault, message } = error as { name: string; fault?: string; message: string };
  process.stdout.write(JSON.stringify({ name, fault, message }));
}
