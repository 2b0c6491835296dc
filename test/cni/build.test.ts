/** What the build makes: modes, size, and that it runs where there is no cargo and when called through a link. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { buildHosts, callPlugin } from '../support/plugin.ts';

const [native, node] = buildHosts();
const folder = mkdtempSync(join(tmpdir(), 'berth-build-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const about = (path: string) => callPlugin(path, { CNI_COMMAND: 'VERSION' }, '{}');

test('executables are 0755, without SUID', () => {
  for (const host of [native, node]) expect(statSync(host?.path ?? '').mode & 0o7777).toBe(0o755);
});

test.skipIf(native?.native !== true)(`a single static file of at most 6 MB: ${native?.name}`, () => {
  const file = readFileSync(native?.path ?? '');
  expect(file.length).toBeLessThanOrEqual(6_000_000);
  // No program header of type PT_INTERP (3): nothing loads it but the kernel.
  const [start, size, count] = [Number(file.readBigUInt64LE(0x20)), file.readUInt16LE(0x36), file.readUInt16LE(0x38)];
  expect(Array.from({ length: count }, (_one, index) => file.readUInt32LE(start + index * size))).not.toContain(3);
});

test('the launcher runs through a symbolic link', async () => {
  symlinkSync(node?.path ?? '', join(folder, 'linked'));
  expect((await about(join(folder, 'linked'))).code).toBe(0);
});

test('without cargo dist/berth is the Node one, and the build says so', async () => {
  const build = fileURLToPath(new URL('../../cmd/dev/build-plugin.mjs', import.meta.url));
  const script = `const { buildPlugin } = await import(${JSON.stringify(build)});
    console.log(JSON.stringify(await buildPlugin({ outDir: ${JSON.stringify(join(folder, 'dist'))} })));`;
  const env = { PATH: '/usr/bin:/bin', HOME: folder };
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { env, encoding: 'utf8' });
  expect(JSON.parse(said)).toEqual({ native: false });
  expect(readFileSync(join(folder, 'dist/berth'), 'utf8')).toMatch(/^#!\/bin\/sh/);
  expect((await about(join(folder, 'dist/berth'))).code).toBe(0);
});

test('a launcher that finds no Node says it as a CNI error', async () => {
  const launcher = readFileSync(node?.path ?? '', 'utf8').replace(/^for node in .*; do$/m, 'for node in /nowhere/node; do');
  writeFileSync(join(folder, 'lonely'), launcher, { mode: 0o755 });
  const said = await about(join(folder, 'lonely'));
  expect([said.code, JSON.parse(said.stdout)]).toMatchObject([1, { code: 999 }]);
});
