/**
 * The two ways in which the quickstart attaches its containers: network namespaces on the `bridge` main plugin, and
 * where that cannot be, the same calls to the IPAM plugin alone.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execute } from '../execute.ts';
import { findMainPlugins, HOW_TO_INSTALL } from '../main-plugins.ts';
import { Namespaces, whyNoNamespaces } from '../namespaces.ts';
import type { Narrator } from './narrator.ts';
import { path } from './narrator.ts';

export interface Containers {
  prepare(names: readonly string[]): Promise<void>;
  /** The addresses given, without prefix lengths. */
  attach(name: string): Promise<string[]>;
  detach(name: string): Promise<void>;
  /** Shows that they reach each other; undefined where there is no network to show it on. */
  readonly ping: ((from: string, to: string, address: string) => Promise<void>) | undefined;
  cleanUp(): Promise<void>;
}

export interface Setting {
  readonly narrator: Narrator;
  readonly folder: string;
  readonly socket: string;
}

export const PREFIX = 'berth-quickstart';
export const BRIDGE = 'berth0';

/** Network namespaces where the machine allows them; else a reason, and plain calls. */
export async function chooseContainers(setting: Setting, plain: boolean): Promise<Containers> {
  const reason = plain ? 'you said --plain' : await whyNotAttached();
  if (reason === undefined) return attachedContainers(setting, findMainPlugins()!);
  setting.narrator.say(`No network namespaces this time: ${reason}.\nThe calls are the same ones; only no interface gets the addresses.`);
  return plainContainers(setting);
}

async function whyNotAttached(): Promise<string | undefined> {
  return (
    (await whyNoNamespaces()) ?? (findMainPlugins() === undefined ? `there are no CNI main plugins here: ${HOW_TO_INSTALL}` : undefined)
  );
}

function attachedContainers(setting: Setting, plugins: string): Containers {
  const { narrator } = setting;
  const namespaces = new Namespaces(PREFIX);
  const config = writeConfig(setting, { type: 'bridge', bridge: BRIDGE, isGateway: true });
  const call = (verb: string, name: string) =>
    narrator.run(
      {
        env: { ...cniVariables(verb, name, namespaces.pathOf(name)), CNI_PATH: path('dist', plugins) },
        command: 'nsenter',
        args: [`--net=${namespaces.pathOf('node')}`, join(plugins, 'bridge')],
        inputFile: config.file,
        input: config.text,
      },
      { quiet: true },
    );
  return {
    async prepare(names) {
      narrator.say(
        `One namespace plays the node, so that the bridge is not made in your machine's own network; ${names.length} play containers.`,
      );
      for (const name of ['node', ...names]) {
        narrator.show({ command: 'ip', args: ['netns', 'add', namespaces.nameOf(name)] });
        await namespaces.add(name);
      }
    },
    attach: async (name) => addressesOf(narrator, await call('ADD', name)),
    detach: async (name) => {
      await call('DEL', name);
    },
    async ping(from, to, address) {
      const family = address.includes(':') ? '-6' : '-4';
      const shown = { command: 'ip', args: ['netns', 'exec', namespaces.nameOf(from), 'ping', family, '-c', '1', '-W', '1', address] };
      // A new IPv6 address is tentative for a second or two.
      const answer = await narrator.run(shown, {
        quiet: true,
        by: (command, args, options) => untilSuccess(10, () => execute(command, args, options)),
      });
      narrator.print(`${to} answers: ${/.*bytes from.*/.exec(answer)?.[0] ?? answer}`);
    },
    cleanUp: () => namespaces.removeAll(),
  };
}

function plainContainers(setting: Setting): Containers {
  const { narrator } = setting;
  const config = writeConfig(setting, { type: 'bridge' });
  const call = (verb: string, name: string) => {
    // The path need not exist: an IPAM plugin does not enter the container's namespace.
    const env = { ...cniVariables(verb, name, `/run/netns/${name}`), CNI_PATH: 'dist' };
    return narrator.run({ env, command: 'dist/berth', args: [], inputFile: config.file, input: config.text }, { quiet: true });
  };
  return {
    prepare: async () => {},
    attach: async (name) => addressesOf(narrator, await call('ADD', name)),
    detach: async (name) => {
      await call('DEL', name);
    },
    ping: undefined,
    cleanUp: async () => {},
  };
}

function cniVariables(verb: string, name: string, netns: string): Record<string, string> {
  return {
    CNI_COMMAND: verb,
    CNI_CONTAINERID: `${name}-1`,
    CNI_NETNS: netns,
    CNI_IFNAME: 'eth0',
    CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=demo;K8S_POD_NAME=${name}`,
  };
}

function writeConfig({ folder, socket, narrator }: Setting, main: object): { file: string; text: string } {
  const ipam = { type: 'berth', controller: `unix://${socket}`, spoolDir: join(folder, 'spool'), logFile: join(folder, 'berth.log') };
  const file = join(folder, 'net.json');
  const text = JSON.stringify({ cniVersion: '1.0.0', name: 'quickstart', ...main, ipam }, null, 2);
  writeFileSync(file, text);
  narrator.show({ command: 'cat', args: [file] });
  narrator.print(text);
  return { file, text };
}

function addressesOf(narrator: Narrator, result: string): string[] {
  const { ips } = JSON.parse(result) as { ips: { address: string; gateway?: string }[] };
  narrator.print(ips.map(({ address, gateway }) => `${address}${gateway === undefined ? '' : ` via ${gateway}`}`).join('   '));
  return ips.map(({ address }) => address.split('/')[0]!);
}

async function untilSuccess<T extends { code: number | null }>(attempts: number, attempt: () => Promise<T>): Promise<T> {
  for (let count = 1; ; count++) {
    const result = await attempt();
    if (result.code === 0 || count === attempts) return result;
  }
}
