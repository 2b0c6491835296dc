import { vi } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/sqlite/open.ts';
import type { ContractSubject } from '../../src/store/contract.ts';
import { describeStoreContract } from '../suites/store-contract.ts';

vi.setConfig({ testTimeout: 120_000 });

const openInTemp = async (): Promise<ContractSubject> => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-store-'));
  const { store } = openSqliteStore(join(folder, 'berth.db'), { localNode: { name: 'n1' } });
  return { store, dispose: async () => rmSync(folder, { recursive: true }) };
};

describeStoreContract('sqlite', openInTemp, { runs: 25 });
