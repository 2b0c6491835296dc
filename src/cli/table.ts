/** kubectl-like tables: upper-case headers, columns three spaces apart, no lines. */
import { styleText } from 'node:util';
import { printable } from './text.ts';

export type Colour = 'green' | 'yellow' | 'red' | 'gray';
export type Cell = string | { readonly text: string; readonly colour: Colour };

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export interface TableOptions {
  readonly headers: boolean;
  readonly colours: boolean;
  /** At least so wide: those of the part of the table that was printed before. */
  readonly widths?: readonly number[];
}

const GAP = 3;
const textOf = (cell: Cell): string => printable(typeof cell === 'string' ? cell : cell.text);
/** Code points, not UTF-16 units. */
const widthOf = (text: string): number => [...text].length;

/** Ends with a newline; empty for a table without rows. */
export function formatTable({ columns, rows }: Table, options: TableOptions): string {
  if (rows.length === 0) return '';
  const { headers, colours } = options;
  const lines: readonly (readonly Cell[])[] = headers ? [columns, ...rows] : rows;
  const widths = columnWidths({ columns, rows }, options);
  const formatLine = (line: readonly Cell[]): string =>
    line
      .map((cell, index) => {
        const text = textOf(cell);
        const padding = index === line.length - 1 ? '' : ' '.repeat(widths[index]! - widthOf(text) + GAP);
        return (colours && typeof cell !== 'string' ? paint(cell.colour, text) : text) + padding;
      })
      .join('');
  return lines.map((line) => `${formatLine(line)}\n`).join('');
}

export function columnWidths({ columns, rows }: Table, { headers, widths = [] }: TableOptions): number[] {
  const lines: readonly (readonly Cell[])[] = headers ? [columns, ...rows] : rows;
  return columns.map((_, index) =>
    lines.reduce((widest, line) => Math.max(widest, widthOf(textOf(line[index] ?? ''))), widths[index] ?? 0),
  );
}

/** The caller has decided about the terminal and NO_COLOR. */
export const paint = (colour: Colour, text: string): string => styleText(colour, text, { validateStream: false });
