/** The completion scripts in the shells they are for. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { beforeAll, describe, expect, test } from 'vitest';
import { berthctl, installBerthctl } from './berthctl.ts';
import { withController } from './cluster.ts';

const { controller, done, pool, run } = withController();
let bin: string;

beforeAll(async () => {
  await pool('blue', '10.0.0.0/24', { gateway: '10.0.0.1' });
  await pool('blue-six', 'fd00::/64');
  await done('allocate --pool blue -n acme --subid web --resource vm:web');
  await done('allocate --pool blue-six -n acme --subid web --resource vm:web');
  bin = controller().directory;
  await installBerthctl(bin);
});

const GROUPS_AND_COMMANDS =
  'pool binding allocate release renew find who ip explain stats events check collect backup doctor version completion'.split(' ');

async function candidates(...words: string[]): Promise<string[]> {
  const { stdout, exitCode } = await run(['__complete', ...words]);
  expect(exitCode).toBe(0);
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t')[0]!);
}

describe('what may come next', () => {
  test('commands, their subcommands, also behind options', async () => {
    expect(await candidates('')).toEqual(GROUPS_AND_COMMANDS);
    expect(await candidates('re')).toEqual(['release', 'renew']);
    expect(await candidates('pool', '')).toEqual(['list', 'get', 'create', 'apply', 'delete', 'reserve', 'unreserve', 'drain', 'resume']);
    expect(await candidates('pools', 're')).toEqual(['reserve', 'resume']);
    expect(await candidates('-o', 'json', '--quiet', 'binding', '')).toEqual(['list', 'get']);
  });
  test('options of the command and everywhere', async () => {
    expect(await candidates('pool', 'delete', '--')).toEqual(
      '--force --dry-run --yes --controller --kubeconfig --context --output --no-headers --timeout --quiet --help'.split(' '),
    );
    expect(await candidates('stats', '--no')).toEqual(['--no-headers']);
  });
  test('values: formats, families, states, kinds of resource, shells', async () => {
    expect(await candidates('stats', '-o', '')).toEqual(['table', 'wide', 'json', 'yaml', 'name']);
    expect(await candidates('stats', '--output=j')).toEqual(['--output=json']);
    expect(await candidates('allocate', '--family', '')).toEqual(['IPv4', 'IPv6']);
    expect(await candidates('allocate', '--resource', 'm')).toEqual(['mac:']);
    expect(await candidates('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });
  test('names from the controller: pools, subinstances, addresses', async () => {
    expect(await candidates('pool', 'get', '')).toEqual(['blue', 'blue-six']);
    expect(await candidates('pool', 'get', 'blue', '')).toEqual(['blue-six']);
    expect(await candidates('allocate', '--pool', 'blue-')).toEqual(['blue-six']);
    expect(await candidates('allocate', '--pool=blue-')).toEqual(['--pool=blue-six']);
    expect(await candidates('binding', 'list', '-n', '')).toEqual(['acme']);
    expect(await candidates('release', '')).toEqual(['10.0.0.2', 'fd00::2']);
    expect(await candidates('pool', 'reserve', 'blue', '')).toEqual([]);
  });
  test('nothing, quietly, where the controller does not answer or nothing fits', async () => {
    expect(await berthctl(['__complete', 'pool', 'get', ''], { socket: '/nowhere/s' })).toEqual({ stdout: '', stderr: '', exitCode: 0 });
    expect(await berthctl(['__complete', '--controller', '/nowhere/s', 'pool', 'get', ''], { socket: controller().socket })).toMatchObject({
      stdout: '',
    });
    expect(await candidates('frobnicate', '')).toEqual(GROUPS_AND_COMMANDS);
    expect(await candidates()).toEqual(GROUPS_AND_COMMANDS);
  });
});

function inShell(command: string, argv: readonly string[]): string[] {
  const result = spawnSync(command, argv, {
    env: { PATH: `${bin}:${process.env['PATH']}`, HOME: bin, TERM: 'xterm', BERTH_CONTROLLER: `unix:${controller().socket}` },
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new Error(`${command}: ${result.stdout}${result.stderr}`);
  return result.stdout.split('\n').filter((line) => line !== '');
}

/** Line before the cursor → what the shell would offer in place of its last word, as that shell counts words. */
const LINES: [line: string, offered: string[], afterBreak?: string[]][] = [
  ['berthctl ', GROUPS_AND_COMMANDS],
  ['berthctl pool re', ['reserve', 'resume']],
  ['berthctl pool get ', ['blue', 'blue-six']],
  ['berthctl stats --output=j', ['--output=json'], ['json']],
  ['berthctl explain fd00:', ['fd00::2'], [':2']],
  ['berthctl allocate --resource cont', ['container:']],
];

const expected = Object.fromEntries(LINES.map(([line, offered]) => [line, offered]));

/** "@line" and what was offered for it, in turns. */
function byLine(output: readonly string[]): Record<string, string[]> {
  const offers: Record<string, string[]> = {};
  let current: string[] = [];
  for (const line of output) {
    if (line.startsWith('@')) offers[line.slice(1)] = current = [];
    else current.push(line);
  }
  return offers;
}

describe('bash', () => {
  test('offers what fits each line', () => {
    const script = `
      source <(berthctl completion bash)
      compopt() { :; }
      for COMP_LINE in ${LINES.map(([line]) => `'${line}'`).join(' ')}; do
        COMP_POINT=\${#COMP_LINE}
        _berthctl
        printf '%s\\n' "@$COMP_LINE" "\${COMPREPLY[@]}"
      done`;
    const shown = byLine(inShell('bash', ['--norc', '-c', script]));
    expect(shown).toEqual(Object.fromEntries(LINES.map(([line, offered, afterBreak]) => [line, afterBreak ?? offered])));
  });

  test('typed on a terminal, the Tab key completes an IPv6 address (needs script of util-linux)', async ({ skip }) => {
    if (spawnSync('script', ['--version']).status !== 0) skip('there is no script command');
    const child = spawn('script', ['--quiet', '--command', 'bash --norc --noprofile -i', '/dev/null'], {
      env: {
        PATH: `${bin}:${process.env['PATH']}`,
        HOME: bin,
        TERM: 'dumb',
        PS1: 'ready> ',
        BERTH_CONTROLLER: `unix:${controller().socket}`,
      },
    });
    let screen = '';
    child.stdout.on('data', (chunk: Buffer) => (screen += String(chunk)));
    await expect.poll(() => screen, { timeout: 15_000 }).toContain('ready> ');
    child.stdin.write('source <(berthctl completion bash); echo loa""ded\n');
    await expect.poll(() => screen, { timeout: 15_000 }).toContain('loaded');
    child.stdin.write('echo berthctl; berthctl explain fd\t-o name\n');
    await expect.poll(() => screen, { timeout: 15_000 }).toMatch(/explain fd00::2 -o name[\s\S]*held/);
    child.stdin.write('exit\n');
    await once(child, 'close');
  });
});

const has = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;

describe.skipIf(!has('zsh'))('zsh (needs zsh)', () => {
  test('offers what fits each line', () => {
    // compsys itself needs a line editor: its entry points are stood in for, all else is the script's own.
    const script = `
      compdef() { registered="$*"; }
      source <(berthctl completion zsh)
      [[ $registered == '_berthctl berthctl' ]] || exit 9
      _describe() { print -rl -- "\${(@P)2}"; }
      _files() { :; }
      for line in ${LINES.map(([line]) => `'${line}'`).join(' ')}; do
        print -r -- "@$line"
        words=("\${(@s: :)line}") CURRENT=$#words
        _berthctl
      done`;
    const shown = byLine(inShell('zsh', ['-f', '-c', script]));
    const words = (entry: string): string => entry.replaceAll('\\:', '\0').split(':')[0]!.replaceAll('\0', ':');
    expect(Object.fromEntries(Object.entries(shown).map(([line, offered]) => [line, offered.map(words)]))).toEqual(expected);
  });
  test('compinit takes it as a function of its own file', () => {
    const script = `
      mkdir -p functions; berthctl completion zsh > functions/_berthctl
      fpath=("$PWD/functions" $fpath); autoload -Uz compinit; compinit -u -D
      print -r -- $_comps[berthctl]`;
    expect(inShell('zsh', ['-f', '-c', `cd '${bin}'; ${script}`])).toEqual(['_berthctl']);
  });
});

describe.skipIf(!has('fish'))('fish (needs fish)', () => {
  test('offers what fits each line', () => {
    const script = `
      berthctl completion fish | source
      for line in ${LINES.map(([line]) => `'${line}'`).join(' ')}
        echo "@$line"
        complete -C "$line"
      end`;
    const shown = byLine(inShell('fish', ['--no-config', '-c', script]).map((entry) => entry.split('\t')[0]!));
    const sorted = (offers: Record<string, string[]>) =>
      Object.fromEntries(Object.entries(offers).map(([line, offered]) => [line, [...offered].sort()]));
    expect(sorted(shown)).toEqual(sorted(expected));
  });
});
