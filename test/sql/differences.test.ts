/**
 * Where the dialect differs from ksqlDB on purpose: docs/differences.md says why, row by row, and names these tests.
 *
 * A row may also name a test elsewhere, where the rule is tested among its like.
 */

import { describe, expect, test } from 'vitest';
import { evaluate, evaluateTyped, type TestColumn, typed } from './compile/support.ts';
import { commandOf, faultOf } from './support/planning.ts';

const columns: Readonly<Record<string, TestColumn>> = {
  N: { type: { kind: 'INTEGER' }, value: null },
  B: { type: { kind: 'BOOLEAN' }, value: true },
  S: { type: { kind: 'STRING' }, value: null },
  T: { type: { kind: 'TIMESTAMP' }, value: 0 },
};

const dayMs = 86_400_000;

describe('values and expressions', () => {
  test('arithmetic with NULL is NULL wherever it stands', () => {
    expect(evaluate('N + 1', columns)).toBe(null);
    expect(evaluate('COALESCE(N + 1, 0)', columns)).toBe(0);
    expect(evaluate('N + 1 > 0 OR B', columns)).toBe(true);
    expect(evaluate('B OR N + 1 > 0', columns)).toBe(true);
    expect(evaluate('N + 1 IS NULL', columns)).toBe(true);
  });

  test('a text plus NULL is NULL', () => {
    expect(evaluate("'a' + S", columns)).toBe(null);
    expect(evaluate("CONCAT('a', S)", columns)).toBe('a');
  });

  test('a text beside ROWTIME is a time in every clause', () => {
    expect(evaluateTyped(typed("ROWTIME > '1970-01-01'"), {}, 1)).toBe(true);
    expect(faultOf("CREATE STREAM x AS SELECT id, ROWTIME > '2020' AS late FROM orders;")).toBe('no fault');
    expect(faultOf("CREATE STREAM x AS SELECT * FROM orders WHERE ROWTIME > '2020';")).toBe('no fault');
  });

  test('a unit of time may be singular', () => {
    for (const unit of ['DAYS', "'DAYS'"]) expect(evaluate(`TIMESTAMPADD(${unit}, 1, T)`, columns)).toBe(dayMs);
    expect(faultOf('CREATE STREAM x AS SELECT id, TIMESTAMPADD(DAY, 1, FROM_UNIXTIME(ts)) AS t FROM orders;')).toBe(
      'no fault',
    );
  });
});

describe('statements', () => {
  test('a generated name is never one that is taken', () => {
    const command = commandOf('CREATE STREAM x AS SELECT id, amount + 1 AS KSQL_COL_0, amount + 2 FROM orders;');
    expect(command.kind === 'create-as' && command.source.schema.value.map((column) => column.name)).toEqual([
      'KSQL_COL_0',
      'KSQL_COL_1',
    ]);
  });

  test('a column of INSERT stands once', () => {
    expect(faultOf('INSERT INTO pairs (a, a, b) VALUES (1, 2, 3);')).toMatch(/^SQL_DUPLICATE_COLUMN at 1:23/);
  });
});
