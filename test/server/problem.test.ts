/** The table of refusals is a promise to plugins, scripts and people: each row in full. */
import { describe, expect, test } from 'vitest';
import type { RefusalReason } from '../../src/core/refusal.ts';
import { TRANSLATIONS, toProblem } from '../../src/server/problem.ts';

const ROWS: readonly [RefusalReason, number, number][] = [
  ['InvalidRequest', 400, 7],
  ['InvalidIpAddress', 400, 4],
  ['InvalidRange', 400, 7],
  ['InvalidSubnet', 400, 7],
  ['UnknownPool', 404, 101],
  ['PodMismatch', 409, 100],
  ['IpAlreadyAllocated', 409, 102],
  ['NotAllowed', 403, 103],
  ['IpNotAvailable', 409, 103],
  ['IpNotFound', 404, 103],
  ['PoolNotActive', 409, 103],
  ['PoolInUse', 409, 103],
  ['LimitReached', 409, 104],
  ['BindingNotFound', 404, 105],
  ['PoolFull', 409, 11],
  ['StaleCall', 409, 11],
  ['Conflict', 409, 11],
  ['Unauthenticated', 401, 11],
  ['Overloaded', 503, 11],
  ['Unavailable', 503, 11],
];

describe('refusal → HTTP status, CNI code', () => {
  test.each(ROWS)('%s → %i, %i', (reason, status, code) => {
    const problem = toProblem({
      reason,
      detail: 'Why.',
      address: '10.0.0.1',
      holder: 'a/b',
      pools: [{ pool: 'p', reason, detail: 'full' }],
    });
    expect(problem).toMatchObject({ type: 'about:blank', status, code, reason, detail: 'Why.', address: '10.0.0.1', holder: 'a/b' });
    expect(problem.pools).toEqual([{ pool: 'p', reason, detail: 'full' }]);
    expect(problem.title).not.toBe('');
  });

  test('no reason is missing', () => {
    expect(Object.keys(TRANSLATIONS).sort()).toEqual(ROWS.map(([reason]) => reason).sort());
  });

  test.each([
    ['said by the refusal', 7, 7],
    ['a part of a second is a whole one', 0.2, 1],
    ['zero would be a busy loop', 0, 1],
  ])('retryAfterSeconds of a 503: %s', (_name, said, expected) => {
    expect(toProblem({ reason: 'Overloaded', detail: 'Full.', retryAfterSeconds: said }).retryAfterSeconds).toBe(expected);
  });

  test('only a 503 asks to come back', () => {
    expect(toProblem({ reason: 'PoolFull', detail: 'Full.' })).not.toHaveProperty('retryAfterSeconds');
  });
});
