/** What CREATE and CREATE … AS share: names, formats, topics. */

import { closest, type Position, UserError } from '../../base/index.ts';
import { checkTopicName } from '../../storage/index.ts';
import type { GivenFormatProperty, SourceProperties } from '../analyze/properties.ts';
import { checkTimestamp } from '../compile/timestamps.ts';
import type { FormatChoice, TimestampColumn } from '../formats/choices.ts';
import { canWrapAs, checkColumns, type Format, isWrapped } from '../formats/format.ts';
import { formatNamed } from '../formats/index.ts';
import { checkedProperties } from '../formats/properties.ts';
import type { Identifier, SourceKind } from '../parser/ast.ts';
import type { Schema } from '../types/schema.ts';
import type { Answer, NewTopic, PlannedBy, StatementContext, TopicInfo } from './statement.ts';

/** Runs a check and gives its error a place, where it has none of its own. */
export const placed = <T>(at: Position | undefined, check: () => T): T => {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof UserError) || error.at !== undefined || at === undefined) throw error;
    throw new UserError(error.code, error.message, { hint: error.hint, at, cause: error });
  }
};

/** `subject` is what the statement acts on, as the id of its command begins: a kind of source, or a word of its own. */
export const statusAnswer = (
  subject: string,
  name: string,
  action: 'create' | 'drop' | 'alter' | 'execute',
  message: string,
  context: StatementContext,
  queryId: string | null = null,
): Answer => ({
  kind: 'currentStatus',
  commandId: `${subject}/\`${name}\`/${action}`,
  commandStatus: { status: 'SUCCESS', message, queryId },
  commandSequenceNumber: context.number,
});

interface Creation {
  readonly ifNotExists: boolean;
  readonly orReplace: boolean;
  readonly readOnly?: boolean;
  readonly at: Position;
}

/** A name may be new, or taken: then OR REPLACE replaces what has it, and otherwise the statement fails. With
 *  IF NOT EXISTS it does nothing then: what is returned is its answer, a warning. It is checked to its end before, as a
 *  statement with a new name is. */
export const checkName = (
  name: Identifier,
  { ifNotExists, orReplace, readOnly, at }: Creation,
  context: StatementContext,
): PlannedBy<never> | undefined => {
  if (!/^[A-Za-z0-9_-]+$/.test(name.name)) {
    throw new UserError('SQL_INVALID_NAME', `"${name.name}" cannot name a stream or table`, {
      at: name.at,
      hint: 'Names have letters, digits, "_" and "-".',
    });
  }
  if (orReplace) context.settings.require('ksql.create.or.replace.enabled', 'CREATE OR REPLACE is', at);
  const existing = context.catalog.source(name.name);
  if (existing !== undefined && ifNotExists) {
    return {
      kind: 'nothing',
      answer: {
        kind: 'warning_entity',
        message: `Cannot add ${existing.kind} \`${name.name}\`: A ${existing.kind} with the same name already exists.`,
      },
    };
  }
  if (orReplace && (readOnly === true || existing?.readOnly === true)) {
    throw new UserError(
      'SQL_READ_ONLY',
      `CREATE OR REPLACE cannot be used for "${name.name}": a SOURCE is not replaced`,
      { at, hint: `DROP the old one and create it again, or leave OR REPLACE out.` },
    );
  }
  if (existing !== undefined && !orReplace) {
    throw new UserError('SQL_DUPLICATE_SOURCE', `there is already a ${existing.kind} called "${name.name}"`, {
      at: name.at,
      hint: 'Choose another name, DROP the old one, or write CREATE OR REPLACE or IF NOT EXISTS.',
    });
  }
  return undefined;
};

export interface Formats {
  readonly key: FormatChoice;
  readonly value: FormatChoice;
}

/** The formats by name, checked against the columns that they have to hold. */
export const chooseFormats = (
  wanted: Formats,
  properties: SourceProperties,
  schema: Schema,
  context: StatementContext,
): Formats => {
  const keyAt = properties.keyFormat?.at;
  const valueAt = properties.valueFormat?.at;
  const key = placed(keyAt, () => formatNamed(wanted.key.name));
  const value = placed(valueAt, () => formatNamed(wanted.value.name));
  placed(keyAt, () => checkColumns(key, schema.key, 'key'));
  if (key.columns === 'none' && schema.windowed !== undefined) {
    throw new UserError('SQL_FORMAT_SIDE', `the key of windowed rows cannot have the format ${key.name}`, {
      at: keyAt,
    });
  }
  placed(valueAt, () => checkColumns(value, schema.value, 'value'));
  const wrap = properties.wrapSingleValue;
  placed(wrap?.at ?? valueAt, () => isWrapped(value, schema.value, 'value', wrap?.value));
  let wrapSingleValue = wrap?.value;
  if (wrapSingleValue === undefined && schema.value.length === 1) {
    const setting = context.settings.isTrue('ksql.persistence.wrap.single.values');
    if (setting !== undefined && canWrapAs(value, setting)) wrapSingleValue = setting;
  }
  return {
    key: { name: key.name, ...propertiesOf(key, properties.keyProperties, wanted.key) },
    value: {
      name: value.name,
      ...(wrapSingleValue !== undefined && { wrapSingleValue }),
      ...propertiesOf(value, properties.valueProperties, wanted.value),
    },
  };
};

/** The properties of a format that were given for one side, over those that the choice comes with. */
const propertiesOf = (
  format: Format,
  given: readonly GivenFormatProperty[] = [],
  { properties: inherited = {} }: FormatChoice,
): Pick<FormatChoice, 'properties'> => {
  checkedProperties(format, given);
  const properties = { ...inherited, ...Object.fromEntries(given.map(({ name, value }) => [name, value])) };
  return Object.keys(properties).length === 0 ? {} : { properties };
};

export const chooseTimestamp = (properties: SourceProperties, schema: Schema): TimestampColumn | undefined => {
  const { timestamp, timestampFormat } = properties;
  if (timestamp === undefined) return undefined;
  const chosen: TimestampColumn =
    timestampFormat === undefined
      ? { column: timestamp.value }
      : { column: timestamp.value, format: timestampFormat.value };
  placed(timestamp.at, () => checkTimestamp(chosen, schema));
  return chosen;
};

/** The topic as it is, or as it is to be made. */
export const chooseTopic = (
  name: string,
  at: Position | undefined,
  properties: SourceProperties,
  fallback: { readonly partitions: number | undefined; readonly configs: Readonly<Record<string, string>> },
  context: StatementContext,
): NewTopic | undefined => {
  placed(at, () => checkTopicName(name));
  const { partitions } = properties;
  const existing = context.topics.get(name);
  if (existing !== undefined) {
    const wanted = partitions?.value ?? fallback.partitions;
    if (wanted !== undefined && wanted !== existing.partitions) {
      throw new UserError(
        'SQL_TOPIC_PARTITIONS',
        `the topic "${name}" has ${existing.partitions} partitions, not ${wanted}`,
        {
          at: partitions?.at ?? at,
          hint: `Write PARTITIONS=${existing.partitions}, or choose another KAFKA_TOPIC.`,
        },
      );
    }
    return undefined;
  }
  const count = partitions?.value ?? fallback.partitions;
  if (count === undefined) {
    const near = closest(name, context.topics.keys());
    throw new UserError('SQL_UNKNOWN_TOPIC', `there is no topic called "${name}"`, {
      at,
      hint:
        near === undefined ? 'Add PARTITIONS to have it created, for example PARTITIONS=4.' : `Did you mean "${near}"?`,
    });
  }
  if (count > 10_000) {
    throw new UserError('SQL_TOPIC_PARTITIONS', `a topic cannot have ${count} partitions; 10000 is the most`, {
      at: partitions?.at ?? at,
    });
  }
  return { name, partitions: count, configs: fallback.configs };
};

/** Compaction leaves the active segment alone, so a table's is kept smaller than Kafka's GiB. */
const tableSegments = { 'segment.bytes': '33554432' };

/** Configs of a topic that is made for a source. Without CLEANUP_POLICY streams are deleted by age and tables
 *  compacted; RETENTION_MS for a table deletes what is older as well, as windowed tables do. `windowRetentionMs`
 *  is that of an explicit RETENTION clause, else 0: the topic of a windowed table is not shortened to the time that its
 *  windows stay open, as in ksqlDB. */
export const topicConfigs = (
  kind: SourceKind,
  schema: Schema,
  properties: SourceProperties,
  windowRetentionMs = 0,
): Readonly<Record<string, string>> => {
  const { retentionMs, cleanupPolicy } = properties;
  const keepsEveryKey = kind === 'table' && schema.windowed === undefined && retentionMs === undefined;
  const policy = cleanupPolicy?.value ?? (kind === 'stream' ? 'delete' : keepsEveryKey ? 'compact' : 'compact,delete');
  const compacted = policy !== 'delete';
  if (compacted && schema.key.length === 0) {
    throw new UserError(
      'SQL_PROPERTY_CONFLICT',
      `CLEANUP_POLICY='${policy}' needs a key column: compaction keeps one record per key`,
      {
        at: cleanupPolicy?.at,
        hint: "Mark a column with KEY, or write CLEANUP_POLICY='delete'.",
      },
    );
  }
  const retention = Math.max(retentionMs?.value ?? 0, windowRetentionMs);
  return {
    ...(compacted && { 'cleanup.policy': policy, ...tableSegments }),
    ...(retention > 0 && { 'retention.ms': String(retention) }),
  };
};

export type { TopicInfo };
