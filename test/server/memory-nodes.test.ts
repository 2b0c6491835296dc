/** Boots as the memory store knows them: this machine's kernel is the truth, of another node the latest is. */
import { describe, expect, test } from 'vitest';
import { MemoryNodes } from '../../cmd/berth-controller/memory-nodes.ts';

const current = { verdict: 'current', rebooted: false };
const superseded = { verdict: 'superseded', rebooted: false };

describe('MemoryNodes', () => {
  test('this machine: its own boot is current, any other is over', async () => {
    const nodes = new MemoryNodes('here', 'boot-2');
    expect(await nodes.judgeBoot('here', 'boot-2')).toEqual(current);
    expect(await nodes.judgeBoot('here', 'boot-1')).toEqual(superseded);
    expect([await nodes.isSuperseded('here', 'boot-2'), await nodes.isSuperseded('here', 'boot-1')]).toEqual([false, true]);
  });

  test('another node: the latest counts, is news once, and the older never returns', async () => {
    const nodes = new MemoryNodes('here', 'boot-2');
    expect(await nodes.judgeBoot('there', 'a')).toEqual(current);
    expect(await nodes.isSuperseded('there', 'a')).toBe(false);
    expect(await nodes.judgeBoot('there', 'b')).toEqual({ ...current, rebooted: true });
    expect(await nodes.judgeBoot('there', 'b')).toEqual(current);
    expect(await nodes.judgeBoot('there', 'a')).toEqual(superseded);
    expect(await nodes.isSuperseded('there', 'a')).toBe(true);
    expect(await nodes.judgeBoot('elsewhere', 'a')).toEqual(current);
  });

  test('asking about a boot teaches nothing', async () => {
    const nodes = new MemoryNodes('here', undefined);
    expect(await nodes.isSuperseded('there', 'x')).toBe(false);
    expect(await nodes.judgeBoot('there', 'y')).toEqual(current);
  });

  test('a machine that cannot tell its boot is judged like any other', async () => {
    const nodes = new MemoryNodes('here', undefined);
    expect(await nodes.judgeBoot('here', 'a')).toEqual(current);
    expect(await nodes.judgeBoot('here', 'b')).toEqual({ ...current, rebooted: true });
  });
});
