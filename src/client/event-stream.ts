/** Reads server-sent events (HTML standard, section 9.2.6): lines end in LF, CR LF or CR, an empty line ends an event. */

export interface StreamEvent {
  readonly event: string;
  readonly data: string;
}

/** An object is under 100 kB; what is longer than this without an end is no event. */
const LONGEST_EVENT_CHARACTERS = 4 * 1024 * 1024;

/** Returns a function that takes the text as it arrives and gives the events that it completes. */
export function createEventParser(): (chunk: string) => readonly StreamEvent[] {
  let rest = '';
  let event = '';
  let data: string[] = [];

  return (chunk) => {
    rest += chunk;
    if (rest.length > LONGEST_EVENT_CHARACTERS) throw new Error('an event without end');
    const events: StreamEvent[] = [];
    for (;;) {
      // A CR at the very end may be the first half of a CR LF: wait for what follows.
      const end = /\r\n|\n|\r(?!$)/.exec(rest);
      if (!end) return events;
      const line = rest.slice(0, end.index);
      rest = rest.slice(end.index + end[0].length);
      if (line === '') {
        if (data.length > 0) events.push({ event: event === '' ? 'message' : event, data: data.join('\n') });
        event = '';
        data = [];
        continue;
      }
      const colon = line.indexOf(':');
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'event') event = value;
      if (field === 'data') data.push(value);
    }
  };
}
