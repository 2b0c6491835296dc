/** ADDs and DELs while the disk of the store is full: node serve-on-full-disk.ts FOLDER, prints what was answered as JSON. */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { systemTimers } from '../../cmd/berth-controller/timers.ts';
import { openIpam } from '../../src/ipam/open.ts';
import { openSqliteStore } from '../../src/sqlite/open.ts';

const folder = process.argv[2] as string;
const bootId = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
const quiet = (): void => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const { store, nodes, close } = openSqliteStore(join(folder, 'berth.db'), { localNode: { name: 'here', bootId } });
const ipam = openIpam({ store, nodes, timers: systemTimers, log });
await ipam.whenSynced();
await ipam.applyPool('pods', { ranges: [{ cidr: '10.9.0.0/24' }], default: true });

const caller = { node: 'here', gone: () => false };
let calls = 0;
const key = (containerId: string) => {
  const stamp = { bootId, startedTicks: ++calls, monotonicNs: String(process.hrtime.bigint()), attempt: 0 };
  return { cniVersion: '1.1.0', cniNetwork: 'lan', containerId, ifName: 'eth0', stamp };
};
const containers = Array.from({ length: 20 }, (_, index) => `c${index}`);
const add = (containerId: string) => ipam.add(caller, key(containerId));
const del = (containerId: string) => ipam.del(caller, key(containerId));
const succeeded = async (calling: Promise<{ ok: boolean }>[]): Promise<number> =>
  (await Promise.all(calling)).filter(({ ok }) => ok).length;

const before = await succeeded(containers.map(add));
const others = join(folder, 'others');
const file = openSync(others, 'a');
try {
  for (;;) writeSync(file, Buffer.alloc(1024));
} catch {
  closeSync(file);
}
const sameAgain = await succeeded(containers.slice(0, 5).map(add));
const refused = await add('late');
const released = await succeeded(containers.map(del));
const bound = ipam.bindings({ state: 'bound' }).length;
rmSync(others);
const afterwards = await add('late');
await ipam.close();
await close();
process.stdout.write(JSON.stringify({ before, sameAgain, refused, released, bound, afterwards: afterwards.ok }));
