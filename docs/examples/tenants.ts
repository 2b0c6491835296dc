/** Several tenants on one pool, and the clean-up of one. */
import { IpPool, IpPoolError, ResourceType } from 'berth-ipam';

const pool = new IpPool('shared', { limits: { perSubinstance: 3 } });
pool.addCidrRange('10.20.0.0/28');
pool.reserveIp('10.20.0.0');
pool.reserveIp('10.20.0.15');

for (const tenant of ['acme', 'globex']) {
  for (const name of ['web', 'db']) {
    const address = pool.allocate(tenant, name, ResourceType.vm(`${tenant}-${name}`), { tags: { role: name } });
    console.log(`${tenant}/${name} has ${address}`);
  }
}

// The same request again is the same address: a caller that is not sure may simply repeat it.
console.log(`acme/web again: ${pool.allocate('acme', 'web', ResourceType.vm('acme-web'))}`);

pool.allocate('acme', 'cache', ResourceType.vm('acme-cache'));
try {
  pool.allocate('acme', 'one-too-many', ResourceType.vm('acme-4'));
} catch (error) {
  if (!(error instanceof IpPoolError)) throw error;
  console.log(`${error.code}: ${error.message}`);
}

console.log(`databases: ${pool.findByTag('role', 'db').join(', ')}`);

// A tenant leaves. Doing it twice is fine, so a clean-up that was interrupted can be run again.
console.log(`acme gives back ${pool.releaseBySubinstance('acme').length} addresses`);
console.log(`acme gives back ${pool.releaseBySubinstance('acme').length} addresses`);
console.log(`globex still has ${pool.listBySubinstance('globex').join(', ')}`);
const { total, allocated, reserved, available } = pool.stats();
console.log(`${total} addresses: ${allocated} allocated, ${reserved} reserved, ${available} available`);
