/** Where CNI main plugins are on this machine, how they are called, and how to get them. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Finished } from './execute.ts';
import type { Namespaces } from './namespaces.ts';

/** Debian's folder, the one of most distributions and installers, and whatever the caller names. */
export function findMainPlugins(name = 'bridge'): string | undefined {
  const folders = [...(process.env['CNI_PATH'] ?? '').split(delimiter), '/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni'];
  return folders.find((folder) => folder !== '' && isExecutable(join(folder, name)));
}

export const HOW_TO_INSTALL = 'apt-get install containernetworking-plugins';

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface MainPluginCall {
  readonly verb: 'ADD' | 'DEL' | 'CHECK' | 'STATUS' | 'GC' | 'VERSION';
  readonly plugin: string;
  /** Folders in which the main plugin finds its IPAM plugin. */
  readonly cniPath: readonly string[];
  readonly config: object;
  readonly containerId?: string;
  readonly netns?: string;
  readonly ifName?: string;
  readonly args?: string;
}

/** Calls a main plugin as a runtime would, inside the namespace that plays the host: what it builds stays there. */
export function callMainPlugin(namespaces: Namespaces, host: string, call: MainPluginCall): Promise<Finished> {
  return namespaces.run(host, call.plugin, [], { env: cniEnvironment(call), input: JSON.stringify(call.config), deadlineSeconds: 60 });
}

/** Like libcni, all six are always set; PATH is what main plugins look for iptables in. */
export function cniEnvironment(call: Omit<MainPluginCall, 'plugin' | 'config'>): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    CNI_COMMAND: call.verb,
    CNI_CONTAINERID: call.containerId ?? '',
    CNI_NETNS: call.netns ?? '',
    CNI_IFNAME: call.ifName ?? '',
    CNI_ARGS: call.args ?? '',
    CNI_PATH: call.cniPath.join(delimiter),
  };
}
