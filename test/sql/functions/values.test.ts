/** What functions and operators give for odd arguments: each row is a rule that ksqlDB's own engine follows too.
 *  `failed`: the column is NULL. */

import { describe, expect, test } from 'vitest';
import { EvaluationError } from '../../../sql/types/evaluation-error.ts';
import { doubleType, stringType } from '../../../sql/types/type.ts';
import type { Value } from '../../../sql/types/value.ts';
import { evaluate, type TestColumn } from '../evaluate/support.ts';

const columns: Record<string, TestColumn> = {
  S: { type: stringType, value: null },
  NAN: { type: doubleType, value: Number.NaN },
  ZERO: { type: doubleType, value: 0 },
};

const failed = 'failed';

const valueOf = (sql: string): Value => {
  try {
    return evaluate(sql, columns);
  } catch (error) {
    if (error instanceof EvaluationError) return failed;
    throw error;
  }
};

type Rule = readonly [expression: string, value: Value];

const rules = (name: string, table: readonly Rule[]): void => {
  describe(name, () => {
    test.each(table)('%s', (sql, wanted) => expect(valueOf(sql)).toEqual(wanted));
  });
};

rules('casts of text', [
  ["CAST('Infinity' AS DOUBLE)", failed],
  ["CAST('-Infinity' AS DOUBLE)", failed],
  ["CAST('NaN' AS DOUBLE)", failed],
  ["CAST('1e400' AS DOUBLE)", failed],
  ["CAST(' 1E5 ' AS DOUBLE)", 100000],
  ["CAST('1d' AS DOUBLE)", 1],
  ["CAST('0x1p3' AS DOUBLE)", 8],
  ["CAST('٣' AS INT)", 3],
  ["CAST('１２' AS BIGINT)", 12],
  ["CAST('１２' AS DOUBLE)", failed],
  ["CAST('\ufeff12' AS INT)", failed],
  ["CAST('\u00a012' AS INT)", failed],
]);

rules('casts to text', [
  ["CAST(ARRAY['a', NULL, 'b,c'] AS VARCHAR)", '[a, null, b,c]'],
  [
    'CAST(ARRAY[FROM_UNIXTIME(0), FROM_UNIXTIME(1589234313250)] AS VARCHAR)',
    '[1970-01-01 00:00:00.0, 2020-05-11 21:58:33.25]',
  ],
  [
    "CAST(STRUCT(a := FROM_UNIXTIME(1), b := MAP('k' := 1E21)) AS VARCHAR)",
    'Struct{A=1970-01-01 00:00:00.001,B={k=1.0E21}}',
  ],
  ['CAST(1E7 AS VARCHAR)', '1.0E7'],
  ['CAST(-0E0 AS VARCHAR)', '-0.0'],
]);

rules('NaN', [
  ['NAN = NAN', false],
  ['NAN <> NAN', false],
  ['NAN <> 1', false],
  ['NAN IS DISTINCT FROM NAN', false],
  ['NAN IN (1E0, NAN)', true],
  ['ARRAY_CONTAINS(ARRAY[NAN], NAN)', true],
  ['ROUND(NAN, 1)', failed],
  ['ROUND(NAN)', 0],
]);

rules('any two values are distinct or not', [
  ['S IS NOT DISTINCT FROM CAST(NULL AS INT)', true],
  ["'1' IS DISTINCT FROM 1", true],
  ['S IS DISTINCT FROM ARRAY[1]', true],
  ["ARRAY['1'] IS NOT DISTINCT FROM ARRAY[1]", false],
  ["SPLIT_TO_MAP('', ';', '=') IS NOT DISTINCT FROM MAP_UNION(NULL, CAST(NULL AS MAP<STRING, INT>))", false],
  ["SLICE(ARRAY['a'], 1, 0) IS NOT DISTINCT FROM SLICE(ARRAY[1], 1, 0)", true],
]);

rules('arrays and maps', [
  ['ARRAY_JOIN(SLICE(ARRAY[FROM_UNIXTIME(1)], 1, 0))', ''],
  ['ARRAY_JOIN(ARRAY[FROM_UNIXTIME(1)])', failed],
  ['ARRAY_JOIN(ARRAY[TRUE, NULL], S)', 'truenull'],
  ['ARRAY_JOIN(ARRAY[1E0, 2.5E7])', '1.0,2.5E7'],
  ["MAP('1' := 1)[1]", null],
  ["MAP('1' := 1)['1']", 1],
  ["MAP('a' := 1)[S]", null],
]);

rules('functions on text', [
  ["INSTR(S, 'a')", 0],
  ["INSTR('a', S, 1, 1)", 0],
  ["INSTR('abc', 'b', CAST(NULL AS INT))", null],
  ["INSTR('abcabc', 'abc', -3)", 1],
  ["INSTR('abcabc', 'c', -4)", 3],
  ["INSTR('aaaa', 'aa', -1, 2)", 2],
  ["INSTR('abc', '', 2)", 2],
  ["INSTR('abc', '', 1, 2)", 1],
  ["INSTR('abc', '', 4)", 0],
  ["INSTR('', '')", 0],
  ["INSTR('abc', '', -1)", 4],
  ["INSTR('abc', '', -3)", 2],
  ["INSTR('abc', '', -4)", 0],
  ['CONCAT(S, S)', ''],
  ["INITCAP(' 123 ')", '123 '],
  ["INITCAP('  ')", ''],
  ["INITCAP(' a  b ')", 'A  B '],
  ["INITCAP('ß ŉ')", 'SS ʼN'],
  ["INITCAP('\u00a0x')", '\u00a0x'],
  ["INITCAP('😀a')", '😀a'],
  ["MASK('a😀b٣')", 'x--xn'],
  ["MASK('ǅ')", '-'],
  ["MASK_LEFT('😀a', 1)", '-\ude00a'],
  ["SPLIT('a😀', '')", ['a', '\ud83d', '\ude00']],
  ["REPLACE('abc', '', '-')", '-a-b-c-'],
  ["REPLACE('', '', '-')", '-'],
  ["REPLACE('a', 'a', '$&')", '$&'],
  ["CHR('\\u00e9x')", 'éx'],
  ["CHR('\\u00e9\\n\\101')", 'é\nA'],
  ["CHR('\\uu0041')", 'A'],
  ["CHR('x\\u00e9')", null],
  ["CHR('\\u00e9\\u12')", null],
  ["ENCODE('w5w==', 'base64', 'utf8')", 'Ü'],
  ["ENCODE('_-8=', 'base64', 'hex')", 'ffef'],
  ["ENCODE('AB!C', 'base64', 'hex')", '0010'],
  ["ENCODE('A', 'base64', 'hex')", ''],
  ["ENCODE('AB==CD', 'base64', 'hex')", '00'],
  ["SPLIT_TO_MAP('a=1=2', ';', '=')", new Map([['a', '1']])],
]);

rules('functions on JSON', [
  ["JSON_ARRAY_CONTAINS(S, 'x')", null],
  ["JSON_ARRAY_CONTAINS('[1, 2]', 1.0E0)", false],
  ["JSON_ARRAY_CONTAINS('[1.0]', 1)", false],
  ["JSON_ARRAY_CONTAINS('[1.0]', 1E0)", true],
  ["JSON_ARRAY_CONTAINS('[1, 2] x', 1)", true],
  ["JSON_ARRAY_CONTAINS('[null]', NULL)", true],
  ["JSON_ARRAY_CONTAINS('[1]', FROM_UNIXTIME(1))", false],
  ["JSON_ARRAY_CONTAINS('[1e3]', 1000E0)", true],
  ["JSON_CONCAT('[1e3]', '[1.50, 1E-7]')", '[1000,1.50,0.0000001]'],
  ["JSON_ITEMS('[1e3, 1.0E5, 0.0000001]')", ['1E+3', '1.0E+5', '1E-7']],
  ["EXTRACTJSONFIELD('1 x', '$')", '1'],
  ["EXTRACTJSONFIELD('1x', '$')", failed],
  ["JSON_CONCAT('123')", '123'],
  [`JSON_CONCAT('"a"')`, '"a"'],
  ["JSON_CONCAT('null')", 'null'],
  ["JSON_CONCAT('1 x', '2')", '[1,2]'],
  ["JSON_CONCAT('', '2')", null],
  ["IS_JSON_STRING('1 2')", true],
  ["JSON_ARRAY_LENGTH('[1, 2] x')", 2],
  [`JSON_KEYS('{"a": 1} x')`, ['a']],
  [`EXTRACTJSONFIELD('{"a": {"x": 1.0E5}}', '$.a')`, '{"x":1.0E+5}'],
  [`EXTRACTJSONFIELD('{"a": ["😀\\u001f\\ud83d"]}', '$.a')`, '["😀\\u001F\ud83d"]'],
  ["TO_JSON_STRING('😀\u001f')", '"😀\\u001F"'],
]);

rules('functions on URLs', [
  ["URL_EXTRACT_PATH('')", ''],
  ["URL_EXTRACT_PATH('?q')", ''],
  ["URL_EXTRACT_PATH('mailto:x@y')", null],
  ["URL_EXTRACT_PATH('10:11:12')", failed],
  ["URL_EXTRACT_PATH('http:')", failed],
  ["URL_EXTRACT_HOST('http://a_b/c')", null],
  ["URL_EXTRACT_HOST('http://[::1]:8/c')", '[::1]'],
  ["URL_EXTRACT_HOST('http://10.0.0.1/')", '10.0.0.1'],
  ["URL_EXTRACT_PORT('http://a:99999999999/c')", null],
  ["URL_EXTRACT_PORT('http://a_b:80/c')", null],
  ["URL_EXTRACT_PATH('/[a]')", failed],
  ["URL_EXTRACT_HOST('http://[a]/')", null],
  ["URL_EXTRACT_PARAMETER('/a', '')", null],
  ["URL_EXTRACT_PARAMETER('?', '')", ''],
  ["URL_EXTRACT_QUERY('http://a?%ff')", '\ufffd'],
  ["URL_DECODE_PARAM('%ff%C3%BC+')", '\ufffdü '],
  ["URL_DECODE_PARAM('%zz')", failed],
]);

rules('dates that are moved by less than a day', [
  ['UNIX_DATE(DATESUB(MILLISECONDS, 4, FROM_DAYS(0)))', 0],
  ['UNIX_DATE(DATESUB(SECONDS, 3, FROM_DAYS(-1)))', -1],
  ['UNIX_DATE(DATEADD(MINUTES, -1, FROM_DAYS(2)))', 1],
]);

rules('functions on numbers', [
  ['RADIANS(3E0)', 0.05235987755982989],
  ['RADIANS(1.7976931348623157E308)', 3.1375664143845866e306],
  ['DEGREES(3E0)', 171.88733853924697],
  ['ROUND(-0.5E0, 0)', 0],
  ['TRUNC(-0.5E0, 0)', 0],
  ["GEO_DISTANCE(0E0, 0E0, 0E0, 90E0, ' Kilometres ')", 10007.543398010284],
  ["GEO_DISTANCE(0E0, 0E0, 0E0, 90E0, '')", 10007.543398010284],
  ["GEO_DISTANCE(0E0, 0E0, 0E0, 90E0, 'KMX')", failed],
  [
    'GENERATE_SERIES(9223372036854775805, 9223372036854775807)',
    [9223372036854775805n, 9223372036854775806n, 9223372036854775807n],
  ],
]);
