import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/sqlite/open.ts';
import { describeStoreContract } from '../suites/store-contract.ts';

describeStoreContract('sqlite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-store-'));
  const { store } = openSqliteStore(join(folder, 'berth.db'), { localNode: { name: 'n1' } });
  return { store, dispose: async () => rmSync(folder, { recursive: true }) };
});
