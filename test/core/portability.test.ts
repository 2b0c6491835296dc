/** The library where there is no Node: a bare JavaScript context, and a browser. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { bundleProgram, runInVm } from '../examples/run-in-vm.ts';

const CHROMIUM = process.env['BERTH_CHROMIUM'] ?? '/usr/bin/chromium';
const hasChromium = existsSync(CHROMIUM);

const PROGRAM = `
  import { IpPool, IpPoolError, ResourceType } from 'berth-ipam';
  const pool = new IpPool('anywhere', { placement: 'Home', cooldownSeconds: 1 });
  pool.addCidrRange('10.0.0.0/8');
  pool.addCidrRange('2001:db8::/64');
  const first = pool.allocate('t', 'a', ResourceType.mac('02-00-00-00-00-01'), { leaseSeconds: 60 });
  pool.allocate('t', 'a', ResourceType.mac('02-00-00-00-00-01'), { family: 'IPv6' });
  let code = '';
  try { pool.addRange('x', 'y'); } catch (error) { code = error instanceof IpPoolError ? error.code : 'odd'; }
  const copy = IpPool.fromJSON(JSON.stringify(pool));
  pool.releaseByIp(first);
  globalThis.answer = JSON.stringify([code, copy.findBySubid('t', 'a') === first, String(pool.stats().allocated), pool.verify(), pool.expire()]);
`;

const ANSWER = JSON.stringify(['InvalidIpAddress', true, '1', [], []]);

test('in a bare context without a single global of Node or the web', async () => {
  const bundle = await bundleProgram(PROGRAM);
  expect(runInVm(`${bundle}\nconsole.log(globalThis.answer, typeof process, typeof performance, typeof setTimeout)`)).toEqual([
    `${ANSWER} undefined undefined undefined`,
  ]);
});

describe.skipIf(!hasChromium)(
  `in headless Chromium${hasChromium ? '' : ` (SKIPPED: there is no ${CHROMIUM}; apt-get install chromium)`}`,
  () => {
    test('the same program gives the same answer', async () => {
      const userDataDir = mkdtempSync(join(tmpdir(), 'berth-chromium-'));
      try {
        const browser = await chromium.launchPersistentContext(userDataDir, {
          executablePath: CHROMIUM,
          headless: true,
          args: [
            '--no-sandbox',
            '--disable-gpu',
            '--disable-quic',
            '--no-first-run',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync',
          ],
        });
        try {
          const page = await browser.newPage();
          await page.evaluate(await bundleProgram(PROGRAM));
          expect(await page.evaluate('globalThis.answer')).toBe(ANSWER);
        } finally {
          await browser.close();
        }
      } finally {
        rmSync(userDataDir, { recursive: true, force: true });
      }
    }, 90_000);
  },
);

test('it stays small: minified with its dependency, and gzipped', async () => {
  const minified = await bundleProgram(`export * from 'berth-ipam'`, { minify: true, globalName: 'berth' });
  const gzipped = gzipSync(minified, { level: 9 }).length;
  console.log(`berth-ipam: ${minified.length} bytes minified, ${gzipped} gzipped`);
  expect(minified.length).toBeLessThan(64_000);
  expect(gzipped).toBeLessThan(22_000);
});
