/**
 * That the check of a storm can fail: the history of a real one (two replicas killed, API server and etcd killed, holders
 * that vanished; its unanswered ADDs left out) is legal, and each tampered copy of it is not.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seededRandom } from '../support/cluster-client.ts';
import { parseHolds, type Hold } from './history.ts';
import { judge } from './judge.ts';

const holds = parseHolds(readFileSync(join(import.meta.dirname, 'recorded-storm.jsonl'), 'utf8'));

/** One after the other on an address, of two holders. */
interface Turn {
  readonly address: string;
  readonly first: Hold;
  readonly second: Hold;
}

const turns: readonly Turn[] = [...new Set(holds.flatMap(({ addresses }) => addresses))].flatMap((address) => {
  const inTurn = holds.filter(({ addresses }) => addresses.includes(address)).toSorted((a, b) => a.answered! - b.answered!);
  return inTurn.slice(1).flatMap((second, index) => {
    const first = inTurn[index]!;
    return first.holder === second.holder ? [] : [{ address, first, second }];
  });
});

const replaced = (old: Hold, changed: Hold): Hold[] => holds.map((hold) => (hold === old ? changed : hold));

function illegal(tampered: readonly Hold[]): readonly string[] {
  const { ours, porcupine } = judge(tampered);
  if (porcupine !== undefined) expect(ours).toEqual(porcupine);
  return ours;
}

test('a storm that was recorded is legal', () => {
  expect(turns.length).toBeGreaterThan(50);
  expect(illegal(holds)).toEqual([]);
});

const TAMPERINGS: readonly (readonly [string, (turn: Turn) => Hold[]])[] = [
  ['somebody holds on while the next one is answered', ({ first, second }) => replaced(first, { ...first, ended: second.answered! + 1 })],
  ['somebody never ends', ({ first }) => replaced(first, { ...first, ended: undefined })],
  [
    'the next one is answered before the end of the one before',
    ({ first, second }) => replaced(second, { ...second, invoked: first.invoked, answered: first.ended! - 1 }),
  ],
  [
    'a third one is told of the address while it is held',
    ({ address, first }) => [
      ...holds,
      {
        container: 'third',
        holder: 'third',
        invoked: first.answered!,
        answered: first.answered! + 0.001,
        addresses: [address],
        ended: first.ended,
      },
    ],
  ],
];

test.each(TAMPERINGS)('tampered: %s', (_title, tamper) => {
  const random = seededRandom(1);
  for (let count = 0; count < 12; count++) {
    const turn = turns[Math.floor(random() * turns.length)]!;
    // The one that was tampered with may also collide with the ones after.
    expect(illegal(tamper(turn)), JSON.stringify(turn)).toContain(turn.address);
  }
});
