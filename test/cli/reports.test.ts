/** check and collect where there is something to tell: what a healthy controller does not have on demand is pretended. */
import { expect, test } from 'vitest';
import type { CheckReport, CollectReport } from '../../src/protocol.ts';
import { openPretendedController } from '../client/fault-socket.ts';
import { berthctl } from './berthctl.ts';
import { lines, withController } from './cluster.ts';

const { run, done, pool } = withController();

test('bindings that a forced deletion left outside every pool are found, and a person has to mend that', async () => {
  await pool('gone', '10.40.0.0/24');
  await done('allocate --pool gone -n acme --subid a --resource vm:a --address 10.40.0.9');
  await done('pool delete gone --force');
  expect(await run('check')).toEqual({
    stdout: lines`
      CODE           OBJECT              REPAIR    DETAIL
      OutsidePools   default.10-40-0-9   by hand   10.40.0.9 is held by acme/a and lies in no pool
    `,
    stderr: 'Checked 0 pools and 1 binding: 1 finding, 0 mended.\n',
    exitCode: 1,
  });
  expect(await done('release 10.40.0.9')).toBe('10.40.0.9 released from acme/a, pool gone\n');
  expect((await run('check')).exitCode).toBe(0);
});

const finding = { code: 'ViewBehindStore', object: 'default.10-0-0-5', detail: 'older than the store', repair: 'read it again' };
const report = (repaired: boolean): CheckReport => ({ checked: { pools: 1, bindings: 2 }, findings: [{ ...finding, repaired }] });

/** A controller with one finding; it is mended by the first repair that is no dry run. Remembers the bodies. */
async function withFinding() {
  const bodies: unknown[] = [];
  const { path } = await openPretendedController((body) => {
    bodies.push(body);
    const { repair, dryRun } = body as { repair?: boolean; dryRun?: boolean };
    return report(repair === true && dryRun !== true);
  });
  return { path, bodies };
}

const WOULD = lines`
  CODE              OBJECT             REPAIR          DETAIL
  ViewBehindStore   default.10-0-0-5   read it again   older than the store
`;
const DONE = lines`
  CODE              OBJECT             REPAIR   DETAIL
  ViewBehindStore   default.10-0-0-5   done     older than the store
`;

test('check only looks; a dry run shows what a repair would do', async () => {
  const { path, bodies } = await withFinding();
  expect(await berthctl(['check'], { socket: path })).toEqual({
    stdout: WOULD,
    stderr: 'Checked 1 pool and 2 bindings: 1 finding, 0 mended.\n',
    exitCode: 1,
  });
  const dry = await berthctl(['check', '--repair', '--dry-run'], { socket: path });
  expect(dry).toEqual({ stdout: WOULD, stderr: 'Checked 1 pool and 2 bindings: 1 finding, 0 mended (dry run).\n', exitCode: 1 });
  expect(bodies).toEqual([{}, { repair: true, dryRun: true }]);
});

test('a person sees what would be mended before the question, and a no mends nothing', async () => {
  const { path, bodies } = await withFinding();
  const no = await berthctl(['check', '--repair'], { socket: path, answers: ['n'] });
  expect(no).toEqual({ stdout: WOULD, stderr: 'Mend 1 finding? [y/N] Nothing mended.\n', exitCode: 1 });
  expect(bodies).toEqual([{ repair: true, dryRun: true }]);
});

test.each([{ answers: ['y'] }, {}])('a yes, or nobody to ask, mends ($answers)', async (options) => {
  const { path, bodies } = await withFinding();
  const yes = await berthctl(['check', '--repair'], { socket: path, ...options });
  expect(yes.exitCode).toBe(0);
  expect(yes.stdout).toBe('answers' in options ? WOULD + DONE : DONE);
  expect(yes.stderr).toContain('1 finding, 1 mended.');
  expect(bodies).toEqual([{ repair: true, dryRun: true }, { repair: true }]);
});

test('collect says who is gone and on what evidence, and what the brake holds back', async () => {
  const collected: CollectReport = {
    released: [{ address: '10.0.0.5', network: 'default', evidence: 'its lease ended' }],
    held: [
      { address: '10.0.0.6', network: 'lab', reason: 'held by the brake: too many are missing at once; approve, or wait' },
      { address: '10.0.0.7', network: 'lab', reason: 'its node is not ready' },
    ],
    dryRun: false,
  };
  const bodies: unknown[] = [];
  const { path } = await openPretendedController((body) => {
    bodies.push(body);
    return { ...collected, dryRun: (body as { dryRun?: boolean }).dryRun === true };
  });
  const heldBack = '1 address is held back; "berthctl collect --approve" lets them go.\n';
  expect(await berthctl(['collect', '--dry-run'], { socket: path })).toEqual({
    stdout: lines`
      ADDRESS    NETWORK   OUTCOME              BECAUSE
      10.0.0.5   default   released (dry run)   its lease ended
      10.0.0.6   lab       held back            held by the brake: too many are missing at once; approve, or wait
      10.0.0.7   lab       held back            its node is not ready
    `,
    stderr: heldBack,
    exitCode: 0,
  });
  const no = await berthctl(['collect', '--approve'], { socket: path, answers: ['n'] });
  expect(no).toEqual({ stdout: '', stderr: 'Release 1 address whose holder is gone? [y/N] Nothing released.\n', exitCode: 1 });
  expect((await berthctl(['collect', '--approve', '--yes', '-o', 'name'], { socket: path })).stdout).toBe('10.0.0.5\n');
  expect(bodies).toEqual([
    { dryRun: true, approve: false },
    { dryRun: true, approve: true },
    { dryRun: true, approve: true },
    { approve: true },
  ]);
});
