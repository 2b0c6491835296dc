/** Data goes to stdout in the format asked for; everything else goes to stderr, and `-q` silences it. */
import { formatJson, formatJsonLine, formatYaml, listDocument } from './documents.ts';
import { columnWidths, formatTable, paint, type Colour, type Table } from './table.ts';
import { printable } from './text.ts';
import type { OutputStream, World } from './world.ts';

export const FORMATS = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type Format = (typeof FORMATS)[number];

export interface PrinterOptions {
  /** Undefined: each command's own usual form. */
  readonly format: Format | undefined;
  readonly headers: boolean;
  readonly quiet: boolean;
}

export interface Printer extends PrinterOptions {
  /** A line of data. */
  line(text: string): void;
  /** Returns how wide its columns are; a table that goes on is given those of the part before, and has no headers. */
  table(table: Table, goesOn?: readonly number[]): readonly number[];
  /** As it is. */
  raw(text: string): void;
  /** A document, or one JSON document a line in a stream. */
  document(value: object): Promise<void>;
  documentLine(value: object): Promise<void>;
  /** A line for the person, not for the program behind the pipe. */
  note(text: string): void;
  /** The same, but said even with -q. */
  complain(text: string): void;
  colour(colour: Colour, text: string): string;
}

export function createPrinter(world: World, options: PrinterOptions): Printer {
  const coloured = (stream: OutputStream): boolean =>
    stream.isTerminal && !world.environment('NO_COLOR') && world.environment('TERM') !== 'dumb';
  const complain = (text: string): void => world.stderr.write(`${text.split('\n').map(printable).join('\n')}\n`);
  return {
    ...options,
    line: (text) => world.stdout.write(`${printable(text)}\n`),
    table(table, goesOn) {
      const how = { headers: options.headers && goesOn === undefined, colours: coloured(world.stdout), ...(goesOn && { widths: goesOn }) };
      world.stdout.write(formatTable(table, how));
      return columnWidths(table, how);
    },
    raw: (text) => world.stdout.write(text),
    async document(value) {
      world.stdout.write(options.format === 'yaml' ? await formatYaml(value) : formatJson(value));
    },
    async documentLine(value) {
      world.stdout.write(options.format === 'yaml' ? `---\n${await formatYaml(value)}` : formatJsonLine(value));
    },
    note: (text) => {
      if (!options.quiet) complain(text);
    },
    complain,
    colour: (colour, text) => (coloured(world.stdout) ? paint(colour, text) : text),
  };
}

export interface Listing<T extends object> {
  readonly items: readonly T[];
  readonly table: (items: readonly T[], wide: boolean) => Table;
  readonly name: (item: T) => string;
  /** Said on stderr when there is nothing. */
  readonly none: string;
  /** One item asked for by name is printed as itself, not as a list. */
  readonly single?: boolean;
}

/** What every command that shows objects ends with. */
export async function printListing<T extends object>(
  printer: Printer,
  { items, table, name, none, single = false }: Listing<T>,
): Promise<void> {
  switch (printer.format) {
    case 'json':
    case 'yaml':
      return printer.document(single && items.length === 1 ? items[0]! : listDocument(items));
    case 'name':
      return items.forEach((item) => printer.line(name(item)));
    default:
      if (items.length === 0) return printer.note(none);
      printer.table(table(items, printer.format === 'wide'));
  }
}

export interface Change<T extends object> {
  readonly object: T;
  readonly name: string;
  /** What was done with it: "configured", "reserved 10.0.0.9". */
  readonly words: string;
}

/** What every command that changes objects ends with: a line each, or the objects as they are now. */
export async function printChanges<T extends object>(printer: Printer, changes: readonly Change<T>[]): Promise<void> {
  if (changes.length === 0) return;
  if (printer.format === 'json' || printer.format === 'yaml') {
    const [first, ...others] = changes.map(({ object }) => object);
    return printer.document(others.length === 0 ? first! : listDocument([first!, ...others]));
  }
  for (const { name, words } of changes) printer.line(printer.format === 'name' ? name : `${name} ${words}`);
}
