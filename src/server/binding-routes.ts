/** Bindings: look, allocate, release, renew, explain, check, collect. */
import { z } from 'zod';
import { DEFAULT_NETWORK } from '../core/pool.ts';
import type { Outcome } from '../core/refusal.ts';
import { refuse } from '../core/refusal.ts';
import type { BindingSpec } from '../core/binding.ts';
import type { BindingFilter } from '../ipam/operations.ts';
import type { Stored } from '../store/store.ts';
import { addressBinding, bindingList, checkReport, collectReport, explanation, podExplanation, released } from './answer-schemas.ts';
import { toBindingDocument, toBindingFilter, toExplanation, toPodExplanation, toReleased } from './documents.ts';
import { route } from './route.ts';
import type { Answer, Route } from './route.ts';
import { addressText, allocate, checkStore, collect, label, poolName, release, renew, text } from './schemas.ts';

const params = { network: label, address: addressText };

/** About 3 MB of JSON; more is what `continue` is for. */
const LARGEST_PAGE = 5_000;
const USUAL_PAGE = 500;

const bindingQuery = z.strictObject({
  network: label.exactOptional(),
  pool: poolName.exactOptional(),
  subinstance: text(253).exactOptional(),
  subid: text(253).exactOptional(),
  resource: text(300)
    .regex(/^(mac|vm|container|pod|custom):./, 'must be TYPE:VALUE with mac, vm, container, pod or custom as TYPE')
    .exactOptional(),
  tag: text(400).regex(/^[^=]/, 'must be KEY or KEY=VALUE').exactOptional(),
  node: text(253).exactOptional(),
  address: addressText.exactOptional(),
  state: z.enum(['bound', 'released', 'all']).exactOptional(),
  limit: z
    .string()
    .regex(/^[1-9][0-9]{0,3}$/, `must be a number from 1 to ${LARGEST_PAGE}`)
    .exactOptional(),
  continue: z
    .string()
    .max(1024)
    .regex(/^[A-Za-z0-9_-]+$/, 'must be what the page before gave')
    .exactOptional(),
});

export const bindingRoutes: readonly Route[] = [
  route({
    verb: 'binding-list',
    method: 'GET',
    path: '/v1/bindings',
    face: 'management',
    writes: false,
    summary: 'Bindings in address order, filtered; `continue` of one page fetches the next',
    query: bindingQuery,
    answer: bindingList,
    run: ({ operations, query }) => {
      const limit = Math.min(LARGEST_PAGE, Number(query['limit'] ?? USUAL_PAGE));
      const after = query['continue'] === undefined ? undefined : Buffer.from(query['continue'], 'base64url').toString();
      const found = operations.bindings(toFilter(query), { limit: limit + 1, ...(after !== undefined && { after }) });
      const page = found.slice(0, limit);
      const last = page.at(-1);
      const more = found.length > limit && last && { continue: Buffer.from(last.name).toString('base64url') };
      return { ok: true, value: { items: page.map(toBindingDocument), ...more } };
    },
  }),
  route({
    verb: 'binding-get',
    method: 'GET',
    path: '/v1/bindings/{network}/{address}',
    face: 'management',
    writes: false,
    summary: 'One binding, bound or released',
    params,
    answer: addressBinding,
    run: ({ operations, params: [network = '', address = ''] }) => bindingAnswer(operations.binding(network, address)),
  }),
  route({
    verb: 'allocate',
    method: 'POST',
    path: '/v1/allocate',
    face: 'management',
    writes: true,
    summary: 'An address for a subject that is no CNI attachment; the same again for the same (subinstance, subid, slot, family)',
    body: allocate,
    answer: addressBinding,
    run: async ({ operations, body }) => {
      const outcome = await operations.allocate(body);
      return bindingAnswer(outcome, { subinstance: body.subinstance, subid: body.subid, ...(body.dryRun === true && { dryRun: true }) });
    },
  }),
  route({
    verb: 'release',
    method: 'POST',
    path: '/v1/release',
    face: 'management',
    writes: true,
    summary: 'Release one address, or all of a subinstance, or all of one subject',
    body: release,
    answer: released,
    run: async ({ operations, body: { network, address, subinstance, subid, dryRun = false } }) => {
      const where = network === undefined ? {} : { network };
      if (network !== undefined && address === undefined) return refuse('InvalidRequest', 'network goes with address only.');
      const target =
        address === undefined ? { subinstance: subinstance ?? '', ...(subid !== undefined && { subid }) } : { ...where, address };
      const outcome = await operations.release(target, { dryRun });
      if (!outcome.ok) return { ...outcome, facts: target };
      const addresses = outcome.value.map((binding) => binding.address);
      return { ok: true, value: toReleased(outcome.value), facts: { ...target, addresses, dryRun } };
    },
  }),
  route({
    verb: 'renew',
    method: 'POST',
    path: '/v1/renew',
    face: 'management',
    writes: true,
    summary: 'A lease ends leaseSeconds from now instead',
    body: renew,
    answer: addressBinding,
    run: async ({ operations, body: { network = DEFAULT_NETWORK, address, leaseSeconds } }) =>
      bindingAnswer(await operations.renew(network, address, leaseSeconds)),
  }),
  route({
    verb: 'explain',
    method: 'GET',
    path: '/v1/explain/{network}/{address}',
    face: 'management',
    writes: false,
    summary: 'Why an address is free, held, reserved, cooling, sticky or outside',
    params,
    answer: explanation,
    run: ({ operations, params: [network = '', address = ''] }) => {
      const outcome = operations.explain(network, address);
      return outcome.ok ? { ok: true, value: toExplanation(outcome.value) } : outcome;
    },
  }),
  route({
    verb: 'explain-pod',
    method: 'GET',
    path: '/v1/explain-pod/{namespace}/{name}',
    face: 'management',
    writes: false,
    summary:
      'Which pools an ADD of the pod would try, in which order, and why not the others; `pools` as its network configuration names them',
    params: { namespace: text(253), name: text(253) },
    query: z.strictObject({ pools: text(2_000).exactOptional() }),
    answer: podExplanation,
    run: async ({ operations, caller, params: [namespace = '', name = ''], query }) => {
      const pools = query['pools']?.split(',').filter((pool) => pool !== '');
      const outcome = await operations.explainPod(caller, { namespace, name }, pools);
      return outcome.ok ? { ok: true, value: toPodExplanation(outcome.value) } : outcome;
    },
  }),
  route({
    verb: 'store-check',
    method: 'POST',
    path: '/v1/check',
    face: 'management',
    writes: true,
    summary: 'The whole store against itself; with repair it mends what needs no guess',
    body: checkStore,
    bodyOptional: true,
    answer: checkReport,
    run: async ({ operations, body: { repair = false, dryRun = false } }) => {
      const report = await operations.checkStore({ repair, dryRun });
      return { ok: true, value: report, facts: { repair, dryRun, findings: report.findings.length } };
    },
  }),
  route({
    verb: 'collect',
    method: 'POST',
    path: '/v1/collect',
    face: 'management',
    writes: true,
    summary: 'Release what is provably gone, now; approve lets go what the brake holds back',
    body: collect,
    bodyOptional: true,
    answer: collectReport,
    run: async ({ operations, body: { dryRun = false, approve = false } }) => {
      const report = await operations.collect({ dryRun, approve });
      return { ok: true, value: report, facts: { dryRun, approve, addresses: report.released.map(({ address }) => address) } };
    },
  }),
];

function toFilter(query: Readonly<Record<string, string>>): BindingFilter {
  const { limit: _limit, continue: _continue, ...filter } = query;
  return toBindingFilter(filter);
}

function bindingAnswer(outcome: Outcome<Stored<BindingSpec>>, facts: object = {}): Answer {
  if (!outcome.ok) return { ...outcome, facts };
  const { address, pool } = outcome.value.spec;
  return { ok: true, value: toBindingDocument(outcome.value), facts: { ...facts, addresses: [address], pool } };
}
