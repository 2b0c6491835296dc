/** The package as somebody installs it: what is in the tarball, the machine's own Node, a TypeScript consumer. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'berth-package-'));
const installed = join(folder, 'node_modules', 'berth-ipam');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The host's Node, not the pinned one, where it is one that the package is for. */
const pathWithoutPinned = process.env['PATH']!.split(delimiter).filter((entry) => !entry.includes('node_modules')).join(delimiter); // prettier-ignore
const run = (command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): string =>
  execFileSync(command, args, { cwd: folder, encoding: 'utf8', env });

function hostNode(): string {
  try {
    const version = run('node', ['--version'], { PATH: pathWithoutPinned });
    if (Number(/^v(\d+)/.exec(version)?.[1]) >= 20) return 'node';
  } catch {
    // The pinned one will do.
  }
  return process.execPath;
}

beforeAll(async () => {
  // It compiles what it packs (prepack), also where nothing was built before.
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], {
    cwd: root,
    env: { ...process.env, npm_config_cache: join(folder, 'cache') },
  });
  mkdirSync(installed, { recursive: true });
  run('tar', ['-xzf', readdirSync(folder).find((name) => name.endsWith('.tgz'))!, '-C', installed, '--strip-components=1']);
  symlinkSync(join(root, 'node_modules', 'ipaddr.js'), join(folder, 'node_modules', 'ipaddr.js'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
}, 120_000);

test('has the library and what to read, and nothing else', () => {
  expect(readdirSync(installed).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'docs', 'package.json']);
  expect(readdirSync(join(installed, 'dist'))).toEqual(['lib']);
  expect(readdirSync(join(installed, 'dist', 'lib')).sort()).toEqual(['core', 'store']); // prettier-ignore
});

test(`runs on ${hostNode()}`, () => {
  writeFileSync(
    join(folder, 'use.js'),
    `import { IpPool, ResourceType } from 'berth-ipam';
     import { createMemoryStore } from 'berth-ipam/store';
     const pool = new IpPool('lan');
     pool.addCidrRange('10.0.0.0/24');
     const address = pool.allocate('acme', 'web-1', ResourceType.mac('AA-BB-CC-00-11-22'));
     console.log(address, pool.findByResource('mac', 'aa:bb:cc:00:11:22'), typeof createMemoryStore);`,
  );
  expect(run(hostNode(), ['use.js'], { PATH: pathWithoutPinned })).toBe('10.0.0.0 10.0.0.0 function\n');
});

test('its types are what a strict consumer compiles against', () => {
  writeFileSync(
    join(folder, 'use.ts'),
    `import { IpPool, IpPoolError, ResourceType } from 'berth-ipam';
     import type { Store } from 'berth-ipam/store';
     const pool: IpPool = new IpPool('lan', { placement: 'Home', cooldownSeconds: 30 });
     const answer = pool.tryAllocate('acme', 'web-1', ResourceType.vm('v'), { family: 'IPv6', tags: { a: 'b' }, leaseSeconds: 60 });
     export const text: string | undefined = answer.address ?? answer.refusal?.code;
     export const total: bigint = pool.stats().total;
     export const isError = (error: unknown): boolean => error instanceof IpPoolError && error.code === 'PoolFull';
     export type Mine = Store;
     // @ts-expect-error an option that does not exist
     new IpPool('lan', { placment: 'Home' });`,
  );
  const flags = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--module', 'nodenext', '--target', 'es2023', '--types', '']; // prettier-ignore
  expect(run(join(root, 'node_modules', '.bin', 'tsc'), [...flags, 'use.ts'])).toBe('');
});
