/**
 * Names, addresses and folders of the cluster. There is one of each provider per machine: whatever a run that was cut
 * off left behind has these names, so the next start finds and removes it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../cmd/dev/cluster/programs.ts';

/** Whose cluster: `own`, of processes in namespaces, or `kind`. main.ts says it to what it imports and to the suites' processes. */
export const PROVIDER = process.env['BERTH_E2E_PROVIDER'] ?? 'own';
export const NAME = PROVIDER === 'own' ? 'berth-e2e' : `berth-e2e-${PROVIDER}`;

export const FOLDER = `/tmp/${NAME}`;
export const at = (...parts: string[]): string => join(FOLDER, ...parts);

/** One L2 network: what the pods' bridges hang on, the nodes are in, and the control plane too. */
export const SWITCH = 'berth-e2e-switch';
/** The network namespace of the control plane, which the suites look at everything from. */
export const CONTROL_PLANE = `${NAME}-cp`;
export const NODES = ['n1', 'n2'] as const;
export type NodeName = (typeof NODES)[number];

export const PREFIX4 = '10.90.0.0/16';
export const PREFIX6 = 'fd90::/64';
export const SERVICES = '10.96.0.0/16';
export const FIRST_SERVICE = '10.96.0.1';
export const API_ADDRESS = '10.90.0.1';
export const API_ADDRESS6 = 'fd90::1';
/** Of the control plane in the network of the pods' second interfaces, 10.91.0.0/16. */
export const SECOND_ADDRESS = '10.91.0.1';
export const API_PORT = 6443;

export const namespaceOf = (node: NodeName): string => `berth-e2e-${node}`;
export const addressOf = (node: NodeName): string => `10.90.0.${10 + NODES.indexOf(node) + 1}`;
export const address6Of = (node: NodeName): string => `fd90::a:${NODES.indexOf(node) + 1}`;
/** Under every cgroup controller: all that a node's pods are made of. */
export const cgroupOf = (node: NodeName): string => `berth-e2e-${node}`;
export const netnsPath = (name: string): string => `/run/netns/${name}`;

export const PAUSE_IMAGE = 'docker.io/local/pause:1';
export const BUSYBOX_IMAGE = 'docker.io/local/busybox:1';

export const kubeconfig = (who: string): string => at('kubeconfigs', who);

export function program(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`there is no ${name}: npm run setup:cluster -- --all`);
  return path;
}

export function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
