/**
 * Pools and bindings as they stand in the cluster, read page by page with what selects them on the server: a question
 * about one address or one pod reads what it is about, however many there are.
 */
import { bindingName } from '../../core/binding-name.ts';
import type { BindingSpec } from '../../core/binding.ts';
import type { PoolSpec } from '../../core/pool-spec.ts';
import type { BindingFilter } from '../../ipam/operations.ts';
import type { Client, Page, PageQuery } from '../../kubernetes/client.ts';
import type { Conversion } from '../../kubernetes/collection.ts';
import { resourceName, type KubernetesObject } from '../../kubernetes/objects.ts';
import type { AddressPool, AddressPoolStatus } from '../../kubernetes/resources.generated.ts';
import { bindingResource, poolResource } from '../../kubernetes/resources.ts';
import type { ApiAnswer } from '../../kubernetes/status.ts';
import { StoreUnavailable, type Stored } from '../../store/store.ts';
import { RefusedError } from '../../client/errors.ts';
import { refused } from './explaining-client.ts';

export interface PoolRecord extends Stored<PoolSpec> {
  readonly generation: number;
  /** Of this generation; absent where no controller has said anything yet. */
  readonly status?: AddressPoolStatus;
}

/** An object that is none of Berth's making: the others are still read. */
export interface Unreadable {
  readonly resource: string;
  readonly name: string;
  readonly why: string;
}

export interface Records {
  pools(): Promise<readonly PoolRecord[]>;
  /** Refused where there is one that cannot be used. */
  pool(name: string): Promise<PoolRecord | undefined>;
  /**
   * In the order of the records' names. What is only shown may be as old as the API server's cache (milliseconds) where
   * the filter picks few: etcd knows no selectors, so a quorum read of 20,000 records for one pod takes it seconds.
   */
  bindingPages(filter: BindingFilter, pageSize: number, use: 'shown' | 'judged'): AsyncGenerator<readonly Stored<BindingSpec>[]>;
  /** To be judged. */
  bindings(filter: BindingFilter): Promise<readonly Stored<BindingSpec>[]>;
}

const PAGE_SIZE = 500;
const MOST_EXPIRIES = 3;

export function openRecords(client: Client, unreadable: (object: Unreadable) => void): Records {
  const stored = <T>(conversion: Conversion<T>, object: KubernetesObject): Stored<T> | undefined => {
    const { name, uid = '', resourceVersion = '' } = object.metadata;
    try {
      return { name, uid, version: resourceVersion, spec: conversion.toSpec(object) };
    } catch (error) {
      unreadable({ resource: resourceName(conversion.type), name, why: (error as Error).message });
      return undefined;
    }
  };
  const toPool = (object: KubernetesObject): PoolRecord | undefined => {
    const record = stored(poolResource, object);
    if (record === undefined) return undefined;
    const { generation = 0 } = object.metadata;
    const { status } = object as AddressPool;
    return { ...record, generation, ...(status?.total !== undefined && status.observedGeneration === generation && { status }) };
  };
  async function* pages<T>(
    conversion: Conversion<T>,
    fieldSelector: string | undefined,
    how: Pick<PageQuery, 'limit' | 'mayBeOld'>,
  ): AsyncGenerator<readonly KubernetesObject[]> {
    let from: string | undefined;
    let last = '';
    for (let expiries = 0; ;) {
      const query = {
        ...how,
        ...(fieldSelector !== undefined && { fieldSelector }),
        ...(from !== undefined && { continue: from }),
      };
      const answer: ApiAnswer<Page<KubernetesObject>> = await client.list(conversion.type, query);
      if (!answer.ok) {
        if (answer.status.reason !== 'Expired' || ++expiries > MOST_EXPIRIES) throw new StoreUnavailable(answer.status.message);
        from = undefined;
        continue;
      }
      // What was shown already is passed over when the listing had to begin anew: it is in the order of the names.
      const items = answer.value.items.filter(({ metadata }) => metadata.name > last);
      last = items.at(-1)?.metadata.name ?? last;
      yield items;
      from = answer.value.continue;
      if (from === undefined) return;
    }
  }
  async function readPools(): Promise<readonly PoolRecord[]> {
    const found: PoolRecord[] = [];
    for await (const page of pages(poolResource, undefined, { limit: PAGE_SIZE }))
      found.push(...page.map(toPool).filter((pool) => pool !== undefined));
    return found;
  }
  /**
   * By name in each network there is: one key of etcd each, where a selector makes the server look at every record.
   * Undefined: the networks are not known, to whom has no right on pools.
   */
  async function readAddress(address: string, network: string | undefined): Promise<readonly KubernetesObject[] | undefined> {
    const networks = network === undefined ? await readPools().then(networksOf, ifNotAllowed) : [network];
    if (networks === undefined) return undefined;
    const found = await Promise.all(networks.map((one) => read(bindingResource, bindingName(one, address))));
    return found.filter((object) => object !== undefined);
  }
  async function* bindingPages(filter: BindingFilter, pageSize: number, use: 'shown' | 'judged'): ReturnType<Records['bindingPages']> {
    const { address, network, subinstance, subid, node } = filter;
    const toStored = (objects: readonly KubernetesObject[]) =>
      objects.map((object) => stored(bindingResource, object)).filter((record) => record !== undefined);
    const named = address === undefined ? undefined : await readAddress(address, network);
    if (named !== undefined) return yield toStored(named);
    const picksFew = [address, subinstance, subid, node].some((value) => value !== undefined);
    const how = use === 'shown' && picksFew ? { mayBeOld: true } : { limit: pageSize };
    for await (const page of pages(bindingResource, selectorOf(filter), how)) yield toStored(page);
  }
  async function read(conversion: Pick<Conversion<unknown>, 'type'>, name: string): Promise<KubernetesObject | undefined> {
    const answer = await client.get<KubernetesObject>(conversion.type, { name });
    if (answer.ok) return answer.value;
    if (answer.status.reason === 'NotFound') return undefined;
    throw new StoreUnavailable(answer.status.message);
  }
  return {
    pools: readPools,
    async pool(name) {
      const object = await read(poolResource, name);
      if (object === undefined) return undefined;
      const pool = toPool(object);
      if (pool !== undefined) return pool;
      throw refused(
        'InvalidRequest',
        `pool ${name} is there and cannot be used ("berthctl check" says why): kubectl edit addresspool ${name}`,
      );
    },
    bindingPages,
    async bindings(filter) {
      const found: Stored<BindingSpec>[] = [];
      for await (const page of bindingPages(filter, PAGE_SIZE, 'judged')) found.push(...page);
      return found;
    },
  };
}

const networksOf = (pools: readonly PoolRecord[]): readonly string[] => [...new Set(pools.map(({ spec }) => spec.network))].toSorted();

function ifNotAllowed(error: unknown): undefined {
  if (!(error instanceof RefusedError) || error.problem.reason !== 'NotAllowed') throw error;
}

/** The part of a filter that the server can judge (the CRD's selectable fields); the rest is the engine's. */
export function selectorOf({ address, network, pool, subinstance, subid, node, state = 'bound' }: BindingFilter): string | undefined {
  const fields = {
    address,
    network,
    pool,
    subinstance,
    subid,
    node,
    state: state === 'all' ? undefined : state === 'bound' ? 'Bound' : 'Released',
  };
  const parts = Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [`spec.${name}=${escapeValue(value)}`]));
  return parts.length === 0 ? undefined : parts.join(',');
}

const escapeValue = (value: string): string => value.replaceAll(/[\\,=]/g, (character) => `\\${character}`);
