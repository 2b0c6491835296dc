/** Containers that come and go quickly: an address that was just released is dealt to somebody else last. */
import { IpPool, ResourceType } from 'berth-ipam';

let seconds = 0;
const clock = { now: () => seconds * 1000, monotonic: () => seconds * 1000 };
const pool = new IpPool('bridge0', { clock, cooldownSeconds: 30, whenFull: 'Wait' });
pool.addRange('172.17.0.2', '172.17.0.4');

pool.on('allocated', (binding) => console.log(`+ ${binding.address} ${binding.resource.value}`));
pool.on('released', (binding) => console.log(`- ${binding.address} ${binding.resource.value}`));

const start = (id: string): boolean => {
  const { address, refusal } = pool.tryAllocate('host-1', id, ResourceType.container(id));
  if (refusal) console.log(`${id} must wait: ${refusal.detail}`);
  return address !== undefined;
};

start('c1');
start('c2');
pool.releaseBySubid('host-1', 'c1');
start('c3'); // not the address that c1 had a moment ago
seconds = 10;
start('c4'); // nothing but that address is left, and it cools for 20 s more
seconds = 30;
start('c4');

// The process restarts: the pool is plain JSON.
const saved = JSON.stringify(pool);
const restored = IpPool.fromJSON(saved, { clock });
console.log(`after a restart: ${restored.listBySubinstance('host-1').join(', ')}`);
