/** The launchers of the Node programs: which Node they take, and what they say when there is none. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { builtController } from './controller-process.ts';
import { makeFolder } from './serve.ts';

/** A checkout with the launcher in dist, whose pinned Node and PATH's Node are scripts that say which they are. */
async function pretendCheckout(pinned: string | undefined, inPath: string | undefined) {
  const folder = await makeFolder();
  const { launcher } = await builtController();
  for (const name of ['dist', 'node_modules/.bin', 'bin', 'elsewhere']) mkdirSync(join(folder, name), { recursive: true });
  for (const name of ['berth-controller', 'berthctl', 'kubectl-berth']) cpSync(join(launcher, '..', name), join(folder, 'dist', name));
  if (pinned !== undefined) pretendNode(join(folder, 'node_modules/.bin/node'), pinned, 'pinned');
  if (inPath !== undefined) pretendNode(join(folder, 'bin/node'), inPath, 'path');
  // What a launcher itself needs, and no node.
  for (const tool of ['readlink', 'dirname', 'sh'])
    symlinkSync(spawnSync('which', [tool], { encoding: 'utf8' }).stdout.trim(), join(folder, 'bin', tool));
  const environment = { PATH: join(folder, 'bin') };
  return {
    folder,
    run: (program: string, ...args: readonly string[]) => spawnSync(program, args, { env: environment, encoding: 'utf8' }),
    environment,
  };
}

function pretendNode(path: string, version: string, name: string): void {
  const broken =
    version === 'broken' ? 'echo "error while loading shared libraries" >&2; exit 127' : `[ "$1" = --version ] && echo ${version} && exit`;
  writeFileSync(path, `#!/bin/sh\n${broken}\necho ${name} $$ "$@"\n`);
  chmodSync(path, 0o755);
}

describe('dist/berth-controller', () => {
  test.each([
    ['the pinned one', 'v26.10.0', 'v26.10.0', 'pinned'],
    ['the pinned one, whatever the PATH has', 'v26.10.0', 'v18.0.0', 'pinned'],
    ['the PATH’s where there is no pinned one', undefined, 'v24.15.0', 'path'],
    ['the PATH’s where the pinned one lacks a library', 'broken', 'v25.0.0', 'path'],
  ])('takes %s', async (_name, pinned, inPath, taken) => {
    const { folder, run } = await pretendCheckout(pinned, inPath);
    const { stdout, status } = run(join(folder, 'dist/berth-controller'), '--store', 'a b');
    expect(status).toBe(0);
    expect(stdout.replace(/ \d+ /, ' ')).toBe(
      `${taken} --disable-warning=ExperimentalWarning ${folder}/dist/berth-controller.mjs --store a b\n`,
    );
  });

  test.each([
    ['none at all', undefined, undefined],
    ['only an old one', undefined, 'v24.14.9'],
    ['only a much older one', undefined, 'v20.19.0'],
    ['a broken one and an old one', 'broken', 'v22.0.0'],
  ])('says what to install where there is %s', async (_name, pinned, inPath) => {
    const { folder, run } = await pretendCheckout(pinned, inPath);
    const { stdout, stderr, status } = run(join(folder, 'dist/berthctl'));
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toBe("berthctl: needs Node 24.15 or newer: install it, or run 'npm ci' in the checkout, which brings one.\n");
  });

  test('is found through links, and kubectl-berth is berthctl', async () => {
    const { folder, run } = await pretendCheckout('v26.10.0', undefined);
    symlinkSync('../dist/kubectl-berth', join(folder, 'elsewhere/first'));
    symlinkSync('first', join(folder, 'elsewhere/second'));
    expect(run(join(folder, 'elsewhere/second'), 'version').stdout).toMatch(/dist\/berthctl\.mjs version\n$/);
  });

  test('becomes the program: a signal reaches it, not a shell', async () => {
    const { folder, environment } = await pretendCheckout('v26.10.0', undefined);
    const child = spawn(join(folder, 'dist/berth-controller'), [], { env: environment });
    const [said] = await Promise.all([text(child.stdout), once(child, 'close')]);
    expect(said).toMatch(new RegExp(`^pinned ${child.pid} `));
  });
});
