/** How pull queries narrow what they read: by keys, by ranges of keys and windows. Narrowing never changes an
 *  answer. */

import * as fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { analyzeQuery } from '../../../sql/analyze/query.ts';
import { Typer } from '../../../sql/analyze/typer.ts';
import { builtInFunctions } from '../../../sql/functions/index.ts';
import { parseStatements } from '../../../sql/parser/parse.ts';
import { applyRules } from '../../../sql/plan/rules.ts';
import { type Access, accessOf } from '../../../sql/queries/access.ts';
import { planAll, session } from '../support/planning.ts';
import { closeWorlds, openWorld, rowsOf } from '../support/world.ts';

afterEach(closeWorlds);

const sources = `
  CREATE TABLE one (k VARCHAR PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='one', VALUE_FORMAT='JSON', PARTITIONS=1);
  CREATE TABLE two (a INT PRIMARY KEY, b VARCHAR PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='two', FORMAT='JSON', PARTITIONS=1);
  CREATE TABLE windowed (k VARCHAR PRIMARY KEY, v INT)
    WITH (KAFKA_TOPIC='w', VALUE_FORMAT='JSON', PARTITIONS=1, WINDOW_TYPE='TUMBLING', WINDOW_SIZE='10 SECONDS');`;

const accessTo = (table: string, where: string): Access => {
  const own = session();
  planAll(sources, own);
  const [statement] = parseStatements(`SELECT * FROM ${table} WHERE ${where};`);
  if (statement?.statement.kind !== 'query') throw new Error('a query was expected');
  const typer = new Typer(builtInFunctions());
  const { plan, sources: read } = analyzeQuery(statement.statement.query, {
    catalog: own.catalog,
    typer,
    purpose: 'pull',
  });
  const { plan: ruled } = applyRules(plan, { catalog: own.catalog });
  if (ruled.kind !== 'project' || ruled.input.kind !== 'filter') throw new Error('a filter was expected');
  const source = read[0]?.source;
  if (source === undefined) throw new Error('a source was expected');
  return accessOf(ruled.input.predicate, source.schema);
};

describe('what a condition says about keys', () => {
  test.each([
    ['one', "k = 'a'", [['a']]],
    ['one', "'a' = k AND v > 3", [['a']]],
    ['one', "k IN ('a', 'b', 'a')", [['a'], ['b']]],
    ['one', "k = 'a' OR k = 'b'", [['a'], ['b']]],
    ['one', "(k = 'a' AND v = 1) OR (k = 'b' AND v = 2)", [['a'], ['b']]],
    ['one', "k = 'a' AND k = 'b'", []],
    ['one', "k = 'a' OR v = 1", undefined],
    ['one', "k <> 'a'", undefined],
    ['one', "UCASE(k) = 'A'", undefined],
    ['two', "a = 1 AND b = 'x'", [[1, 'x']]],
    [
      'two',
      "a IN (1, 2) AND b = 'x'",
      [
        [1, 'x'],
        [2, 'x'],
      ],
    ],
    ['two', 'a = 1', undefined],
  ])('%s: %s', (table, where, keys) => {
    expect(accessTo(table, where).keys).toEqual(keys);
  });

  test.each([
    ["k >= 'b' AND k < 'd'", 'b', 'd'],
    ["k > 'b' AND k > 'c'", 'c', undefined],
    ["k BETWEEN 'b' AND 'd'", 'b', 'd'],
    ["k < 'b' OR k < 'd'", undefined, 'd'],
    ["k < 'b' OR k > 'd'", undefined, undefined],
    ["k > '\u{1F600}'", undefined, undefined],
  ])('range: %s', (where, low, high) => {
    expect(accessTo('one', where)).toMatchObject({ low, high });
  });

  test.each([
    ['WINDOWSTART = 20000', 20_000, 20_000],
    ['WINDOWSTART >= 20000 AND WINDOWSTART < 40000', 20_000, 39_999],
    ['WINDOWEND <= 40000 AND WINDOWSTART > 0', 1, 30_000],
    ["WINDOWSTART >= '1970-01-01T00:00:20'", 20_000, Number.POSITIVE_INFINITY],
    ['WINDOWSTART = 0 OR WINDOWSTART = 50000', 0, 50_000],
    ['WINDOWSTART BETWEEN 10000 AND 20000', 10_000, 20_000],
  ])('windows: %s', (where, from, to) => {
    expect(accessTo('windowed', where)).toMatchObject({ from, to });
  });
});

test('a narrowed read finds what a whole scan and a plain test find', async () => {
  const { engine } = await openWorld();
  await engine.execute(
    `
    CREATE TABLE source (k VARCHAR PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='source', VALUE_FORMAT='JSON', PARTITIONS=2);
    CREATE TABLE kept AS SELECT * FROM source;`,
    { properties: { 'auto.offset.reset': 'earliest' } },
  );
  const keys = ['', 'a', 'ab', 'b', 'B', 'ba', 'é', '\uD7FF', '\uE000', '\u{1F600}', 'z'];
  const inserter = await engine.inserter('source');
  await inserter.insert(keys.map((k, v) => ({ k, v })));
  await engine.awaitIdle();
  const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
  const operators = {
    '=': (a: string, b: string) => a === b,
    '<': (a: string, b: string) => a < b,
    '<=': (a: string, b: string) => a <= b,
    '>': (a: string, b: string) => a > b,
    '>=': (a: string, b: string) => a >= b,
  } as const;
  const comparison = fc.record({
    operator: fc.constantFrom(...(Object.keys(operators) as (keyof typeof operators)[])),
    text: fc.constantFrom(...keys, 'c', 'aa'),
  });
  const conditions = fc.record({
    word: fc.constantFrom('AND', 'OR'),
    parts: fc.array(comparison, { minLength: 1, maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(conditions, async ({ word, parts }) => {
      const where = parts.map(({ operator, text }) => `k ${operator} ${literal(text)}`).join(` ${word} `);
      const found = (await rowsOf(engine, `SELECT k FROM kept WHERE ${where};`)).map(([k]) => k).sort();
      const holds =
        (k: string) =>
        ({ operator, text }: (typeof parts)[number]) =>
          operators[operator](k, text);
      const expected = keys.filter((k) => (word === 'AND' ? parts.every(holds(k)) : parts.some(holds(k))));
      expect(found).toEqual(expected.sort());
    }),
    { numRuns: 60 },
  );
});
