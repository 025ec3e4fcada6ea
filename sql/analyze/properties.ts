/**
 * WITH (…): which properties there are, what they take, which go together.
 *
 * Names come in upper case from the parser; values are literals. Each is checked by itself only: whether a
 * topic exists, whether a format can carry the columns, and whether the timestamp column is there, is checked by the
 * statement.
 *
 * Properties of formats (`KEY_DELIMITER`, `VALUE_SCHEMA_ID`) are read here and checked by the format that takes them,
 * once it is known which one that is.
 */

import { closest, type Position, UserError } from '../../base/index.ts';
import { knownFormats } from '../formats/index.ts';
import { formatPropertyNames } from '../formats/properties.ts';
import type { Literal, Property } from '../parser/ast.ts';
import type { WindowedKey } from '../types/schema.ts';

export type WithTarget = 'create' | 'create-as' | 'insert';

/** A value together with the place of the property, for errors found later. */
export interface Placed<T> {
  readonly value: T;
  readonly at: Position;
}

export interface SourceProperties {
  readonly topic?: Placed<string>;
  readonly partitions?: Placed<number>;
  readonly replicas?: Placed<number>;
  readonly retentionMs?: Placed<number>;
  readonly cleanupPolicy?: Placed<CleanupPolicy>;
  readonly keyFormat?: Placed<string>;
  readonly valueFormat?: Placed<string>;
  readonly wrapSingleValue?: Placed<boolean>;
  readonly timestamp?: Placed<string>;
  readonly timestampFormat?: Placed<string>;
  readonly window?: Placed<WindowedKey>;
  readonly queryId?: Placed<string>;
  readonly keyProperties?: readonly GivenFormatProperty[];
  readonly valueProperties?: readonly GivenFormatProperty[];
}

/** A property of a format, such as DELIMITER, as it was given for one side: KEY_DELIMITER. */
export interface GivenFormatProperty extends Placed<string> {
  readonly name: string;
  readonly given: string;
}

/** What is deleted of a topic: records that are old, records that a newer one of their key replaces, or both. */
export type CleanupPolicy = (typeof cleanupPolicies)[number];

/** What the ids of queries begin with that have no QUERY_ID. */
const ownQueryIds = ['INSERTQUERY_', 'CTAS_', 'CSAS_', 'CST_'] as const;

const everywhere: readonly WithTarget[] = ['create', 'create-as'];

/** Name -> the statements that take it. */
const known: Readonly<Record<string, readonly WithTarget[]>> = {
  KAFKA_TOPIC: everywhere,
  PARTITIONS: everywhere,
  REPLICAS: everywhere,
  RETENTION_MS: everywhere,
  CLEANUP_POLICY: everywhere,
  FORMAT: everywhere,
  KEY_FORMAT: everywhere,
  VALUE_FORMAT: everywhere,
  WRAP_SINGLE_VALUE: everywhere,
  TIMESTAMP: everywhere,
  TIMESTAMP_FORMAT: everywhere,
  WINDOW_TYPE: ['create'],
  WINDOW_SIZE: ['create'],
  SOURCE_CONNECTOR: ['create'],
  SOURCED_BY_CONNECTOR: ['create'],
  QUERY_ID: ['insert'],
};

/** The properties that statements of a kind take, those of formats among them. */
const targetsByName = (): ReadonlyMap<string, readonly WithTarget[]> => {
  const targets = new Map(Object.entries(known));
  for (const name of formatPropertyNames())
    for (const side of ['KEY_', 'VALUE_']) targets.set(`${side}${name}`, everywhere);
  return targets;
};

export const propertyNames = (target: WithTarget): string[] =>
  [...targetsByName()].filter(([, takers]) => takers.includes(target)).map(([name]) => name);

/** The values that a property can have, where they are words. */
export const propertyValues = (name: string): readonly string[] => {
  if (name === 'FORMAT' || name === 'KEY_FORMAT' || name === 'VALUE_FORMAT')
    return knownFormats().map((format) => format.name);
  if (name === 'WINDOW_TYPE') return windowTypes;
  return name === 'CLEANUP_POLICY' ? cleanupPolicies : [];
};

const isWindowType = (word: string): word is (typeof windowTypes)[number] =>
  (windowTypes as readonly string[]).includes(word);

const windowTypes = ['TUMBLING', 'HOPPING', 'SESSION'] as const;
const cleanupPolicies = ['delete', 'compact', 'compact,delete'] as const;

export const readProperties = (properties: readonly Property[], target: WithTarget): SourceProperties => {
  const given = new Map<string, Property>();
  const ofFormats = formatPropertyNames();
  const targetsOf = targetsByName();
  for (const property of properties) {
    const { name, at } = property;
    if (given.has(name)) {
      throw new UserError('SQL_DUPLICATE_PROPERTY', `the property ${name} is given twice in WITH`, { at });
    }
    given.set(name, property);
    const targets = targetsOf.get(name);
    if (targets === undefined || !targets.includes(target)) {
      const names = propertyNames(target);
      const near = closest(name, names);
      throw new UserError(
        'SQL_UNKNOWN_PROPERTY',
        targets === undefined
          ? `"${name}" is not a property of WITH`
          : `the property ${name} cannot be given in ${nameOf(target)}`,
        {
          at,
          hint: near === undefined ? `The properties are ${names.join(', ')}.` : `Did you mean "${near}"?`,
        },
      );
    }
  }

  const format = textOf(given.get('FORMAT'));
  const keyFormat = textOf(given.get('KEY_FORMAT'));
  const valueFormat = textOf(given.get('VALUE_FORMAT'));
  for (const [name, other] of [
    ['KEY_FORMAT', keyFormat],
    ['VALUE_FORMAT', valueFormat],
  ] as const) {
    if (format !== undefined && other !== undefined) {
      throw new UserError(
        'SQL_PROPERTY_CONFLICT',
        `${name} and FORMAT cannot both be given: FORMAT sets both formats`,
        {
          at: other.at,
          hint: 'Give either FORMAT alone, or KEY_FORMAT and VALUE_FORMAT.',
        },
      );
    }
  }
  const timestamp = nameText(given.get('TIMESTAMP'));
  const timestampFormat = textOf(given.get('TIMESTAMP_FORMAT'));
  if (timestampFormat !== undefined && timestamp === undefined) {
    throw new UserError('SQL_PROPERTY_CONFLICT', 'TIMESTAMP_FORMAT is given without TIMESTAMP', {
      at: timestampFormat.at,
      hint: "Name the column as well: TIMESTAMP='column'.",
    });
  }
  const retentionMs = countOf(given.get('RETENTION_MS'), 1);
  const topic = textOf(given.get('KAFKA_TOPIC'));
  if (topic !== undefined && topic.value.trim() === '') {
    throw new UserError('SQL_INVALID_PROPERTY', 'KAFKA_TOPIC must not be empty', { at: topic.at });
  }
  const queryId = textOf(given.get('QUERY_ID'));
  if (queryId !== undefined && !/^[A-Za-z0-9_]+$/.test(queryId.value)) {
    throw new UserError(
      'SQL_INVALID_PROPERTY',
      `QUERY_ID may hold letters, digits and "_" only, not "${queryId.value}"`,
      {
        at: queryId.at,
      },
    );
  }
  const reserved = ownQueryIds.find((prefix) => queryId?.value.toUpperCase().startsWith(prefix));
  if (queryId !== undefined && reserved !== undefined) {
    throw new UserError(
      'SQL_INVALID_PROPERTY',
      `QUERY_ID may not begin with ${reserved}, as the ids do that are made: "${queryId.value}"`,
      { at: queryId.at },
    );
  }
  return defined({
    topic,
    partitions: countOf(given.get('PARTITIONS'), 1),
    replicas: countOf(given.get('REPLICAS'), 1),
    retentionMs,
    cleanupPolicy: cleanupPolicyOf(given.get('CLEANUP_POLICY')),
    keyFormat: upper(keyFormat ?? format),
    valueFormat: upper(valueFormat ?? format),
    wrapSingleValue: booleanOf(given.get('WRAP_SINGLE_VALUE')),
    timestamp,
    timestampFormat,
    window: windowOf(given.get('WINDOW_TYPE'), given.get('WINDOW_SIZE')),
    queryId: upper(queryId),
    keyProperties: formatProperties(given, ofFormats, 'KEY_'),
    valueProperties: formatProperties(given, ofFormats, 'VALUE_'),
  });
};

/** The properties of a side's format that were given. */
const formatProperties = (
  given: ReadonlyMap<string, Property>,
  names: readonly string[],
  prefix: 'KEY_' | 'VALUE_',
): readonly GivenFormatProperty[] | undefined => {
  const found = names.flatMap((name): GivenFormatProperty[] => {
    const property = given.get(`${prefix}${name}`);
    if (property === undefined) return [];
    const { value, at } = property;
    if (value.kind !== 'string' && value.kind !== 'integer') {
      throw wrongKind(property, 'a text in single quotes or a whole number');
    }
    return [{ name, given: property.name, value: String(value.value), at }];
  });
  return found.length === 0 ? undefined : found;
};

const cleanupPolicyOf = (property: Property | undefined): Placed<CleanupPolicy> | undefined => {
  const text = textOf(property);
  if (text === undefined) return undefined;
  const words = text.value
    .toLowerCase()
    .split(',')
    .map((word) => word.trim())
    .sort()
    .join(',');
  const policy = cleanupPolicies.find((one) => one === words);
  if (policy !== undefined) return { value: policy, at: text.at };
  throw new UserError('SQL_INVALID_PROPERTY', `CLEANUP_POLICY does not take '${text.value}'`, {
    at: text.at,
    hint: "Write 'delete', 'compact' or 'compact,delete'.",
  });
};

/** The same object without the fields that are undefined. */
const defined = (fields: { [K in keyof SourceProperties]: SourceProperties[K] | undefined }): SourceProperties =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const nameOf = (target: WithTarget): string =>
  target === 'create' ? 'CREATE' : target === 'create-as' ? 'CREATE … AS SELECT' : 'INSERT INTO';

const upper = (text: Placed<string> | undefined): Placed<string> | undefined =>
  text === undefined ? undefined : { ...text, value: text.value.toUpperCase() };

const textOf = (property: Property | undefined): Placed<string> | undefined => {
  if (property === undefined) return undefined;
  if (property.value.kind !== 'string') throw wrongKind(property, 'a text in single quotes');
  return { value: property.value.value, at: property.at };
};

/** A column's name as a property has it: the rules of identifiers hold within the quotes. */
const nameText = (property: Property | undefined): Placed<string> | undefined => {
  const text = textOf(property);
  if (text === undefined) return undefined;
  const name = text.value.trim();
  const quoted = /^`(.+)`$/s.exec(name) ?? /^"(.+)"$/s.exec(name);
  return { value: quoted === null ? name.toUpperCase() : (quoted[1] as string).replaceAll('``', '`'), at: text.at };
};

const countOf = (property: Property | undefined, least: number): Placed<number> | undefined => {
  if (property === undefined) return undefined;
  const { value } = property;
  const count =
    value.kind === 'integer'
      ? Number(value.value)
      : value.kind === 'string' && /^\d+$/.test(value.value)
        ? Number(value.value)
        : Number.NaN;
  if (!Number.isSafeInteger(count) || count < least) throw wrongKind(property, `a whole number from ${least}`);
  return { value: count, at: property.at };
};

const booleanOf = (property: Property | undefined): Placed<boolean> | undefined => {
  if (property === undefined) return undefined;
  const { value } = property;
  if (value.kind === 'boolean') return { value: value.value, at: property.at };
  if (value.kind === 'string' && /^(true|false)$/i.test(value.value)) {
    return { value: value.value.toLowerCase() === 'true', at: property.at };
  }
  throw wrongKind(property, 'TRUE or FALSE');
};

const unitMs: Readonly<Record<string, number>> = {
  MILLISECOND: 1,
  SECOND: 1000,
  MINUTE: 60_000,
  HOUR: 3_600_000,
  DAY: 86_400_000,
};

const windowOf = (type: Property | undefined, size: Property | undefined): Placed<WindowedKey> | undefined => {
  if (type === undefined) {
    if (size === undefined) return undefined;
    throw new UserError('SQL_PROPERTY_CONFLICT', 'WINDOW_SIZE is given without WINDOW_TYPE', {
      at: size.at,
      hint: "Say which kind of windows the key carries: WINDOW_TYPE='TUMBLING'.",
    });
  }
  const text = textOf(type) as Placed<string>;
  const kind = text.value.toUpperCase();
  if (!isWindowType(kind)) {
    throw wrongKind(type, "'TUMBLING', 'HOPPING' or 'SESSION'");
  }
  if (kind === 'SESSION') {
    if (size === undefined) return { value: { type: kind }, at: type.at };
    throw new UserError('SQL_PROPERTY_CONFLICT', 'WINDOW_SIZE cannot be given for session windows', { at: size.at });
  }
  if (size === undefined) {
    throw new UserError('SQL_MISSING_PROPERTY', `${kind} windows need the property WINDOW_SIZE`, {
      at: type.at,
      hint: "For example: WINDOW_SIZE='10 SECONDS'.",
    });
  }
  const duration = /^\s*(\d+)\s+([A-Z]+?)S?\s*$/i.exec((textOf(size) as Placed<string>).value);
  const unit = duration === null ? '' : (duration[2] as string).toUpperCase();
  const sizeMs = duration !== null && Object.hasOwn(unitMs, unit) ? Number(duration[1]) * (unitMs[unit] as number) : 0;
  if (!Number.isSafeInteger(sizeMs) || sizeMs <= 0) throw wrongKind(size, "a duration, such as '10 SECONDS'");
  return { value: { type: kind, sizeMs }, at: type.at };
};

const show = (value: Literal): string => {
  switch (value.kind) {
    case 'null':
      return 'NULL';
    case 'decimal':
      return value.text;
    case 'string':
      return `'${value.value}'`;
    case 'boolean':
    case 'integer':
    case 'double':
      return String(value.value);
  }
};

const wrongKind = (property: Property, wanted: string): UserError =>
  new UserError('SQL_INVALID_PROPERTY', `the property ${property.name} takes ${wanted}, not ${show(property.value)}`, {
    at: property.value.at,
  });
