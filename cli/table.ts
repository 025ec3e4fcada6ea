/**
 * Rows as aligned text.
 *
 *      ORIGIN │ FLIGHTS │ AVG_DELAY
 *     ────────┼─────────┼───────────
 *      ATL    │    17875 │       7.1
 *
 * Numbers are aligned to the right, all else to the left; a wide character counts as two columns. Rows may come in
 * parts: the first part sets the widths, and a later row that needs more room makes its column wider from there on.
 * Where the width of the terminal is known, the widest columns of text give way until a row fits, and their cells wrap.
 * In a pipe nothing wraps and the lines are plain ASCII.
 */

import { type Cell, cellText } from './cell.ts';
import { displayWidth } from './excerpt.ts';

export interface Column {
  readonly name: string;
  /** The SQL type; a number is aligned to the right. */
  readonly type?: string | undefined;
}

export interface TableStyle {
  /** Columns of the terminal; undefined in a pipe. */
  readonly width: number | undefined;
  /** Lines made of box characters rather than of ASCII. */
  readonly boxes: boolean;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
}

export const plainStyle: TableStyle = {
  width: undefined,
  boxes: false,
  bold: (text) => text,
  dim: (text) => text,
};

type Style = (text: string) => string;

/** A column never gets narrower than this to make a row fit. */
const leastWidth = 8;

const isNumber = (type: string | undefined): boolean => /^(?:INTEGER|BIGINT|DOUBLE|DECIMAL)/.test(type ?? '');

export class TableWriter {
  readonly #columns: readonly Column[];
  readonly #style: TableStyle;
  /** Width of each column without the blanks beside it; empty before the first rows. */
  #widths: number[] = [];

  constructor(columns: readonly Column[], style: TableStyle) {
    this.#columns = columns;
    this.#style = style;
  }

  /** Whether the head has been written. */
  get begun(): boolean {
    return this.#widths.length > 0;
  }

  /** The next rows, with the head before the first of them; ends with a line end, if it is not empty. */
  write(rows: readonly (readonly Cell[])[]): string {
    const texts = rows.map((row) => this.#columns.map((_, index) => cellText(row[index] ?? null)));
    const head = this.begun ? '' : this.#begin(texts);
    this.#widen(texts);
    // NULL is dimmed, so that it differs from a text.
    return head + this.#lines(texts, (y, x) => ((rows[y]?.[x] ?? null) === null ? this.#style.dim : undefined));
  }

  #begin(texts: readonly (readonly string[])[]): string {
    this.#widths = this.#columns.map(({ name }) => displayWidth(name));
    this.#widen(texts);
    const names = this.#lines([this.#columns.map(({ name }) => name)], () => undefined)
      .split('\n')
      .map((line) => (line === '' ? '' : this.#style.bold(line)))
      .join('\n');
    const [line, crossing] = this.#style.boxes ? ['─', '┼'] : ['-', '+'];
    const rule = this.#widths.map((width) => line.repeat(width + 2)).join(crossing);
    return `${names}${rule}\n`;
  }

  /** Widens columns for these cells, as far as the terminal is wide enough. */
  #widen(texts: readonly (readonly string[])[]): void {
    for (const row of texts) {
      row.forEach((text, index) => {
        this.#widths[index] = Math.max(this.#widths[index] ?? 0, displayWidth(text));
      });
    }
    if (this.#style.width === undefined) return;
    const room = this.#style.width - 3 * this.#widths.length;
    for (;;) {
      const excess = this.#widths.reduce((sum, width) => sum + width, 0) - room;
      const widest = this.#widest();
      if (excess <= 0 || widest === undefined) return;
      const next = Math.max(leastWidth, ...this.#textWidths().filter((width) => width < widest.width));
      this.#widths[widest.index] = Math.max(next, widest.width - excess, leastWidth);
    }
  }

  /** The widest column of text that can still give way. */
  #widest(): { readonly index: number; readonly width: number } | undefined {
    let best: { readonly index: number; readonly width: number } | undefined;
    this.#widths.forEach((width, index) => {
      if (isNumber(this.#columns[index]?.type) || width <= leastWidth) return;
      if (best === undefined || width > best.width) best = { index, width };
    });
    return best;
  }

  #textWidths(): number[] {
    return this.#widths.filter((_, index) => !isNumber(this.#columns[index]?.type));
  }

  /** Rows of texts, each as many lines as its highest cell. `styleOf` gives the style of a cell. */
  #lines(rows: readonly (readonly string[])[], styleOf: (y: number, x: number) => Style | undefined): string {
    const bar = this.#style.boxes ? '│' : '|';
    const wraps = this.#style.width !== undefined;
    const lines: string[] = [];
    rows.forEach((row, y) => {
      const cells = this.#widths.map((width, x) => (wraps ? wrapped(row[x] ?? '', width) : [row[x] ?? '']));
      const height = Math.max(...cells.map(({ length }) => length));
      for (let line = 0; line < height; line++) {
        const parts = cells.map((cell, x) => ` ${this.#padded(cell[line] ?? '', x, styleOf(y, x))} `);
        lines.push(`${parts.join(bar).trimEnd()}\n`);
      }
    });
    return lines.join('');
  }

  /** A text as wide as its column. Marks of style take no room. */
  #padded(text: string, x: number, style: Style | undefined): string {
    const blanks = ' '.repeat(Math.max(0, (this.#widths[x] ?? 0) - displayWidth(text)));
    const styled = style === undefined || text === '' ? text : style(text);
    return isNumber(this.#columns[x]?.type) ? blanks + styled : styled + blanks;
  }
}

/** Text in lines of at most so many columns of the terminal; no line begins with the blank that it was cut at. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  let used = 0;
  for (const char of text) {
    const columns = displayWidth(char);
    if (used + columns > width) {
      lines.push(line);
      line = '';
      used = 0;
      if (char === ' ') continue;
    }
    line += char;
    used += columns;
  }
  return [...lines, line];
}
