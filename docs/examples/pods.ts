/** Pods by namespace, with an address of each family. */
import { IpPool, ResourceType, type Family } from 'berth-ipam';

const pool = new IpPool('cluster');
pool.addCidrRange('10.244.0.0/24');
pool.addCidrRange('fd00:10:244::/64');

function attach(namespace: string, name: string): string {
  const addresses = (['IPv4', 'IPv6'] as const satisfies readonly Family[]).map((family) =>
    pool.allocate(namespace, name, ResourceType.pod(`${namespace}/${name}`), { family, tags: { app: name.split('-')[0]! } }),
  );
  return addresses.join(' and ');
}

console.log(`shop/web-0 has ${attach('shop', 'web-0')}`);
console.log(`shop/web-1 has ${attach('shop', 'web-1')}`);
console.log(`blog/web-0 has ${attach('blog', 'web-0')}`);

console.log(`all of shop: ${pool.listBySubinstance('shop').join(', ')}`);
console.log(`blog/web-0: ${pool.findAllBySubid('blog', 'web-0').join(', ')}`);
console.log(`who has 10.244.0.1? ${pool.getBinding('10.244.0.1')?.resource.value}`);
console.log(`by pod: ${pool.findByResource('pod', 'shop/web-1')}`);

for (const binding of pool.releaseBySubid('shop', 'web-0')) console.log(`shop/web-0 gave back ${binding.address}`);
console.log(`everything called web: ${pool.findByTag('app', 'web').join(', ')}`);
for (const { address } of pool.releaseBySubinstance('shop')) console.log(`namespace shop is gone, and with it ${address}`);
