/** MAC addresses bound to addresses, and looked up in whatever spelling, as a DHCP server would. */
import { IpPool, ResourceType } from 'berth-ipam';

let seconds = 0;
const clock = { now: () => seconds * 1000, monotonic: () => seconds * 1000 };
const pool = new IpPool('office', { clock, stickySeconds: 3600 });
pool.addRange('192.168.7.100', '192.168.7.199');

const offer = (mac: string): string => {
  const resource = ResourceType.mac(mac);
  return pool.allocate('office', resource.value, resource, { leaseSeconds: 600 });
};

console.log(`printer: ${offer('00-1B-63-84-45-E6')}`);
console.log(`laptop:  ${offer('AA:BB:CC:00:11:22')}`);

for (const spelling of ['aa:bb:cc:00:11:22', 'AA-BB-CC-00-11-22', 'aabb.cc00.1122']) {
  console.log(`${spelling} is at ${pool.findByResource('mac', spelling)}`);
}
const binding = pool.getBinding('192.168.7.100');
console.log(`192.168.7.100 belongs to ${binding?.resource.value}`);

// The laptop renews, the printer does not.
seconds = 500;
pool.renew('192.168.7.101', 600);
seconds = 700;
console.log(`ended: ${pool.expire().map((ended) => ended.resource.value)}`);

// It comes back within the hour and finds its address, although another machine came in between.
console.log(`newcomer: ${offer('02:00:00:00:00:01')}`);
console.log(`printer:  ${offer('001b638445e6')}`);
