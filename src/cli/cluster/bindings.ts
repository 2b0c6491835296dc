/** Bindings in a cluster: the records that were asked for and no others, and letting one go by deleting it. */
import { bindingName } from '../../core/binding-name.ts';
import type { BindingSpec } from '../../core/binding.ts';
import { canonicalAddress } from '../../core/address.ts';
import type { Backend } from '../../client/backend.ts';
import { inAddressOrder, matcherOf } from '../../ipam/listing.ts';
import type { BindingFilter } from '../../ipam/operations.ts';
import type { Release } from '../../protocol.ts';
import type { Client } from '../../kubernetes/client.ts';
import { ADDRESS_BINDINGS } from '../../kubernetes/objects.ts';
import { toBindingDocument, toBindingFilter, toReleased } from '../../server/documents.ts';
import type { Store, Stored } from '../../store/store.ts';
import { refused } from './explaining-client.ts';
import { asUnreachable, reached } from './reached.ts';
import type { Records } from './records.ts';

export function clusterBindings(
  records: Records,
  store: Store,
  client: Client,
): Pick<Backend, 'listBindings' | 'eachBinding' | 'getBinding' | 'release'> {
  /** Each page in address order, so that what fits in one is as on a socket. */
  async function* pages(filter: BindingFilter, pageSize: number, use: 'shown' | 'judged'): AsyncGenerator<readonly Stored<BindingSpec>[]> {
    const matches = matcherOf(filter);
    try {
      for await (const page of records.bindingPages(filter, pageSize, use)) {
        yield inAddressOrder(
          page.filter(({ spec }) => matches(spec)),
          ({ spec }) => spec,
        );
      }
    } catch (error) {
      throw asUnreachable(error);
    }
  }
  async function all(filter: BindingFilter): Promise<readonly Stored<BindingSpec>[]> {
    const found: Stored<BindingSpec>[] = [];
    for await (const page of pages(filter, 500, 'judged')) found.push(...page);
    return inAddressOrder(found, ({ spec }) => spec);
  }
  /** Exactly the version that was shown; false: somebody else has deleted it. */
  async function remove(target: Stored<BindingSpec>): Promise<boolean> {
    const written = await reached(() => store.bindings.remove(target));
    if (!written.ok && written.conflict !== 'Gone')
      throw refused('Conflict', `the record of ${target.spec.address} was changed meanwhile; look again`);
    return written.ok;
  }
  async function tryRemoval({ name, uid, version: resourceVersion }: Stored<BindingSpec>): Promise<void> {
    await reached(() => client.remove(ADDRESS_BINDINGS, { name }, { uid, resourceVersion }, { dryRun: true }));
  }
  return {
    async listBindings(query, { limit = 500 } = {}) {
      for await (const page of pages(toBindingFilter(query), limit, 'shown')) return { items: page.slice(0, limit).map(toBindingDocument) };
      return { items: [] };
    },
    async *eachBinding(query, pageSize = 500) {
      for await (const page of pages(toBindingFilter(query), pageSize, 'shown')) yield* page.map(toBindingDocument);
    },
    async getBinding(network, address) {
      const found = await reached(() => store.bindings.get(bindingName(network, address)));
      if (found === undefined) throw refused('BindingNotFound', `there is no record of ${address} in network ${network}`);
      return toBindingDocument(found);
    },
    async release(body) {
      const targets = await all(toTarget(body));
      if (targets.length === 0 && body.address !== undefined) throw refused('BindingNotFound', `nobody holds ${body.address}`);
      const networks = [...new Set(targets.map(({ spec }) => spec.network))];
      if (body.address !== undefined && networks.length > 1)
        throw refused('InvalidRequest', `${body.address} is held in several networks: ${networks.join(', ')}; say which with --network`);
      // The rights and the policy are judged before anybody is asked whether they are sure.
      if (body.dryRun === true && targets[0] !== undefined) await tryRemoval(targets[0]);
      const released: BindingSpec[] = [];
      for (const target of targets) if (body.dryRun === true || (await remove(target))) released.push(target.spec);
      return toReleased(released);
    },
  };
}

function toTarget({ network, address, subinstance, subid }: Release): BindingFilter {
  return {
    ...(network !== undefined && { network }),
    ...(address !== undefined && { address: canonicalAddress(address) ?? address }),
    ...(subinstance !== undefined && { subinstance }),
    ...(subid !== undefined && { subid }),
  };
}
