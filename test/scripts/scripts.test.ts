/**
 * Golden SQL scripts: a file of statements by theme, and what they answer.
 *
 * `name.sql` is run statement by statement against an engine on the memory log; every answer is printed as a table, a
 * line, or an error with its place, and compared with `golden/name.txt`. Before a SELECT all queries have caught up.
 * `MILLRACE_UPDATE_GOLDEN=1` writes the answers anew; the difference is to be reviewed.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { UserError } from '../../base/index.ts';
import { ExecutionError, type StatementResult, type Value } from '../../sql/index.ts';
import { parseStatements } from '../../sql/parser/parse.ts';
import { closeWorlds, openWorld, type World } from '../sql/support/world.ts';

afterEach(closeWorlds);

const directory = import.meta.dirname;
const update = process.env['MILLRACE_UPDATE_GOLDEN'] === '1';

const show = (value: Value): string => {
  if (value === null) return 'NULL';
  if (value instanceof Map) return `{${[...value].map(([key, part]) => `${key}=${show(part as Value)}`).join(', ')}}`;
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(show).join(', ')}]`;
  return String(value);
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
    case 'properties':
      return Object.entries(result.properties)
        .map(([name, value]) => `${name} = ${String(value)}`)
        .join('\n');
    case 'inserted':
      return 'ok';
    case 'source_descriptions':
    case 'function_names':
      return result.kind;
  }
};

const faultText = (error: unknown): string => {
  const cause = error instanceof ExecutionError ? error.cause : error;
  if (!(cause instanceof UserError)) throw error;
  const place = cause.at === undefined ? '' : ` at ${cause.at.line}:${cause.at.column}`;
  return `${cause.code}${place}: ${cause.message}${cause.hint === undefined ? '' : `\n  ${cause.hint}`}`;
};

/** One statement's answer. SET holds for the rest of the script. */
const run = async (
  { engine }: World,
  text: string,
  kind: string,
  properties: Record<string, unknown>,
): Promise<string> => {
  try {
    if (kind !== 'query') {
      const [result] = await engine.execute(`${text};`, { properties });
      if (result?.kind === 'properties') {
        for (const name of Object.keys(properties)) delete properties[name];
        Object.assign(properties, result.properties);
      }
      return result === undefined ? '' : answerOf(result);
    }
    await engine.awaitIdle();
    const handle = await engine.query(`${text};`, { properties });
    const rows: string[][] = [];
    for await (const batch of handle.rows()) rows.push(...batch.map((row) => row.map((value) => show(value))));
    // There is no ORDER BY: partitions answer in any order.
    rows.sort((a, b) => (a.join('\u0001') < b.join('\u0001') ? -1 : 1));
    return table(
      handle.columns.map(({ name }) => name),
      rows,
    );
  } catch (error) {
    return faultText(error);
  }
};

/** Statements one by one, so that one at fault does not hide the others; their kinds decide where they go. */
const statementsOf = (script: string): readonly { readonly text: string; readonly kind: string }[] =>
  script
    .split(/;[ \t]*$/m)
    .map((text) => text.replaceAll(/^--.*$/gm, '').trim())
    .filter((text) => text !== '')
    .map((text) => {
      try {
        return { text, kind: parseStatements(`${text};`)[0]?.statement.kind ?? 'none' };
      } catch {
        return { text, kind: 'unparsed' };
      }
    });

test.each(readdirSync(directory).filter((name) => name.endsWith('.sql')))('%s answers as it did', async (name) => {
  const world = await openWorld();
  const properties: Record<string, unknown> = {};
  const parts: string[] = [];
  for (const { text, kind } of statementsOf(readFileSync(join(directory, name), 'utf8'))) {
    const shown = text
      .split('\n')
      .map((line, i) => `${i === 0 ? '> ' : '  '}${line}`)
      .join('\n');
    parts.push(`${shown};\n${await run(world, text, kind, properties)}\n`);
  }
  const answer = parts.join('\n');
  const path = join(directory, 'golden', name.replace('.sql', '.txt'));
  if (update || !existsSync(path)) writeFileSync(path, answer);
  expect(answer).toBe(readFileSync(path, 'utf8'));
});
