/**
 * INSERT INTO … VALUES: one record, written when the statement runs.
 *
 * Without a column list the values are the key columns, then the value columns. Values are converted laxly (a number
 * fits a text column and the other way round), columns that are left out are NULL, ROWTIME sets the record's time.
 * Nothing of it goes to the statement log.
 */

import { ByteWriter, closest, UserError } from '../../base/index.ts';
import { SerdeError } from '../../engine/index.ts';
import { recordWriter } from '../compile/record-writer.ts';
import { valueOf } from '../evaluate/constants.ts';
import type { Expression } from '../parser/ast.ts';
import type { InsertValues } from '../parser/statements/insert.ts';
import { checkInsertTarget } from '../queries/insert-target.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import { bigintType, type SqlType } from '../types/type.ts';
import type { Row, Value } from '../types/value.ts';
import type { Handler } from './statement.ts';

export const insertValues: Handler<InsertValues> = (statement, context) => {
  const { target, at, values, columns: listed } = statement;
  const { catalog, typer, functions, functionContext } = context;
  context.settings.require('ksql.insert.into.values.enabled', 'INSERT INTO … VALUES is', at);
  const source = catalog.require(target.name, target.at);
  checkInsertTarget(source, target.at);
  const { schema } = source;
  const all = [...schema.key, ...schema.value];
  const headers = (schema.headers ?? []).map((column) => column.name);
  const ofHeaders = listed.filter((column) => headers.includes(column.name));
  if (
    ofHeaders.length > 0 ||
    (listed.length === 0 && values.length === all.length + headers.length && headers.length > 0)
  ) {
    throw new UserError(
      'SQL_HEADER_COLUMN',
      `values cannot be given for columns that read headers: ${headers.join(', ')}`,
      { at: ofHeaders[0]?.at ?? at, hint: `The columns are ${all.map((column) => column.name).join(', ')}.` },
    );
  }
  const names = listed.length === 0 ? all.map((column) => column.name) : listed.map((column) => column.name);
  if (names.length !== values.length) {
    throw new UserError(
      'SQL_VALUES_COUNT',
      `${values.length} values are given for ${names.length} columns of "${source.name}"`,
      { at, hint: `The columns are ${names.join(', ')}.` },
    );
  }
  const evaluate = (expression: Expression, type: SqlType): Value => {
    try {
      return valueOf(typer.constant(expression, type, 'lax'), functions, functionContext);
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      throw new UserError('SQL_INVALID_VALUE', `a value cannot be computed: ${error.message}`, { at: expression.at });
    }
  };
  const given = new Map<string, Value>();
  let timestamp = functionContext.now();
  names.forEach((name, i) => {
    const expression = values[i] as Expression;
    const place = listed[i]?.at ?? expression.at;
    if (given.has(name)) {
      throw new UserError('SQL_DUPLICATE_COLUMN', `the column "${name}" stands twice in the list`, { at: place });
    }
    if (name === 'ROWTIME') {
      const time = evaluate(expression, bigintType);
      if (typeof time !== 'number' || time < 0) {
        throw new UserError('SQL_INVALID_VALUE', 'ROWTIME takes epoch milliseconds, from 0 on', { at: expression.at });
      }
      timestamp = time;
      given.set(name, time);
      return;
    }
    const column = all.find((one) => one.name === name);
    if (column === undefined) {
      const near = closest(name, [...all.map((one) => one.name), 'ROWTIME']);
      throw new UserError(
        'SQL_UNKNOWN_COLUMN',
        `the column "${name}" does not exist in ${source.kind} "${source.name}"`,
        {
          at: place,
          hint:
            near === undefined
              ? `The columns are ${all.map((one) => one.name).join(', ')}.`
              : `Did you mean "${near}"?`,
        },
      );
    }
    given.set(name, evaluate(expression, column.type));
  });
  const key: Row = schema.key.map((column) => given.get(column.name) ?? null);
  const value: Row = schema.value.map((column) => given.get(column.name) ?? null);
  if (source.kind === 'table') {
    const missing = schema.key.filter((_, i) => key[i] === null).map((column) => column.name);
    if (missing.length > 0) {
      throw new UserError(
        'SQL_NULL_KEY',
        `a row of the table "${source.name}" needs its primary key: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing or NULL`,
        { at, hint: `Give a value for ${missing.join(', ')}.` },
      );
    }
  }
  const writer = recordWriter(source);
  const out = new ByteWriter(256);
  try {
    out.reset();
    const keyBytes = writer.writeKey(key, out) ? out.slice() : null;
    out.reset();
    const valueBytes = writer.writeValue(value, out) ? out.slice() : null;
    return {
      kind: 'record',
      record: { topic: source.topic, key: keyBytes, value: valueBytes, timestamp },
      answer: { kind: 'inserted' },
    };
  } catch (error) {
    if (!(error instanceof SerdeError)) throw error;
    throw new UserError('SQL_INVALID_VALUE', `the row cannot be written: ${error.message}`, { at });
  }
};
