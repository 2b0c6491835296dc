/**
 * What runs on every node of a cluster, in the pods of the DaemonSet berth-install.
 *   install  (init container)  puts plugin and identity on the node, delivers DELs that wait there, ends
 *   watch    (container)       keeps it there, to its end; with BERTH_REMOVE_ON_STOP=true it then takes the plugin away
 *   check    (its probe)       fails while the node's token is about to expire
 *   test     (`helm test`)     asks the controllers as a node does
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { install, InstallFailure, PLUGIN, uninstall } from './install.ts';
import { type Keeper, keepOnNode } from './keep.ts';
import { drainSpool, whyNotReached } from './plugin.ts';
import { readSettings, SettingsError } from './settings.ts';
import type { Settings } from './settings.ts';
import { whyNotFresh } from './token.ts';

const LOOK_EVERY_MS = 10_000;

const log = (message: string, fields: object = {}): void => {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), msg: message, ...fields })}\n`);
};

const COMMANDS: Readonly<Record<string, (settings: Settings) => number>> = {
  install: runInstall,
  watch: runWatch,
  check: runCheck,
  test: runTest,
};

function runInstall(settings: Settings): number {
  log('installed', { ...install(settings), identity: settings.identityOnNode });
  // No reason to hold up a node: later calls of the plugin deliver it too.
  const failed = drainSpool(join(settings.cniBinFolder, PLUGIN), settings);
  log(failed === undefined ? 'spool delivered' : 'spool not delivered', failed === undefined ? {} : { detail: failed });
  return 0;
}

function runWatch(settings: Settings): number {
  const keeper = keepOnNode(settings);
  const looking = setInterval(() => look(keeper), LOOK_EVERY_MS);
  const stop = (): void => {
    clearInterval(looking);
    keeper.handBack();
    if (settings.removeOnStop) log('stopping', { removed: uninstall(settings) });
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  log('watching', { removeOnStop: settings.removeOnStop });
  return 0;
}

function look(keeper: Keeper): void {
  try {
    if (keeper.look(performance.now())) log('put back on the node');
  } catch (error) {
    // A full disk, a folder that was unmounted: the next look may find better times.
    log('not put back on the node', { detail: (error as Error).message });
  }
}

function runCheck({ identityFolder }: Settings): number {
  const why = whyNotFresh(readFileSync(join(identityFolder, 'token'), 'utf8'), Date.now());
  if (why !== undefined) log(why);
  return why === undefined ? 0 : 1;
}

function runTest(settings: Settings): number {
  const why = whyNotReached(settings.plugin, settings);
  log(
    why === undefined ? 'the controllers know this node' : 'the controllers do not serve this node',
    why === undefined ? {} : { detail: why },
  );
  return why === undefined ? 0 : 1;
}

function main(name: string): number {
  const command = COMMANDS[name];
  if (command === undefined) throw new SettingsError(`berth-install takes one of ${Object.keys(COMMANDS).join(', ')}.`);
  return command(readSettings(process.env));
}

try {
  process.exitCode = main(process.argv[2] ?? '');
} catch (error) {
  const expected = error instanceof SettingsError || error instanceof InstallFailure || (error as NodeJS.ErrnoException).code !== undefined;
  if (!expected) throw error;
  log('failed', { detail: (error as Error).message });
  process.exitCode = error instanceof SettingsError ? 2 : 1;
}
