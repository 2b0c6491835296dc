import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { open, tempPath } from './temp.ts';

const verdicts = async (judged: Promise<{ verdict: string; rebooted: boolean }>): Promise<string> => {
  const { verdict, rebooted } = await judged;
  return [verdict, rebooted && 'rebooted'].filter(Boolean).join(' ');
};

test('for its own machine the kernel is the truth: its boot id is current, every other is over', async () => {
  const { nodes, counters } = open(tempPath(), { localNode: { name: 'here', bootId: 'boot-2', uid: 'uid-of-here' } });
  expect(await nodes.judgeBoot('here', 'boot-2')).toEqual({ verdict: 'current', rebooted: true, nodeUid: 'uid-of-here' });
  expect(await nodes.judgeBoot('here', 'boot-2')).toEqual({ verdict: 'current', rebooted: false, nodeUid: 'uid-of-here' });
  expect(await verdicts(nodes.judgeBoot('here', 'boot-1'))).toBe('superseded');
  expect(await verdicts(nodes.judgeBoot('here', 'never-seen'))).toBe('superseded');
  expect([await nodes.isSuperseded('here', 'boot-2'), await nodes.isSuperseded('here', 'boot-1')]).toEqual([false, true]);
  expect(counters.commits, 'no judgement of a call writes for the own machine').toBe(0);
});

test('a reboot of the own machine is news once, also when the controller restarts in between', async () => {
  const path = tempPath();
  const seen: unknown[] = [];
  for (const bootId of ['boot-1', 'boot-1', 'boot-2', 'boot-2']) {
    const { nodes, close } = open(path, { localNode: { name: 'here', bootId } });
    seen.push([
      bootId,
      nodes.bootChangedAtOpen,
      await verdicts(nodes.judgeBoot('here', bootId)),
      await verdicts(nodes.judgeBoot('here', bootId)),
    ]);
    await close();
  }
  expect(seen).toEqual([
    ['boot-1', false, 'current rebooted', 'current'],
    ['boot-1', false, 'current', 'current'],
    ['boot-2', true, 'current rebooted', 'current'],
    ['boot-2', false, 'current', 'current'],
  ]);
});

test('of another node the latest boot is the current one, and an older one never returns', async () => {
  const path = tempPath();
  const first = open(path);
  expect(await verdicts(first.nodes.judgeBoot('there', 'a'))).toBe('current rebooted');
  expect(await verdicts(first.nodes.judgeBoot('there', 'a'))).toBe('current');
  expect(await verdicts(first.nodes.judgeBoot('there', 'b'))).toBe('current rebooted');
  expect(await verdicts(first.nodes.judgeBoot('there', 'a'))).toBe('superseded');
  await first.close();
  const { nodes } = open(path);
  expect(await verdicts(nodes.judgeBoot('there', 'a'))).toBe('superseded');
  expect(await verdicts(nodes.judgeBoot('there', 'b'))).toBe('current');
  expect([await nodes.isSuperseded('there', 'a'), await nodes.isSuperseded('there', 'b')]).toEqual([true, false]);
  expect(await verdicts(nodes.judgeBoot('elsewhere', 'a')), 'nodes are judged apart').toBe('current rebooted');
});

test('a node that invents boot ids does not fill the disk, and what it was lately stays known', async () => {
  const path = tempPath();
  const { nodes } = open(path);
  for (let boot = 0; boot < 150; boot++) await nodes.judgeBoot('there', `boot-${boot}`);
  const reader = new DatabaseSync(path, { readOnly: true });
  onTestFinished(() => reader.close());
  expect(reader.prepare('SELECT count(*) AS n FROM boots').get()?.['n']).toBe(100);
  expect(await verdicts(nodes.judgeBoot('there', 'boot-149'))).toBe('current');
  for (const boot of [148, 100, 50]) expect(await verdicts(nodes.judgeBoot('there', `boot-${boot}`)), `boot-${boot}`).toBe('superseded');
});

test('asking whether a boot is over teaches nothing', async () => {
  const { nodes } = open(tempPath());
  expect(await nodes.isSuperseded('there', 'a')).toBe(false);
  expect(await verdicts(nodes.judgeBoot('there', 'b'))).toBe('current rebooted');
  expect(await nodes.isSuperseded('there', 'a')).toBe(false);
});

test('of many first calls of a new boot exactly one brings the news', async () => {
  const { nodes, counters } = open(tempPath());
  await nodes.judgeBoot('there', 'a');
  const all = await Promise.all(Array.from({ length: 40 }, () => nodes.judgeBoot('there', 'b')));
  expect(all.filter((verdict) => verdict.rebooted).length).toBe(1);
  expect(all.every((verdict) => verdict.verdict === 'current')).toBe(true);
  expect(counters.commits).toBe(2);
});

test('the verdict is given after it is on disk', async () => {
  const log: string[] = [];
  const { nodes } = open(tempPath(), { onStep: (step) => log.push(step) });
  log.length = 0;
  await nodes.judgeBoot('there', 'a').then(() => log.push('told'));
  expect(log).toEqual(['submitted', 'begun', 'applied', 'before-commit', 'committed', 'delivered', 'answered', 'told']);
});

test('a machine without a boot id is judged like any other node', async () => {
  const { nodes } = open(tempPath(), { localNode: { name: 'here' } });
  expect(nodes.bootChangedAtOpen).toBe(false);
  expect(await verdicts(nodes.judgeBoot('here', 'a'))).toBe('current rebooted');
  expect(await verdicts(nodes.judgeBoot('here', 'b'))).toBe('current rebooted');
  expect(await verdicts(nodes.judgeBoot('here', 'a'))).toBe('superseded');
});
