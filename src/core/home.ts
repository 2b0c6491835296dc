/**
 * The home of a subject: where the search for its address starts. A hint that makes replicas seldom collide and a
 * subject that comes back often find its old address; nothing is promised from it, so 53 well mixed bits will do.
 */
const MIX_A = 0x9e37_79b1;
const MIX_B = 0x85eb_ca77;

/** Two independent 32-bit multiply-xor passes over the UTF-16 units. */
function absorb(text: string, low: number, high: number): readonly [number, number] {
  let a = low;
  let b = high;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    a = Math.imul(a ^ code, MIX_A);
    b = Math.imul(b ^ code, MIX_B);
    a ^= a >>> 15;
    b ^= b >>> 13;
  }
  return [a, b];
}

/** Avalanche: every input bit reaches every output bit. */
function finish(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x7feb_352d);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x846c_a68b);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

export type Salt = readonly [number, number];

/** A pool's salt: without it, a subject of many pools would have the same home in each. */
export const makeSalt = (poolUid: string): Salt => absorb(poolUid, 0x243f_6a88, 0xb7e1_5162);

/** A fraction in [0, 1); `attempt` gives another one after a lost race. */
export function homeFraction(salt: Salt, seed: string, attempt: number): number {
  const [a, b] = absorb(seed, salt[0] ^ attempt, salt[1] ^ Math.imul(attempt, MIX_A));
  const low = finish(a);
  const high = finish(b ^ low);
  return (high * 0x20_0000 + (low >>> 11)) / 0x20_0000_0000_0000;
}
