/** The main plugins that nodes get, from where this machine has them. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const MAIN_PLUGINS = ['loopback', 'bridge', 'host-local', 'macvlan', 'portmap'] as const;

export function findMainPlugin(name: string): string {
  const newer = process.env['BERTH_CNI_1_1'] ?? join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'berth/cni-1.9.1');
  const found = [newer, '/usr/lib/cni', '/opt/cni/bin'].map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`there is no main plugin ${name} (Debian: containernetworking-plugins)`);
  return found;
}
