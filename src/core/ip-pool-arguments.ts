/** What callers pass to an IpPool: JavaScript callers have no compiler, so each argument is looked at once, here. */
import type { AllocateOptions, IpPoolOptions } from './ip-pool-types.ts';
import { isRecord } from './pool-fields.ts';
import { quote } from './range.ts';
import { done, refuse, type Outcome } from './refusal.ts';

const LONGEST_NAME = 253;
const FINE = done(undefined);

const wrong = (detail: string): Outcome<never> => refuse('InvalidRequest', detail);

const isName = (text: unknown): boolean => typeof text === 'string' && text !== '' && text.length <= LONGEST_NAME;

/** In milliseconds it must be a number too: JSON has no infinity. */
const isSeconds = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value * 1000) && value >= 0;

export function checkSubject(subinstance: unknown, subid: unknown): Outcome<void> {
  if (!isName(subinstance)) return wrong(`subinstance must be text of 1 to ${LONGEST_NAME} characters, not ${quote(subinstance)}`);
  if (!isName(subid)) return wrong(`subid must be text of 1 to ${LONGEST_NAME} characters, not ${quote(subid)}`);
  return FINE;
}

const ALLOCATE_OPTIONS = ['family', 'slot', 'tags', 'leaseSeconds'];

export function checkAllocateOptions(options: AllocateOptions): Outcome<void> {
  if (!isRecord(options)) return wrong(`the options must be an object, not ${quote(options)}`);
  // A lease that is misspelled would be held for ever.
  for (const key in options) {
    if (!ALLOCATE_OPTIONS.includes(key)) return wrong(`unknown option ${quote(key)}; known are ${ALLOCATE_OPTIONS.join(', ')}`);
  }
  const { family, slot, tags, leaseSeconds } = options as AllocateOptions;
  if (family !== undefined && family !== 'IPv4' && family !== 'IPv6') return wrong(`family must be IPv4 or IPv6, not ${quote(family)}`);
  if (slot !== undefined && !(Number.isSafeInteger(slot) && slot >= 0))
    return wrong(`slot must be a whole number from 0, not ${quote(slot)}`);
  if (leaseSeconds !== undefined && !(isSeconds(leaseSeconds) && leaseSeconds > 0)) {
    return wrong(`leaseSeconds must be a number above 0, not ${quote(leaseSeconds)}`);
  }
  if (tags !== undefined && !(isRecord(tags) && Object.values(tags).every((value) => typeof value === 'string'))) {
    return wrong(`tags must be an object of text, not ${quote(tags)}`);
  }
  return FINE;
}

const EVENTS: readonly unknown[] = ['allocated', 'released', 'expired', 'changed'];

export function checkListener(event: unknown, listener: unknown): Outcome<void> {
  if (!EVENTS.includes(event)) return wrong(`unknown event ${quote(event)}; known are ${EVENTS.join(', ')}`);
  return typeof listener === 'function' ? FINE : wrong(`a listener must be a function, not ${quote(listener)}`);
}

const OPTIONS = ['placement', 'cooldownSeconds', 'whenFull', 'stickySeconds', 'limits', 'clock'];

export function checkOptions(name: unknown, options: IpPoolOptions): Outcome<void> {
  if (!isName(name)) return wrong(`a pool's name must be text of 1 to ${LONGEST_NAME} characters, not ${quote(name)}`);
  if (!isRecord(options)) return wrong(`the options must be an object, not ${quote(options)}`);
  const unknown = Object.keys(options).find((key) => !OPTIONS.includes(key));
  if (unknown !== undefined) return wrong(`unknown option ${quote(unknown)}; known are ${OPTIONS.join(', ')}`);
  const { placement = 'Lowest', cooldownSeconds = 0, whenFull = 'Reuse', stickySeconds = 0, limits = {}, clock } = options as IpPoolOptions;
  if (placement !== 'Lowest' && placement !== 'Home') return wrong(`placement must be Lowest or Home, not ${quote(placement)}`);
  if (whenFull !== 'Reuse' && whenFull !== 'Wait') return wrong(`whenFull must be Reuse or Wait, not ${quote(whenFull)}`);
  if (!isSeconds(cooldownSeconds)) return wrong(`cooldownSeconds must be a number from 0, not ${quote(cooldownSeconds)}`);
  if (!isSeconds(stickySeconds)) return wrong(`stickySeconds must be a number from 0, not ${quote(stickySeconds)}`);
  if (!isRecord(limits)) return wrong(`limits must be an object, not ${quote(limits)}`);
  const limit = Object.keys(limits).find((key) => key !== 'perSubinstance');
  if (limit !== undefined) return wrong(`unknown limit ${quote(limit)}; known is perSubinstance`);
  const { perSubinstance } = limits;
  if (perSubinstance !== undefined && !(Number.isSafeInteger(perSubinstance) && (perSubinstance as number) > 0)) {
    return wrong(`limits.perSubinstance must be a whole number from 1, not ${quote(perSubinstance)}`);
  }
  if (clock !== undefined && (typeof clock.now !== 'function' || typeof clock.monotonic !== 'function')) {
    return wrong('clock must have now() and monotonic()');
  }
  return FINE;
}
