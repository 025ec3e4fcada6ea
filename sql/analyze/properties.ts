/**
 * WITH (…): which properties there are, what they take, which go together.
 *
 * Names come in upper case from the parser; values are literals. What is read here is checked by itself only: whether a
 * topic exists, whether a format can carry the columns, whether the timestamp column is there, is for the statement to
 * say.
 *
 * The list also holds names of ksqlDB that mean nothing here yet (schema ids of a registry): naming one says so,
 * instead of "unknown".
 */

import { closest, type Position, UserError } from '../../base/index.ts';
import type { Literal, Property } from '../parser/ast.ts';
import type { FormatChoice } from '../plan/choices.ts';
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
}

/** What is deleted of a topic: records that are old, records that a newer one of their key replaces, or both. */
export type CleanupPolicy = 'delete' | 'compact' | 'compact,delete';

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
  KEY_DELIMITER: everywhere,
  VALUE_DELIMITER: everywhere,
  WRAP_SINGLE_VALUE: everywhere,
  TIMESTAMP: everywhere,
  TIMESTAMP_FORMAT: everywhere,
  WINDOW_TYPE: ['create'],
  WINDOW_SIZE: ['create'],
  SOURCED_BY_CONNECTOR: ['create'],
  QUERY_ID: ['insert'],
};

/** Properties of a schema registry: known by name, without a meaning yet. */
const registryProperties: ReadonlySet<string> = new Set([
  'KEY_SCHEMA_ID',
  'VALUE_SCHEMA_ID',
  'KEY_SCHEMA_FULL_NAME',
  'VALUE_SCHEMA_FULL_NAME',
  'VALUE_AVRO_SCHEMA_FULL_NAME',
  'KEY_PROTOBUF_NULLABLE_REPRESENTATION',
  'VALUE_PROTOBUF_NULLABLE_REPRESENTATION',
]);

export const readProperties = (properties: readonly Property[], target: WithTarget): SourceProperties => {
  const given = new Map<string, Property>();
  for (const property of properties) {
    const { name, at } = property;
    if (given.has(name)) {
      throw new UserError('SQL_DUPLICATE_PROPERTY', `the property ${name} is given twice in WITH`, { at });
    }
    given.set(name, property);
    if (registryProperties.has(name)) continue;
    const targets = Object.hasOwn(known, name) ? known[name] : undefined;
    if (targets === undefined || !targets.includes(target)) {
      const names = Object.keys(known).filter((one) => (known[one] as readonly WithTarget[]).includes(target));
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
  for (const name of registryProperties) {
    const property = given.get(name);
    if (property === undefined) continue;
    const of = ((name.startsWith('KEY_') ? keyFormat : valueFormat) ?? format)?.value.toUpperCase() ?? 'this one';
    throw new UserError(
      'SQL_PROPERTY_CONFLICT',
      `the property ${name} is for formats with a schema registry, and ${of} has none`,
      { at: property.at, hint: 'Name the columns in the statement instead.' },
    );
  }
  for (const name of ['KEY_DELIMITER', 'VALUE_DELIMITER']) {
    const delimiter = given.get(name);
    const of = (name === 'KEY_DELIMITER' ? (keyFormat ?? format) : (valueFormat ?? format))?.value.toUpperCase();
    if (delimiter !== undefined) {
      throw new UserError(
        'SQL_PROPERTY_CONFLICT',
        `the property ${name} is for the format DELIMITED only: ${of ?? 'the format'} does not take a delimiter`,
        { at: delimiter.at, hint: `Leave ${name} out.` },
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
  });
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
  if (words === 'delete' || words === 'compact' || words === 'compact,delete') return { value: words, at: text.at };
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
  if (kind !== 'TUMBLING' && kind !== 'HOPPING' && kind !== 'SESSION') {
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
  const duration = /^\s*(\d+)\s+([A-Za-z]+?)S?\s*$/.exec((textOf(size) as Placed<string>).value);
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
    default:
      return String(value.value);
  }
};

const wrongKind = (property: Property, wanted: string): UserError =>
  new UserError('SQL_INVALID_PROPERTY', `the property ${property.name} takes ${wanted}, not ${show(property.value)}`, {
    at: property.value.at,
  });

/** A format by name, with the wrapping of single values where it was asked for. */
export const formatChoice = (name: string, wrapSingleValue: boolean | undefined): FormatChoice =>
  wrapSingleValue === undefined ? { name } : { name, wrapSingleValue };
