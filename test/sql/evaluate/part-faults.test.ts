/** A part of an expression that fails is NULL there, and logged with the record, while the expression around it goes
 *  on. */

import { expect, test } from 'vitest';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';
import { builtInFunctions, compileTopology, ScanRegistry } from '../../../sql/index.ts';
import { commandOf, faultOf } from '../support/planning.ts';

/** Runs a query over `bare`, a stream of one text, or over another topic. */
const run = (
  sql: string,
  texts: readonly string[] | string,
  topic = 'bare',
): { readonly out: unknown[]; readonly notes: string[] } => {
  const command = commandOf(sql);
  if (command.kind !== 'create-as') throw new Error('a query was expected');
  const topology = compileTopology(command.query.plan, {
    functions: builtInFunctions(),
    context: { now: () => 0, random: () => 0 },
    scans: new ScanRegistry(),
  });
  const driver = new TopologyTestDriver(topology);
  driver.pipe(
    topic,
    [texts].flat().map((text) => ({ value: new TextEncoder().encode(text), timestamp: 0 })),
  );
  const out = driver.take('X').map((record) => JSON.parse(new TextDecoder().decode(record.value ?? new Uint8Array())));
  const notes = driver.drops.map((drop) => drop.detail);
  driver.close();
  return { out, notes };
};

const select = (items: string, rest = ''): string =>
  `CREATE STREAM x WITH (VALUE_FORMAT='JSON') AS SELECT ${items} FROM bare ${rest};`;

test('ARRAY, MAP and STRUCT keep their other members', () => {
  const { out, notes } = run(
    select(
      "ARRAY[CAST(v AS INT), 2] AS a, MAP('k' := CAST(v AS INT), 'l' := 3) AS m, STRUCT(p := CAST(v AS INT), q := 4) AS s",
    ),
    'seven',
  );
  expect(out).toEqual([{ A: [null, 2], M: { k: null, l: 3 }, S: { P: null, Q: 4 } }]);
  expect(notes).toHaveLength(3);
  expect(notes[0]).toMatch(
    /^a part of a value is NULL: CAST\(V AS INTEGER\) failed: the text .* is not a valid INTEGER$/,
  );
});

test.each([
  ['a cast in a function', "COALESCE(CAST('abc' AS INT), 0)", 0],
  ['a cast in arithmetic', "CAST('abc' AS INT) + 1", null],
  ['a cast within a cast', "COALESCE(CAST(CAST('abc' AS INT) AS STRING), 'none')", 'none'],
  ['what is cast, with the cast', "COALESCE(CAST(1 / (LEN(v) - 5) AS STRING), 'none')", 'none'],
  ['a cast in a comparison', "CAST('abc' AS INT) = 1", false],
  ['a cast in IS NULL', "CAST('abc' AS BIGINT) IS NULL", true],
  ['a cast in CASE', "CASE WHEN CAST('x' AS DOUBLE) IS NULL THEN 'bad' ELSE 'good' END", 'bad'],
  ['a text in a cast array, with the array', "COALESCE(CAST(ARRAY['a', '1'] AS ARRAY<INT>), ARRAY[0])", [0]],
  ['a call in a call', "COALESCE(JSON_ITEMS('no JSON'), ARRAY['none'])", ['none']],
  ['an argument that is implicitly cast', 'IFNULL(UNIX_TIMESTAMP(v), CAST(-1 AS BIGINT))', -1],
])('%s is NULL where it fails', (_, expression, wanted) => {
  const { out, notes } = run(select(`${expression} AS r, v`), 'seven');
  expect(out).toEqual([{ R: wanted, V: 'seven' }]);
  expect(notes).toEqual([expect.stringMatching(/^a part of a value is NULL: .* failed: /)]);
});

test.each([
  ['division outside of a cast', 'COALESCE(1 / (LEN(v) - 5), 0)'],
  ['a call outside of a call', "JSON_ITEMS(v)[1] = 'x'"],
  ['a text that is compared with a TIMESTAMP', 'v < FROM_UNIXTIME(0)'],
])('%s fails the column', (_, expression) => {
  const { out, notes } = run(select(`${expression} AS r, v`), 'seven');
  expect(out).toEqual([{ R: null, V: 'seven' }]);
  expect(notes).toEqual([expect.stringMatching(/^the column "R" is NULL: .* failed: /)]);
});

test('a text is compared with a TIMESTAMP only where that is not NULL', () => {
  const none = 'CAST(NULL AS TIMESTAMP)';
  const { out, notes } = run(
    select(`v < ${none} AS a, ${none} > v AS b, v IS NOT DISTINCT FROM ${none} AS c, v BETWEEN ${none} AND v AS d`),
    'seven',
  );
  expect(out).toEqual([{ A: false, B: false, C: false, D: false }]);
  expect(notes).toEqual([]);
});

test.each([
  ['CAST(NULL AS INT) <> 1 / (LEN(v) - 5)', false],
  ['CAST(NULL AS INT) < 1 / (LEN(v) - 5)', false],
  ['CAST(NULL AS INT) BETWEEN 1 / (LEN(v) - 5) AND 2', false],
  ['0 NOT BETWEEN 1 AND 1 / (LEN(v) - 5)', true],
])('%s needs no more than its left side', (expression, wanted) => {
  const { out, notes } = run(select(`${expression} AS r, v`), 'seven');
  expect(out).toEqual([{ R: wanted, V: 'seven' }]);
  expect(notes).toEqual([]);
});

test('a record that a filter refuses keeps its faults', () => {
  const { out, notes } = run(select('v', 'WHERE COALESCE(CAST(v AS INT), 0) > 1'), ['x', '2', '1', 'y', '3']);
  expect(out).toEqual([{ V: '2' }, { V: '3' }]);
  expect(notes).toEqual(['x', 'y'].map((text) => expect.stringContaining(`the text '${text}' is not a valid INTEGER`)));
});

test('a record whose condition fails keeps the faults of its parts', () => {
  const { out, notes } = run(select('v', 'WHERE CAST(v AS INT) IS NULL AND v LIKE CAST(NULL AS STRING)'), ['x', '1']);
  expect(out).toEqual([]);
  expect(notes).toEqual([
    expect.stringMatching(/^a part of a value is NULL: .*'x' is not a valid INTEGER$/),
    expect.stringMatching(/^the record is left out: .*LIKE is NULL$/),
  ]);
});

test('a cast that fails leaves an aggregate and a key as they are', () => {
  const sum = run(
    `CREATE TABLE x WITH (VALUE_FORMAT='JSON') AS
       SELECT ts, SUM(COALESCE(CAST(customer AS INT), 100)) AS s FROM orders GROUP BY ts;`,
    ['1', 'x', '2'].map((customer) => JSON.stringify({ CUSTOMER: customer, TS: 1 })),
    'orders',
  );
  expect(sum.notes).toEqual([expect.stringContaining("the text 'x' is not a valid INTEGER")]);
  expect(sum.out).toEqual([{ S: 1 }, { S: 101 }, { S: 103 }]);
});

test('a condition goes by the members that stand', () => {
  const { out, notes } = run(select('v', 'WHERE ARRAY[CAST(v AS INT), 2][2] = 2'), 'seven');
  expect(out).toHaveLength(1);
  expect(notes).toHaveLength(1);
});

test('what is inserted must not fail in any part', () => {
  expect(faultOf('INSERT INTO orders (id, items) VALUES (1, ARRAY[1 / 0, 2]);')).toMatch(/division by zero/);
});

test('the faults of an inserted value that fails are not those of the next one', () => {
  const like = "INSERT INTO flags VALUES (ARRAY[CAST(1 / 0 AS STRING)][1] LIKE 'x');";
  const flags = "CREATE STREAM flags (f BOOLEAN) WITH (KAFKA_TOPIC='flags', VALUE_FORMAT='JSON', PARTITIONS=1);";
  expect(faultOf(like, flags)).toMatch(/an operand of LIKE is NULL/);
  expect(faultOf('INSERT INTO flags VALUES (NOT FALSE);', flags)).toBe('no fault');
});

test('texts that would be too long are NULL, and the query goes on', () => {
  const long = "RPAD(v, 16000000, 'x')";
  const many = Array.from({ length: 40 }, () => long);
  const { out, notes } = run(
    select(
      `LEN(${long} + ${long}) AS a, ${long} + v + ${long} AS b, LEN(CAST(ARRAY[${many.join()}] AS STRING)) AS c, v`,
    ),
    ['one', 'two'],
  );
  expect(out).toEqual(['one', 'two'].map((V) => ({ A: null, B: null, C: null, V })));
  expect(notes.slice(0, 3).map((note) => /failed: ([^:]*)$/.exec(note)?.[1])).toEqual([
    'a text of 32000000 characters cannot be made; 16777216 is the most',
    'a text of 32000003 characters cannot be made; 16777216 is the most',
    'its text is too long',
  ]);
});

test('a text that would be too long is NULL by itself', () => {
  const ways = ['v || v', "CONCAT_WS('', v, v)", "ARRAY_JOIN(ARRAY[v, v], '')", 'CAST(ARRAY[v, v] AS STRING)', 'v + v'];
  for (const made of ways) {
    const { out, notes } = run(select(`ARRAY[${made}, 'x'] AS a`), 'x'.repeat(9_000_000));
    expect(out, made).toEqual([{ A: [null, 'x'] }]);
    expect(notes[0]).toMatch(/a text of 180000\d\d characters cannot be made; 16777216 is the most$/);
  }
});
