/**
 * Properties in force: what SET sets, what a request carries, what the host was started with.
 *
 * Names stand with or without the prefix `ksql.streams.`; each has one meaning and one check. Later ones win: defaults,
 * then the host's, then the request's, then SET in the order of the statements; UNSET brings the host's back. An
 * unknown name is an error and not silently kept, since a misspelt property that has no effect is hard to find; names
 * that other servers of this dialect have, and that mean nothing here, are accepted.
 *
 * Some properties switch a part of the language off. Those marked `atStart` are the host's alone.
 */

import { closest, type Position, UserError } from '../base/index.ts';
import { readClosing } from './closing.ts';
import { formatNamed } from './formats/index.ts';

type Check = (value: string) => string | undefined;

const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(value.toLowerCase()) ? undefined : `one of ${values.join(', ')}`;

const wholeNumber: Check = (value) => (/^-?\d+$/.test(value.trim()) ? undefined : 'a whole number');
const truth = oneOf('true', 'false');
const always: Check = (value) => (value.toLowerCase() === 'true' ? undefined : 'true only');
const closingForms = "'stream time', 'wall clock', or a time without rows, such as 'idle 30 seconds'";
const anything: Check = () => undefined;
const format: Check = (value) => {
  try {
    formatNamed(value);
    return undefined;
  } catch {
    return 'the name of a format';
  }
};

interface Known {
  readonly check: Check;
  readonly doc: string;
  /** Kept with the queries that are made while it is set. */
  readonly ofQueries?: true;
  /** Given when the server starts; statements and requests cannot change it. */
  readonly atStart?: true;
  readonly byDefault?: string;
}

/** Every property, by its name without `ksql.streams.`. */
export const knownProperties: Readonly<Record<string, Known>> = {
  'auto.offset.reset': {
    check: oneOf('earliest', 'latest'),
    doc:
      'Where a new query begins to read, and goes on when records were deleted before it read them: earliest or ' +
      'latest.',
    ofQueries: true,
  },
  'ksql.persistence.default.format.key': { check: format, doc: 'KEY_FORMAT where WITH names none; KAFKA.' },
  'ksql.persistence.default.format.value': {
    check: format,
    doc: 'VALUE_FORMAT where WITH names none; there is no default.',
  },
  'ksql.persistence.wrap.single.values': { check: truth, doc: 'WRAP_SINGLE_VALUE where WITH names none.' },
  'ksql.output.topic.name.prefix': { check: anything, doc: 'Put before the names of topics that CREATE … AS makes.' },
  'ksql.pull.queries.enable': {
    check: truth,
    doc: 'false: pull queries are refused.',
    atStart: true,
    byDefault: 'true',
  },
  'ksql.query.pull.stream.enabled': {
    check: truth,
    doc: 'false: pull queries on streams are refused.',
    byDefault: 'true',
  },
  'ksql.query.pull.table.scan.enabled': {
    check: truth,
    doc: 'false: pull queries that read a whole table are refused. A server that was started so keeps it so.',
    byDefault: 'true',
  },
  'ksql.query.pull.range.scan.enabled': {
    check: truth,
    doc: 'false: a pull query for a range of keys reads the whole table.',
    byDefault: 'true',
  },
  'ksql.query.pull.limit.clause.enabled': {
    check: truth,
    doc: 'false: LIMIT is refused in pull queries.',
    byDefault: 'true',
  },
  'ksql.query.push.v2.enabled': {
    check: truth,
    doc: 'Accepted. Push queries share what they read in any case.',
    byDefault: 'false',
  },
  'ksql.create.or.replace.enabled': { check: truth, doc: 'false: OR REPLACE is refused.', byDefault: 'true' },
  'ksql.insert.into.values.enabled': {
    check: truth,
    doc: 'false: INSERT INTO … VALUES, and inserts of rows by programs, are refused.',
    byDefault: 'true',
  },
  'ksql.headers.columns.enabled': {
    check: truth,
    doc: 'false: columns that read headers of records are refused.',
    atStart: true,
    byDefault: 'true',
  },
  'ksql.source.table.materialization.enabled': {
    check: truth,
    doc: 'false: CREATE SOURCE STREAM and CREATE SOURCE TABLE are refused.',
    atStart: true,
    byDefault: 'true',
  },
  'ksql.lambdas.enabled': { check: always, doc: 'Accepted when true.', byDefault: 'true' },
  'ksql.nested.error.set.null': {
    check: always,
    doc: 'Accepted when true: what fails within a collection or struct is NULL, the rest of it stays.',
    byDefault: 'true',
  },
  'ksql.cast.strings.preserve.nulls': {
    check: always,
    doc: 'Accepted when true: NULL converted to a text is NULL.',
    byDefault: 'true',
  },
  'millrace.query.memory.bytes': {
    check: (value) => (/^[1-9]\d{0,14}$/.test(value) ? undefined : 'a number of bytes from 1'),
    doc: 'What a pull query may keep in memory to sort, group and join rows; beyond it the query ends with an error.',
    byDefault: '67108864',
  },
  'ksql.schema.registry.url': {
    check: anything,
    doc: 'The external registry of schemas that is used; none: the one within.',
    atStart: true,
  },
  'commit.interval.ms': {
    check: wholeNumber,
    doc: 'Accepted. Commits come within 100 ms, and within two seconds while a query is far behind.',
  },
  'cache.max.bytes.buffering': {
    check: wholeNumber,
    doc:
      'Above 0: of GROUP BY without a window only the last update of each key is emitted at each commit, and a ' +
      'commit comes when so many bytes of state have changed. A query that is behind commits every two seconds until ' +
      'it has read nearly all. 0, the default: every update is emitted.',
    ofQueries: true,
  },
  'buffered.records.per.partition': { check: wholeNumber, doc: 'Accepted.', ofQueries: true },
  'max.task.idle.ms': { check: wholeNumber, doc: 'Accepted.', ofQueries: true },
  'task.timeout.ms': { check: wholeNumber, doc: 'Accepted.', ofQueries: true },
  'num.stream.threads': { check: wholeNumber, doc: 'Accepted. Threads are set when the process starts.' },
  'processing.guarantee': {
    check: oneOf('exactly_once_v2', 'exactly_once', 'at_least_once'),
    doc: 'Accepted. Queries are exactly once in any case.',
  },
  'replication.factor': { check: wholeNumber, doc: 'Accepted. One process keeps one copy.' },
  'ksql.timestamp.throw.on.invalid': {
    check: truth,
    doc: 'Whether a record without an event time fails the query, or is dropped and noted: false.',
  },
  'ksql.fail.on.deserialization.error': { check: truth, doc: 'Accepted. Bad records are dropped and noted.' },
  'fail.on.deserialization.error': {
    check: truth,
    doc: 'Accepted. Bad records are dropped and noted.',
    ofQueries: true,
  },
  'ksql.query.pull.max.allowed.offset.lag': { check: wholeNumber, doc: 'Accepted.' },
  'ksql.query.retry.backoff.max.ms': { check: wholeNumber, doc: 'Accepted.' },
  'ksql.variable.substitution.enable': {
    check: truth,
    doc: 'false: a ${name} in a statement is not replaced by the value of the variable.',
    byDefault: 'true',
  },
  'ksql.suppress.enabled': { check: truth, doc: 'false: EMIT FINAL is refused.', byDefault: 'true' },
  'millrace.closing': {
    check: (value) => (readClosing(value) === undefined ? closingForms : undefined),
    doc: `By what windows close, and results of EMIT FINAL are sent: ${closingForms}. stream time, the default: by the rows alone. wall clock: also by the clock, whenever all rows are read. idle: also when no row has come for so long.`,
    ofQueries: true,
    byDefault: 'stream time',
  },
};

/** `ksql.functions.NAME.PROPERTY`: what a function is told, such as `ksql.functions.collect_list.limit`. Which of them
 *  a function reads is in its declaration. */
const ofFunction = /^ksql\.functions\.(\w+)\.(\S+)$/;

const prefix = 'ksql.streams.';

/** A property's one name. Raises when there is none like it. */
export const propertyName = (written: string, at?: Position): string => {
  const name = written.startsWith(prefix) ? written.slice(prefix.length) : written;
  if (Object.hasOwn(knownProperties, name) || ofFunction.test(name)) return name;
  const near = closest(name, Object.keys(knownProperties));
  throw new UserError('SQL_UNKNOWN_SETTING', `there is no property called "${written}"`, {
    at,
    hint: near === undefined ? 'SET takes properties such as auto.offset.reset.' : `Did you mean "${near}"?`,
  });
};

export const isKnownProperty = (written: string): boolean =>
  Object.hasOwn(knownProperties, written.startsWith(prefix) ? written.slice(prefix.length) : written) ||
  ofFunction.test(written);

/** A property that the server keeps switched off where it was started so. */
const scans = 'ksql.query.pull.table.scan.enabled';

const isFalse = (value: string | undefined): boolean => value?.toLowerCase() === 'false';

const checkedName = (written: string, value: string, at?: Position): string => {
  const name = propertyName(written, at);
  const wanted = knownProperties[name]?.check(value);
  if (wanted === undefined) return name;
  throw new UserError('SQL_INVALID_SETTING', `the property "${name}" takes ${wanted}, not '${value}'`, { at });
};

export class Settings {
  readonly #values: ReadonlyMap<string, string>;
  /** What the host was started with. */
  readonly #host: ReadonlyMap<string, string>;

  private constructor(values: ReadonlyMap<string, string>, host: ReadonlyMap<string, string>) {
    this.#values = values;
    this.#host = host;
  }

  /** Those of the host. */
  static of(properties: Readonly<Record<string, unknown>> = {}): Settings {
    const values = new Map<string, string>();
    for (const [name, value] of Object.entries(properties)) values.set(checkedName(name, String(value)), String(value));
    return new Settings(values, values);
  }

  /** With the properties of a request. */
  requested(properties: Readonly<Record<string, unknown>> = {}): Settings {
    let settings = new Settings(this.#values, this.#host);
    for (const [name, value] of Object.entries(properties)) settings = settings.with(name, String(value));
    return settings;
  }

  with(written: string, value: string, at?: Position): Settings {
    const name = checkedName(written, value, at);
    const isHeld = name === scans && isFalse(this.#host.get(scans)) && !isFalse(value);
    if (isHeld || knownProperties[name]?.atStart === true) {
      throw new UserError(
        'SQL_INVALID_SETTING',
        `the property "${name}" is given when the server starts, and cannot be ${isHeld ? `set to '${value}'` : 'changed'}`,
        { at, hint: 'SHOW PROPERTIES lists those that are editable.' },
      );
    }
    return new Settings(new Map([...this.#values, [name, value]]), this.#host);
  }

  /** With the value of the host, or none. */
  without(written: string, at?: Position): Settings {
    const name = propertyName(written, at);
    const values = new Map(this.#values);
    const former = this.#host.get(name);
    if (former === undefined) values.delete(name);
    else values.set(name, former);
    return new Settings(values, this.#host);
  }

  /** Throws `SQL_SWITCHED_OFF` where the property is false; `what` names the part of the language. */
  require(name: keyof typeof knownProperties, what: string, at?: Position): void {
    if (!isFalse(this.#values.get(name))) return;
    throw new UserError('SQL_SWITCHED_OFF', `${what} switched off`, {
      at,
      hint: isFalse(this.#host.get(name))
        ? `The server was started with ${name}=false.`
        : `SET '${name}' = 'true'; switches it on.`,
    });
  }

  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  isTrue(name: string): boolean | undefined {
    const value = this.#values.get(name);
    return value === undefined ? undefined : value.toLowerCase() === 'true';
  }

  /** What a function is told, by the names behind its own. */
  ofFunction(name: string): Readonly<Record<string, string>> {
    const found: Record<string, string> = {};
    for (const [property, value] of this.#values) {
      const [, called, setting = ''] = ofFunction.exec(property) ?? [];
      if (called?.toUpperCase() === name.toUpperCase()) found[setting] = value;
    }
    return found;
  }

  toRecord(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#values);
  }
}
