/**
 * Random statements over the sources of a session: queries of every clause, whose expressions come from a pool of their
 * source, and statements of every other kind, from the trees of `arbitrary.ts`. The same seed gives the same texts.
 *
 * A query need not be a valid one: most are, and what the planner refuses is part of what is tested. `persistent` tries
 * until one is accepted.
 */

import fc from 'fast-check';
import { type Random, UserError } from '../../base/index.ts';
import { analyzeQuery } from '../../sql/analyze/query.ts';
import { Typer } from '../../sql/analyze/typer.ts';
import { builtInFunctions, isScalar, type Session, type Source, type SqlType } from '../../sql/index.ts';
import { parseStatements } from '../../sql/parser/parse.ts';
import { printName } from '../../sql/parser/print.ts';
import { printStatement } from '../../sql/parser/statements/index.ts';
import { isNumeric, printType, typesEqual } from '../../sql/types/type.ts';
import { statement } from '../sql/parser/arbitrary.ts';
import { type Piece, Pool, typeTexts, written } from './expressions.ts';

const typer = new Typer(builtInFunctions());

const accepted = <T>(what: () => T): T | undefined => {
  try {
    return what();
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
};

/** What a query reads: one source, or several joined. */
interface Read {
  /** Behind FROM. */
  readonly text: string;
  readonly kind: 'stream' | 'table';
  readonly windowed: boolean;
  /** Its columns as they are written in the query. */
  readonly columns: readonly Piece[];
  /** A piece, as it is written in the query. */
  pick(accepts: (type: SqlType) => boolean): Piece | undefined;
  /** What the SELECT list has to begin with. */
  readonly keys: readonly string[];
  readonly pool: Pool;
}

const any = (): boolean => true;
const ofKind =
  (...kinds: readonly SqlType['kind'][]) =>
  ({ kind }: SqlType): boolean =>
    kinds.includes(kind);

export interface GeneratorOptions {
  /** How many expressions are tried for each source; default 150. */
  readonly expressions?: number;
}

export class Generator {
  readonly #random: Random;
  readonly #session: Session;
  readonly #tries: number;
  readonly #pools = new Map<string, Pool>();
  #trees: string[] = [];

  constructor(random: Random, session: Session, { expressions = 150 }: GeneratorOptions = {}) {
    this.#random = random;
    this.#session = session;
    this.#tries = expressions;
  }

  /** All of the catalog; `only` leaves the others out. */
  #sources(only?: Source['kind']): readonly Source[] {
    return this.#session.catalog.sources(only);
  }

  /** The type of an expression over what stands behind FROM. */
  #typeOf(from: string, text: string): SqlType | undefined {
    return accepted(() => {
      const [parsed] = parseStatements(`SELECT ${written(text)} AS e FROM ${from} EMIT CHANGES;`);
      if (parsed?.statement.kind !== 'query') return undefined;
      const { plan } = analyzeQuery(parsed.statement.query, {
        catalog: this.#session.catalog,
        typer,
        purpose: 'push',
      });
      return plan.schema.value[0]?.type;
    });
  }

  /** The pool of a source, larger with each use. */
  #pool(source: Source): Pool {
    const { name, schema } = source;
    let pool = this.#pools.get(name);
    if (pool === undefined) {
      const columns = [...schema.key, ...schema.value].map((column) => ({
        text: `«${printName(column.name)}»`,
        type: column.type,
      }));
      const time: Piece = { text: '«ROWTIME»', type: { kind: 'BIGINT' } };
      pool = new Pool(this.#random, [...columns, time], (text) => this.#typeOf(printName(name), text));
      pool.grow(this.#tries);
      this.#pools.set(name, pool);
    } else pool.grow(4);
    return pool;
  }

  #maybe(chance: number, text: () => string): string {
    return this.#random.chance(chance) ? ` ${text()}` : '';
  }

  #duration(most = 20): string {
    const random = this.#random;
    return `${random.between(1, most)} ${random.pick(['SECONDS', 'SECONDS', 'SECONDS', 'MINUTES', 'HOURS', 'MILLISECONDS'])}`;
  }

  /** An expression over the source as it is written in a query that calls it by the alias. */
  expression(source: Source, accepts: (type: SqlType) => boolean, alias?: string): Piece | undefined {
    const piece = this.#pool(source).pick(accepts);
    return piece && { ...piece, text: written(piece.text, alias) };
  }

  /** A call of an aggregate with expressions over the source. Not each is one that the analyzer accepts. */
  aggregateCall(source: Source, alias?: string): string {
    return written(this.#pool(source).call('aggregate'), alias);
  }

  #one(source: Source): Read {
    const pool = this.#pool(source);
    const plain = (piece: Piece | undefined): Piece | undefined => piece && { ...piece, text: written(piece.text) };
    const keys = source.schema.key.map(({ name }) => printName(name));
    return {
      text: printName(source.name),
      kind: source.kind,
      windowed: source.schema.windowed !== undefined,
      columns: [...source.schema.key, ...source.schema.value].map(({ name, type }) => ({
        text: printName(name),
        type,
      })),
      pick: (accepts) => plain(pool.pick(accepts)),
      keys,
      pool,
    };
  }

  /** Two sources or three: streams within a time, a stream and tables, tables by key or by foreign key. */
  #joined(): Read {
    const random = this.#random;
    const left = random.pick(this.#sources());
    const right = random.pick(this.#sources());
    const joined: [alias: string, source: Source][] = [
      ['l', left],
      ['r', right],
    ];
    const columnOf = (alias: string, source: Source, type: SqlType | undefined, keyFirst: boolean): string => {
      const [key] = source.schema.key;
      if (keyFirst && key !== undefined && (type === undefined || typesEqual(key.type, type))) {
        return `${alias}.${printName(key.name)}`;
      }
      const fitting = [...source.schema.key, ...source.schema.value].filter(
        (column) => type === undefined || typesEqual(column.type, type),
      );
      return `${alias}.${printName(random.pick(fitting.length === 0 ? source.schema.value : fitting).name)}`;
    };
    const kind = random.pick(['', 'INNER ', 'LEFT ', 'LEFT ', 'RIGHT ', 'FULL OUTER ']);
    const rightKey = right.schema.key[0];
    const on: [string, string] = [
      columnOf('l', left, rightKey?.type, random.chance(0.6)),
      columnOf('r', right, rightKey?.type, random.chance(right.kind === 'table' ? 0.97 : 0.6)),
    ];
    const within =
      left.kind === 'stream' && right.kind === 'stream'
        ? ` WITHIN ${random.pick([this.#duration(), `(${this.#duration()}, ${this.#duration()})`])}${this.#maybe(0.5, () => `GRACE PERIOD ${this.#duration()}`)}`
        : '';
    let text = `${printName(left.name)} l ${kind}JOIN ${printName(right.name)} r${within} ON ${on.join(' = ')}`;
    const tables = this.#sources('table');
    if (tables.length > 0 && random.chance(0.2)) {
      const third = random.pick(tables);
      joined.push(['m', third]);
      text += ` ${random.pick(['', 'LEFT '])}JOIN ${printName(third.name)} m ON ${random.pick(on)} = ${columnOf('m', third, undefined, true)}`;
    }
    const pools = joined.map(([alias, source]) => [alias, this.#pool(source)] as const);
    const foreign = left.kind === 'table' && right.kind === 'table' && on[0] !== columnOf('l', left, undefined, true);
    const key = kind === 'FULL OUTER ' ? 'ROWKEY' : foreign ? columnOf('l', left, undefined, true) : random.pick(on);
    const columns = joined.flatMap(([alias, { schema }]) =>
      [...schema.key, ...schema.value].map(({ name, type }) => ({ text: `${alias}.${printName(name)}`, type })),
    );
    const pick = (accepts: (type: SqlType) => boolean): Piece | undefined => {
      const [alias, pool] = random.pick(pools);
      const piece = pool.pick(accepts);
      return piece && { ...piece, text: written(piece.text, alias) };
    };
    const both = new Pool(
      random,
      Array.from({ length: 12 }, () => pick(any)).filter((piece) => piece !== undefined),
      (one) => this.#typeOf(text, one),
    );
    both.grow(6);
    return {
      text,
      kind: left.kind === 'stream' || right.kind === 'stream' ? 'stream' : 'table',
      windowed: joined.some(([, { schema }]) => schema.windowed !== undefined),
      columns,
      pick: (accepts) => (random.chance(0.5) ? both.pick(accepts) : undefined) ?? pick(accepts),
      keys: [key],
      pool: both,
    };
  }

  #condition(read: Read): string {
    const one = read.pick(ofKind('BOOLEAN'))?.text ?? 'TRUE';
    if (this.#random.chance(0.6)) return one;
    return `${one} ${this.#random.pick(['AND', 'AND', 'OR'])} ${read.pick(ofKind('BOOLEAN'))?.text ?? 'FALSE'}`;
  }

  #items(read: Read, from: number, to: number): string[] {
    return Array.from(
      { length: this.#random.between(from, to) },
      (_, i) => `${read.pick(any)?.text ?? 'NULL'} AS c${i}`,
    );
  }

  /** `SELECT …`, without EMIT: what a persistent query can be made of. */
  select(): string {
    const random = this.#random;
    const read = random.chance(0.4) ? this.#joined() : this.#one(random.pick(this.#sources()));
    return random.chance(0.45) ? this.#grouped(read) : this.#projected(read);
  }

  /** A query over a stream or a table as it is. */
  #projected(read: Read): string {
    const random = this.#random;
    const where = this.#maybe(0.7, () => `WHERE ${this.#condition(read)}`);
    if (random.chance(0.08)) return `SELECT * FROM ${read.text}${where}`;
    const items = this.#items(read, 1, 4);
    if (read.kind === 'stream' && random.chance(0.2)) {
      const array = read.pick(ofKind('ARRAY'))?.text ?? 'ARRAY[1, 2]';
      const call = random.chance(0.15) ? read.pool.call('table') : `EXPLODE(${array})`;
      items.splice(random.below(items.length + 1), 0, `${written(call)} AS exploded`);
    }
    if (read.kind === 'stream' && random.chance(0.25)) {
      const by = read.pick(isScalar)?.text ?? 'NULL';
      return `SELECT ${[`${by} AS pk`, ...items].join(', ')} FROM ${read.text}${where} PARTITION BY ${by}`;
    }
    return `SELECT ${[...read.keys, ...items].join(', ')} FROM ${read.text}${where}`;
  }

  /** An aggregate that the analyzer accepts, or COUNT. */
  #aggregate(read: Read): string {
    for (let i = 0; i < 8; i++) {
      const call = written(read.pool.call('aggregate'));
      const [key] = read.columns;
      const query = `SELECT ${key?.text}, ${call} AS a FROM ${read.text} GROUP BY ${key?.text} EMIT CHANGES;`;
      const known = accepted(() => {
        const [parsed] = parseStatements(query);
        if (parsed?.statement.kind !== 'query') return undefined;
        return analyzeQuery(parsed.statement.query, { catalog: this.#session.catalog, typer, purpose: 'push' });
      });
      if (known !== undefined) return call;
    }
    return this.#random.pick(['COUNT(*)', `SUM(${read.pick(isNumeric)?.text ?? '1'})`]);
  }

  #window(): string {
    const grace = this.#maybe(0.5, () => `, GRACE PERIOD ${this.#duration()}`).replace(' ,', ',');
    return this.#random.pick([
      () => `WINDOW TUMBLING (SIZE ${this.#duration()}${grace})`,
      () => {
        const seconds = this.#random.between(1, 10);
        return `WINDOW HOPPING (SIZE ${seconds * this.#random.between(1, 3)} SECONDS, ADVANCE BY ${seconds} SECONDS${grace})`;
      },
      () => `WINDOW SESSION (${this.#duration()}${grace})`,
      () => `WINDOW TUMBLING (SIZE ${this.#duration(5)}, RETENTION 1 DAYS${grace})`,
    ])();
  }

  #grouped(read: Read): string {
    const random = this.#random;
    const group = ofKind('BOOLEAN', 'INTEGER', 'BIGINT', 'STRING', 'DOUBLE', 'DECIMAL', 'DATE');
    const by = Array.from({ length: random.chance(0.8) ? 1 : 2 }, (): string => {
      const column = random.chance(0.5) ? read.columns.filter(({ type }) => group(type)) : [];
      return (column.length === 0 ? read.pick(group) : random.pick(column))?.text ?? 'NULL';
    });
    const aggregates = Array.from({ length: random.between(1, 3) }, () => this.#aggregate(read));
    const window = read.kind === 'stream' && !read.windowed ? this.#maybe(0.55, () => this.#window()) : '';
    const items = aggregates.map((call, i) => `${call} AS a${i}`);
    if (window !== '') items.push(...random.pick([[], ['WINDOWSTART AS ws'], ['WINDOWEND AS we']]));
    if (random.chance(0.15)) items.push(`AS_VALUE(${by[0]}) AS av`);
    return [
      `SELECT ${[...by.map((one, i) => `${one} AS g${i}`), ...items].join(', ')} FROM ${read.text}${window}`,
      this.#maybe(0.4, () => `WHERE ${this.#condition(read)}`),
      ` GROUP BY ${by.join(', ')}`,
      this.#maybe(0.25, () =>
        random.pick([
          `HAVING COUNT(*) > ${random.below(3)}`,
          `HAVING ${aggregates[0]} IS NOT NULL`,
          `HAVING NOT (COUNT(*) = 2)`,
        ]),
      ),
      window === '' ? '' : this.#maybe(0.3, () => 'EMIT FINAL'),
    ].join('');
  }

  /** A SELECT with EMIT and LIMIT, or without. */
  query(): string {
    const select = this.select();
    const emit = select.endsWith(' EMIT FINAL')
      ? ''
      : this.#maybe(0.6, () => this.#random.pick(['EMIT CHANGES', 'EMIT CHANGES', 'EMIT FINAL']));
    return `${select}${emit}${this.#maybe(0.1, () => `LIMIT ${this.#random.below(5)}`)}`;
  }

  /** CREATE … AS SELECT of a name that is free; the kind is that of the query most of the time. */
  createAs(name: string): string {
    const random = this.#random;
    const select = this.select();
    const grouped = / GROUP BY /.test(select);
    const kind = grouped || this.#isTable(select) ? 'TABLE' : 'STREAM';
    const formats = ['JSON', 'JSON', 'AVRO', 'PROTOBUF', 'PROTOBUF_NOSR', 'JSON_SR', 'DELIMITED'];
    const properties = [
      ...(random.chance(0.5) ? [`VALUE_FORMAT='${random.pick(formats)}'`] : []),
      ...(random.chance(0.5) || / GROUP BY [^ ]+, /.test(select)
        ? [`KEY_FORMAT='${random.pick([...formats, 'KAFKA'])}'`]
        : []),
    ];
    const clause = properties.length === 0 ? '' : ` WITH (${properties.join(', ')})`;
    return `CREATE ${kind} ${name}${clause} AS ${select}`;
  }

  /** INSERT INTO the stream, from a stream of the session: most of the time with columns that fit. */
  insertInto(target: Source): string {
    const random = this.#random;
    const read = random.chance(0.25) ? this.#joined() : this.#one(random.pick(this.#sources('stream')));
    const fitting = (wanted: SqlType): string =>
      read.pick((type) => typesEqual(type, wanted) || (isNumeric(type) && isNumeric(wanted) && random.chance(0.2)))
        ?.text ?? `CAST(NULL AS ${printType(wanted)})`;
    const where = this.#maybe(0.5, () => `WHERE ${this.#condition(read)}`);
    const [key] = target.schema.key;
    const [own] = read.keys;
    const keeps = key !== undefined && random.chance(0.5);
    const by = keeps ? own : key === undefined ? undefined : fitting(key.type);
    const items = [
      ...(key === undefined || by === undefined ? [] : [`${by} AS ${printName(key.name)}`]),
      ...target.schema.value.map(({ name, type }) => `${fitting(type)} AS ${printName(name)}`),
    ];
    const partitionBy = keeps ? '' : ` PARTITION BY ${by ?? 'NULL'}`;
    return `INSERT INTO ${printName(target.name)} SELECT ${items.join(', ')} FROM ${read.text}${where}${partitionBy}`;
  }

  #isTable(select: string): boolean {
    return (
      accepted(() => {
        const [parsed] = parseStatements(`${select.replace(/ EMIT FINAL$/, '')} EMIT CHANGES;`);
        if (parsed?.statement.kind !== 'query') return false;
        const { catalog } = this.#session;
        return analyzeQuery(parsed.statement.query, { catalog, typer, purpose: 'push' }).flow === 'table';
      }) ?? false
    );
  }

  /** A statement whose names and types are mostly right. */
  statement(): string {
    const random = this.#random;
    const kind = random.pick(['STREAM', 'TABLE']);
    const name = random.pick(['new_one', 'o2', 'orders', '`x y`']);
    const target = random.pick(this.#sources());
    const called = printName(target.name);
    const columns = target.schema.value.map((column) => printName(column.name));
    const type = (): string => random.pick(typeTexts);
    const format = random.pick(['JSON', 'DELIMITED', 'KAFKA', 'AVRO', 'PROTOBUF', 'JSON_SR', 'NONE']);
    return random.pick([
      () => this.query(),
      () => this.query(),
      () => this.createAs(name),
      () => this.createAs(name).replace('CREATE', 'CREATE OR REPLACE'),
      () => `INSERT INTO ${called} ${this.query()}`,
      () => `EXPLAIN ${this.query()}`,
      () => {
        const pool = this.#pool(target);
        const value = ({ kind: one }: SqlType): string =>
          written(pool.pick(({ kind: other }) => one === other)?.text ?? 'NULL');
        const values = target.schema.value.map((column) => value(column.type));
        return `INSERT INTO ${called}${random.pick(['', ` (${columns.join(', ')})`])} VALUES (${values.join(', ')})`;
      },
      () =>
        `CREATE ${kind} ${name} (k ${type()} ${kind === 'TABLE' ? 'PRIMARY KEY' : random.pick(['', 'KEY'])}, a ${type()}, b ${type()}) WITH (KAFKA_TOPIC='t${random.below(3)}', PARTITIONS=1, ${random.pick(['VALUE_FORMAT', 'FORMAT'])}='${format}')`,
      () => this.#tree(),
      () => this.#tree(),
      () => this.#tree(),
    ])();
  }

  /** A statement of any kind there is, with names and values of any form. */
  #tree(): string {
    // Many at once: making a sampler is what takes the time.
    if (this.#trees.length === 0) {
      const sample = fc.sample(statement, { seed: this.#random.u32() | 0, numRuns: 100 });
      this.#trees = sample.map(printStatement);
    }
    return this.#trees.pop() ?? '';
  }
}
