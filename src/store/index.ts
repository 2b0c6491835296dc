/** `berth-ipam/store`: what another back end needs, and the contract suite that tells whether it keeps its promises. */
export { StoreAmbiguous, StoreUnavailable } from './store.ts';
export type { Collection, Store, StoreEvent, Stored, Watcher, Written } from './store.ts';
export { createMemoryStore } from './memory-store.ts';
export type { MemoryFault, MemoryOperation, MemoryStoreOptions } from './memory-store.ts';
export { testStoreContract } from './contract.ts';
export type { ContractExpect, ContractRunner, ContractSubject } from './contract.ts';
export type { Attachment, BindingSpec, Family, Resource, ResourceKind } from '../core/binding.ts';
export type { PoolSpec } from '../core/pool-spec.ts';
export type { Stamp } from '../core/stamp.ts';
