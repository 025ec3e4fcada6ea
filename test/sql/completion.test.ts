/** What is offered at the cursor, which is `|` in the texts. */

import { NonTerminal, type Rule, Terminal } from 'chevrotain';
import { afterEach, expect, test } from 'vitest';
import { complete, meanings, nameTypes, placeName } from '../../sql/completion.ts';
import { builtInFunctions, type CompletionItem } from '../../sql/index.ts';
import { grammarRules } from '../../sql/parser/parse.ts';
import { corpus } from './support/corpus.ts';
import { planAll, session, sources } from './support/planning.ts';
import { closeWorlds, openWorld } from './support/world.ts';

afterEach(closeWorlds);

const own = session();
planAll(
  `${sources} CREATE TYPE address AS STRUCT<city VARCHAR, zip INT>; CREATE STREAM copy AS SELECT * FROM pairs;`,
  own,
);
const context = { catalog: own.catalog, functions: builtInFunctions(), topics: ['orders', "it's"] };

const offered = (text: string): readonly CompletionItem[] => {
  const cursor = text.indexOf('|');
  return complete(text.slice(0, cursor) + text.slice(cursor + 1), cursor, context).items;
};
const of = (text: string, kind: CompletionItem['kind']): string =>
  offered(text)
    .filter((item) => item.kind === kind)
    .map((item) => item.text)
    .join(' ');

test.each([
  [
    '|',
    'keyword',
    'ALTER ASSERT CREATE DEFINE DESCRIBE DROP EXPLAIN INSERT LIST PAUSE PRINT RESUME SELECT SET SHOW TERMINATE UNDEFINE UNSET',
  ],
  ['SELECT * FROM orders; DR|', 'keyword', 'DROP'],
  ['sel|', 'keyword', 'select'],
  ['SELECT * FROM |', 'source', 'BARE COPY CUSTOMERS ORDERS PAIRS WINDOWS'],
  ['SELECT * FROM c|', 'source', 'copy customers'],
  ['SELECT * FROM orders o JOIN |', 'source', 'BARE COPY CUSTOMERS ORDERS PAIRS WINDOWS'],
  ['SELECT | FROM pairs', 'column', 'A B ROWOFFSET ROWPARTITION ROWTIME V'],
  ['SELECT | FROM windows', 'column', 'K N ROWOFFSET ROWPARTITION ROWTIME WINDOWEND WINDOWSTART'],
  ['SELECT a, | FROM pairs WHERE +', 'column', 'A B ROWOFFSET ROWPARTITION ROWTIME V'],
  ['SELECT a FROM pairs WHERE b = 1 AND |', 'column', 'A B ROWOFFSET ROWPARTITION ROWTIME V'],
  ['SELECT ci|', 'column', 'city'],
  ['SELECT c.| FROM orders o JOIN customers AS c ON', 'column', 'CITY NAME SINCE'],
  ['SELECT * FROM orders o JOIN customers c ON o.|', 'column', 'AMOUNT CUSTOMER ID ITEMS PLACE TS'],
  ['SELECT | FROM orders o JOIN customers c', 'source', 'C O'],
  ['SELECT x.| FROM (SELECT a AS c FROM pairs) x', 'column', 'C'],
  ['SELECT x.| FROM (SELECT *, LEN(v) AS n FROM pairs) AS x', 'column', 'A B N V'],
  [
    'SELECT | FROM (SELECT o.id, c.* FROM orders o JOIN customers c ON o.id = c.id) x',
    'column',
    'C_CITY C_NAME C_SINCE ID',
  ],
  ['SELECT x.| FROM (SELECT c, 1 + 1 FROM (SELECT a AS c FROM pairs)) x', 'column', 'C'],
  ['SELECT x.home->| FROM (SELECT place AS home FROM orders) x', 'column', 'CITY ZIP'],
  ['SELECT * FROM (SELECT | FROM pairs) x JOIN orders o', 'column', 'A B ROWOFFSET ROWPARTITION ROWTIME V'],
  ['SELECT * FROM (SELECT LEN(v| FROM pairs) x', 'column', 'v'],
  ['SELECT * FROM (SELECT a FROM pairs) x WHERE |', 'source', 'X'],
  ['SELECT place->| FROM orders', 'column', 'CITY ZIP'],
  ['SELECT o.place->| FROM orders o', 'column', 'CITY ZIP'],
  ['SELECT TRANSFORM(items, itm => it| FROM orders', 'column', 'items itm'],
  ['SELECT REDUCE(items, 0, (su, x1) => CEIL(su + x|) FROM orders', 'column', 'x1'],
  ['SELECT REDUCE(items, 0, (su, x1) => su, x| FROM orders', 'column', ''],
  ['SELECT LCA| FROM orders', 'function', 'LCASE'],
  ['SELECT SUBSTRING(cust| FROM orders', 'column', 'customer'],
  ['SELECT a FROM pairs GROUP |', 'keyword', 'BY'],
  [
    'SELECT a FROM pairs |',
    'keyword',
    'AS EMIT FULL GROUP HAVING INNER JOIN LEFT LIMIT OFFSET ORDER PARTITION RIGHT UNION WHERE WINDOW',
  ],
  ['SELECT a FROM pairs WINDOW |', 'keyword', 'HOPPING SESSION TUMBLING'],
  ['SELECT a FROM pairs WINDOW TUMBLING (SIZE 10 |', 'unit', 'DAYS HOURS MILLISECONDS MINUTES SECONDS'],
  ['SELECT a FROM pairs EMIT |', 'keyword', 'CHANGES FINAL'],
  ['CREATE |', 'keyword', 'OR SINK SOURCE STREAM TABLE TYPE'],
  ['CREATE STREAM s (a BIG|', 'type', 'BIGINT'],
  ['CREATE STREAM s (a add|', 'type', 'address'],
  ['CREATE STREAM s (a INT |', 'keyword', 'ARRAY HEADER HEADERS KEY PRIMARY'],
  ['CREATE STREAM s (a INT) WITH (VALUE_F|', 'property', 'VALUE_FORMAT'],
  [
    'CREATE STREAM s (a INT) WITH (VALUE_FORMAT=|',
    'value',
    "'AVRO' 'DELIMITED' 'JSON' 'JSON_SR' 'KAFKA' 'NONE' 'PROTOBUF' 'PROTOBUF_NOSR'",
  ],
  ["CREATE STREAM s (a INT) WITH (VALUE_FORMAT='js|", 'value', "'JSON' 'JSON_SR'"],
  ['CREATE STREAM s (a INT) WITH (WINDOW_TYPE=|', 'value', "'HOPPING' 'SESSION' 'TUMBLING'"],
  ['CREATE STREAM s (a INT) WITH (KAFKA_TOPIC=|', 'topic', "'it''s' 'orders'"],
  ['CREATE STREAM s AS SELECT * FROM or|', 'source', 'orders'],
  ['INSERT INTO pairs (|', 'column', 'A B V'],
  ['INSERT INTO pairs VALUES (|', 'column', ''],
  ['INSERT INTO |', 'source', 'BARE COPY CUSTOMERS ORDERS PAIRS WINDOWS'],
  ['DROP STREAM IF EXISTS pa|', 'source', 'pairs'],
  ['DROP TYPE |', 'type', 'ADDRESS'],
  ['DESCRIBE cust|', 'source', 'customers'],
  ['DESCRIBE FUNCTION CONCAT_|', 'function', 'CONCAT_WS'],
  ['TERMINATE |', 'query', 'CSAS_COPY_6'],
  ["SET 'auto.|", 'property', "'auto.offset.reset'"],
  ['PRINT |', 'topic', "'it''s' 'orders'"],
  ['CREATE STREAM |', 'source', ''],
  ["SELECT 'or| FROM orders", 'source', ''],
] as const)('%s', (text, kind, wanted) => {
  expect(of(text, kind).split(' ').toSorted().join(' ')).toBe(wanted.split(' ').toSorted().join(' '));
});

test('functions come with their signatures, columns with their types', () => {
  expect(offered('SELECT LPA|').find(({ text }) => text === 'LPAD')?.detail).toMatch(/LPAD\(.*\) -> STRING/);
  expect(offered('SELECT | FROM pairs').find(({ text }) => text === 'V')?.detail).toBe('STRING of PAIRS');
});

test('every place of a name in the grammar has a meaning, and every meaning a place', () => {
  const rules = grammarRules();
  const callers = new Map<string, Set<string>>();
  const places = new Set<string>();
  const walk = (items: Rule['definition'], visit: (item: Rule['definition'][number]) => void): void => {
    for (const item of items) {
      visit(item);
      if (!(item instanceof NonTerminal) && 'definition' in item) walk(item.definition as Rule['definition'], visit);
    }
  };
  const callOf = ({ nonTerminalName, idx }: NonTerminal): string => `${nonTerminalName}${idx === 0 ? '' : `/${idx}`}`;
  for (const [name, { definition }] of Object.entries(rules)) {
    walk(definition, (item) => {
      if (item instanceof NonTerminal) {
        const of = callers.get(item.nonTerminalName) ?? new Set();
        callers.set(item.nonTerminalName, of.add(`${callOf(item)} ${name}`));
      }
    });
  }
  /** All ways by which a rule is reached, as far as a place is told apart by them. */
  const waysTo = (rule: string, depth: number): string[][] =>
    depth === 0
      ? [[]]
      : [...(callers.get(rule) ?? [])].flatMap((call) => {
          const [own = '', caller = ''] = call.split(' ');
          return waysTo(caller, depth - 1).map((rest) => [own, ...(rest.length === 0 ? [caller] : rest)]);
        });
  for (const [name, { definition }] of Object.entries(rules)) {
    walk(definition, (item) => {
      if (!(item instanceof Terminal) || !nameTypes.has(item.terminalType)) return;
      for (const way of waysTo(name, 3)) places.add(placeName({ rules: way, nth: item.idx }));
    });
  }
  expect([...places].toSorted()).toEqual(Object.keys(meanings).toSorted());
});

test('at every place of the golden scripts the word that stands there is offered, or is made up', () => {
  for (const text of corpus) {
    for (const { index } of text.matchAll(
      /(?<=\s)(?:SELECT|FROM|WHERE|GROUP|BY|EMIT|CHANGES|WITH|AS|JOIN|ON|AND|KEY)(?=\s)/g,
    )) {
      if (/--|'|\$/.test(text.slice(0, index))) continue;
      const word = /\w+/.exec(text.slice(index))?.[0];
      const { items } = complete(text, index, context);
      expect(
        items.map((item) => item.text),
        `${text.slice(0, index)}| ${word}`,
      ).toContain(word);
    }
  }
});

test('a long statement does not hang it', () => {
  const nested = 'SELECT x. FROM ' + '(SELECT a FROM '.repeat(5_000);
  const text = `SELECT ${Array.from({ length: 2_000 }, (_, i) => `a + ${i}`).join(', ')}, ${'ARRAY['.repeat(30)}`;
  const start = performance.now();
  complete(text, text.length, context);
  complete('SELECT ' + '('.repeat(20_000) + 'a ', 20_009, context);
  complete(nested, 9, context);
  expect(performance.now() - start).toBeLessThan(30_000);
});

test('the engine knows its own sources', async () => {
  const { engine } = await openWorld();
  await engine.execute("CREATE STREAM here (a INT) WITH (KAFKA_TOPIC='here', PARTITIONS=1, VALUE_FORMAT='JSON');");
  const text = 'SELECT * FROM he';
  expect(await engine.complete(text, text.length)).toEqual({
    from: 14,
    to: 16,
    items: [{ text: 'here', kind: 'source', detail: 'STREAM' }],
  });
});
