/** The library: `import { IpPool, ResourceType } from 'berth-ipam'`. */
export type { Family, Resource, ResourceKind } from './binding.ts';
export type { Clock } from './clock.ts';
export { IpPoolError, type IpPoolErrorCode } from './ip-pool-error.ts';
export type { BindingJson, IpPoolSnapshot, RangeJson } from './ip-pool-snapshot.ts';
export type { AllocateOptions, Binding, Change, IpPoolOptions, IpPoolStats, TryAllocated } from './ip-pool-types.ts';
export { IpPool } from './ip-pool.ts';
export type { Placement, WhenFull } from './pool-spec.ts';
export { ResourceType } from './resource-type.ts';
