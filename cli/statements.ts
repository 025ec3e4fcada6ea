/**
 * Finds where statements end in a text, without understanding them.
 *
 * The server parses; the terminal only has to know when a statement is complete, so that a prompt can go on to the next
 * line and a script can be sent in batches. A semicolon ends a statement unless it is in quotes or in a
 * comment; the rules for those are the lexical ones of the language.
 */

export interface StatementText {
  /** From its first word to before its semicolon. */
  readonly text: string;
  /** Where it begins in the whole text; lines and columns count from 1. */
  readonly line: number;
  readonly column: number;
}

export interface Split {
  readonly statements: readonly StatementText[];
  /** What follows the last semicolon, blanks and comments before it taken off; undefined when that is nothing. */
  readonly rest: StatementText | undefined;
}

/** Cuts a text at its semicolons. */
export function splitStatements(text: string): Split {
  const statements: StatementText[] = [];
  let start = -1;
  let offset = 0;
  // The place that was counted last: statements come in their order, so that each line is counted once.
  let counted = 0;
  let line = 1;
  let column = 1;
  const textAt = (from: number, to: number): StatementText => {
    const lines = text.slice(counted, from).split(/\r\n?|\n/);
    const last = (lines.at(-1) ?? '').length;
    column = lines.length === 1 ? column + last : last + 1;
    line += lines.length - 1;
    counted = from;
    return { text: text.slice(from, to).trimEnd(), line, column };
  };
  while (offset < text.length) {
    const next = endOfPart(text, offset);
    if (next.kind === 'end') {
      if (start >= 0) statements.push(textAt(start, offset));
      start = -1;
    } else if (next.kind === 'words' && start < 0) {
      start = offset;
    }
    offset = next.to;
  }
  return { statements, rest: start < 0 ? undefined : textAt(start, text.length) };
}

/** Statements that are sent as one request, so that all of them are checked before the first runs. */
export interface Batch extends StatementText {
  /** `text` is theirs, with what stands between them. */
  readonly statements: readonly StatementText[];
}

/** The most statements of a batch, and roughly the most characters: a request has limits. */
const maxBatch = { statements: 1_000, characters: 1_000_000 };

/** A script in batches. What asks for rows or lines, and RUN SCRIPT, stands alone. */
export function batchesOf(script: string): readonly Batch[] {
  const { statements, rest } = splitStatements(script);
  const starts = lineStarts(script);
  const batches: (StatementText & { readonly from: number; readonly statements: StatementText[] })[] = [];
  let open = false;
  for (const statement of rest === undefined ? statements : [...statements, rest]) {
    const { text, line, column } = statement;
    const from = (starts[line - 1] ?? 0) + column - 1;
    const alone = isQuery(text) || isPrint(text) || scriptIn(text) !== undefined;
    const last = batches.at(-1);
    const fits =
      last !== undefined &&
      last.statements.length < maxBatch.statements &&
      from + text.length - last.from < maxBatch.characters;
    if (open && !alone && fits) {
      last.statements.push(statement);
      batches[batches.length - 1] = { ...last, text: script.slice(last.from, from + text.length) };
    } else batches.push({ ...statement, from, statements: [statement] });
    open = !alone;
  }
  return batches;
}

/** Where each line begins. */
const lineStarts = (text: string): readonly number[] => [
  0,
  ...text.matchAll(/\r\n?|\n/g).map(({ index, 0: mark }) => index + mark.length),
];

interface Part {
  readonly kind: 'blank' | 'words' | 'end';
  readonly to: number;
}

/** The blank, comment, quoted text, semicolon or other character that begins at an offset. */
function endOfPart(text: string, offset: number): Part {
  const char = text.charAt(offset);
  if (char === ';') return { kind: 'end', to: offset + 1 };
  if (/\s/.test(char)) return { kind: 'blank', to: offset + 1 };
  if (text.startsWith('--', offset)) return { kind: 'blank', to: past(text, '\n', offset) };
  if (text.startsWith('/*', offset)) return { kind: 'blank', to: past(text, '*/', offset + 2) };
  // A doubled quote is the end of one quoted text and the beginning of the next: the same for our purpose.
  if (char === "'" || char === '"' || char === '`') return { kind: 'words', to: past(text, char, offset + 1) };
  return { kind: 'words', to: offset + 1 };
}

const past = (text: string, mark: string, from: number): number => {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found + mark.length;
};

/** Whether a statement asks for rows, and so goes to the endpoint that streams them. */
export const isQuery = (statement: string): boolean => /^select\b/i.test(statement);

/** Whether a statement asks for the lines of a topic. */
export const isPrint = (statement: string): boolean => /^print\b/i.test(statement);

/** `RUN SCRIPT 'file'`: the terminal's own. */
export function scriptIn(statement: string): string | undefined {
  const found = /^run\s+script\s+'((?:[^']|'')*)'\s*$/i.exec(statement);
  return found === null ? undefined : unquote(found[1]);
}

/** `DEFINE name = 'value'` and `UNDEFINE name`: the server forgets them with the request, the session keeps them. */
export function variableOf(statement: string): Setting | undefined {
  const define = /^define\s+([a-z_][a-z0-9_@]*)\s*=\s*'((?:[^']|'')*)'\s*$/i.exec(statement);
  if (define !== null) return { name: define[1] ?? '', value: unquote(define[2]) };
  const undefine = /^undefine\s+([a-z_][a-z0-9_@]*)\s*$/i.exec(statement);
  return undefine === null ? undefined : { name: undefine[1] ?? '', value: undefined };
}

/** A value with those of other variables in it, as the server puts them there. */
export const withVariables = (value: string, variables: ReadonlyMap<string, string>): string =>
  value.replace(/\$\{([a-z_][a-z0-9_@]*)\}/gi, (written, name: string) => variables.get(name.toLowerCase()) ?? written);

/** `SET 'name' = 'value'` and `UNSET 'name'`: the server forgets them with the request, the session keeps them. */
export type Setting = { readonly name: string; readonly value: string | undefined };

export function settingOf(statement: string): Setting | undefined {
  const set = /^set\s*'((?:[^']|'')*)'\s*=\s*'((?:[^']|'')*)'\s*$/i.exec(statement);
  if (set !== null) return { name: unquote(set[1]), value: unquote(set[2]) };
  const unset = /^unset\s*'((?:[^']|'')*)'\s*$/i.exec(statement);
  return unset === null ? undefined : { name: unquote(unset[1]), value: undefined };
}

const unquote = (text: string | undefined): string => (text ?? '').replaceAll("''", "'");
