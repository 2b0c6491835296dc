/** A subnet whose gateway, broadcast and service addresses are nobody's. */
import { IpPool, IpPoolError, ResourceType } from 'berth-ipam';

const pool = new IpPool('rack-7');
pool.addCidrRange('10.7.0.0/28'); // every address of it, the first and the last included

const nobodys = { network: '10.7.0.0', gateway: '10.7.0.1', broadcast: '10.7.0.15' };
for (const ip of Object.values(nobodys)) pool.reserveIp(ip);

// A service address is reserved first and then held by name: it is never dealt by chance.
pool.reserveIp('10.7.0.10');
const refused = (action: () => unknown): void => {
  try {
    action();
  } catch (error) {
    if (!(error instanceof IpPoolError)) throw error;
    console.log(`${error.code}: ${error.message}`);
  }
};
refused(() => pool.allocateSpecific('10.7.0.10', 'services', 'dns', ResourceType.custom('dns')));
pool.unreserveIp('10.7.0.10');
console.log(`dns: ${pool.allocateSpecific('10.7.0.10', 'services', 'dns', ResourceType.custom('dns'))}`);
refused(() => pool.reserveIp('10.7.0.10'));
refused(() => pool.allocateSpecific('10.7.0.10', 'machines', 'm1', ResourceType.vm('m1')));
refused(() => pool.allocateSpecific('10.7.0.1', 'machines', 'm1', ResourceType.vm('m1')));
refused(() => pool.allocateSpecific('10.8.0.1', 'machines', 'm1', ResourceType.vm('m1')));

const machines: string[] = [];
for (let index = 0; pool.stats().available > 0n; index++)
  machines.push(pool.allocate('machines', `m${index}`, ResourceType.vm(`m${index}`)));
console.log(`machines: ${machines.join(' ')}`);
refused(() => pool.allocate('machines', 'one-more', ResourceType.vm('one-more')));
const { total, allocated, reserved, available } = pool.stats();
console.log(`${total} addresses: ${allocated} allocated, ${reserved} reserved, ${available} available`);
