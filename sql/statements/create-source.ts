/** CREATE STREAM and CREATE TABLE over a topic, which is made when it does not exist and PARTITIONS is given. */

import { type Position, UserError } from '../../base/index.ts';
import { readProperties } from '../analyze/properties.ts';
import type { Source } from '../analyze/sources.ts';
import { containsMap } from '../analyze/stage.ts';
import { typeOfNode } from '../analyze/type-of-node.ts';
import type { PersistentQuery } from '../catalog.ts';
import { defaultKeyFormat } from '../formats/index.ts';
import type { ColumnElement, CreateSource } from '../parser/statements/create.ts';
import { planKeptTable } from '../plan/planner.ts';
import { readPlan } from '../plan/read-plan.ts';
import { checkNotInternal } from '../queries/internal-topics.ts';
import {
  type Column,
  type HeaderColumn,
  headersType,
  headerType,
  isPseudoColumn,
  type Schema,
} from '../types/schema.ts';
import { printType, stringType, typesEqual } from '../types/type.ts';
import { checkPlan } from './check-plan.ts';
import type { CommandDefinition } from './command.ts';
import { checkReplacedSource } from './replace.ts';
import { inferredColumns, withSchema } from './schemas.ts';
import { checkName, chooseFormats, chooseTimestamp, chooseTopic, statusAnswer, topicConfigs } from './sources.ts';
import type { Handler, StatementContext } from './statement.ts';

export interface CreateSourceCommand {
  readonly kind: 'create-source';
  readonly source: Source;
  /** Keeps the rows of a source table. */
  readonly query?: PersistentQuery;
  /** Of the topic that was made for the statement, if one was. */
  readonly topicId?: string;
}

export const createSourceCommand: CommandDefinition<CreateSourceCommand> = {
  apply(catalog, { source, query }) {
    catalog.add(source);
    if (query !== undefined) catalog.addQuery(query);
    return { start: query, stop: [] };
  },
  read: (command) =>
    command.query === undefined
      ? command
      : { ...command, query: { ...command.query, plan: readPlan(command.query.plan) } },
  withTopicId: (command, topicId) => ({ ...command, topicId }),
};

export const createSource: Handler<CreateSource, CreateSourceCommand> = (statement, context) => {
  const { sourceKind: kind, name, at } = statement;
  const nothing = checkName(name, statement, context);
  if (statement.readOnly)
    context.settings.require('ksql.source.table.materialization.enabled', 'SOURCE streams and tables are', at);
  const properties = readProperties(statement.properties, 'create');
  const columns = readColumns(statement, context);
  const { topic } = properties;
  if (topic === undefined) {
    throw new UserError('SQL_MISSING_PROPERTY', 'the statement needs the property KAFKA_TOPIC in WITH', {
      at,
      hint: `For example WITH (KAFKA_TOPIC='${name.name.toLowerCase()}', VALUE_FORMAT='JSON', PARTITIONS=1).`,
    });
  }
  const valueFormat = properties.valueFormat?.value ?? context.settings.get('ksql.persistence.default.format.value');
  if (valueFormat === undefined) {
    throw new UserError('SQL_MISSING_PROPERTY', 'the statement needs the property VALUE_FORMAT in WITH', {
      at,
      hint: "For example VALUE_FORMAT='JSON', or SET 'ksql.persistence.default.format.value' = 'JSON';",
    });
  }
  const keyFormat =
    properties.keyFormat?.value ?? context.settings.get('ksql.persistence.default.format.key') ?? defaultKeyFormat.name;
  const wanted = { key: { name: keyFormat }, value: { name: valueFormat } };
  const window = properties.window;
  const where = { source: name.name, topic: topic.value, properties, context };
  const keySide = { ...where, side: 'key', formatName: keyFormat } as const;
  const valueSide = { ...where, side: 'value', formatName: valueFormat } as const;
  const taken = {
    key: inferredColumns(keySide, columns.key.length > 0),
    value: inferredColumns(valueSide, columns.value.length > 0),
  };
  checkInferred(columns, taken, topic.at);
  const both: Schema = { ...columns, key: taken.key ?? columns.key, value: taken.value ?? columns.value };
  const schema: Schema = window === undefined ? both : { ...both, windowed: window.value };
  if (window !== undefined && schema.key.length === 0) {
    throw new UserError('SQL_PROPERTY_CONFLICT', 'WINDOW_TYPE is given, but there is no key column', {
      at: window.at,
      hint: 'The window is part of the key: mark a column with KEY or PRIMARY KEY.',
    });
  }
  // An unknown format is reported first; then, that there are no columns.
  if (statement.elements.length === 0 && schema.value.length === 0) {
    chooseFormats(wanted, properties, { key: [], value: [{ name: 'V', type: stringType }] }, context);
    throw new UserError('SQL_NO_COLUMNS', `the ${kind} "${name.name}" has no columns`, {
      at: name.at,
      hint: `Name them: CREATE ${kind.toUpperCase()} ${name.name} (id BIGINT ${kind === 'table' ? 'PRIMARY KEY' : 'KEY'}, …) WITH (…).`,
    });
  }
  if (kind === 'table' && schema.key.length === 0) {
    throw new UserError('SQL_MISSING_PRIMARY_KEY', `the table "${name.name}" has no PRIMARY KEY`, {
      at: name.at,
      hint: 'Mark the column that is the key of the topic: id BIGINT PRIMARY KEY.',
    });
  }
  const formats = chooseFormats(wanted, properties, schema, context);
  const timestamp = chooseTimestamp(properties, schema);
  const newTopic = chooseTopic(
    topic.value,
    topic.at,
    properties,
    { partitions: undefined, configs: topicConfigs(kind, schema, properties) },
    context,
  );
  if (newTopic !== undefined) checkNotInternal(newTopic.name, 'created', topic.at);
  const key = withSchema(keySide, formats.key, schema.key, 'create', taken.key !== undefined);
  const value = withSchema(valueSide, formats.value, schema.value, 'create', taken.value !== undefined);
  if (nothing !== undefined) return nothing;
  const existing = context.catalog.source(name.name);
  const keeps = statement.readOnly && kind === 'table';
  const query = keeps ? `CST_${name.name}_${context.number}` : existing?.query;
  const source: Source = {
    name: name.name,
    kind,
    schema,
    topic: topic.value,
    keyFormat: key.choice,
    valueFormat: value.choice,
    ...(timestamp === undefined ? {} : { timestamp }),
    readOnly: statement.readOnly,
    statement: context.text,
    ...(query === undefined ? {} : { query }),
  };
  if (existing !== undefined) checkReplacedSource(existing, source, at);
  const word = kind === 'stream' ? 'Stream' : 'Table';
  return {
    kind: 'command',
    command: { kind: 'create-source', source, ...(keeps && { query: keepingQuery(source, context) }) },
    topic: newTopic,
    schemas: [...key.register, ...value.register],
    answer: statusAnswer(kind, name.name, 'create', `${word} created`, context, keeps ? query : null),
  };
};

/** Columns from a schema may have any name, and stand beside those of the statement. */
const checkInferred = (
  declared: Schema,
  {
    key = [],
    value = [],
  }: { readonly key: readonly Column[] | undefined; readonly value: readonly Column[] | undefined },
  at: Position,
): void => {
  const seen = new Set([...declared.key, ...declared.value].map(({ name }) => name));
  for (const { name } of [...key, ...value]) {
    if (isPseudoColumn(name)) {
      throw new UserError('SQL_RESERVED_NAME', `the schema has a field "${name}", which is a reserved column name`, {
        at,
        hint: 'Declare the columns in the statement, without this one.',
      });
    }
    if (seen.has(name)) {
      throw new UserError('SQL_DUPLICATE_COLUMN', `the column "${name}" comes from a schema, and is there already`, {
        at,
        hint: 'Declare the columns of the key or of the value in the statement, under other names.',
      });
    }
    seen.add(name);
  }
  const bad = key.find(({ type }) => containsMap(type));
  if (bad !== undefined) {
    throw new UserError(
      'SQL_KEY_TYPE',
      `the key column "${bad.name}" is ${printType(bad.type)}, and a MAP cannot be part of a key`,
      { at },
    );
  }
};

/** The query that keeps the rows of a source table, so that they can be asked for. */
const keepingQuery = (source: Source, context: StatementContext): PersistentQuery => {
  const { settings } = context;
  const plan = planKeptTable(source, settings.isTrue('ksql.timestamp.throw.on.invalid'));
  checkPlan(plan, context);
  return {
    id: source.query as string,
    kind: 'source-table',
    sink: source.name,
    sources: [source.name],
    statement: context.text,
    plan,
    properties: settings.toRecord(),
  };
};

const readColumns = ({ elements, sourceKind }: CreateSource, { catalog, settings }: StatementContext): Schema => {
  const key: Column[] = [];
  const value: Column[] = [];
  const headers: HeaderColumn[] = [];
  const seen = new Set<string>();
  for (const element of elements) {
    const { name, constraint, at } = element;
    if (isPseudoColumn(name)) {
      throw new UserError('SQL_RESERVED_NAME', `"${name}" is a reserved column name`, {
        at,
        hint: 'Every source has that column already; choose another name.',
      });
    }
    if (seen.has(name)) {
      throw new UserError('SQL_DUPLICATE_COLUMN', `the column "${name}" is declared twice`, { at });
    }
    seen.add(name);
    const column: Column = { name, type: typeOfNode(element.type, (one) => catalog.type(one)) };
    switch (constraint.kind) {
      case 'none':
        value.push(column);
        break;
      case 'header':
      case 'headers':
        settings.require('ksql.headers.columns.enabled', 'columns of headers are', at);
        checkHeaderColumn(element, column, headers);
        headers.push(constraint.kind === 'headers' ? column : { ...column, headerKey: constraint.key });
        break;
      case 'key':
      case 'primary-key':
        checkKeyWord(element, sourceKind, constraint.kind);
        if (containsMap(column.type)) {
          throw new UserError(
            'SQL_KEY_TYPE',
            `the key column "${name}" is ${printType(column.type)}, and a MAP cannot be part of a key`,
            { at },
          );
        }
        key.push(column);
    }
  }
  return { key, value, ...(headers.length > 0 && { headers }) };
};

/** All headers in one column, or some by their keys, each once. */
const checkHeaderColumn = (
  { name, constraint, at }: ColumnElement,
  { type }: Column,
  before: readonly HeaderColumn[],
): void => {
  const all = constraint.kind === 'headers';
  const wanted = all ? headersType : headerType;
  if (!typesEqual(type, wanted)) {
    throw new UserError(
      'SQL_HEADER_COLUMN',
      `the column "${name}" of headers has to be ${printType(wanted)}, and is ${printType(type)}`,
      { at },
    );
  }
  if (before.some(({ headerKey }) => headerKey === undefined)) {
    throw new UserError('SQL_HEADER_COLUMN', `before "${name}" a column reads all headers`, {
      at,
      hint: "The column with all HEADERS stands behind those with one, HEADER('key'), and there is one of it.",
    });
  }
  if (constraint.kind === 'header' && before.some(({ headerKey }) => headerKey === constraint.key)) {
    throw new UserError('SQL_HEADER_COLUMN', `two columns read the header '${constraint.key}'`, { at });
  }
};

const checkKeyWord = (
  { name, at }: ColumnElement,
  source: CreateSource['sourceKind'],
  word: 'key' | 'primary-key',
): void => {
  const right = source === 'stream' ? 'key' : 'primary-key';
  if (word === right) return;
  const words = { key: 'KEY', 'primary-key': 'PRIMARY KEY' } as const;
  throw new UserError(
    'SQL_KEY_WORD',
    `the column "${name}" is marked ${words[word]}, but the key of a ${source} is marked ${words[right]}`,
    { at, hint: `Write ${name} … ${words[right]}.` },
  );
};
