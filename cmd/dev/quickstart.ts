/**
 * `npm run quickstart [-- --plain]`: everything once, with real commands: build, controller, three containers on a bridge,
 * pings, who holds what, detach, and the machine as it was.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ControllerProcess } from './controller-process.ts';
import { startController } from './controller-process.ts';
import type { Containers } from './quickstart/containers.ts';
import { chooseContainers } from './quickstart/containers.ts';
import { differences, lookAtMachine, OWN, sweepEarlierRuns } from './quickstart/machine.ts';
import { Narrator } from './quickstart/narrator.ts';

const NAMES = ['red', 'green', 'blue'];
const POOLS = [
  { name: 'blue-sky', spec: { ranges: [{ cidr: '10.88.0.0/24' }], gateway: '10.88.0.1', routes: [{ dst: '0.0.0.0/0' }], default: true } },
  { name: 'deep-sea', spec: { ranges: [{ cidr: 'fd88::/64' }], gateway: 'fd88::1', routes: [{ dst: '::/0' }], default: true } },
].map(({ name, spec }) => ({ apiVersion: 'berth-ipam.dev/v1alpha1', kind: 'AddressPool', metadata: { name }, spec }));

process.chdir(resolve(import.meta.dirname, '../..'));
const narrator = new Narrator();
const undo: (() => Promise<void> | void)[] = [];

async function main(): Promise<void> {
  const started = performance.now();
  narrator.say('Berth, from nothing to addresses and back. Everything happens in a temporary folder, and goes with it.');
  narrator.step('Build the plugin, the controller and the CLI');
  narrator.show({ command: 'npm', args: ['run', 'build'] });
  if (spawnSync(process.execPath, ['cmd/dev/build.mjs'], { stdio: 'inherit' }).status !== 0) throw new Error('the build failed');

  await sweepEarlierRuns();
  const before = await lookAtMachine();
  const folder = mkdtempSync(join(tmpdir(), OWN));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));

  const controller = await runController(folder);
  const setting = { narrator, folder, socket: controller.socket };

  narrator.step(`Attach ${NAMES.length} containers through a main plugin whose ipam.type is "berth"`);
  const containers = await chooseContainers(setting, process.argv.includes('--plain'));
  undo.push(() => containers.cleanUp());
  await containers.prepare(NAMES);
  const addresses: Record<string, string[]> = {};
  for (const name of NAMES) addresses[name] = await containers.attach(name);

  if (containers.ping !== undefined) {
    narrator.step('They reach each other');
    for (const address of addresses['green']!) await containers.ping('red', 'green', address);
    for (const address of addresses['blue']!) await containers.ping('green', 'blue', address);
  }
  await askAround(addresses['red']![0]!);
  await detach(containers, controller, addresses['red']![0]!);
  await leave(before);
  narrator.say(`\nDone in ${((performance.now() - started) / 1000).toFixed(1)} s. Where to go from here: README.md`);
}

async function runController(folder: string): Promise<ControllerProcess> {
  narrator.step('Start the controller on its embedded store, with a pool of each family');
  narrator.shorten(folder, '$D');
  const seconds = performance.now();
  const controller = await startController(folder, POOLS);
  undo.push(() => controller.stop());
  writeFileSync(join(folder, 'controller.pid'), String(controller.pid));
  narrator.show({ command: controller.command[0]!, args: controller.command.slice(1), background: true });
  narrator.print(`ready after ${((performance.now() - seconds) / 1000).toFixed(1)} s`);
  process.env['BERTH_CONTROLLER'] = `unix://${controller.socket}`;
  narrator.show({ command: 'export', args: [`BERTH_CONTROLLER=${process.env['BERTH_CONTROLLER']}`] });
  await berthctl('pool', 'list');
  return controller;
}

async function askAround(address: string): Promise<void> {
  narrator.step('Who holds what, and why');
  await berthctl('binding', 'list', '-A');
  await berthctl('explain', address);
  await berthctl('stats');
}

async function detach(containers: Containers, controller: ControllerProcess, address: string): Promise<void> {
  narrator.step('Detach them');
  for (const name of NAMES) await containers.detach(name);
  narrator.step('Nothing is held any more');
  const { body } = await controller.ask('/v1/bindings?state=bound');
  const left = (JSON.parse(body) as { items: unknown[] }).items;
  if (left.length > 0) throw new Error(`${left.length} bindings are still held: ${body}`);
  await berthctl('explain', address);
  await berthctl('stats');
}

async function leave(before: Awaited<ReturnType<typeof lookAtMachine>>): Promise<void> {
  narrator.step('Stop the controller and leave the machine as it was');
  await cleanUp();
  const changed = differences(before, await lookAtMachine());
  if (changed.length > 0) throw new Error(`the machine is not as it was: ${changed.join('; ')}`);
  narrator.print('interfaces, namespaces, forwarding and temporary files are as before; the controller has ended');
}

function berthctl(...args: string[]): Promise<string> {
  return narrator.run({ command: 'dist/berthctl', args });
}

async function cleanUp(): Promise<void> {
  for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
}

/** Whatever ends the quickstart early: what it made goes first. */
function endEarly(): void {
  void narrator
    .stop()
    .then(cleanUp)
    .finally(() => process.exit(130));
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    narrator.say(`\n${signal}: cleaning up`);
    endEarly();
  });
}
process.stdout.once('error', endEarly); // nobody reads any more: `| head`
process.stdout.on('error', () => {});

try {
  await main();
} catch (error) {
  console.error(`\nquickstart: ${error instanceof Error ? error.message : String(error)}`);
  await cleanUp();
  process.exitCode = 1;
}
