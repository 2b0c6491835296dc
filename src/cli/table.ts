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
const ASCII = /^[\x20-\x7e]*$/;
const graphemes = new Intl.Segmenter();
/** What terminals give two columns: East Asian Wide and Fullwidth (UAX #11), and emoji that are shown as such. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{17000}-\u{18cff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]|\ufe0f/u;

/** Columns of a terminal: what a person takes for one character has one or two, whatever it is made of. */
function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  return Array.from(graphemes.segment(text), ({ segment }) => (WIDE.test(segment) ? 2 : 1)).reduce((sum: number, width) => sum + width, 0);
}

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
