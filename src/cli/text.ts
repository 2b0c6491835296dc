/** Text of others on a terminal: names and tags may hold anything, and nothing of it may move a cursor or forge a line. */

/** Control characters, separators of lines, and the marks that turn the direction of writing (Trojan Source, CVE-2021-42574). */
export const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Shown as \uXXXX instead of obeyed. */
export const printable = (text: string): string => text.replace(UNPRINTABLE, escape);

/** The same for JSON text, where such an escape means the very character: only what JSON.stringify leaves as it is. */
export const printableJson = (json: string): string => json.replace(/[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, escape);

/** "1 binding", "2 bindings". */
export const count = (number: number | string, noun: string, plural = `${noun}s`): string =>
  `${number} ${String(number) === '1' ? noun : plural}`;
