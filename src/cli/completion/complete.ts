/**
 * What a shell may offer next. `berthctl __complete WORD...` gets the words after "berthctl" up to the cursor, the last
 * one unfinished, and prints one candidate a line: the word, a tab, what it is. It never fails and never waits long.
 */
import { openClient, type Client } from '../../client/client.ts';
import { parseEndpoint } from '../../client/endpoint.ts';
import type { Command, Completes, OptionSpec } from '../command.ts';
import { COMMANDS, GROUPS } from '../commands/index.ts';
import { GLOBAL_OPTIONS } from '../options.ts';
import { RESOURCE_KINDS } from '../resource.ts';
import { findCluster, findController } from '../run.ts';
import { printable } from '../text.ts';
import type { World } from '../world.ts';

/** Only a controller that hangs costs this: one that is not there is known at once. */
const PATIENCE_MILLISECONDS = 2_000;
const MOST_CANDIDATES = 500;

interface Candidate {
  readonly word: string;
  readonly describe: string;
}

export async function complete(words: readonly string[], world: World): Promise<number> {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  const candidates = await candidatesFor(before, current, world).catch(() => []);
  const lines = candidates
    .filter(({ word }) => word.startsWith(current) && !/[\s"'`$\\;&|<>()]/.test(word))
    .slice(0, MOST_CANDIDATES)
    .map(({ word, describe }) => `${printable(word)}\t${printable(describe)}\n`);
  world.stdout.write(lines.join(''));
  return 0;
}

async function candidatesFor(before: readonly string[], current: string, world: World): Promise<readonly Candidate[]> {
  const reading = read(before);
  const { command, group, options, given, awaiting } = reading;
  // "--pool=bl" as one word.
  const joined = /^(--[a-z-]+)=/.exec(current);
  if (joined) {
    const option = options.find(({ name }) => `--${name}` === joined[1]);
    const found = option ? await valuesOf(option, world, reading) : [];
    return found.map(({ word, describe }) => ({ word: `${joined[1]}=${word}`, describe }));
  }
  if (awaiting) return valuesOf(awaiting, world, reading);
  if (current.startsWith('-'))
    return options
      .map(({ name, describe }) => ({ word: `--${name}`, describe }))
      .concat({ word: '--help', describe: 'explain the command' });
  if (command) {
    const positionals = command.positionals ?? [];
    const next = positionals[given.length] ?? (positionals.at(-1)?.many ? positionals.at(-1) : undefined);
    return next ? valuesOf(next, world, reading) : [];
  }
  if (group !== undefined)
    return COMMANDS.filter(({ path }) => path.length === 2 && path[0] === group).map(({ path, summary }) => ({
      word: path[1]!,
      describe: summary,
    }));
  return [
    ...GROUPS.map(({ name, summary }) => ({ word: name, describe: summary })),
    ...COMMANDS.filter(({ path }) => path.length === 1).map(({ path, summary }) => ({ word: path[0]!, describe: summary })),
  ];
}

interface Reading {
  readonly command: Command | undefined;
  readonly group: string | undefined;
  readonly options: readonly OptionSpec[];
  /** Positional arguments that are complete. */
  readonly given: readonly string[];
  /** The last word is an option that wants a value. */
  readonly awaiting: OptionSpec | undefined;
  /** --controller, --kubeconfig and --context, where the line has them already. */
  readonly where: Readonly<Record<string, string>>;
}

const WHERE = ['controller', 'kubeconfig', 'context'];

/** Follows the finished words through the commands. */
function read(words: readonly string[]): Reading {
  let group: string | undefined;
  let command: Command | undefined;
  let options = GLOBAL_OPTIONS;
  let awaiting: OptionSpec | undefined;
  const where: Record<string, string> = {};
  const given: string[] = [];
  for (const word of words) {
    if (awaiting) {
      if (WHERE.includes(awaiting.name)) where[awaiting.name] = word;
      awaiting = undefined;
    } else if (word.startsWith('-')) {
      const [, name = '', value = ''] = /^--([a-z]+)=(.*)$/s.exec(word) ?? [];
      if (WHERE.includes(name)) where[name] = value;
      awaiting = word.includes('=')
        ? undefined
        : options.find(({ name, alias, value }) => value && (word === `--${name}` || word === `-${alias}`));
    } else if (command) {
      given.push(word);
    } else {
      const found = group === undefined ? GROUPS.find(({ name, aliases }) => name === word || aliases.includes(word)) : undefined;
      if (found) group = found.name;
      else command = COMMANDS.find(({ path }) => path.join(' ') === (group === undefined ? word : `${group} ${word}`));
      if (command) options = [...(command.options ?? []), ...GLOBAL_OPTIONS];
    }
  }
  return { command, group, options, given, awaiting, where };
}

async function valuesOf(
  { choices, completes }: { readonly choices?: readonly string[]; readonly completes?: Completes },
  world: World,
  { given, where }: Pick<Reading, 'given' | 'where'>,
): Promise<readonly Candidate[]> {
  if (choices) return choices.map((word) => ({ word, describe: '' }));
  if (completes === 'resource') return RESOURCE_KINDS.map((kind) => ({ word: `${kind}:`, describe: '' }));
  if (completes === undefined || completes === 'file') return [];
  const found = await ask(world, where, completes);
  return found.filter(({ word }) => !given.includes(word));
}

/** Names from the cluster or the controller; nothing when it does not answer at once. */
async function ask(world: World, where: Reading['where'], completes: 'pool' | 'subinstance' | 'address'): Promise<readonly Candidate[]> {
  const values = { text: (name: string) => where[name] };
  const cluster = await findCluster(values, world);
  if (cluster !== undefined) {
    const { namesInCluster } = await import('../cluster/completion.ts');
    const wanted = { ...cluster.choice, timers: world.timers, deadlineMs: PATIENCE_MILLISECONDS, most: MOST_CANDIDATES, what: completes };
    // Finding out who asks (a kubeconfig may start a program for it) has no deadline of its own.
    const late = new Promise<readonly Candidate[]>((resolve) => world.timers.after(PATIENCE_MILLISECONDS, () => resolve([])));
    return Promise.race([late, namesInCluster(wanted)]);
  }
  const endpoint = parseEndpoint(findController(values, world).text);
  if (!endpoint.ok) return [];
  const client = openClient({ endpoint: endpoint.endpoint, timers: world.timers, timeoutMilliseconds: PATIENCE_MILLISECONDS });
  try {
    return await askFor[completes](client);
  } finally {
    client.close();
  }
}

const askFor: Readonly<Record<'pool' | 'subinstance' | 'address', (client: Client) => Promise<readonly Candidate[]>>> = {
  pool: async (client) =>
    (await client.listPools()).items.map(({ metadata, status }) => ({
      word: metadata.name,
      describe: status ? `${status.available} free` : '',
    })),
  subinstance: async (client) => {
    const { items } = await client.listBindings({}, { limit: MOST_CANDIDATES });
    return [...new Set(items.map(({ spec }) => spec.subinstance))].sort().map((word) => ({ word, describe: '' }));
  },
  address: async (client) => {
    const { items } = await client.listBindings({}, { limit: MOST_CANDIDATES });
    return items.map(({ spec }) => ({ word: spec.address, describe: `${spec.subinstance}/${spec.subid}` }));
  },
};
