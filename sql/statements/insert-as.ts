/**
 * INSERT INTO … SELECT: one more query that writes a stream which is there already.
 *
 * Columns pair up by place, keys with keys and values with values: each pair has one name, and the query's type must
 * fit the stream's or widen to it.
 */

import { UserError } from '../../base/index.ts';
import { castTo } from '../analyze/expressions/convert.ts';
import type { LogicalNode, NamedExpression } from '../analyze/logical.ts';
import { readProperties } from '../analyze/properties.ts';
import { analyzeQuery } from '../analyze/query.ts';
import type { PersistentQuery } from '../catalog.ts';
import type { InsertAs } from '../parser/statements/insert.ts';
import { sourcesOf } from '../plan/plan.ts';
import { planQuery } from '../plan/planner.ts';
import { readPlan } from '../plan/read-plan.ts';
import { checkNotInternal } from '../queries/internal-topics.ts';
import { canConvert } from '../types/cast.ts';
import { type Column, printSchema } from '../types/schema.ts';
import { printType, typesEqual } from '../types/type.ts';
import { checkPlan } from './check-plan.ts';
import type { CommandDefinition } from './command.ts';
import { checkInputFormats } from './create-as.ts';
import { statusAnswer } from './sources.ts';
import type { Handler } from './statement.ts';

export interface InsertAsCommand {
  readonly kind: 'insert-as';
  readonly query: PersistentQuery;
}

export const insertAsCommand: CommandDefinition<InsertAsCommand> = {
  apply(catalog, { query }) {
    catalog.addQuery(query);
    return { start: query, stop: [] };
  },
  read: (command) => ({ ...command, query: { ...command.query, plan: readPlan(command.query.plan) } }),
};

export const insertAs: Handler<InsertAs, InsertAsCommand> = (statement, context) => {
  const { target, at } = statement;
  const properties = readProperties(statement.properties, 'insert');
  const { catalog, typer } = context;
  const sink = catalog.require(target.name, target.at);
  if (sink.kind !== 'stream') {
    throw new UserError('SQL_WRONG_KIND', `INSERT INTO … SELECT writes streams, and "${sink.name}" is a table`, {
      at: target.at,
      hint: 'Use CREATE TABLE … AS SELECT.',
    });
  }
  if (sink.readOnly) {
    throw new UserError('SQL_READ_ONLY', `"${sink.name}" was created as a SOURCE and cannot be written`, {
      at: target.at,
    });
  }
  if (sink.schema.headers !== undefined) {
    throw new UserError('SQL_HEADER_COLUMN', `"${sink.name}" has columns that read headers, and cannot be written`, {
      at: target.at,
      hint: 'Create a stream over the topic without them, and insert into that.',
    });
  }
  checkNotInternal(sink.topic, 'written', target.at);
  const analyzed = analyzeQuery(statement.query, { catalog, typer, purpose: 'persistent', sink: sink.name });
  if (analyzed.flow !== 'stream') {
    throw new UserError(
      'SQL_WRONG_KIND',
      'INSERT INTO takes a query that delivers a stream, and this one delivers a table',
      { at },
    );
  }
  checkInputFormats(analyzed);
  const { plan } = analyzed;
  const differs = (why: string): UserError =>
    new UserError('SQL_INCOMPATIBLE_SCHEMA', `the query does not fit "${sink.name}": ${why}`, {
      at: statement.query.at,
      hint: `The query delivers ${printSchema(plan.schema)}; the stream has ${printSchema(sink.schema)}.`,
    });
  const pair = (from: readonly Column[], to: readonly Column[], side: 'key' | 'value'): void => {
    if (from.length !== to.length) throw differs(`it has ${from.length} ${side} columns instead of ${to.length}`);
    from.forEach((column, i) => {
      const wanted = to[i] as Column;
      if (column.name !== wanted.name)
        throw differs(`the column "${column.name}" stands in the place of "${wanted.name}"`);
      const fits =
        side === 'key' ? typesEqual(column.type, wanted.type) : canConvert(column.type, wanted.type, 'strict');
      if (!fits)
        throw differs(`the column "${column.name}" is ${printType(column.type)} instead of ${printType(wanted.type)}`);
    });
  };
  pair(plan.schema.key, sink.schema.key, 'key');
  pair(plan.schema.value, sink.schema.value, 'value');
  if (plan.kind !== 'project') throw differs('it has no columns');
  const items: NamedExpression[] = plan.items.map(({ name, expression }, i) => ({
    name,
    expression: castTo(expression, (sink.schema.value[i] as Column).type),
  }));
  const fitted: LogicalNode = { ...plan, items, schema: { ...plan.schema, value: sink.schema.value } };
  const { physical } = planQuery(fitted, context, {
    topic: sink.topic,
    keyFormat: sink.keyFormat,
    valueFormat: sink.valueFormat,
    timestamp: sink.timestamp,
    timesMustBeValid: context.settings.isTrue('ksql.timestamp.throw.on.invalid'),
  });
  checkPlan(physical, context);
  const id = properties.queryId?.value ?? `INSERTQUERY_${context.number}`;
  if (catalog.findQuery(id) !== undefined) {
    throw new UserError('SQL_DUPLICATE_QUERY', `there is already a query called "${id}"`, {
      at: properties.queryId?.at ?? at,
    });
  }
  const query: PersistentQuery = {
    id,
    kind: 'insert',
    sink: sink.name,
    sources: sourcesOf(physical).map((step) => step.source),
    statement: context.text,
    plan: physical,
    properties: context.settings.toRecord(),
  };
  return {
    kind: 'command',
    command: { kind: 'insert-as', query },
    answer: statusAnswer('stream', sink.name, 'create', `Created query with ID ${id}`, context, id),
  };
};
