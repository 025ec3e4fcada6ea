/**
 * Random texts of SQL: statements that the grammar and mostly the types allow, and mutations of statements that people
 * wrote (the golden scripts). The same seed gives the same texts.
 */

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../base/index.ts';
import { builtInFunctions } from '../../sql/index.ts';
import { tokenize } from '../../sql/parser/tokens.ts';
import { keywords } from '../../sql/parser/words.ts';
import { sources } from '../sql/support/planning.ts';

const scripts = join(import.meta.dirname, '..', 'scripts');

/** Statements that people wrote. */
export const corpus: readonly string[] = [
  ...sources.split(/;\s*$/m),
  ...globSync('*.sql', { cwd: scripts })
    .toSorted()
    .flatMap((name) => readFileSync(join(scripts, name), 'utf8').split(/;[ \t]*$/m)),
]
  .map((text) => text.trim())
  .filter((text) => text !== '');

// -------------------------------------------------------------------------------------------------------- generated

type Kind =
  | 'INT'
  | 'BIGINT'
  | 'DOUBLE'
  | 'VARCHAR'
  | 'BOOLEAN'
  | 'DECIMAL(9, 2)'
  | 'TIMESTAMP'
  | 'ARRAY<INT>'
  | 'MAP<VARCHAR, INT>';
const kinds: readonly Kind[] = [
  ...([
    'INT',
    'BIGINT',
    'DOUBLE',
    'VARCHAR',
    'BOOLEAN',
    'DECIMAL(9, 2)',
    'TIMESTAMP',
    'ARRAY<INT>',
    'MAP<VARCHAR, INT>',
  ] as const),
];

interface Known {
  readonly name: string;
  readonly kind: 'STREAM' | 'TABLE';
  readonly columns: Readonly<Record<string, Kind>>;
}

/** The sources of `planning.ts`, as far as the generator uses them. */
const known: readonly Known[] = [
  {
    name: 'orders',
    kind: 'STREAM',
    columns: { id: 'BIGINT', customer: 'VARCHAR', amount: 'DOUBLE', items: 'ARRAY<INT>', ts: 'BIGINT' },
  },
  { name: 'customers', kind: 'TABLE', columns: { name: 'VARCHAR', city: 'VARCHAR', since: 'BIGINT' } },
  { name: 'pairs', kind: 'STREAM', columns: { a: 'INT', b: 'INT', v: 'VARCHAR' } },
  { name: 'windows', kind: 'STREAM', columns: { k: 'VARCHAR', n: 'BIGINT' } },
  { name: 'bare', kind: 'STREAM', columns: { v: 'VARCHAR' } },
];

/** Functions by what they give, from their own signatures. */
const callable = builtInFunctions()
  .list()
  .flatMap(({ name, kind, overloads }) => overloads.map(({ signature }) => ({ name, kind, signature })));

export class Generator {
  readonly #random: Random;
  #columns: readonly (readonly [name: string, kind: Kind])[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  #literal(kind: Kind): string {
    const random = this.#random;
    if (random.chance(0.06)) return 'NULL';
    switch (kind) {
      case 'INT':
      case 'BIGINT':
        return String(random.pick([0, 1, -1, 7, 100, 2147483647, random.between(-1000, 1000)]));
      case 'DOUBLE':
        return random.pick(['1.5E0', '-2E3', '0E0', '1E300']);
      case 'DECIMAL(9, 2)':
        return random.pick(['1.50', '-0.01', '1234567.89', '.5']);
      case 'VARCHAR':
        return random.pick(["''", "'a'", "'it''s'", "'größe'", "'2024-01-01'", "'%a_'"]);
      case 'BOOLEAN':
        return random.pick(['TRUE', 'FALSE']);
      case 'TIMESTAMP':
        return "CAST('2024-01-01T00:00:00' AS TIMESTAMP)";
      case 'ARRAY<INT>':
        return `ARRAY[${this.#many('INT', 0)}]`;
      case 'MAP<VARCHAR, INT>':
        return `MAP(${this.#literal('VARCHAR')} := ${this.#literal('INT')})`;
    }
  }

  #many(kind: Kind, depth: number): string {
    return Array.from({ length: this.#random.between(1, 3) }, () => this.expression(kind, depth)).join(', ');
  }

  /** Mostly of that type. */
  expression(wanted: Kind, depth: number): string {
    const random = this.#random;
    const kind = random.chance(0.04) ? random.pick(kinds) : wanted;
    const of = (one: Kind): string => this.expression(one, depth - 1);
    const own = this.#columns.filter(([, type]) => type === kind);
    if (depth <= 0 || random.chance(0.25)) {
      if (own.length > 0 && random.chance(0.7)) return random.pick(own)[0];
      return this.#literal(kind);
    }
    const any = random.pick(kinds);
    const common = [
      () => `CASE WHEN ${of('BOOLEAN')} THEN ${of(kind)} ELSE ${of(kind)} END`,
      () => `CASE ${of(any)} WHEN ${of(any)} THEN ${of(kind)} END`,
      () => `CAST(${of(any)} AS ${kind})`,
      () => `COALESCE(${of(kind)}, ${of(kind)})`,
      () => `(${of(kind)})`,
      () => this.#call(depth),
    ];
    const number = [
      () => `${of(kind)} ${random.pick(['+', '-', '*', '/', '%'])} ${of(kind)}`,
      () => `-${of(kind)}`,
      () => `ABS(${of(kind)})`,
    ];
    switch (kind) {
      case 'INT':
        return random.pick([
          ...common,
          ...number,
          () => `LEN(${of('VARCHAR')})`,
          () => `${of('ARRAY<INT>')}[${of('INT')}]`,
          () => `${of('MAP<VARCHAR, INT>')}[${of('VARCHAR')}]`,
          () => `REDUCE(${of('ARRAY<INT>')}, 0, (s, x) => s + x)`,
        ])();
      case 'BIGINT':
      case 'DOUBLE':
      case 'DECIMAL(9, 2)':
        return random.pick([...common, ...number])();
      case 'VARCHAR':
        return random.pick([
          ...common,
          () => `${of('VARCHAR')} || ${of('VARCHAR')}`,
          () => `UCASE(${of('VARCHAR')})`,
          () => `SUBSTRING(${of('VARCHAR')}, ${of('INT')})`,
        ])();
      case 'BOOLEAN':
        return random.pick([
          ...common,
          () => `${of(any)} ${random.pick(['=', '<>', '<', '<=', '>', '>=', '!='])} ${of(any)}`,
          () => `${of(any)} IS ${random.pick(['', 'NOT '])}NULL`,
          () => `${of(any)} IS ${random.pick(['', 'NOT '])}DISTINCT FROM ${of(any)}`,
          () => `${of(any)} ${random.pick(['', 'NOT '])}BETWEEN ${of(any)} AND ${of(any)}`,
          () => `${of(any)} ${random.pick(['', 'NOT '])}IN (${this.#many(any, depth - 1)})`,
          () => `${of('VARCHAR')} ${random.pick(['', 'NOT '])}LIKE ${of('VARCHAR')}`,
          () => `NOT ${of('BOOLEAN')}`,
          () => `${of('BOOLEAN')} ${random.pick(['AND', 'OR'])} ${of('BOOLEAN')}`,
          () => `(${of('BOOLEAN')} OR ${of('BOOLEAN')})`,
        ])();
      case 'TIMESTAMP':
        return random.pick([...common, () => `TIMESTAMPADD(DAYS, ${of('INT')}, ${of('TIMESTAMP')})`])();
      case 'ARRAY<INT>':
        return random.pick([
          ...common,
          () => `ARRAY[${this.#many('INT', depth - 1)}]`,
          () => `FILTER(${of('ARRAY<INT>')}, x => x > ${of('INT')})`,
          () => `TRANSFORM(${of('ARRAY<INT>')}, x => ${of('INT')} + x)`,
        ])();
      case 'MAP<VARCHAR, INT>':
        return random.pick([...common, () => `MAP(${of('VARCHAR')} := ${of('INT')})`])();
    }
  }

  /** Any function there is, with arguments that fit more often than not. */
  #call(depth: number): string {
    const random = this.#random;
    const { name, signature } = random.pick(callable);
    const args = signature.parameters.flatMap(({ type }, i) => {
      const kind = kinds.find((one) =>
        one.startsWith(type.kind === 'INTEGER' ? 'INT' : type.kind === 'STRING' ? 'VARCHAR' : type.kind),
      );
      const count = i === signature.variadicAt ? random.below(3) : 1;
      return Array.from({ length: count }, () =>
        type.kind === 'LAMBDA'
          ? `(${type.parameters.map((_, p) => `p${p}`).join(', ')}) => ${random.pick(['p0', 'TRUE', 'p0 + 1'])}`
          : this.expression(kind ?? random.pick(kinds), Math.min(depth - 1, 1)),
      );
    });
    return `${name}(${args.join(', ')})`;
  }

  #duration(): string {
    const random = this.#random;
    return `${random.pick([0, 1, 10, 1000])} ${random.pick(['MILLISECONDS', 'SECONDS', 'MINUTE', 'HOURS', 'DAYS'])}`;
  }

  /** A SELECT over the known sources. */
  query(): string {
    const random = this.#random;
    const from = random.pick(known);
    const columns: (readonly [string, Kind])[] = Object.entries(from.columns);
    let sourcesText = from.name;
    if (random.chance(0.3)) {
      const other = random.pick(known);
      const left = random.pick(Object.keys(from.columns));
      const right = random.pick(Object.keys(other.columns));
      const within = random.chance(0.5) ? ` WITHIN ${this.#duration()}` : '';
      columns.splice(0, columns.length, ...columns.map(([name, kind]) => [`l.${name}`, kind] as const));
      for (const [name, kind] of Object.entries(other.columns)) columns.push([`r.${name}`, kind]);
      sourcesText = `${from.name} l ${random.pick(['', 'INNER ', 'LEFT ', 'RIGHT ', 'FULL OUTER '])}JOIN ${other.name} AS r${within} ON l.${left} = r.${right}`;
    }
    this.#columns = columns;
    const maybe = (chance: number, text: () => string): string => (random.chance(chance) ? ` ${text()}` : '');
    const grouped = random.chance(0.4);
    const window = grouped
      ? maybe(0.5, () =>
          random.pick([
            `WINDOW TUMBLING (SIZE ${this.#duration()})`,
            `WINDOW HOPPING (SIZE ${this.#duration()}, ADVANCE BY ${this.#duration()})`,
            `WINDOW SESSION (${this.#duration()}, GRACE PERIOD ${this.#duration()})`,
            `WINDOW TUMBLING (SIZE ${this.#duration()}, RETENTION ${this.#duration()})`,
          ]),
        )
      : '';
    const by = random.pick(columns)[0];
    const item = (): string => {
      const kind = random.pick(kinds);
      const text = this.expression(kind, random.below(4));
      return `${grouped && random.chance(0.7) ? random.pick([`COUNT(*)`, `SUM(${text})`, `MAX(${text})`, `COLLECT_LIST(${text})`, by]) : text}${maybe(0.5, () => `AS c${random.below(9)}`)}`;
    };
    const items = random.chance(0.15) ? '*' : Array.from({ length: random.between(1, 3) }, item).join(', ');
    return [
      `SELECT ${grouped ? `${by}, ` : ''}${items} FROM ${sourcesText}${window}`,
      maybe(0.5, () => `WHERE ${this.expression('BOOLEAN', 3)}`),
      grouped ? ` GROUP BY ${by}` : maybe(0.1, () => `PARTITION BY ${this.expression('VARCHAR', 1)}`),
      grouped ? maybe(0.3, () => `HAVING COUNT(*) > ${this.expression('INT', 1)}`) : '',
      maybe(0.6, () => random.pick(['EMIT CHANGES', 'EMIT CHANGES', 'EMIT FINAL'])),
      maybe(0.1, () => `LIMIT ${random.below(5)}`),
    ].join('');
  }

  /** A statement whose names and types are mostly right. The forms that have no expressions come from the trees of
   *  `arbitrary.ts`. */
  statement(): string {
    const random = this.#random;
    const kind = random.pick(['STREAM', 'TABLE']);
    const name = random.pick(['new_one', 'o2', 'orders', '`x y`']);
    const target = random.pick(known);
    const type = (): string =>
      random.pick([...kinds, 'DATE', 'TIME', 'BYTES', 'STRUCT<a INT, b VARCHAR>', 'ARRAY<MAP<VARCHAR, DOUBLE>>']);
    const format = random.pick(['JSON', 'DELIMITED', 'KAFKA', 'AVRO', 'PROTOBUF', 'JSON_SR', 'NONE']);
    return random.pick([
      () => this.query(),
      () => this.query(),
      () =>
        `CREATE ${random.pick(['', 'OR REPLACE '])}${kind} ${random.pick(['', 'IF NOT EXISTS '])}${name} AS ${this.query()}`,
      () => `CREATE ${kind} ${name} WITH (VALUE_FORMAT='${format}', PARTITIONS=${random.below(4)}) AS ${this.query()}`,
      () => `INSERT INTO ${target.name} ${this.query()}`,
      () => `EXPLAIN ${this.query()}`,
      () => {
        this.#columns = [];
        const values = Object.values(target.columns).map((one) => this.expression(one, random.below(3)));
        return `INSERT INTO ${target.name}${random.pick(['', ` (${Object.keys(target.columns).join(', ')})`])} VALUES (${values.join(', ')})`;
      },
      () =>
        `CREATE ${kind} ${name} (k ${type()} ${kind === 'TABLE' ? 'PRIMARY KEY' : random.pick(['', 'KEY'])}, a ${type()}, b ${type()}) WITH (KAFKA_TOPIC='t${random.below(3)}', PARTITIONS=1, ${random.pick(['VALUE_FORMAT', 'FORMAT'])}='${format}')`,
      () => `ALTER ${target.kind} ${target.name} ADD COLUMN c ${type()}`,
      () => `DROP ${target.kind} ${random.pick(['', 'IF EXISTS '])}${target.name}${random.pick(['', ' DELETE TOPIC'])}`,
      () => `CREATE TYPE t AS ${type()}`,
      () => `DESCRIBE ${target.name}${random.pick(['', ' EXTENDED'])}`,
    ])();
  }
}

// ---------------------------------------------------------------------------------------------------------- mutated

const pieces: readonly string[] = [
  ...keywords,
  ...[
    'a',
    's',
    'k',
    'v',
    '1',
    '0',
    '-1',
    '2.5',
    '1E400',
    '99999999999999999999',
    "'x'",
    "''",
    '`q`',
    '"q"',
    '(',
    ')',
    '[',
    ']',
  ],
  ...[
    ',',
    ';',
    '*',
    '=',
    '->',
    '=>',
    ':=',
    '.',
    '<',
    '>',
    '||',
    '+',
    '-',
    '%',
    '${x}',
    '\n',
    '--',
    '/*',
    '*/',
    "'",
    '`',
    'COUNT(*)',
  ],
  ...['NULL', 'orders', 'customers', 'CASE', 'x => x', 'ARRAY[', 'MAP(', 'STRUCT(', 'INT', 'DECIMAL(40, 2)', 'ROWTIME'],
];
const characters = Array.from('abzAZ019_@ \t\n\r\'"`()[]<>=-+*/%.,;:|{}$#!?\\~^&é数\u0000\u00a0\ufeff\ud800😀');

/** One to three edits of words or characters. */
export const mutated = (text: string, random: Random): string => {
  let result = text;
  for (let edits = random.between(1, 3); edits > 0; edits--) {
    result = random.chance(0.6) ? ofWords(result, random) : ofCharacters(result, random);
  }
  return result;
};

const ofCharacters = (text: string, random: Random): string => {
  const at = random.below(text.length + 1);
  const cut = random.pick([0, 1, 1, 2, 10]);
  return `${text.slice(0, at)}${random.chance(0.6) ? random.pick(characters) : ''}${text.slice(at + cut)}`;
};

const ofWords = (text: string, random: Random): string => {
  const words = wordsOf(text);
  const at = random.below(words.length);
  const word = words[at] ?? '';
  switch (random.below(7)) {
    case 0:
      words.splice(at, 1);
      break;
    case 1:
      words.splice(at, 0, word);
      break;
    case 2:
      words.splice(at, 2, words[at + 1] ?? '', word);
      break;
    case 3:
      words.splice(at, 1, random.pick(pieces));
      break;
    case 4:
      words.splice(at, 0, random.pick(pieces));
      break;
    case 5: {
      // A piece of another statement.
      const other = wordsOf(random.pick(corpus));
      const from = random.below(other.length);
      words.splice(at, random.below(4), ...other.slice(from, from + random.between(1, 8)));
      break;
    }
    default:
      words.splice(at);
  }
  return words.join(' ');
};

const wordsOf = (text: string): string[] => {
  try {
    return tokenize(text).map(({ image }) => image);
  } catch {
    return text.split(' ');
  }
};
