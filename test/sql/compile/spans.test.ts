/**
 * Queries whose texts are left as spans write what they write where all texts are read: without generated code there
 * are no spans.
 */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { codegenAllowed, useGeneratedCode, utf8Bytes } from '../../../base/index.ts';
import { StreamRecord } from '../../../engine/index.ts';
import { vectorScope } from '../../../sql/compile/reading.ts';
import { columnsAsSpans } from '../../../sql/compile/spans.ts';
import { compileExpression } from '../../../sql/evaluate/expression.ts';
import { spanText } from '../../../sql/formats/text-span.ts';
import { stringType } from '../../../sql/types/type.ts';
import type { Value } from '../../../sql/types/value.ts';
import { context, evaluateTyped, functions, typed } from '../evaluate/support.ts';
import { runSql, type Sent } from '../support/running.ts';

const columns = 'a VARCHAR, n INT, b VARCHAR, t VARCHAR';

const statements = (from: string, to: string, condition: string, items: string, own: string): string => `
  CREATE STREAM s (k VARCHAR KEY, ${columns}) WITH (KAFKA_TOPIC='in', VALUE_FORMAT='${from}', PARTITIONS=1${own});
  CREATE STREAM out WITH (VALUE_FORMAT='${to}') AS SELECT k, ${items} FROM s ${condition};
  CREATE STREAM timed WITH (VALUE_FORMAT='${to}', TIMESTAMP='t', TIMESTAMP_FORMAT='yyyy-MM-dd') AS
    SELECT k, ${items}, t FROM s ${condition};
  CREATE STREAM further WITH (VALUE_FORMAT='${to}') AS SELECT k, ${items} FROM s ${condition} PARTITION BY k;
  CREATE TABLE counted WITH (VALUE_FORMAT='${to}') AS SELECT k, COUNT(*) AS c, MAX(b) AS m FROM s ${condition}
    GROUP BY k;`;

const text = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'x',
      'y',
      'xx',
      'none',
      'é',
      '',
      'x,"y"',
      'a\\b',
      '2024-01-01',
      '\ufffd',
      'axb',
      'x%',
      'éx',
      'x\u2028y',
      'x\ny',
    ),
  },
  fc.string({ maxLength: 6 }),
);

const value = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.option(text), fc.option(fc.nat(9)), fc.option(text), fc.constantFrom('2024-01-01', 'never', null))
      .map(([a, n, b, t]) => ({ A: a, N: n, B: b, T: t })),
  },
  fc.constantFrom(null, 'bad', '{"A":', 'x,y,1'),
);

type Fields = Record<'A' | 'N' | 'B' | 'T', string | number | null>;

const field = (given: string | number | null): string =>
  given === null ? '' : /[",\r\n]|^ /.test(String(given)) ? `"${String(given).replaceAll('"', '""')}"` : String(given);

const sentAs = (format: string, given: Fields | string | null): unknown =>
  given === null || typeof given === 'string'
    ? given
    : format === 'JSON'
      ? JSON.stringify(given)
      : [given.A, given.N, given.B, given.T].map(field).join(',');

test('texts that are compared and passed on as spans give the same results', () => {
  fc.assert(
    fc.property(
      fc.record({
        from: fc.constantFrom('JSON', 'DELIMITED'),
        to: fc.constantFrom('JSON', 'DELIMITED'),
        condition: fc.constantFrom(
          ...['', "WHERE a = 'x'", "WHERE a <> 'x'", "WHERE 'x' = a", "WHERE a <> 'é'", "WHERE a = '\ufffd'"],
          ...[
            "WHERE NOT (a = 'x') AND n > 3",
            "WHERE a = 'x' OR b <> 'none'",
            "WHERE a = b AND a <> 'x'",
            "WHERE a = ''",
          ],
          ...[
            "WHERE a <> 'x' AND b LIKE 'x%'",
            'WHERE a IS NOT NULL',
            "WHERE a IS NULL OR b LIKE '%x%'",
            "WHERE a IN ('x', 'none', '')",
            "WHERE a NOT IN ('x', NULL) AND b IS NOT NULL AND b NOT LIKE '%y'",
            "WHERE a IN ('x', 'é')",
            "WHERE a LIKE 'x'",
            "WHERE a LIKE '%'",
            "WHERE a LIKE ''",
            "WHERE a NOT LIKE '%%x' AND a LIKE 'x%%'",
            "WHERE a LIKE 'x_' OR a LIKE '%é%'",
            "WHERE a LIKE 'x!%%' ESCAPE '!'",
            "WHERE CASE WHEN a = 'x' THEN n > 3 ELSE TRUE END",
          ],
          "WHERE k <> 'x' AND a <> 'none'",
        ),
        items: fc.constantFrom('a, n, b', 'b, a, a AS again', 'UCASE(a) AS u, a, n', "a = 'x' AS e, a, b", 'b'),
        own: fc.constantFrom('', '', ", TIMESTAMP='b', TIMESTAMP_FORMAT='yyyy-MM-dd'"),
        sent: fc.array(fc.tuple(fc.constantFrom('x', 'k'), value), { minLength: 1, maxLength: 8 }),
      }),
      ({ from, to, condition, items, own, sent }) => {
        const sql = statements(from, to, condition, items, own);
        const records = sent.map(([key, one], i): Sent => ['in', key, sentAs(from, one as Fields), i]);
        const outcome = () => {
          const ran = runSql(sql, records);
          return {
            lines: ['OUT', 'TIMED', 'FURTHER', 'COUNTED'].map((topic) => ran.lines(topic, 'times')),
            drops: ran.drops,
          };
        };
        const allowed = codegenAllowed();
        useGeneratedCode(false);
        try {
          const plain = outcome();
          useGeneratedCode(allowed);
          expect(outcome()).toEqual(plain);
        } finally {
          useGeneratedCode(allowed);
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('a test of a span is that of its text, also among other bytes and where it is no UTF-8', () => {
  const schema = { key: [], value: [{ name: 'A', type: stringType }] };
  // Some are line breaks of several bytes, and parts of those.
  const byte = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom([97], [98], [97, 98], [37]) },
    fc.constantFrom([10], [13], [0], [127], [0x80], [0xc2], [0xc2, 0x85], [0xe2, 0x80, 0xa8], [0xf0], [0xff]),
  );
  const constant = fc.constantFrom(
    '',
    'a',
    'b',
    'ab',
    'ba',
    'aab',
    'é',
    '%',
    'a%',
    '%a',
    '%ab%',
    'a%b',
    '%%',
    'b_',
    'a\n%',
  );
  const test = fc.oneof(
    fc.tuple(fc.constantFrom('=', '<>', 'LIKE', 'NOT LIKE'), constant).map(([how, text]) => `A ${how} '${text}'`),
    fc
      .tuple(fc.constantFrom('IN', 'NOT IN'), fc.array(constant, { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(
        ([how, all, withNull]) =>
          `A ${how} (${[...all.map((text) => `'${text}'`), ...(withNull ? ['NULL'] : [])].join()})`,
      ),
  );
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 6 }), fc.nat(4), fc.nat(6), test, (bytes, before, length, sql) => {
      const expression = typed(sql, { A: { type: stringType, value: null } });
      const record = new StreamRecord<Value[][]>();
      record.valueBytes = Uint8Array.from([...bytes.flat(), ...utf8Bytes('abababababab')]);
      const span = (before << 8) | length;
      const text = spanText(record.valueBytes, span);
      record.value = [[text], [span]];
      record.index = 0;
      const uses = { conditions: [expression], items: [], takesSpan: () => false, others: [] };
      const asSpans = columnsAsSpans({ valueFormat: { name: 'JSON' }, schema }, uses);
      expect(asSpans.has(0)).toBe(!/é|LIKE '(b_|a%b)'/.test(sql));
      const evaluate = compileExpression(expression, vectorScope(1, asSpans), functions, context);
      expect(evaluate(record)).toBe(evaluateTyped(expression, { A: { type: stringType, value: text } }));
    }),
    { numRuns: 3000 },
  );
});

test('a column that is looked for in a long list is read as text', () => {
  const schema = { key: [], value: [{ name: 'A', type: stringType }] };
  const asSpans = (count: number): boolean => {
    const list = Array.from({ length: count }, (_, i) => `'${i}'`).join();
    const conditions = [typed(`A IN (${list})`, { A: { type: stringType, value: null } })];
    const uses = { conditions, items: [], takesSpan: () => false, others: [] };
    return columnsAsSpans({ valueFormat: { name: 'JSON' }, schema }, uses).has(0);
  };
  expect([asSpans(5), asSpans(6), asSpans(1000)]).toEqual([true, false, false]);
});
