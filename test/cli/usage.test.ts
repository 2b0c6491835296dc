import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { parseArguments } from '../../src/cli/parse.ts';
import { berthctl } from './berthctl.ts';

const NOWHERE = { socket: '/nowhere/berth.sock' };

test('values that follow a short option without a blank, as kubectl takes them', async () => {
  const options = async (line: string) => {
    const parsed = await parseArguments(line.split(' '), 80);
    if (parsed.kind !== 'command') throw new Error('help');
    const { command, values } = parsed;
    return [command.path.join(' '), values.text('output'), command.path[0] === 'pool' ? undefined : values.text('subinstance')];
  };
  expect(await options('binding list -ojson -nacme')).toEqual(['binding list', 'json', 'acme']);
  expect(await options('binding list -o=json -n=-x')).toEqual(['binding list', 'json', '-x']);
  expect(await options('-oyaml pool get blue')).toEqual(['pool get', 'yaml', undefined]);
  expect(await options('release -nacme -y')).toEqual(['release', undefined, 'acme']);
  expect((await parseArguments(['pool', 'apply', '-fpools.yaml'], 80)).kind).toBe('command');
});

test('"help" before a command is its --help', async () => {
  const help = (line: string) => parseArguments(line.split(' '), 80);
  expect(await help('help pool list')).toEqual(await help('pool list --help'));
  expect(await help('help')).toEqual(await help('--help'));
});

test.each([
  ['pol', 'unknown command "pol"; did you mean pool?', ''],
  ['pool lst', 'unknown command "pool lst"; did you mean list?', 'pool'],
  ['pool', 'pool needs one of: list, get, create, apply, delete, reserve, unreserve, drain, resume', 'pool'],
  ['binding', 'binding needs one of: list, get', 'binding'],
  ['pool enlarge blue --by 10', 'unknown command "pool enlarge"', 'pool'],
  ['get pools', 'unknown command "get"; did you mean pool get?', ''],
  ['-o json delete abind x', 'unknown command "delete"; did you mean pool delete?', ''],
  ['list', 'unknown command "list"; did you mean pool list?', ''],
  ['list bindings', 'unknown command "list"; did you mean binding list?', ''],
  ['frobnicate --with pool', 'unknown command "frobnicate"', ''],
  ['pool create blue', 'pool create needs NAME and RANGE', 'pool create'],
  ['pool create blue 10.0.0.5/24', '"10.0.0.5/24" has host bits set: the subnet is 10.0.0.0/24', 'pool create'],
  ['pool create blue 10.0.0.1-x', '"x" is not an IP address', 'pool create'],
  [
    'pool create Blue 10.0.0.0/24',
    `a pool's name must be a DNS label (lower-case letters, digits and dashes, at most 63), not "Blue"`,
    'pool create',
  ],
  ['frobnicate', 'unknown command "frobnicate"', ''],
  ['pool list --no-header', 'unknown option --no-header; did you mean --no-headers?', 'pool list'],
  ['pool list -ojsn', '--output cannot be "jsn": it is one of table, wide, json, yaml, name; did you mean json?', 'pool list'],
  ['pool list -z', 'unknown option -z', 'pool list'],
  ['pool list surplus', '"surplus" is one argument too many', 'pool list'],
  ['pool list -o jsn', '--output cannot be "jsn": it is one of table, wide, json, yaml, name; did you mean json?', 'pool list'],
  ['pool list -o json -o yaml', '--output is given twice', 'pool list'],
  ['pool get', 'pool get needs NAME', 'pool get'],
  ['pool apply', 'pool apply needs --filename', 'pool apply'],
  ['allocate', 'allocate needs --subinstance and --subid and --resource', 'allocate'],
  ['allocate --pool', '--pool needs a value', 'allocate'],
  [
    'allocate -n a --subid b --resource vmm:x',
    '--resource: "vmm" is no type of resource; the types are mac, vm, container, pod, custom; did you mean vm?',
    'allocate',
  ],
  ['allocate -n a --subid b --resource vm:', '--resource: "vm:" has no value; write it as vm:VALUE', 'allocate'],
  [
    'allocate -n a --subid b --resource vm:x --family ipv4',
    '--family cannot be "ipv4": it is one of IPv4, IPv6; did you mean IPv4?',
    'allocate',
  ],
  ['allocate -n a --subid b --resource vm:x --address 300.1.1.1', '--address: "300.1.1.1" is not an IP address', 'allocate'],
  ['release', 'release what? Give an address, or -n with or without --subid', 'release'],
  ['release 10.0.0.1 -n a', 'give an address or a subject (-n, --subid), not both', 'release'],
  ['release --subid a', 'release what? Give an address, or -n with or without --subid', 'release'],
  ['renew 10.0.0.1', 'renew needs --lease', 'renew'],
  ['find', 'find what? Give an address, -n, --subid, --resource or --tag', 'find'],
  ['explain not-an-ip', '"not-an-ip" is not an IP address', 'explain'],
  ['completion tcsh', 'shell cannot be "tcsh": it is one of bash, zsh, fish', 'completion'],
  ['stats --timeout 0', '--timeout must be between 1ms and 24d', 'stats'],
  ['stats --controller tcp://berth:80', '"tcp://berth:80" names no unix socket; write it as unix:///run/berth/berth.sock', 'stats'],
  ['stats --timeout soon', '--timeout: "soon" is no duration; write it like 30s, 1h30m or 7d', 'stats'],
  [
    'stats --controller https://berth:8443',
    "https://berth:8443 cannot be used: a controller's network port serves only the plugin; give its unix socket, such as unix:///run/berth/berth.sock",
    'stats',
  ],
  [
    `stats --controller unix:/${'x'.repeat(120)}`,
    `the socket's path is longer than the 107 bytes that the system takes: /${'x'.repeat(120)}`,
    'stats',
  ],
])('berthctl %s', async (command, sentence, help) => {
  const result = await berthctl(command.split(' '), NOWHERE);
  expect(result).toEqual({
    stdout: '',
    stderr: `berthctl: ${sentence}\nSee "berthctl ${help === '' ? '' : `${help} `}--help".\n`,
    exitCode: 2,
  });
});

test('--version, as other programs have it, needs no controller', async () => {
  expect(await berthctl(['--version'], NOWHERE)).toEqual(await berthctl(['version', '--client'], NOWHERE));
  expect(await berthctl(['--version'], NOWHERE)).toMatchObject({ stdout: expect.stringMatching(/^Client: \d+\./) as string, exitCode: 0 });
});

test('nothing at all, and --help, print the help; all commands are in it', async () => {
  const result = await berthctl([], NOWHERE);
  expect(result.exitCode).toBe(0);
  expect(await berthctl(['--help'], NOWHERE)).toEqual(result);
  for (const name of new Set(COMMANDS.map(({ path }) => path[0]!))) expect(result.stdout).toContain(`berthctl ${name}`);
});

test.each(COMMANDS.map((command) => ({ name: command.path.join(' '), command })))(
  'berthctl $name --help tells its usage, options and examples',
  async ({ name, command }) => {
    const { stdout, stderr, exitCode } = await berthctl([...command.path, '--help'], NOWHERE);
    const text = stdout.replace(/\s+/g, ' ');
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(text).toContain(`Usage: berthctl ${name}`);
    expect(text).toContain(command.summary.replace(/\s+/g, ' '));
    for (const option of command.options ?? []) expect(text).toContain(`--${option.name}`);
    expect(command.examples.length).toBeGreaterThan(0);
    for (const [example, what] of command.examples) expect(stdout).toContain(`  # ${what}\n  berthctl ${example}\n`);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
  },
);

test.each(COMMANDS.flatMap(({ path, examples }) => examples.map(([example]) => ({ example, name: path.join(' ') }))))(
  'the example "$example" is one of $name',
  async ({ example, name }) => {
    const ours = `berthctl ${example}`.split(/ \| | > /).findLast((part) => part.startsWith('berthctl '))!;
    const words = ours.split(' ').slice(1);
    expect(await parseArguments(words, 80)).toMatchObject({ kind: 'command', command: { path: name.split(' ') } });
  },
);

test('words that no shell lets pass by accident: not a stack in sight', async () => {
  for (const word of ['__proto__', 'constructor', '--__proto__=1', '--constructor', '-', '--', '--=', '-o', '\0', '$0', '--controller=']) {
    const { stderr, exitCode } = await berthctl(['pool', 'list', word], NOWHERE);
    expect([2, 3], word).toContain(exitCode);
    expect(stderr, word).not.toMatch(/unexpected|\n {4}at |\.ts:/);
  }
});
