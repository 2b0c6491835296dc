/** The network configurations in deploy/examples: read by the plugin's own reader, naming pools that the examples have. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Environment } from '../../src/cni/environment.ts';
import { checkRequest } from '../../src/cni/request.ts';
import { parsePoolFile } from '../../src/server/pool-file.ts';
import { take } from '../support/ipam-world.ts';

const folder = join(import.meta.dirname, '../../deploy/examples');
const files = (end: string) => readdirSync(folder).filter((name) => name.endsWith(end));
const read = (name: string) => readFileSync(join(folder, name), 'utf8');
const pools = files('.yaml').flatMap((name) => take(parsePoolFile(read(name))).map(({ metadata }) => metadata.name));

const environment: Environment = { verb: 'ADD', containerId: 'c1', ifName: 'eth0', netns: '/run/netns/c1', args: new Map() };

describe('deploy/examples', () => {
  test('has a conflist for each kind of main plugin', () => {
    expect(files('.conflist')).toEqual(['bridge.conflist', 'ipvlan.conflist', 'macvlan.conflist', 'ptp.conflist']);
  });

  test.each(files('.conflist'))('%s', (name) => {
    const { cniVersion, name: network, plugins } = JSON.parse(read(name));
    const withIpam = plugins.filter(({ ipam }: { ipam?: object }) => ipam !== undefined);
    expect(withIpam).toHaveLength(1);
    // What a runtime hands to the main plugin, and that to us.
    const request = checkRequest(environment, JSON.stringify({ ...withIpam[0], cniVersion, name: network }));
    expect(request).toMatchObject({ ok: true });
    const named = (request.configuration?.pools ?? []).flat();
    expect(named.filter((pool) => !pools.includes(pool))).toEqual([]);
    expect(withIpam[0].ipam.type).toBe('berth');
  });
});
