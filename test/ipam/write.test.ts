/** What a read by name teaches, and what a release does about a record that changes meanwhile. */
import { describe, expect, test } from 'vitest';
import type { BindingSpec } from '../../src/core/binding.ts';
import type { Context } from '../../src/ipam/context.ts';
import { View } from '../../src/ipam/view.ts';
import { learn, releaseBinding } from '../../src/ipam/write.ts';
import { StoreUnavailable, type Stored } from '../../src/store/store.ts';
import { storedBinding } from '../support/binding-spec.ts';
import { virtualTimers } from '../support/virtual-timers.ts';

const record = (version: string, uid = 'u1', subid = 'web'): Stored<BindingSpec> => storedBinding(version, uid, { subid });

describe('a read by name', () => {
  /** The view knows `known`; meanwhile is what happens between the read and its answer. */
  const read = async (known: Stored<BindingSpec>, shown: Stored<BindingSpec> | undefined, meanwhile?: (view: View) => void) => {
    const view = new View(virtualTimers());
    view.wrote(known);
    const get = async () => (meanwhile?.(view), shown);
    expect(await learn({ view, store: { bindings: { get } } } as unknown as Context, known.name)).toBe(shown);
    expect(view.ledger.verify()).toEqual([]);
    return view.binding(known.name)?.version;
  };

  test('that shows an older state is right: the store was taken back in time', async () => {
    expect(await read(record('20'), record('10'))).toBe('10');
  });

  test('that shows nothing is right: it is gone, and the watch has yet to say so', async () => {
    expect(await read(record('20'), undefined)).toBeUndefined();
  });

  test('says nothing about what was written since it began', async () => {
    expect(await read(record('20'), record('20'), (view) => view.wrote(record('21')))).toBe('21');
    expect(await read(record('20'), undefined, (view) => view.wrote(record('22', 'u2')))).toBe('22');
    expect(await read(record('30'), record('20'), (view) => view.wrote(record('31')))).toBe('31');
  });
});

describe('a record that somebody else changes while it is released', () => {
  /** Each write finds a newer state, `then` from the nth on. */
  const release = async (then: (attempt: number) => Stored<BindingSpec> | undefined) => {
    const timers = virtualTimers();
    const view = new View(timers);
    view.wrote(record('10'));
    let attempts = 0;
    const replace = async (old: Stored<BindingSpec>, spec: BindingSpec) => {
      const current = then(++attempts);
      return current === undefined
        ? { ok: true as const, stored: { ...old, version: '99', spec } }
        : { ok: false as const, conflict: 'Changed' as const, current };
    };
    const context = { view, timers, store: { bindings: { replace } } } as unknown as Context;
    const released = await releaseBinding(context, record('10').name, ({ subid }) => subid === 'web');
    return { released, attempts };
  };

  test('is released as it is then', async () => {
    const { released, attempts } = await release((attempt) => (attempt < 4 ? record(`1${attempt}`) : undefined));
    expect([released?.subid, attempts]).toEqual(['web', 4]);
  });

  test('is left alone when it is another’s by then', async () => {
    expect(await release(() => record('11', 'u1', 'other'))).toEqual({ released: undefined, attempts: 1 });
  });

  test('without an end is no success: who asked has to try again', async () => {
    await expect(release((attempt) => record(`1${attempt}`))).rejects.toThrow(StoreUnavailable);
  });
});
