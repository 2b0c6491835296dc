/** Durations as people type them: "90", "90s", "1h30m", "7d". */
import { UsageError } from './usage.ts';

const UNIT_MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Milliseconds; a bare number is seconds. `option` names the culprit. */
export function parseDuration(text: string, option: string): number {
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)];
  const whole = parts.map(([part]) => part).join('') === text;
  if (parts.length === 0 || !whole) throw new UsageError(`${option}: "${text}" is no duration; write it like 30s, 1h30m or 7d`);
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * UNIT_MILLISECONDS[unit!]!, 0);
}

/** Whole seconds, at least one. */
export function parseSeconds(text: string, option: string): number {
  const seconds = parseDuration(text, option) / 1000;
  if (!Number.isSafeInteger(seconds) || seconds < 1)
    throw new UsageError(`${option}: "${text}" is not a whole number of seconds, at least 1`);
  return seconds;
}
