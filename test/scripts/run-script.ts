/** Statements of a script against an engine, and their answers as text: tables, lines, or errors with their place. */

import { UserError } from '../../base/index.ts';
import {
  arrayValue,
  ExecutionError,
  isScalar,
  mapValue,
  type SqlType,
  type StatementResult,
  textOf,
  type Value,
} from '../../sql/index.ts';
import type { World } from '../sql/support/world.ts';

/** Types whose values are shown as their text. */
const asText: ReadonlySet<string> = new Set(['DECIMAL', 'BYTES', 'DATE', 'TIME']);

const show = (value: Value, type: SqlType): string => {
  if (value === null) return 'NULL';
  if (isScalar(type)) return asText.has(type.kind) ? textOf(type)(value) : String(value);
  switch (type.kind) {
    case 'ARRAY':
      return `[${arrayValue(value)
        .map((part) => show(part, type.element))
        .join(', ')}]`;
    case 'MAP':
      return `{${[...mapValue(value)].map(([key, part]) => `${key}=${show(part, type.value)}`).join(', ')}}`;
    case 'STRUCT':
      return `[${type.fields.map((field, i) => show(arrayValue(value)[i] ?? null, field.type)).join(', ')}]`;
  }
};

const table = (names: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = names.map((name, i) => Math.max(name.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join(' | ')
      .trimEnd();
  return [line(names), widths.map((width) => '-'.repeat(width)).join('-+-'), ...rows.map(line)].join('\n');
};

const answerOf = (result: StatementResult): string => {
  switch (result.kind) {
    case 'currentStatus':
      return result.commandStatus.message;
    case 'warning_entity':
      return `warning: ${result.message}`;
    case 'streams':
    case 'tables': {
      const rows = result.kind === 'streams' ? result.streams : result.tables;
      const names = ['name', 'topic', 'key', 'value', 'windowed'];
      return table(
        names,
        rows.map((row) => [row.name, row.topic, row.keyFormat, row.valueFormat, String(row.isWindowed)]),
      );
    }
    case 'kafka_topics':
      return table(
        ['topic', 'partitions'],
        result.topics.map(({ name, replicaInfo }) => [name, String(replicaInfo.length)]),
      );
    case 'kafka_topics_extended':
      return table(
        ['topic', 'partitions', 'retention', 'policy', 'groups'],
        result.topics.map(({ name, replicaInfo, millrace }) => [
          name,
          String(replicaInfo.length),
          String(millrace.retentionMs),
          millrace.cleanupPolicy,
          millrace.groups.map(({ group }) => group).join(', '),
        ]),
      );
    case 'properties':
      return table(
        ['property', 'value', 'level'],
        result.properties.map(({ name, value, level }) => [name, String(value), level]),
      );
    case 'variables':
      return table(
        ['variable', 'value'],
        result.variables.map(({ name, value }) => [name, value]),
      );
    case 'type_list':
      return table(
        ['type', 'meaning'],
        Object.entries(result.types).map(([name, type]) => [name, JSON.stringify(type)]),
      );
    case 'assert_topic':
      return `the topic ${result.topicName} ${result.exists ? 'exists' : 'does not exist'}`;
    case 'assert_schema':
      return `the schema ${result.subject ?? result.id} ${result.exists ? 'exists' : 'does not exist'}`;
    case 'connector_list':
    case 'connector_plugins_list':
      return `${result.kind}: none`;
    case 'query_descriptions':
      return table(
        ['query', 'state', 'reads', 'writes'],
        result.queryDescriptions.map(({ id, state, sources, sinks }) => [
          id,
          String(state),
          sources.join(),
          sinks.join(),
        ]),
      );
    case 'defined':
      return Object.entries(result.variables)
        .map(([name, value]) => `${name} = ${value}`)
        .join('\n');
    case 'queries':
      return table(
        ['query', 'sink', 'state'],
        result.queries.map(({ id, sinks, state }) => [id, sinks.join(), state]),
      );
    case 'sourceDescription': {
      const { name, type, fields, topic, timestamp, windowType } = result.sourceDescription;
      const rows = fields.map((field) => [field.name, field.schema.type, field.type ?? '']);
      return `${type} ${name} over ${topic}${timestamp === '' ? '' : `, time by ${timestamp}`}${windowType === null ? '' : `, windows ${windowType}`}\n${table(['column', 'type', 'key'], rows)}`;
    }
    case 'queryDescription':
      return `${result.queryDescription.executionPlan}\n${result.queryDescription.topology}`;
    case 'settings':
      return Object.entries(result.properties)
        .map(([name, value]) => `${name} = ${String(value)}`)
        .join('\n');
    case 'inserted':
      return 'ok';
    case 'source_descriptions':
      return table(
        ['name', 'columns', 'read by', 'written by', 'constraints'],
        result.sourceDescriptions.map(({ name, fields, readQueries, writeQueries, sourceConstraints }) => [
          name,
          fields.map((field) => field.name).join(' '),
          readQueries.map(({ id }) => id).join(' '),
          writeQueries.map(({ id }) => id).join(' '),
          sourceConstraints.join(' '),
        ]),
      );
    case 'function_names':
      return result.kind;
    case 'describe_function':
      return [
        `${result.type} ${result.name} (${result.path})`,
        ...result.functions.map(
          (each) =>
            `  (${each.arguments.map(({ name, type, isVariadic }) => `${name} ${type}${isVariadic ? '...' : ''}`.trim()).join(', ')}) -> ${each.returnType}`,
        ),
      ].join('\n');
  }
};

const faultText = (error: unknown): string => {
  const cause = error instanceof ExecutionError ? error.cause : error;
  if (!(cause instanceof UserError)) throw error;
  const place = cause.at === undefined ? '' : ` at ${cause.at.line}:${cause.at.column}`;
  return `${cause.code}${place}: ${cause.message}${cause.hint === undefined ? '' : `\n  ${cause.hint}`}`;
};

/** What SET and DEFINE have set so far. */
export interface InForce {
  properties: Readonly<Record<string, unknown>>;
  variables: Readonly<Record<string, string>>;
}

/** One statement's answer. SET and DEFINE hold for the rest of the script. */
export const answerTo = async (
  { engine }: World,
  { text, isQuery }: ScriptStatement,
  inForce: InForce,
): Promise<string> => {
  try {
    if (!isQuery) {
      const [result] = await engine.execute(`${text};`, inForce);
      if (result?.kind === 'settings') inForce.properties = result.properties;
      if (result?.kind === 'defined') inForce.variables = result.variables;
      return result === undefined ? '' : answerOf(result);
    }
    await engine.awaitIdle();
    const handle = await engine.query(`${text};`, inForce);
    const rows: string[][] = [];
    for await (const batch of handle.rows()) {
      rows.push(...batch.map((row) => handle.columns.map(({ type }, i) => show(row[i] ?? null, type))));
    }
    // Without ORDER BY partitions answer in any order.
    if (handle.kind !== 'print' && !/\border\s+by\b/i.test(text))
      rows.sort((a, b) => (a.join('\u0001') < b.join('\u0001') ? -1 : 1));
    return table(
      handle.columns.map(({ name }) => name),
      rows,
    );
  } catch (error) {
    return faultText(error);
  }
};

export interface ScriptStatement {
  readonly text: string;
  readonly isQuery: boolean;
}

/** Statements one by one, so that one at fault does not hide the others; SELECT and PRINT go to another place. */
export const statementsOf = (script: string): readonly ScriptStatement[] =>
  script
    .split(/;[ \t]*$/m)
    .map((text) => text.replaceAll(/^--.*$/gm, '').trim())
    .filter((text) => text !== '')
    .map((text) => ({ text, isQuery: /^(select|print)\b/i.test(text) }));
