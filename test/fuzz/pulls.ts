/** Random pull queries over the streams and tables of a session: of every clause that they can have, with conditions by
 *  which keys, ranges of keys, windows and offsets are looked up. */

import type { Random } from '../../base/index.ts';
import { isScalar, type Source, type SqlType } from '../../sql/index.ts';
import { printName } from '../../sql/parser/print.ts';
import { typesEqual } from '../../sql/types/type.ts';
import { texts } from './sources.ts';
import type { Generator } from './statements.ts';

/** A source in a query, and the name that the query calls it by. */
interface Named {
  readonly source: Source;
  readonly alias: string;
}

export interface PullSources {
  /** Those that can be read. */
  readonly sources: readonly Source[];
  /** Of records; windows begin and end there or nearby. */
  readonly times: readonly number[];
}

const comparisons = ['=', '=', '=', '<', '<=', '>', '>=', '<>'];

export class PullGenerator {
  readonly #random: Random;
  readonly #generator: Generator;
  readonly #sources: readonly Source[];
  readonly #times: readonly number[];

  constructor(random: Random, generator: Generator, { sources, times }: PullSources) {
    this.#random = random;
    this.#generator = generator;
    this.#sources = sources;
    this.#times = times;
  }

  pull(): string {
    const random = this.#random;
    const select = this.#select();
    if (!random.chance(0.12)) return `${select};`;
    // The rows of two queries; most of them have as many columns where one is made of the other.
    const other = random.chance(0.5) ? select.replace(/ (?:ORDER BY|LIMIT) .*$/, '') : this.#select();
    return `${select.replace(/ (?:ORDER BY|LIMIT) .*$/, '')} UNION ${random.pick(['ALL ', 'ALL ', ''])}${other};`;
  }

  #select(): string {
    const random = this.#random;
    const first: Named = { source: random.pick(this.#sources), alias: 'l' };
    const named = random.chance(0.25) ? [first, { source: random.pick(this.#sources), alias: 'r' }] : [first];
    const from = this.#from(named);
    const where = random.chance(0.7) ? ` WHERE ${this.#condition(named)}` : '';
    if (random.chance(0.3)) return `${this.#grouped(named, from, where)}${this.#most()}`;
    if (random.chance(0.12)) return `SELECT ${this.#aggregates(named).join(', ')} FROM ${from}${where}`;
    const isAll = random.chance(0.2);
    const columns = isAll ? [] : this.#columns(named);
    const items = isAll ? '*' : columns.map((text, i) => `${text} AS c${i}`).join(', ');
    const distinct = random.chance(0.15) ? 'DISTINCT ' : '';
    const order = columns.length > 0 && random.chance(0.4) ? this.#order(columns.map((_, i) => `c${i}`)) : '';
    return `SELECT ${distinct}${items} FROM ${from}${where}${order}${this.#most()}`;
  }

  #from([left, right]: readonly Named[]): string {
    const random = this.#random;
    if (left === undefined) return '';
    const reference = ({ source, alias }: Named): string =>
      random.chance(0.12) ? `(SELECT * FROM ${printName(source.name)}) ${alias}` : `${printName(source.name)} ${alias}`;
    if (right === undefined) return reference(left);
    const on = random.chance(0.6)
      ? [left.source.schema.key[0], right.source.schema.key[0]]
      : [random.pick(columnsOf(left.source)), undefined];
    const own = on[0] ?? random.pick(columnsOf(left.source));
    const others = columnsOf(right.source).filter(({ type }) => typesEqual(type, own.type));
    const other = on[1] ?? (others.length === 0 ? own : random.pick(others));
    const also = random.chance(0.15) ? ` AND ${this.#condition([right])}` : '';
    const kind = random.pick(['', 'LEFT ', 'RIGHT ', 'FULL OUTER ']);
    return `${reference(left)} ${kind}JOIN ${reference(right)} ON l.${printName(own.name)} = r.${printName(other.name)}${also}`;
  }

  #text(named: readonly Named[], accepts: (type: SqlType) => boolean): string | undefined {
    const { source, alias } = this.#random.pick(named);
    return this.#generator.expression(source, accepts, alias)?.text;
  }

  #columns(named: readonly Named[]): string[] {
    const random = this.#random;
    const [first] = named;
    const keys = first?.source.schema.key.map(({ name }) => `${first.alias}.${printName(name)}`) ?? [];
    const others = Array.from({ length: random.between(1, 3) }, () => this.#text(named, () => true) ?? 'NULL');
    return [...(random.chance(0.6) ? keys : []), ...others];
  }

  #condition(named: readonly Named[]): string {
    const random = this.#random;
    const free = (): string => this.#text(named, ({ kind }) => kind === 'BOOLEAN') ?? 'TRUE';
    const bounded = (): string => this.#bound(random.pick(named));
    return random.pick([
      bounded,
      bounded,
      () => `${bounded()} AND ${free()}`,
      () => `${bounded()} AND ${bounded()}`,
      () => `${bounded()} OR ${bounded()}`,
      () => `(${bounded()} OR ${bounded()}) AND ${bounded()}`,
      () => `NOT (${bounded()})`,
      free,
    ])();
  }

  /** A condition that can narrow what is read. */
  #bound({ source, alias }: Named): string {
    const random = this.#random;
    const column = (name: string): string => `${alias}.${name}`;
    const { windowed, key } = source.schema;
    const time = (): number => random.pick(this.#times) + random.pick([0, 0, 0, -1, 1]);
    const times = (): string => String(time());
    const windowTimes = (): string => {
      const size = windowed?.sizeMs;
      const at = size === undefined ? time() : Math.floor(time() / size) * size + random.pick([0, 0, size]);
      return String(at);
    };
    const compared = (name: string, value: () => string): string =>
      random.pick([
        () => `${name} ${random.pick(comparisons)} ${value()}`,
        () => `${name} ${random.pick(comparisons)} ${value()}`,
        () => `${value()} ${random.pick(comparisons)} ${name}`,
        () => `${name} IN (${value()}, ${value()})`,
        () => `${name} BETWEEN ${value()} AND ${value()}`,
      ])();
    const windows = windowed === undefined ? [] : ['WINDOWSTART', 'WINDOWEND'];
    const offsets = source.kind === 'stream' ? ['ROWOFFSET'] : [];
    if (random.chance(windows.length > 0 ? 0.6 : 0.35) && windows.length + offsets.length > 0) {
      const name = random.pick([...windows, ...windows, ...offsets, 'ROWTIME']);
      const values = { ROWOFFSET: () => String(random.below(20)), ROWTIME: times }[name] ?? windowTimes;
      return compared(column(name), values);
    }
    if (random.chance(0.1)) return compared(column('ROWTIME'), times);
    const keys = key.filter(({ type }) => literalOf(type, random) !== undefined);
    if (keys.length === 0) return compared(column('ROWTIME'), times);
    const all = random.chance(0.5) ? keys : [random.pick(keys)];
    return all
      .map(({ name, type }) => compared(column(printName(name)), () => literalOf(type, random) ?? 'NULL'))
      .join(' AND ');
  }

  #aggregates(named: readonly Named[]): string[] {
    const random = this.#random;
    return Array.from({ length: random.between(1, 3) }, (_, i) => {
      const { source, alias } = random.pick(named);
      const call = random.chance(0.3) ? 'COUNT(*)' : this.#generator.aggregateCall(source, alias);
      return `${call} AS a${i}`;
    });
  }

  #grouped(named: readonly Named[], from: string, where: string): string {
    const random = this.#random;
    const by = Array.from({ length: random.chance(0.8) ? 1 : 2 }, () => this.#text(named, isScalar) ?? 'NULL');
    const groups = by.map((text, i) => `${text} AS g${i}`);
    const aggregates = this.#aggregates(named);
    const having = random.chance(0.4)
      ? ` HAVING ${random.pick([`COUNT(*) > ${random.below(3)}`, `COUNT(*) <> ${random.below(3)}`, `${aggregates[0]?.replace(/ AS a0$/, '')} IS NOT NULL`])}`
      : '';
    const order = random.chance(0.4) ? this.#order([...by.map((_, i) => `g${i}`), 'a0']) : '';
    return `SELECT ${[...groups, ...aggregates].join(', ')} FROM ${from}${where} GROUP BY ${by.join(', ')}${having}${order}`;
  }

  #order(names: readonly string[]): string {
    const random = this.#random;
    const terms = Array.from(
      { length: random.between(1, 2) },
      () =>
        `${random.pick(names)}${random.pick(['', '', ' ASC', ' DESC'])}${random.pick(['', '', ' NULLS FIRST', ' NULLS LAST'])}`,
    );
    return ` ORDER BY ${terms.join(', ')}`;
  }

  #most(): string {
    const random = this.#random;
    if (!random.chance(0.3)) return '';
    return ` LIMIT ${random.below(8)}${random.chance(0.3) ? ` OFFSET ${random.below(4)}` : ''}`;
  }
}

const columnsOf = ({ schema }: Source) => [...schema.key, ...schema.value];

/** A value that rows may well have; undefined: of another type. */
const literalOf = ({ kind }: SqlType, random: Random): string | undefined => {
  const number = (): number => random.pick([0, 1, 2, 3, 4, -1]);
  const literals: { readonly [K in SqlType['kind']]?: () => string } = {
    STRING: () => `'${random.pick(['a', 'b', 'c', 'd', 'e', random.pick(texts)]).replaceAll("'", "''")}'`,
    INTEGER: () => String(number()),
    BIGINT: () => String(number()),
    DOUBLE: () => `${number()}E0`,
    BOOLEAN: () => random.pick(['TRUE', 'FALSE']),
  };
  return literals[kind]?.();
};
