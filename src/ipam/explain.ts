/**
 * Why an address is as it is, for a person: which pool it lies in, who has it or had it last, when it comes free.
 * Times are in the record and in `availableAt`; the sentence has none.
 */
import { canonicalAddress } from '../core/address.ts';
import { bindingName } from '../core/binding-name.ts';
import { isBound, type BindingSpec } from '../core/binding.ts';
import { done, refuse, type Outcome } from '../core/refusal.ts';
import type { Context } from './context.ts';
import type { AddressExplanation } from './operations.ts';

export function explain(context: Context, network: string, text: string): Outcome<AddressExplanation> {
  const address = canonicalAddress(text);
  if (address === undefined) return refuse('InvalidIpAddress', `"${text}" is not an IP address`);
  const { ledger } = context.view;
  const pools = ledger.poolsContaining(network, address);
  const pool = pools[0]?.name;
  const stored = context.view.binding(bindingName(network, address));
  const base = { address, network, ...(pool !== undefined && { pool }), ...(stored !== undefined && { binding: stored }) };

  if (stored !== undefined && isBound(stored.spec)) {
    return done({
      ...base,
      state: 'held',
      detail: `held by ${who(stored.spec)}${stored.spec.expiresAt === undefined ? '' : ', on a lease'}`,
    });
  }
  if (pool === undefined) {
    return done({ ...base, state: 'outside', detail: `lies in no pool of network ${network}${lastHolder(stored?.spec)}` });
  }
  if (ledger.isReserved(pool, address)) {
    return done({ ...base, state: 'reserved', detail: `reserved in pool ${pool}: never handed out${lastHolder(stored?.spec)}` });
  }
  if (stored !== undefined) {
    const cooling = ledger.coolingLeftSeconds(stored.spec);
    const sticky = ledger.stickyLeftSeconds(stored.spec);
    const availableAt = (seconds: number) => context.timers.now() + seconds * 1000;
    if (cooling > 0) {
      const detail = `cooling for ${Math.ceil(cooling)} s more, then given to others last${lastHolder(stored.spec)}`;
      return done({ ...base, state: 'cooling', detail, availableAt: availableAt(cooling) });
    }
    if (sticky > 0) {
      const detail = `kept back for ${who(stored.spec)} for ${Math.ceil(sticky)} s more, unless nothing else is free${lastHolder(stored.spec)}`;
      return done({ ...base, state: 'sticky', detail, availableAt: availableAt(sticky) });
    }
  }
  const state = context.view.pool(pool)?.spec.state;
  const closed = state === 'Active' ? '' : `; the pool gives out nothing new (state ${state})`;
  return done({ ...base, state: 'free', detail: `free in pool ${pool}${closed}${lastHolder(stored?.spec)}` });
}

const who = ({ subinstance, subid, resource, attachments }: BindingSpec): string => {
  const node = attachments[0]?.node;
  return `${subinstance}/${subid} (${resource.type} ${resource.value}${node === undefined ? '' : ` on ${node}`})`;
};

const lastHolder = (spec: BindingSpec | undefined): string => (spec?.releasedAt === undefined ? '' : `; ${who(spec)} had it last`);
