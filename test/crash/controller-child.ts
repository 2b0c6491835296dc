/**
 * The whole controller on an embedded store, which ends itself at a named point of a commit:
 * node controller-child.ts DATABASE SOCKET STEP PASS. Prints "ready" once it serves.
 */
import { systemTimers } from '../../cmd/berth-controller/timers.ts';
import { openIpam } from '../../src/ipam/open.ts';
import { createBerthServer } from '../../src/server/server.ts';
import { openSqliteStore } from '../../src/sqlite/open.ts';
import { killAt } from './kill-at.ts';
import { machineBootId } from '../support/machine-boot-id.ts';

const [path, socket, step, pass] = process.argv.slice(2) as [string, string, string, string];
const quiet = (): void => undefined;
const complain = (fields: object, message: string): void => void process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
const log = { debug: quiet, info: quiet, warn: complain, error: complain };
const bootId = machineBootId();

let armed = false;
const kill = killAt(step, Number(pass));
const opened = openSqliteStore(path, {
  localNode: { name: 'here', bootId },
  // From the moment it serves: a start that dies at every pass of a step would never serve.
  onStep: (reached) => armed && kill(reached),
});
const ipam = openIpam({ store: opened.store, nodes: opened.nodes, timers: systemTimers, log });
await ipam.whenSynced();
const applied = await ipam.applyPool('pods', { ranges: [{ cidr: '10.9.0.0/25' }], default: true, cooldownSeconds: 1 });
if (!applied.ok) throw new Error(applied.refusal.detail);
const server = createBerthServer({
  ...{ operations: ipam, timers: systemTimers, log, version: 'test', store: 'sqlite', node: 'here' },
  counters: () => opened.counters,
});
await server.listen({ kind: 'unix', path: socket }, { socketMode: 0o600 });
armed = true;
process.stdout.write('ready\n');
