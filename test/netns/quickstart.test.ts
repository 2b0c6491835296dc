/** `npm run quickstart` is the first thing a stranger runs: it must clean up, however it ends. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { execute, must } from '../../cmd/dev/execute.ts';
import { MAIN_PLUGINS, titled } from './stage.ts';

const { missing } = MAIN_PLUGINS[0]!;

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

function start(...args: string[]): Run {
  const child = spawn(process.execPath, ['cmd/dev/quickstart.ts', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  return { child, output: () => output, ended: new Promise((done) => child.once('close', (code) => done(code))) };
}

async function until({ output, ended }: Run, text: string): Promise<void> {
  let over = false;
  void ended.then(() => (over = true));
  while (!output().includes(text)) {
    if (over) throw new Error(`it ended before it said "${text}":\n${output()}`);
    await new Promise((later) => setTimeout(later, 20));
  }
}

/** What this run left: namespaces, folders and processes with its pid or folder in their name. */
async function leftBy(pid: number): Promise<string[]> {
  const mark = `berth-quickstart-${pid}-`;
  const namespaces = (await execute('ip', ['netns', 'list'])).stdout.split('\n').filter((line) => line.startsWith(mark));
  const folders = readdirSync(tmpdir()).filter((name) => name.startsWith(mark));
  const processes = (await must('ps', ['-eo', 'pid,args']))
    .split('\n')
    .filter((line) => line.includes(mark) && line.includes('berth-controller'));
  return [...namespaces, ...folders, ...processes];
}

describe.skipIf(missing !== undefined)(titled('quickstart', missing), { timeout: 180_000 }, () => {
  test('Ctrl-C in the middle leaves nothing', async () => {
    const run = start();
    await until(run, 'They reach each other');
    expect(await leftBy(run.child.pid!)).not.toEqual([]);
    run.child.kill('SIGINT');
    expect(await run.ended, run.output()).toBe(130);
    expect(await leftBy(run.child.pid!)).toEqual([]);
  });

  test('what a killed run left is removed by the next one, which runs to its end', async () => {
    const killed = start();
    await until(killed, 'They reach each other');
    killed.child.kill('SIGKILL');
    // Its controller holds the pipes open: `close` comes when the next run has ended it.
    expect(await leftBy(killed.child.pid!)).not.toEqual([]);
    const next = start();
    expect(await next.ended, next.output()).toBe(0);
    expect(next.output()).toContain('interfaces, namespaces, forwarding and temporary files are as before');
    expect(await leftBy(killed.child.pid!)).toEqual([]);
    expect(await leftBy(next.child.pid!)).toEqual([]);
  });
});

test('quickstart whose output nobody reads any more leaves nothing', { timeout: 180_000 }, async () => {
  const run = start('--plain');
  await until(run, 'Attach 3 containers');
  run.child.stdout!.destroy();
  expect(await run.ended).toBe(130);
  expect(await leftBy(run.child.pid!)).toEqual([]);
});

test('quickstart without namespaces makes the same calls and says so', { timeout: 180_000 }, async () => {
  const run = start('--plain');
  expect(await run.ended, run.output()).toBe(0);
  expect(run.output()).toContain('No network namespaces this time: you said --plain');
  expect(run.output()).toMatch(/CNI_COMMAND=ADD CNI_CONTAINERID=red-1/);
  expect(run.output()).not.toContain('ip netns add');
});
