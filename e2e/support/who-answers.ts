/**
 * How many answer for an address, by ARP and by neighbour discovery: asked from the control plane's place on the same
 * L2, whose packet filter notes every MAC address that answers.
 */
import { execute, must } from '../../cmd/dev/execute.ts';
import { CONTROL_PLANE, netnsPath } from '../cluster/layout.ts';

const FAMILIES = {
  arp: { type: 'ipv4_addr', answer: 'arp operation reply', who: 'arp saddr ip . arp saddr ether' },
  ip6: { type: 'ipv6_addr', answer: 'icmpv6 type nd-neighbor-advert', who: 'ip6 saddr . ether saddr' },
} as const;
type Family = keyof typeof FAMILIES;

const AT_ONCE = 32;
/** A packet may get lost on a busy machine; a second holder is there at every try. */
const TRIES = 4;

const inside = (command: readonly string[], input?: string): Promise<string> =>
  must('nsenter', [`--net=${netnsPath(CONTROL_PLANE)}`, ...command], input === undefined ? {} : { input });

/** By address: how many MAC addresses answered for it. */
export async function whoAnswers(addresses: readonly string[]): Promise<ReadonlyMap<string, number>> {
  await inside(['nft', '-f', '-'], (Object.keys(FAMILIES) as Family[]).map(emptyTable).join(''));
  for (const family of ['-4', '-6']) await inside(['ip', family, 'neighbour', 'flush', 'all']);
  const answers = new Map<string, number>();
  for (let tries = 0; tries < TRIES; tries++) {
    const silent = addresses.filter((address) => !answers.has(address));
    if (silent.length === 0) break;
    const ping = ['xargs', '-P', String(AT_ONCE), '-n', '1', 'ping', '-c', '1', '-W', '1'];
    // Its exit code says that one did not answer, which is seen below.
    await execute('nsenter', [`--net=${netnsPath(CONTROL_PLANE)}`, ...ping], { input: silent.join('\n'), deadlineSeconds: 120 });
    for (const family of Object.keys(FAMILIES) as Family[])
      count(await inside(['nft', '-j', 'list', 'set', family, TABLE, 'answers']), answers);
  }
  return new Map(addresses.map((address) => [address, answers.get(address) ?? 0]));
}

const TABLE = 'who_answers';

/** Made anew. */
function emptyTable(family: Family): string {
  const { type, answer, who } = FAMILIES[family];
  return `table ${family} ${TABLE} {}
delete table ${family} ${TABLE}
table ${family} ${TABLE} {
  set answers { type ${type} . ether_addr; flags dynamic; size 65535; }
  chain input {
    type filter hook input priority 0;
    ${answer} update @answers { ${who} };
  }
}
`;
}

function count(listed: string, answers: Map<string, number>): void {
  const { nftables } = JSON.parse(listed) as { nftables: { set?: { elem?: { concat: [string, string] }[] } }[] };
  const byAddress = new Map<string, number>();
  for (const { concat } of nftables.flatMap(({ set }) => set?.elem ?? [])) byAddress.set(concat[0], (byAddress.get(concat[0]) ?? 0) + 1);
  for (const [address, holders] of byAddress) answers.set(address, holders);
}
