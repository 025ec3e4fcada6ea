/**
 * Values as the server sent them.
 *
 * A number keeps its own digits: JavaScript's numbers would lose those of a large BIGINT and the trailing zeros of a
 * decimal. So a number is read as `Digits`, and printed as it came.
 */

/** A number, as the text that stood in the answer. */
export class Digits {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Cell = null | boolean | string | Digits | readonly Cell[] | { readonly [name: string]: Cell };

/** Reads JSON with all digits. */
export const parseCells = (text: string): Cell =>
  JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' ? new Digits(context?.source ?? String(value)) : value,
  );

/** A value as JSON on one line. */
export function cellJson(cell: Cell): string {
  if (cell instanceof Digits) return cell.text;
  if (cell === null || typeof cell !== 'object') return JSON.stringify(cell);
  if (isList(cell)) return `[${cell.map(cellJson).join(',')}]`;
  const members = Object.entries(cell).map(([name, value]) => `${JSON.stringify(name)}:${cellJson(value)}`);
  return `{${members.join(',')}}`;
}

const isList = (cell: object): cell is readonly Cell[] => Array.isArray(cell);

/** A value as it is shown in a table: text without quotes, and without anything that could move the cursor. */
export function cellText(cell: Cell): string {
  if (cell === null) return 'NULL';
  return visible(typeof cell === 'string' ? cell : cellJson(cell));
}

/** Control characters as escapes, so that no record can draw on the terminal. */
export const visible = (text: string): string =>
  text.replace(/\p{Cc}|\u2028|\u2029|[\u202a-\u202e\u2066-\u2069]/gu, (char) => {
    const short = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[char];
    return short ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });

/** A row as a JSON object, names in the order of the columns. */
export const rowJson = (names: readonly string[], row: readonly Cell[]): string =>
  `{${names.map((name, index) => `${JSON.stringify(name)}:${cellJson(row[index] ?? null)}`).join(',')}}`;
