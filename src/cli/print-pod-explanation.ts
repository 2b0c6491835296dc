/** Why a pod has its addresses, or none: a sentence, what it asks for, and every pool with its answer. */
import type { PodExplanation } from '../protocol.ts';
import type { Printer } from './printer.ts';
import { formatTable, type Table } from './table.ts';
import type { World } from './world.ts';

const NAMED_BY = {
  configuration: 'by --pool',
  pod: "by the pod's annotation berth-ipam.dev/pools",
  namespace: "by its namespace's annotation berth-ipam.dev/pools",
} as const;

export async function printPodExplanation(printer: Printer, world: World, explanation: PodExplanation): Promise<void> {
  if (printer.format === 'json' || printer.format === 'yaml') return printer.document(explanation);
  if (printer.format === 'name') return printer.line(explanation.state);
  const { namespace, name, detail } = explanation;
  printer.line(`${namespace}/${name}: ${detail}`);
  const rows = describe(explanation).map(([label, text]) => [`  ${label}`, text]);
  world.stdout.write(formatTable({ columns: ['', ''], rows }, { headers: false, colours: false }));
  if (explanation.pools.length > 0) printer.table(poolTable(explanation));
}

function describe({ state, node, uid, asks }: PodExplanation): [string, string][] {
  const pools = asks.pools.map((pool) => (typeof pool === 'string' ? pool : `[${pool.join(', ')}]`)).join(', ');
  return [
    ['State', state],
    ...(node === undefined ? [] : [['Node', node] as [string, string]]),
    ...(uid === undefined ? [] : [['UID', uid] as [string, string]]),
    ...(pools === ''
      ? []
      : [['Pools asked for', `${pools}${asks.by === undefined ? '' : `, named ${NAMED_BY[asks.by]}`}`] as [string, string]]),
    ...(asks.addresses.length === 0 ? [] : [['Addresses asked for', asks.addresses.join(', ')] as [string, string]]),
  ];
}

const poolTable = ({ pools }: PodExplanation): Table => ({
  columns: ['ORDER', 'POOL', 'FAMILY', 'ANSWER'],
  rows: pools.map(({ order, pool, family, reason, detail }) => [
    order === undefined ? '-' : String(order),
    pool,
    family,
    order === undefined
      ? { text: `not tried: ${detail}`, colour: 'gray' }
      : reason === undefined
        ? { text: detail, colour: 'green' }
        : { text: detail, colour: 'yellow' },
  ]),
});
