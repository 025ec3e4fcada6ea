/**
 * Expressions over the columns of a query, of every form and every function, each with the type that it has.
 *
 * A pool begins with columns and literals and grows: a form or a function is chosen, its operands are taken from the
 * pool, and what the analyzer refuses is thrown away. So all that comes out has a type, and expressions nest as deep as
 * the pool has grown.
 */

import type { Random } from '../../base/index.ts';
import type { LambdaType, ParameterType, Signature } from '../../sql/functions/signature.ts';
import { builtInFunctions } from '../../sql/index.ts';
import { isNumeric, isScalar, type SqlType, typesEqual } from '../../sql/types/type.ts';

/** In `text` names of columns stand between `«` and `»`: what is in front of them is decided by the query. */
export interface Piece {
  readonly text: string;
  readonly type: SqlType;
}

/** The piece as it is written in a query, in which columns are those of `alias`. */
export const written = (text: string, alias?: string): string =>
  text.replaceAll(/«([^»]*)»/g, alias === undefined ? '$1' : `${alias}.$1`);

/** Types as they are written, of every kind. */
export const typeTexts: readonly string[] = [
  ...['BOOLEAN', 'INT', 'BIGINT', 'DOUBLE', 'DECIMAL(9, 2)', 'DECIMAL(20, 10)', 'VARCHAR', 'BYTES'],
  ...['DATE', 'TIME', 'TIMESTAMP', 'ARRAY<INT>', 'ARRAY<VARCHAR>', 'MAP<VARCHAR, INT>', 'ARRAY<ARRAY<DOUBLE>>'],
  ...['STRUCT<x INT, y VARCHAR>', 'ARRAY<STRUCT<x INT, y VARCHAR>>', 'MAP<VARCHAR, STRUCT<x INT, y VARCHAR>>'],
];

const literals: readonly string[] = [
  ...['NULL', 'TRUE', 'FALSE', '0', '1', '-1', '2', '7', '100', '2147483647', '9223372036854775807'],
  ...['1.5E0', '-2E3', '0E0', '1E300', '1.50', '-0.01', '1234567.89', '.5'],
  ...["''", "'a'", "'it''s'", "'größe 数😀'", "'2024-01-01'", "'2024-01-01T10:20:30.400'", "'10:20:30'", "'12'"],
  ...["'yyyy-MM-dd'", "'%a_'", "'[a-z]+'", "','", "'UTC'", "'Europe/Berlin'", "'base64'", "'utf8'"],
  ...[`'{"a": [1, {"b": "c"}], "d": null}'`, "'$.a[0]'", "'https://user@host.org:80/path?a=b#c'"],
  ...["CAST('2024-01-01T10:20:30.400' AS TIMESTAMP)", "CAST('2024-02-29' AS DATE)", "CAST('10:20:30' AS TIME)"],
];

const units = ['MILLISECONDS', 'SECONDS', 'MINUTES', 'HOURS', 'DAYS'];

const lambdaBodies: readonly ((names: readonly string[], other: () => string) => string)[] = [
  ([x]) => `${x}`,
  (names) => `${names.at(-1)}`,
  (names) => names.join(' + '),
  (names) => `CONCAT(${names.join(', ')}, '!')`,
  ([x]) => `${x} IS NOT NULL`,
  ([x], other) => `${x} > ${other()}`,
  ([x], other) => `${x} = ${other()}`,
  ([x], other) => `${x} + ${other()}`,
  ([x], other) => `COALESCE(${x}, ${other()})`,
  ([x]) => `CAST(${x} AS VARCHAR)`,
  ([x], other) => `CASE WHEN ${x} IS NULL THEN ${other()} ELSE ${x} END`,
  ([x], other) => `ARRAY[${x}, ${other()}]`,
  (_, other) => other(),
];

const overloads = builtInFunctions()
  .list()
  .flatMap(({ name, kind, overloads: all }) => all.map(({ signature }) => ({ name, kind, signature })));

/** The types that stand for the generic ones of a signature. */
type Bound = Map<string, SqlType>;

/** Whether a value of the type can stand there; binds generic types. */
const fits = (wanted: ParameterType, type: SqlType, bound: Bound): boolean => {
  if (isScalar(wanted)) {
    return type.kind === wanted.kind || (isNumeric(type) && (wanted.kind === 'DOUBLE' || wanted.kind === 'BIGINT'));
  }
  switch (wanted.kind) {
    case 'ANY':
      return true;
    case 'GENERIC': {
      const known = bound.get(wanted.name);
      if (known === undefined) bound.set(wanted.name, type);
      return known === undefined || typesEqual(known, type);
    }
    case 'ANY DECIMAL':
      return type.kind === 'DECIMAL';
    case 'ARRAY':
      return type.kind === 'ARRAY' && fits(wanted.element, type.element, bound);
    case 'MAP':
      return type.kind === 'MAP' && fits(wanted.key, type.key, bound) && fits(wanted.value, type.value, bound);
    case 'STRUCT':
      return type.kind === 'STRUCT';
  }
};

/** The literals with their types, which no source changes. */
let constants: readonly Piece[] | undefined;

/** How many expressions a pool holds besides columns and literals; further ones take the places of others. Without a
 *  bound, a long run would spend its time in choosing. */
const mostComposed = 500;

/** Any member that is accepted, each as likely as the others. */
const pickWhere = <T>(list: readonly T[], random: Random, accepts: (one: T) => boolean): T | undefined => {
  if (list.length === 0) return undefined;
  for (let tries = 0; tries < 6; tries++) {
    const one = random.pick(list);
    if (accepts(one)) return one;
  }
  const fitting = list.filter(accepts);
  return fitting.length === 0 ? undefined : random.pick(fitting);
};

export class Pool {
  readonly #random: Random;
  readonly #typeOf: (text: string) => SqlType | undefined;
  readonly #leaves: readonly Piece[];
  readonly #pieces: Piece[];

  /** `typeOf`: the type of an expression as the analyzer finds it, undefined where it refuses. */
  constructor(random: Random, leaves: readonly Piece[], typeOf: (text: string) => SqlType | undefined) {
    this.#random = random;
    this.#typeOf = typeOf;
    this.#leaves = leaves;
    constants ??= literals.flatMap((text): Piece[] => {
      const type = typeOf(text);
      return type === undefined ? [] : [{ text, type }];
    });
    this.#pieces = [...leaves, ...constants];
  }

  /** So many tries to make a larger expression. */
  grow(tries: number): void {
    for (let i = 0; i < tries; i++) {
      const text = this.composed();
      if (text.length > 240) continue;
      const type = this.#typeOf(text);
      if (type === undefined) continue;
      const first = this.#leaves.length + (constants?.length ?? 0);
      const at =
        this.#pieces.length - first < mostComposed ? this.#pieces.length : first + this.#random.below(mostComposed);
      this.#pieces[at] = { text, type };
    }
  }

  /** A piece whose type is accepted: half of the time a column, if one is. */
  pick(accepts: (type: SqlType) => boolean): Piece | undefined {
    for (const list of this.#random.chance(0.4) ? [this.#leaves, this.#pieces] : [this.#pieces]) {
      const found = pickWhere(list, this.#random, ({ type }) => accepts(type));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #text(accepts: (type: SqlType) => boolean): string {
    return this.pick(accepts)?.text ?? 'NULL';
  }

  #of(...kinds: readonly SqlType['kind'][]): string {
    return this.#text(({ kind }) => kinds.includes(kind));
  }

  /** Of the type that another piece has, most of the time. */
  #like(piece: Piece | undefined): string {
    return piece === undefined || this.#random.chance(0.05)
      ? this.#text(() => true)
      : this.#text((type) => typesEqual(type, piece.type));
  }

  #any(): Piece {
    return this.#random.pick(this.#pieces);
  }

  /** One more expression over the pieces, of any form, whether the types allow it or not. */
  composed(): string {
    const random = this.#random;
    const not = random.pick(['', 'NOT ']);
    const scalar = this.pick(isScalar);
    const any = this.#any();
    const condition = (): string => this.#of('BOOLEAN');
    const several = (): string => Array.from({ length: random.between(1, 3) }, () => this.#like(any)).join(', ');
    const forms: readonly (() => string)[] = [
      () => `(${this.#text(isNumeric)} ${random.pick(['+', '-', '*', '/', '%'])} ${this.#text(isNumeric)})`,
      () => `-(${this.#text(isNumeric)})`,
      () => `(${this.#of('STRING')} || ${this.#of('STRING')})`,
      () => `(${scalar?.text} ${random.pick(['=', '<>', '<', '<=', '>', '>='])} ${this.#like(scalar)})`,
      () => `(${any.text} ${random.pick(['=', '<>'])} ${this.#like(any)})`,
      () => `(${any.text} IS ${not}NULL)`,
      () => `(${any.text} IS ${not}DISTINCT FROM ${this.#like(any)})`,
      () => `(${scalar?.text} ${not}BETWEEN ${this.#like(scalar)} AND ${this.#like(scalar)})`,
      () => `(${scalar?.text} ${not}IN (${this.#like(scalar)}, ${this.#like(scalar)}))`,
      () => `(${this.#of('STRING')} ${not}LIKE ${this.#of('STRING')})`,
      () => `(NOT ${condition()})`,
      () => `(${condition()} ${random.pick(['AND', 'OR'])} ${condition()})`,
      () => `CASE WHEN ${condition()} THEN ${any.text} WHEN ${condition()} THEN ${this.#like(any)} END`,
      () => `CASE WHEN ${condition()} THEN ${any.text} ELSE ${this.#like(any)} END`,
      () => `CASE ${scalar?.text} WHEN ${this.#like(scalar)} THEN ${any.text} ELSE ${this.#like(any)} END`,
      () => `CAST(${any.text} AS ${random.pick(typeTexts)})`,
      () => `ARRAY[${several()}]`,
      () => `MAP(${this.#of('STRING')} := ${any.text}, ${this.#of('STRING')} := ${this.#like(any)})`,
      () => `STRUCT(x := ${any.text}, y := ${this.#any().text})`,
      () => `(${this.#of('ARRAY')})[${this.#of('INTEGER')}]`,
      () => `(${this.#of('MAP')})[${this.#of('STRING')}]`,
      () => this.#field(),
      () => `(${this.#of('TIMESTAMP')} AT TIME ZONE 'Asia/Tokyo')`,
    ];
    return random.chance(0.5) ? this.call('scalar') : random.pick(forms)();
  }

  #field(): string {
    const base = this.pick(({ kind }) => kind === 'STRUCT');
    if (base?.type.kind !== 'STRUCT' || base.type.fields.length === 0) return 'NULL';
    return `(${base.text})->${this.#random.pick(base.type.fields).name}`;
  }

  /** A call of any function of that kind, with arguments of the types that it takes. */
  call(kind: 'scalar' | 'aggregate' | 'table'): string {
    const all = overloads.filter((one) => one.kind === kind);
    const { name, signature } = this.#random.pick(all);
    if (name === 'COUNT' && signature.parameters.length === 0) return 'COUNT(*)';
    return `${name}(${this.#arguments(signature).join(', ')})`;
  }

  #arguments({ parameters, variadicAt }: Signature): string[] {
    const bound: Bound = new Map();
    return parameters.flatMap(({ type, literal }, i) => {
      const count = i === variadicAt ? this.#random.below(4) : 1;
      return Array.from({ length: count }, () => this.#argument(type, literal, bound));
    });
  }

  #argument(wanted: ParameterType | LambdaType, literal: boolean, bound: Bound): string {
    if (wanted.kind === 'LAMBDA') return this.#lambda(wanted);
    if (literal && wanted.kind === 'STRING') return this.#random.pick([...units, ...units, "'a'", "'$.a'"]);
    const piece = this.pick((type) => (!literal || isScalar(type)) && fits(wanted, type, new Map(bound)));
    if (piece === undefined) return 'NULL';
    fits(wanted, piece.type, bound);
    return literal && /[«(]/.test(piece.text) ? String(this.#random.between(1, 4)) : piece.text;
  }

  #lambda({ parameters }: LambdaType): string {
    const names = parameters.map((_, i) => `p${i}`);
    const other = (): string => this.#text(isScalar);
    const [only] = names;
    return `${names.length === 1 ? only : `(${names.join(', ')})`} => ${this.#random.pick(lambdaBodies)(names, other)}`;
  }
}
