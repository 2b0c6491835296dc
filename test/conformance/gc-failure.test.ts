/** CNI.md section 4, I 147: needs a store that fails for one record, so it is shown on the operation itself. */
import { expect, test } from 'vitest';
import { addressOf, openWorld, refusalOf } from '../support/ipam-world.ts';

test('C147 GC goes on after a release that fails, then says so', async () => {
  let broken = '';
  const fault = ({ verb, name }: { readonly verb: string; readonly name?: string }) =>
    verb === 'replace' && broken !== '' && name === broken ? ('unavailable' as const) : undefined;
  const world = await openWorld({ memory: { fault } });
  await world.pool('p', { ranges: [{ cidr: '10.0.0.0/29' }], default: true });
  const [first, second, third] = [await addressOf(world.add('c1')), await addressOf(world.add('c2')), await addressOf(world.add('c3'))];
  broken = `default.${second.replaceAll('.', '-')}`;
  const request = { cniVersion: '1.1.0', cniNetwork: 'net', stamp: world.stamp(), validAttachments: [], gcMinAgeSeconds: 0 };
  const refused = refusalOf(await world.ipam.gc({ node: 'n1', gone: () => false }, request));
  expect(refused.reason).toBe('Unavailable');
  const held = world.ipam.bindings({}).map(({ spec }) => spec.address);
  expect([first, third].filter((address) => held.includes(address))).toEqual([]);
  expect(held).toEqual([second]);
});
