/** The checker of histories, by histories that are known to be good or bad, and against Porcupine. */
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../support/cluster-client.ts';
import { simulate } from '../simulation/simulate.ts';
import { formatOperations, operationsOf, type Hold } from './history.ts';
import { illegalAddresses } from './linearizable.ts';
import { askPorcupine, buildPorcupine } from './porcupine.ts';

const hold = (container: string, invoked: number, answered: number | undefined, ended?: number, holder = `pod-of-${container}`): Hold => ({
  container,
  holder,
  invoked,
  answered,
  addresses: answered === undefined ? [] : ['10.0.0.1'],
  ended,
});
const isLegal = (...holds: Hold[]): boolean => illegalAddresses(operationsOf(holds)).length === 0;

describe('histories of one address', () => {
  test('one after the other', () => {
    expect(isLegal(hold('a', 0, 1, 5), hold('b', 6, 7, 9), hold('c', 10, 11))).toBe(true);
  });

  test('two at once', () => {
    expect(isLegal(hold('a', 0, 1), hold('b', 2, 3))).toBe(false);
    expect(isLegal(hold('a', 0, 1, 9), hold('b', 2, 3))).toBe(false);
  });

  test('an answer that came after the end of the one before is legal, whenever it was asked for', () => {
    expect(isLegal(hold('a', 0, 1, 5), hold('b', 2, 6))).toBe(true);
    expect(isLegal(hold('a', 0, 1, 5), hold('b', 2, 4))).toBe(false);
  });

  test('a further sandbox of the same pod has the same address, before the first is gone', () => {
    expect(isLegal(hold('a1', 0, 1, 4, 'a'), hold('a2', 2, 3, 9, 'a'), hold('b', 10, 11))).toBe(true);
    // The end of the first is not the end of the second.
    expect(isLegal(hold('a1', 0, 1, 4, 'a'), hold('a2', 2, 3, undefined, 'a'), hold('b', 5, 6))).toBe(false);
  });

  test('of a call without an answer nobody knows an address', () => {
    expect(isLegal(hold('a', 0, undefined), hold('b', 2, 3))).toBe(true);
  });

  test('addresses are judged each by itself', () => {
    const other = { ...hold('b', 2, 3), addresses: ['10.0.0.2'] };
    expect(illegalAddresses(operationsOf([hold('a', 0, 1), other]))).toEqual([]);
    expect(illegalAddresses(operationsOf([hold('a', 0, 1), other, { ...hold('c', 2, 3), addresses: ['10.0.0.2'] }]))).toEqual(['10.0.0.2']);
  });
});

/** Some pods on few addresses; `slips` of them begin before the one before has ended. */
function randomHistory(seed: number, slips: number): Hold[] {
  const random = seededRandom(seed);
  const holds: Hold[] = [];
  for (const address of ['10.0.0.1', '10.0.0.2', '10.0.0.3']) {
    let free = 100;
    for (let count = 0; count < 12; count++) {
      const isSlip = random() < slips;
      const answered = free + random() * 5 + (isSlip ? -4 : 0);
      const ended = Math.max(answered, free) + random() * 10;
      const invoked = answered - random() * 6;
      const container = `c${holds.length}`;
      const again = random() < 0.2 && count > 0 ? holds.at(-1)!.holder : `p${holds.length}`;
      holds.push({ container, holder: again, invoked, answered, addresses: [address], ended: random() < 0.95 ? ended : undefined });
      free = ended;
    }
  }
  return holds;
}

const porcupine = buildPorcupine();

describe.skipIf(porcupine === undefined)(porcupine === undefined ? 'beside Porcupine (not run: go is missing)' : 'beside Porcupine', () => {
  test('the same verdict on 300 random histories, of which some are legal and some are not', () => {
    const verdicts = { legal: 0, illegal: 0 };
    for (let seed = 1; seed <= 300; seed++) {
      const operations = operationsOf(randomHistory(seed, seed % 3 === 0 ? 0 : 0.05));
      const ours = illegalAddresses(operations).sort();
      expect(ours, `seed ${seed}`).toEqual(askPorcupine(porcupine!, formatOperations(operations)));
      verdicts[ours.length === 0 ? 'legal' : 'illegal']++;
    }
    expect([verdicts.legal > 30, verdicts.illegal > 30]).toEqual([true, true]);
  });

  test('what simulated clusters saw is linearizable, by both', async () => {
    let answered = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const { world, violation } = await simulate({ seed });
      expect(violation).toBeUndefined();
      // Whom a backup does not know, and whose record was deleted by hand, are stated limits.
      const isLimited = world.sandboxes.some(({ isForgotten, isUnrecorded, isOvertaken }) => isForgotten || isUnrecorded || isOvertaken);
      const holds = isLimited ? [] : world.history.holds;
      const operations = operationsOf(holds);
      answered += [...operations.values()].flat().length;
      expect([illegalAddresses(operations), askPorcupine(porcupine!, formatOperations(operations))]).toEqual([[], []]);
    }
    expect(answered).toBeGreaterThan(100);
  });
});
