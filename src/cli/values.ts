/** The parsed arguments of one command, read by name. Asking for what the command does not declare is a bug. */

export interface Values {
  /** An option's or a positional's text. */
  text(name: string): string | undefined;
  /** The same where the parser has made sure that it is there. */
  required(name: string): string;
  list(name: string): readonly string[];
  flag(name: string): boolean;
}

export function readValues(parsed: Readonly<Record<string, unknown>>): Values {
  const text = (name: string): string | undefined => {
    const value = parsed[name];
    return value === undefined ? undefined : String(value);
  };
  return {
    text,
    required(name) {
      const value = text(name);
      if (value === undefined) throw new Error(`the parser let a command pass without ${name}`);
      return value;
    },
    list(name) {
      const value = parsed[name];
      return value === undefined ? [] : Array.isArray(value) ? value.map(String) : [String(value)];
    },
    flag: (name) => parsed[name] === true,
  };
}
