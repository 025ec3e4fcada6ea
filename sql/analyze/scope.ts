/**
 * The scope of a query: which sources it names, by which names, and what a column's name means there.
 *
 * Laws. A source is called by its alias, or by its own name when it has none. A name without a source must belong to
 * exactly one of them. Behind a join a column is called `<alias>_<name>`; a query over one source keeps the names as
 * they are. Pseudo columns belong to every source, the bounds of windows to windowed ones only.
 *
 * `qualify` makes the names in an expression comparable: every column gets its source's alias, so that `ID` and `T.ID`
 * become the same.
 */

import { closest, type Position, UserError } from '../../base/index.ts';
import type { Expression, ExpressionOf, TimeUnit } from '../parser/ast.ts';
import { type Column, isPseudoColumn, type Schema, slotNamed } from '../types/schema.ts';
import { bigintType, integerType } from '../types/type.ts';
import type { LogicalNode } from './logical.ts';
import type { Source } from './sources.ts';
import type { ColumnReference } from './typed.ts';
import { replaceExpressions } from './walk.ts';

export interface ScopedSource {
  readonly alias: string;
  /** As the query sees it: columns of headers are values. */
  readonly source: Source;
  /** Reads it. */
  readonly node: LogicalNode;
  /** It is a subquery: its rows have no pseudo columns. */
  readonly isSubquery?: boolean;
  readonly at: Position;
}

/** The clause that an expression stands in, as messages name it. */
export type Clause = 'SELECT' | 'WHERE' | 'GROUP BY' | 'PARTITION BY' | 'HAVING' | 'ORDER BY' | 'ON' | 'VALUES';

export interface QualifiedColumn {
  readonly source: ScopedSource;
  readonly name: string;
}

/** Units that are not reserved words come as columns where a unit may stand. */
const unitWords: Readonly<Record<string, TimeUnit>> = {
  DAY: 'DAYS',
  HOUR: 'HOURS',
  MINUTE: 'MINUTES',
  SECOND: 'SECONDS',
};

export class Scope {
  readonly sources: readonly ScopedSource[];
  /** The key column that the joins made where it is none of the sources' columns: a name of SELECT. Set when the joins
   *  are analyzed, before any other clause. */
  syntheticKey: string | undefined;

  /** Names that the SELECT list gives, for hints. */
  readonly #given: ReadonlySet<string>;

  constructor(sources: readonly ScopedSource[], given: Iterable<string> = []) {
    this.sources = sources;
    this.#given = new Set(given);
  }

  get joined(): boolean {
    return this.sources.length > 1;
  }

  /** All names of a source's columns, keys first, then the bounds of windows, then values. */
  columnsOf(source: ScopedSource): readonly string[] {
    const { schema } = source.source;
    return [
      ...schema.key.map((column) => column.name),
      ...(schema.windowed === undefined ? [] : ['WINDOWSTART', 'WINDOWEND']),
      ...schema.value.map((column) => column.name),
    ];
  }

  has(source: ScopedSource, name: string): boolean {
    const { schema } = source.source;
    if (source.isSubquery === true) return findColumn(schema, name) !== undefined;
    if (name === 'WINDOWSTART' || name === 'WINDOWEND') return schema.windowed !== undefined;
    return isPseudoColumn(name) || findColumn(schema, name) !== undefined;
  }

  sourceNamed(alias: string, at: Position): ScopedSource {
    const found = this.sources.find((source) => source.alias === alias);
    if (found !== undefined) return found;
    const names = this.sources.map((source) => source.alias);
    const near = closest(alias, names);
    throw new UserError('SQL_UNKNOWN_SOURCE', `"${alias}" is not the name or alias of a source of this query`, {
      hint: this.sources.some(({ source }) => findColumn(source.schema, alias)?.type.kind === 'STRUCT')
        ? `"${alias}" is a column; a field of it is ${alias}->name.`
        : near === undefined
          ? `The query reads ${names.join(', ')}.`
          : `Did you mean "${near}"?`,
      at,
    });
  }

  /** What a column's name means, or an error that names the clause, the name and what is close to it. */
  find(column: ExpressionOf<'column'>, clause: Clause): QualifiedColumn {
    const { name, at } = column;
    const within = column.source === undefined ? this.sources : [this.sourceNamed(column.source, at)];
    const found = within.filter((source) => this.has(source, name));
    const [only, other] = found;
    if (only !== undefined && other === undefined) return { source: only, name };
    if (other !== undefined) {
      const choices = found.map((source) => `${source.alias}.${name}`);
      throw new UserError(
        'SQL_AMBIGUOUS_COLUMN',
        `the column "${name}" in ${clause} could be ${choices.join(' or ')}`,
        {
          hint: `Write ${choices[0]} to say which.`,
          at,
        },
      );
    }
    const names = [...new Set(within.flatMap((source) => this.columnsOf(source)))];
    const near = closest(name, names);
    const hint = this.#meant(column, clause);
    const where = within
      .map(({ isSubquery, source }) => `${isSubquery === true ? 'subquery' : source.kind} "${source.name}"`)
      .join(' or ');
    throw new UserError('SQL_UNKNOWN_COLUMN', `the column "${name}" in ${clause} does not exist in ${where}`, {
      hint:
        name === this.syntheticKey
          ? `${name}, the key of the joined rows, is a name of SELECT only.`
          : near !== undefined
            ? `Did you mean "${near}"?`
            : hint !== undefined
              ? hint
              : name === 'WINDOWSTART' || name === 'WINDOWEND'
                ? 'Only windowed sources have bounds of windows.'
                : names.length === 0
                  ? undefined
                  : `The columns are ${names.join(', ')}.`,
      at,
    });
  }

  /** What was probably meant by a name that is no column. */
  #meant({ name, source }: ExpressionOf<'column'>, clause: Clause): string | undefined {
    if (source !== undefined) return undefined;
    if (['WHERE', 'GROUP BY', 'PARTITION BY', 'HAVING'].includes(clause) && this.#given.has(name)) {
      return `${name} is a name that SELECT gives, and ${clause} is worked out before: write the expression again.`;
    }
    // A name in capitals may have stood without quotes.
    if (name !== name.toUpperCase()) {
      return `If it is a string, write '${name.replaceAll("'", "''")}': double quotes and backticks are for names.`;
    }
    return undefined;
  }

  /** The same expression with the alias of its source before every column, and units of time marked as what they are.
   *  With `freeBounds` the bounds of the windows that the query itself makes have no source: `s.WINDOWSTART` means
   *  them too where `s` has no windows. */
  qualify(expression: Expression, clause: Clause, freeBounds = false): Expression {
    const qualifyColumn = (part: Expression, bound: ReadonlySet<string>): Expression | undefined => {
      if (part.kind === 'call') {
        return {
          ...part,
          args: part.args.map((arg) =>
            this.#isUnit(arg, bound)
              ? { kind: 'unit', unit: unitWords[arg.name] as TimeUnit, at: arg.at }
              : replaceExpressions(arg, qualifyColumn, bound),
          ),
        };
      }
      if (part.kind === 'lambda') this.#checkParameters(part);
      if (part.kind !== 'column') return undefined;
      if (part.source === undefined && bound.has(part.name)) return part;
      if (clause === 'SELECT' && part.source === undefined && part.name === this.syntheticKey) {
        return { ...part, source: '' };
      }
      const isBound = part.name === 'WINDOWSTART' || part.name === 'WINDOWEND';
      if (freeBounds && isBound && !this.#isOfWindowedSource(part)) return { ...part, source: undefined };
      const { source, name } = this.find(part, clause);
      return { ...part, source: source.alias, name };
    };
    return replaceExpressions(expression, qualifyColumn);
  }

  /** Whether the bounds are those of a source, by its name. */
  #isOfWindowedSource({ source, name, at }: ExpressionOf<'column'>): boolean {
    return source !== undefined && this.has(this.sourceNamed(source, at), name);
  }

  /** A parameter that is called like a column would hide it. */
  #checkParameters({ parameters, at }: ExpressionOf<'lambda'>): void {
    for (const name of parameters) {
      const hidden = this.sources.find((source) => this.has(source, name));
      if (hidden === undefined) continue;
      throw new UserError(
        'SQL_LAMBDA_PARAMETER',
        `the lambda parameter "${name}" is also a column of "${hidden.source.name}"`,
        { at, hint: 'Give the parameter another name.' },
      );
    }
  }

  #isUnit(arg: Expression, bound: ReadonlySet<string>): arg is ExpressionOf<'column'> {
    return (
      arg.kind === 'column' &&
      arg.source === undefined &&
      Object.hasOwn(unitWords, arg.name) &&
      !bound.has(arg.name) &&
      !this.sources.some((source) => this.has(source, arg.name))
    );
  }

  /** What a qualified column is called in the plan of this query. */
  planName(source: string, name: string): string {
    return this.joined && source !== '' ? `${source}_${name}` : name;
  }
}

export const findColumn = (schema: Schema, name: string): Column | undefined =>
  schema.key[slotNamed(schema.key, name)] ?? schema.value[slotNamed(schema.value, name)];

/** A reference to a column of a node's schema, by its name there; undefined when there is none. */
export const referTo = (schema: Schema, name: string): ColumnReference | undefined => {
  const value = slotNamed(schema.value, name);
  if (value >= 0)
    return { kind: 'column', name, from: 'value', index: value, type: (schema.value[value] as Column).type };
  const key = slotNamed(schema.key, name);
  if (key >= 0) return { kind: 'column', name, from: 'key', index: key, type: (schema.key[key] as Column).type };
  const headers = schema.headers ?? [];
  const header = slotNamed(headers, name);
  if (header >= 0) {
    return { kind: 'column', name, from: 'header', index: header, type: (headers[header] as Column).type };
  }
  switch (name) {
    case 'ROWTIME':
      return { kind: 'column', name, from: 'rowtime', index: 0, type: bigintType };
    case 'ROWPARTITION':
      return { kind: 'column', name, from: 'rowpartition', index: 0, type: integerType };
    case 'ROWOFFSET':
      return { kind: 'column', name, from: 'rowoffset', index: 0, type: bigintType };
    case 'WINDOWSTART':
      return schema.windowed === undefined
        ? undefined
        : { kind: 'column', name, from: 'windowstart', index: 0, type: bigintType };
    case 'WINDOWEND':
      return schema.windowed === undefined
        ? undefined
        : { kind: 'column', name, from: 'windowend', index: 0, type: bigintType };
    default:
      return undefined;
  }
};
