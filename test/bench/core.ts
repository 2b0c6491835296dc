/**
 * The core and the library: `node test/bench/core.ts [--quick]`. Ratios within one run are asserted (exit 1), times
 * are shown. A pair of allocate and release is one operation.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AddressSpace } from '../../src/core/address-space.ts';
import { IpPool, ResourceType, type IpPoolOptions } from '../../src/core/index.ts';
import { parseCidr } from '../../src/core/range.ts';
import { compare, cpuNanoseconds, holds, table, type Bound, type Contestant } from './measure.ts';
import { ThreeMaps } from './three-maps.ts';

const quick = process.argv.includes('--quick');
const rounds = quick ? 7 : 15;
const bounds: Bound[] = [];

interface Dealer {
  allocate(subinstance: string, subid: string, resource: ReturnType<typeof ResourceType.vm>): string;
  releaseByIp(address: string): unknown;
}

/** Subjects as a data centre has them: a few hundred tenants, each with machines of its own. */
const tenants = Array.from({ length: 256 }, (_, index) => `tenant-${index}`);
const hold = (dealer: Dealer, from: number, to: number): string[] => {
  const addresses: string[] = [];
  for (let index = from; index < to; index++) {
    addresses.push(dealer.allocate(tenants[index & 255]!, `vm-${index}`, ResourceType.vm(`machine-${index}`)));
  }
  return addresses;
};

/** Somebody new comes and the one before goes; what was held before stays. */
function turnover(name: string, dealer: Dealer, subjects = 1024): Contestant {
  const names = Array.from({ length: subjects }, (_, index) => ({ subid: `new-${index}`, resource: ResourceType.vm(`new-${index}`) }));
  let next = 0;
  return {
    name,
    run(count) {
      for (let done = 0; done < count; done++) {
        const { subid, resource } = names[next]!;
        dealer.releaseByIp(dealer.allocate(tenants[next & 255]!, subid, resource));
        next = (next + 1) % subjects;
      }
    },
  };
}

/** One of the many held goes, somebody new takes its place: every operation touches a cold part of memory. */
function replacement(name: string, dealer: Dealer, held: string[], first: number): Contestant {
  let index = first;
  let position = 0;
  return {
    name,
    run(count) {
      for (let done = 0; done < count; done++) {
        position = (position + 7_919) % held.length;
        dealer.releaseByIp(held[position]!);
        held[position] = dealer.allocate(tenants[index & 255]!, `vm-${index}`, ResourceType.vm(`machine-${index}`));
        index++;
      }
    },
  };
}

function poolOf(cidr: string, options: IpPoolOptions = {}): IpPool {
  const pool = new IpPool('bench', options);
  pool.addCidrRange(cidr);
  return pool;
}

const spread = (times: ReadonlyMap<string, number>): number => Math.max(...times.values()) / Math.min(...times.values());
const ns = (value: number): string => `${value.toFixed(0)} ns`;

function sizes(): void {
  console.log('### Whatever the size of the pool (100 addresses held)\n');
  const cidrs = ['10.0.0.0/24', '10.0.0.0/16', '10.0.0.0/8', '2001:db8::/64', '2001:db8::/48'];
  const rows = (['Lowest', 'Home'] as const).map((placement) => {
    const times = compare(
      cidrs.map((cidr) => {
        const pool = poolOf(cidr, { placement });
        hold(pool, 0, 100);
        return turnover(cidr, pool);
      }),
      rounds,
      10_000,
    );
    bounds.push({ what: `slowest to fastest size, placement ${placement}`, measured: spread(times), most: 2 });
    return [placement, ...[...times.values()].map(ns)];
  });
  console.log(`${table(['placement', ...cidrs.map((cidr) => cidr.slice(cidr.indexOf('/')))], rows)}\n`);
}

function fills(): void {
  console.log('### Whatever the fill\n');
  const rows: (string | number)[][] = [];
  for (const [cidr, total] of [
    ['10.0.0.0/24', 256],
    ['10.0.0.0/20', 4096],
    ['10.0.0.0/16', 65_536],
  ] as const) {
    for (const placement of ['Lowest', 'Home'] as const) {
      const levels = [0, Math.floor(total / 2), Math.min(total - 1, Math.round(total * 0.999))];
      const times = compare(
        levels.map((held) => {
          const pool = poolOf(cidr, { placement });
          hold(pool, 0, held);
          return turnover(`${held}`, pool);
        }),
        rounds,
        10_000,
      );
      bounds.push({
        what: `slowest to fastest fill of a ${cidr.slice(cidr.indexOf('/'))}, ${placement}`,
        measured: spread(times),
        most: 2,
      });
      rows.push([cidr.slice(cidr.indexOf('/')), placement, ...[...times.values()].map(ns)]);
    }
  }
  console.log(`${table(['pool', 'placement', 'empty', '50 %', '99.9 %'], rows)}\n`);
}

/** The search alone, without the Maps around it: 1,048,575 of 1,048,576 are taken, and the search starts at the first. */
function lastFree(): void {
  console.log('### The last free address of a /12\n');
  const range = parseCidr('10.0.0.0/12');
  if (!range.ok) throw new Error(range.refusal.detail);
  const empty = new AddressSpace('IPv4', [range.value], []);
  const full = new AddressSpace('IPv4', [range.value], []);
  for (let offset = 0; offset < 2 ** 20 - 1; offset++) full.segments[0]!.taken.add(offset);
  if (full.lowest(undefined) !== '10.15.255.255') throw new Error('the last free address was not found');
  const search = (name: string, space: AddressSpace): Contestant => ({
    name,
    run(count) {
      for (let done = 0; done < count; done++) space.fromHome((done % 1000) / 1000, undefined);
    },
  });
  const times = compare([search('empty', empty), search('one left', full)], rounds, 20_000);
  bounds.push({
    what: 'search for the last of 1,048,576 to a search in an empty /12',
    measured: times.get('one left')! / times.get('empty')!,
    most: 4,
  });
  console.log(
    `${table(
      ['a /12', 'one search'],
      [...times].map(([name, time]) => [name, ns(time)]),
    )}\n`,
  );
}

function thousand(): void {
  console.log('### Beside three Maps, 1 k held\n');
  const pool = poolOf('10.0.0.0/8');
  const twin = new ThreeMaps(0x0a00_0000);
  const times = compare(
    [replacement('three Maps', twin, hold(twin, 0, 1_000), 1_000), replacement('IpPool', pool, hold(pool, 0, 1_000), 1_000)],
    rounds * 2,
    20_000,
  );
  bounds.push({ what: "IpPool's speed to the twin's, 1 k held", measured: times.get('three Maps')! / times.get('IpPool')!, least: 0.4 });
  console.log(
    `${table(
      ['', 'allocate + release'],
      [...times].map(([name, time]) => [name, ns(time)]),
    )}\n`,
  );
}

function million(gc: () => void): void {
  console.log('### Beside three Maps, 1 M held\n');
  const count = 1_000_000;
  const makers: readonly (readonly [string, () => Dealer])[] = [
    ['three Maps', () => new ThreeMaps(0x0a00_0000)],
    ['IpPool, /8, Lowest', () => poolOf('10.0.0.0/8')],
    ['IpPool, /8, Home', () => poolOf('10.0.0.0/8', { placement: 'Home' })],
    ['IpPool, /64, Home', () => poolOf('2001:db8::/64', { placement: 'Home' })],
  ];
  const memory = new Map<string, number>();
  const kept = makers.map(([name, make]) => {
    gc();
    const before = process.memoryUsage();
    const dealer = make();
    const held = hold(dealer, 0, count);
    gc();
    const after = process.memoryUsage();
    // The list of addresses is the benchmark's own: 8 bytes each; the texts in it are the pool's.
    memory.set(name, (after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / count - 8);
    return replacement(name, dealer, held, count);
  });
  const times = compare(kept, 15, quick ? 20_000 : 50_000);
  const twin = times.get('three Maps')!;
  for (const [name] of makers.slice(1)) {
    bounds.push({ what: `${name}: time to the twin's, 1 M held`, measured: times.get(name)! / twin, most: 2 });
    bounds.push({ what: `${name}: heap of a binding, 1 M held`, measured: memory.get(name)!, most: 600, unit: 'bytes' });
  }
  const rows = [...times].map(([name, time]) => [name, ns(time), `${memory.get(name)!.toFixed(0)} B`]);
  console.log(`${table(['', 'release + allocate', 'heap of a binding'], rows)}\n`);
}

function loading(gc: () => void): void {
  console.log('### Loading a snapshot\n');
  const counts = [10_000, 100_000, 1_000_000];
  const rows = counts.map((count) => {
    const pool = poolOf('10.0.0.0/8');
    hold(pool, 0, count);
    const snapshot = pool.toJSON();
    const times: number[] = [];
    for (let round = 0; round < (count === 1_000_000 ? 3 : 5); round++) {
      gc();
      const start = cpuNanoseconds();
      IpPool.fromJSON(snapshot);
      times.push((cpuNanoseconds() - start) / count);
    }
    return [count, Math.min(...times)] as const;
  });
  bounds.push({ what: 'a binding of 1 M to one of 100 k, loading', measured: rows[2]![1] / rows[1]![1], most: 2 });
  console.log(
    `${table(
      ['bindings', 'each', 'all'],
      rows.map(([count, each]) => [count, ns(each), `${((each * count) / 1e6).toFixed(0)} ms`]),
    )}\n`,
  );
}

function main(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  sizes();
  fills();
  lastFree();
  thousand();
  million(gc);
  loading(gc);
  const rows = bounds.map((bound) => [
    bound.what,
    `${bound.measured.toFixed(bound.unit ? 0 : 2)}${bound.unit ? ` ${bound.unit}` : ''}`,
    bound.least === undefined ? `at most ${bound.most}` : `at least ${bound.least}`,
    holds(bound) ? 'holds' : '**missed**',
  ]);
  console.log(`### Bounds\n\n${table(['', 'measured', 'bound', ''], rows)}`);
  process.exitCode = bounds.every(holds) ? 0 : 1;
}

main();
