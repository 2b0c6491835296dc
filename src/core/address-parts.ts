/**
 * An address as three numbers, so that the hot path needs no bigint: 48 + 48 + 32 bits of an IPv6 address, or an
 * IPv4 address alone in `low`. Text here is canonical already; text from outside goes through address.ts.
 */
export interface Parts {
  readonly high: number;
  readonly middle: number;
  readonly low: number;
}

const TWO_16 = 0x1_0000;
export const TWO_32 = 0x1_0000_0000;
export const TWO_48 = 0x1_0000_0000_0000;

const COLON = 58;
const DOT = 46;
const ZERO = 48;
const SMALL_A = 97;

/** Dotted decimal to a number; -1 for anything else. */
function parseDotted(text: string): number {
  let value = 0;
  let octet = -1;
  let dots = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === DOT) {
      if (octet < 0) return -1;
      value = value * 256 + octet;
      octet = -1;
      dots++;
    } else {
      const digit = code - ZERO;
      if (digit < 0 || digit > 9) return -1;
      octet = octet < 0 ? digit : octet * 10 + digit;
      if (octet > 255) return -1;
    }
  }
  return dots === 3 && octet >= 0 ? value * 256 + octet : -1;
}

function hexDigit(code: number): number {
  if (code >= ZERO && code <= 57) return code - ZERO;
  return code >= SMALL_A && code <= 102 ? code - SMALL_A + 10 : -1;
}

/** Reads canonical text. Anything that is not an address gives undefined; that it is canonical is not checked. */
export function parseParts(text: string): Parts | undefined {
  const groups = [0, 0, 0, 0, 0, 0, 0, 0];
  let count = 0;
  let gap = -1;
  let value = 0;
  let digits = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === COLON) {
      if (digits > 0) groups[count++] = value;
      if (count > 7) return undefined;
      if (text.charCodeAt(index + 1) === COLON) {
        if (gap >= 0) return undefined;
        gap = count;
        index++;
      } else if (digits === 0) {
        return undefined;
      }
      value = digits = 0;
    } else if (code === DOT) {
      const low = parseDotted(text);
      return low < 0 ? undefined : { high: 0, middle: 0, low };
    } else {
      const digit = hexDigit(code);
      if (digit < 0 || ++digits > 4) return undefined;
      value = value * 16 + digit;
    }
  }
  if (digits > 0) groups[count++] = value;
  if (gap < 0 ? count !== 8 : count > 7) return undefined;
  if (gap >= 0) {
    const moved = count - gap;
    for (let step = 1; step <= moved; step++) {
      groups[8 - step] = groups[count - step]!;
      if (8 - step !== count - step) groups[count - step] = 0;
    }
  }
  return {
    high: groups[0]! * TWO_32 + groups[1]! * TWO_16 + groups[2]!,
    middle: groups[3]! * TWO_32 + groups[4]! * TWO_16 + groups[5]!,
    low: groups[6]! * TWO_16 + groups[7]!,
  };
}

export const isIPv6Text = (text: string): boolean => text.includes(':');

/** Character codes: text that is put together piece by piece stays a chain of pieces in memory, and a slow key. */
const textOf = (codes: readonly number[]): string => String.fromCharCode.apply(null, codes as number[]);

export function formatIPv4(value: number): string {
  const codes: number[] = [];
  for (let shift = 24; shift >= 0; shift -= 8) {
    const octet = (value >>> shift) & 255;
    if (octet >= 100) codes.push(ZERO + Math.floor(octet / 100));
    if (octet >= 10) codes.push(ZERO + (Math.floor(octet / 10) % 10));
    codes.push(ZERO + (octet % 10));
    if (shift > 0) codes.push(DOT);
  }
  return textOf(codes);
}

const hexCode = (digit: number): number => (digit < 10 ? ZERO + digit : SMALL_A + digit - 10);

function pushHex(codes: number[], group: number): void {
  if (group >= 0x1000) codes.push(hexCode(group >>> 12));
  if (group >= 0x100) codes.push(hexCode((group >>> 8) & 15));
  if (group >= 0x10) codes.push(hexCode((group >>> 4) & 15));
  codes.push(hexCode(group & 15));
}

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups (the first of equals) as "::". */
export function formatIPv6(high: number, middle: number, low: number): string {
  const groups = [
    Math.floor(high / TWO_32),
    Math.floor(high / TWO_16) % TWO_16,
    high % TWO_16,
    Math.floor(middle / TWO_32),
    Math.floor(middle / TWO_16) % TWO_16,
    middle % TWO_16,
    Math.floor(low / TWO_16),
    low % TWO_16,
  ];
  let gap = 8;
  let length = 1;
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > length) {
      gap = start;
      length = end - start;
    }
    if (end > start) start = end;
  }
  const codes: number[] = [];
  for (let index = 0; index < 8; index++) {
    if (index === gap) {
      codes.push(COLON, COLON);
      index += length - 1;
    } else {
      if (index > 0 && index !== gap + length) codes.push(COLON);
      pushHex(codes, groups[index]!);
    }
  }
  return textOf(codes);
}

const bits48 = BigInt(TWO_48 - 1);

export function partsOf(value: bigint): Parts {
  return {
    high: Number(value >> 80n),
    middle: Number((value >> 32n) & bits48),
    low: Number(value & 0xffff_ffffn),
  };
}

export const valueOf = (parts: Parts): bigint => (BigInt(parts.high) << 80n) | (BigInt(parts.middle) << 32n) | BigInt(parts.low);
