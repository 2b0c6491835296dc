/** What holds after everything: bindings = pod addresses = addresses in the namespaces, and each answers exactly once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { addressesInNamespaces, addressesOf, bound, list, secondAddressesOf } from './cluster.ts';
import { whoAnswers } from './who-answers.ts';
import type { Pod } from './cluster.ts';

interface Difference {
  readonly bindings: readonly string[];
  readonly pods: readonly string[];
  readonly namespaces: readonly string[];
}

/** Returns the addresses. Throws what differs after `milliseconds`. */
export async function audit(milliseconds = 90_000): Promise<readonly string[]> {
  const deadline = performance.now() + milliseconds;
  for (;;) {
    const seen = await look();
    const [bindings, ...others] = [seen.bindings, seen.pods, seen.namespaces].map((addresses) => addresses.toSorted().join('\n'));
    if (others.every((other) => other === bindings)) {
      await expectOneAnswerEach(seen.bindings);
      return seen.bindings;
    }
    if (performance.now() > deadline) throw new Error(`after ${milliseconds} ms: ${JSON.stringify(onlyDifferent(seen))}`);
    await sleep(500);
  }
}

async function look(): Promise<Difference> {
  const [bindings, all, namespaces] = await Promise.all([bound(), list<Pod>('pods', '-A'), addressesInNamespaces()]);
  const own = all.filter(({ spec, status }) => spec.hostNetwork !== true && !['Succeeded', 'Failed'].includes(status.phase));
  return { bindings: bindings.map(({ spec }) => spec.address), pods: [...addressesOf(own), ...own.flatMap(secondAddressesOf)], namespaces };
}

/** Those that are not everywhere, by where they are. */
function onlyDifferent(seen: Difference): object {
  const lists = Object.entries(seen) as [string, readonly string[]][];
  const everywhere = new Set(seen.bindings.filter((address) => lists.every(([, addresses]) => addresses.includes(address))));
  return Object.fromEntries(lists.map(([name, addresses]) => [name, addresses.filter((address) => !everywhere.has(address))]));
}

async function expectOneAnswerEach(addresses: readonly string[]): Promise<void> {
  const wrong = [...(await whoAnswers(addresses))].filter(([, holders]) => holders !== 1);
  if (wrong.length > 0) throw new Error(wrong.map(([address, holders]) => `${address} is answered for by ${holders}`).join(', '));
}
