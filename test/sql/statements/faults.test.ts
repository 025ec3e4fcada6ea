/** Statements that cannot be run: what is said, where, and how to mend it. Nothing of them happens. */

import { describe, expect, test } from 'vitest';
import { commandOf, faultOf, planAll, session, sources } from '../support/planning.ts';

const stream = (elements: string, properties = ''): string =>
  faultOf(`CREATE STREAM s (${elements}) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1${properties});`);

describe('CREATE', () => {
  test('a name that is taken', () => {
    expect(faultOf(`CREATE STREAM orders (v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);`)).toBe(
      'SQL_DUPLICATE_SOURCE at 1:15: there is already a stream called "ORDERS" | Choose another name, DROP the old one, or write CREATE OR REPLACE or IF NOT EXISTS.',
    );
    expect(
      planAll(
        `${sources}CREATE STREAM IF NOT EXISTS orders (v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);`,
      ),
    ).toMatchObject({ kind: 'nothing', answer: { kind: 'warning_entity' } });
    expect(faultOf("CREATE STREAM `a b` (v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');")).toMatch(
      /^SQL_INVALID_NAME at 1:15/,
    );
  });

  test.each([
    ['CREATE STREAM IF NOT EXISTS copy AS SELECT nothing FROM orders;', /^SQL_UNKNOWN_COLUMN at 1:/],
    ['CREATE STREAM IF NOT EXISTS copy AS SELECT * FROM nowhere;', /^SQL_UNKNOWN_SOURCE at 1:/],
    ['CREATE TABLE IF NOT EXISTS copy AS SELECT * FROM orders;', /^SQL_WRONG_KIND at 1:/],
    ["CREATE STREAM IF NOT EXISTS copy WITH (VALUE_FORMAT='WRONG') AS SELECT * FROM orders;", /^SQL_UNKNOWN_FORMAT/],
    ["CREATE STREAM IF NOT EXISTS copy WITH (TIMESTAMP='wrong') AS SELECT * FROM orders;", /^SQL_TIMESTAMP_COLUMN/],
    ["CREATE STREAM IF NOT EXISTS orders (v WRONG) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON');", /_TYPE at 1:/],
    ["CREATE STREAM IF NOT EXISTS orders (v INT) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='WRONG');", /_FORMAT at 1:/],
    ["CREATE TABLE IF NOT EXISTS orders (v INT) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON');", /_PRIMARY_KEY/],
    ['CREATE TYPE IF NOT EXISTS money AS WRONG;', /^SQL_UNKNOWN_TYPE at 1:/],
  ])('IF NOT EXISTS over a name that is taken is checked like any other: %s', (statement, fault) => {
    const before = `${sources}CREATE STREAM copy AS SELECT * FROM orders;CREATE TYPE money AS INT;`;
    expect(faultOf(statement, before)).toMatch(fault);
  });

  test('IF NOT EXISTS over a name that is taken does nothing, also with another query, kind or topic', () => {
    const before = `${sources}CREATE STREAM copy AS SELECT * FROM orders;CREATE TYPE money AS INT;`;
    for (const statement of [
      'CREATE STREAM IF NOT EXISTS copy AS SELECT * FROM orders;',
      'CREATE OR REPLACE STREAM IF NOT EXISTS copy AS SELECT * FROM copy;',
      "CREATE STREAM IF NOT EXISTS copy WITH (KAFKA_TOPIC='other', PARTITIONS=3) AS SELECT * FROM orders;",
      'CREATE TABLE IF NOT EXISTS copy AS SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer;',
      "CREATE TABLE IF NOT EXISTS copy (k INT PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);",
      'CREATE TYPE IF NOT EXISTS money AS VARCHAR;',
    ]) {
      expect(planAll(before + statement)).toMatchObject({ kind: 'nothing', answer: { kind: 'warning_entity' } });
    }
  });

  test('types that hold each other by name, twice each or very deep, and columns that do so together', () => {
    const twice = (levels: number): string =>
      Array.from({ length: levels }, (_, i) => `CREATE TYPE t${i + 1} AS STRUCT<a t${i}, b t${i}>;`).join('\n');
    const begin = 'CREATE TYPE t0 AS STRUCT<a INT>;';
    expect(faultOf(twice(60), begin)).toMatch(/^SQL_TYPE_TOO_LARGE at 16:1: a type has more than 100000 parts/);
    const deeper = Array.from({ length: 300 }, (_, i) => `CREATE TYPE t${i + 1} AS ARRAY<t${i}>;`).join('\n');
    expect(faultOf(deeper, begin)).toMatch(/^SQL_TYPE_TOO_LARGE.* more than 200 deep/);
    const columns = Array.from({ length: 200 }, (_, i) => `c${i} t10`).join(', ');
    expect(
      faultOf(
        `CREATE STREAM s (${columns}) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);`,
        begin + twice(10),
      ),
    ).toMatch(/^SQL_TYPE_TOO_LARGE/);
  });

  test('a table without a key, a key of the wrong kind, a key that has no order', () => {
    expect(faultOf(`CREATE TABLE t (v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);`)).toBe(
      'SQL_MISSING_PRIMARY_KEY at 1:14: the table "T" has no PRIMARY KEY | Mark the column that is the key of the topic: id BIGINT PRIMARY KEY.',
    );
    expect(stream('id INT PRIMARY KEY, v INT')).toMatch(
      /^SQL_KEY_WORD at 1:18: the column "ID" is marked PRIMARY KEY, .* \| Write ID … KEY\./,
    );
    expect(faultOf(`CREATE TABLE t (id INT KEY, v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');`)).toMatch(
      /^SQL_KEY_WORD/,
    );
    expect(stream('id MAP<VARCHAR, INT> KEY, v INT')).toMatch(/^SQL_KEY_TYPE.*MAP/);
  });

  test('columns twice, reserved, of unknown types', () => {
    expect(stream('a INT, A VARCHAR')).toMatch(/^SQL_DUPLICATE_COLUMN at 1:25: the column "A"/);
    expect(stream('rowtime BIGINT')).toMatch(/^SQL_RESERVED_NAME at 1:18: "ROWTIME"/);
    expect(stream('a FLOAT')).toMatch(/^SQL_UNKNOWN_TYPE at 1:20: .*"FLOAT"/);
    expect(stream('a DECIMAL(4, 5)')).toMatch(/^SQL_TYPE_PARAMETERS at 1:20: /);
  });

  test('columns called __proto__ and constructor are ordinary columns', () => {
    expect(stream('`__proto__` INT, constructor INT, `hasOwnProperty` VARCHAR')).toBe('no fault');
    expect(
      faultOf(
        'SHOW STREAMS;',
        `CREATE STREAM \`__proto__\` (\`__proto__\` INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);`,
      ),
    ).toBe('no fault');
    expect(faultOf('DROP STREAM constructor;')).toMatch(/^SQL_UNKNOWN_SOURCE/);
  });

  test('no columns, no topic, no format', () => {
    expect(faultOf(`CREATE STREAM s WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');`)).toMatch(/^SQL_NO_COLUMNS at 1:15/);
    expect(faultOf(`CREATE STREAM s (v INT) WITH (VALUE_FORMAT='JSON');`)).toMatch(
      /^SQL_MISSING_PROPERTY at 1:1: .*KAFKA_TOPIC/,
    );
    expect(faultOf(`CREATE STREAM s (v INT) WITH (KAFKA_TOPIC='t');`)).toMatch(
      /^SQL_MISSING_PROPERTY at 1:1: .*VALUE_FORMAT/,
    );
    expect(faultOf(`CREATE STREAM s (v INT) WITH (KAFKA_TOPIC='odrers', VALUE_FORMAT='JSON');`)).toMatch(
      /^SQL_UNKNOWN_TOPIC at 1:31: .*"odrers" \| Did you mean "orders"\?/,
    );
  });

  test.each([
    ['a/b', 'the character "/"'],
    ['a\u0000b', 'the character "\\u0000"'],
    ['..', 'it names a directory'],
    ['../etc', 'the character "/"'],
    ['x'.repeat(250), 'it has 250 characters, the limit is 249'],
  ])('a topic cannot be called %j', (name, why) => {
    expect(faultOf(`CREATE STREAM s (v INT) WITH (KAFKA_TOPIC='${name}', VALUE_FORMAT='JSON', PARTITIONS=1);`)).toMatch(
      /^TOPIC_NAME_INVALID at 1:31: /,
    );
    expect(
      faultOf(`CREATE STREAM s (v INT) WITH (KAFKA_TOPIC='${name}', VALUE_FORMAT='JSON', PARTITIONS=1);`),
    ).toContain(why);
  });
});

describe('WITH', () => {
  test('a property that does not exist, is given twice, or is not for this statement', () => {
    expect(stream('v INT', `, VALUE_FROMAT='JSON'`)).toMatch(
      /^SQL_UNKNOWN_PROPERTY at 1:83: "VALUE_FROMAT" is not a property of WITH \| Did you mean "VALUE_FORMAT"\?/,
    );
    expect(stream('v INT', `, PARTITIONS=2`)).toMatch(/^SQL_DUPLICATE_PROPERTY/);
    expect(faultOf(`CREATE STREAM s WITH (WINDOW_TYPE='TUMBLING') AS SELECT * FROM orders;`)).toMatch(
      /^SQL_UNKNOWN_PROPERTY.*CREATE … AS SELECT/,
    );
    expect(stream('v INT', `, CLEANUP_POLICY='compress'`)).toMatch(/^SQL_INVALID_PROPERTY/);
    expect(stream('v INT', `, CLEANUP_POLICY='compact'`)).toMatch(/^SQL_PROPERTY_CONFLICT/);
  });

  test('values of the wrong kind', () => {
    expect(stream('v INT', `, RETENTION_MS='soon'`)).toMatch(
      /^SQL_INVALID_PROPERTY at 1:96: the property RETENTION_MS takes a whole number from 1, not 'soon'/,
    );
    expect(stream('v INT', `, WRAP_SINGLE_VALUE='maybe'`)).toMatch(/^SQL_INVALID_PROPERTY.*TRUE or FALSE/);
    expect(faultOf(`CREATE STREAM s (v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JOSN', PARTITIONS=1);`)).toMatch(
      /^SQL_UNKNOWN_FORMAT at 1:48: there is no format called "JOSN" \| Did you mean "JSON"\?/,
    );
  });

  test('properties that do not go together', () => {
    expect(
      faultOf(`CREATE STREAM s (v INT) WITH (KAFKA_TOPIC='t', FORMAT='JSON', KEY_FORMAT='KAFKA', PARTITIONS=1);`),
    ).toMatch(/^SQL_PROPERTY_CONFLICT.*FORMAT/);
    expect(stream('a INT, b INT', ', WRAP_SINGLE_VALUE=FALSE')).toMatch(/^SQL_WRAP_SINGLE_VALUE/);
    expect(stream('a INT', `, WINDOW_TYPE='TUMBLING'`)).toMatch(/^SQL_MISSING_PROPERTY.*WINDOW_SIZE/);
    expect(stream('a INT', `, WINDOW_TYPE='SESSION', WINDOW_SIZE='1 DAY'`)).toMatch(/^SQL_PROPERTY_CONFLICT/);
    expect(stream('a INT', `, WINDOW_TYPE='TUMBLING', WINDOW_SIZE='1 DAY'`)).toMatch(
      /^SQL_PROPERTY_CONFLICT.*key column/,
    );
    expect(stream('a INT', `, VALUE_DELIMITER='|'`)).toMatch(/^SQL_PROPERTY_CONFLICT.*JSON/);
    expect(stream('a INT', `, TIMESTAMP_FORMAT='yyyy'`)).toMatch(/^SQL_PROPERTY_CONFLICT.*without TIMESTAMP/);
    expect(stream('a INT', `, TIMESTAMP='b'`)).toMatch(/^SQL_TIMESTAMP_COLUMN at .*"B"/);
    expect(stream('a INT', `, TIMESTAMP='a'`)).toMatch(/^SQL_TIMESTAMP_COLUMN.*INTEGER/);
    expect(stream('a VARCHAR', `, TIMESTAMP='a'`)).toMatch(/^SQL_TIMESTAMP_COLUMN.*TIMESTAMP_FORMAT/);
    expect(stream('a INT, b INT', `, KEY_FORMAT='NONE'`)).toBe('no fault');
    expect(stream('k INT KEY, a INT', `, KEY_FORMAT='NONE'`)).toMatch(/^SQL_FORMAT_COLUMNS/);
    expect(faultOf(`CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=7);`)).toMatch(
      /^SQL_TOPIC_PARTITIONS at 1:74: .*"orders" has 4 partitions, not 7/,
    );
  });
});

describe('INSERT VALUES', () => {
  test('the number of values, the columns, their types', () => {
    expect(faultOf(`INSERT INTO customers (name, city) VALUES ('a');`)).toMatch(
      /^SQL_VALUES_COUNT at 1:1: 1 values are given for 2 columns/,
    );
    expect(faultOf(`INSERT INTO customers (name, ctiy) VALUES ('a', 'b');`)).toMatch(
      /^SQL_UNKNOWN_COLUMN at 1:30: .*Did you mean "CITY"/,
    );
    expect(faultOf(`INSERT INTO customers (name, since) VALUES ('a', 'long ago');`)).toMatch(/^SQL_BAD_TEXT at 1:50/);
    expect(faultOf(`INSERT INTO customers (name, city) VALUES ('a', other);`)).toMatch(
      /^SQL_UNKNOWN_COLUMN at 1:49: .*VALUES/,
    );
    expect(faultOf(`INSERT INTO nobody VALUES (1);`)).toMatch(/^SQL_UNKNOWN_SOURCE at 1:13/);
  });

  test('a table needs its key; windows take no rows', () => {
    expect(faultOf(`INSERT INTO customers (city) VALUES ('b');`)).toBe(
      'SQL_NULL_KEY at 1:1: a row of the table "CUSTOMERS" needs its primary key: NAME is missing or NULL | Give a value for NAME.',
    );
    expect(faultOf(`INSERT INTO customers (name, city) VALUES (NULL, 'b');`)).toMatch(/^SQL_NULL_KEY/);
    expect(faultOf(`INSERT INTO windows (k, n) VALUES ('a', 1);`)).toMatch(/^SQL_WINDOWED_SOURCE/);
  });

  test('values are converted laxly, ROWTIME sets the time, what is left out is NULL', () => {
    const planned = planAll(
      `${sources}INSERT INTO orders (ROWTIME, id, customer, amount, items, place) VALUES (1234, '7', 8, '2.5', ARRAY[1, 2], STRUCT(city := 'x', zip := 9));`,
    );
    if (planned.kind !== 'record') throw new Error('a record was expected');
    const { topic, key, value, timestamp } = planned.record;
    expect([topic, timestamp, [...(key ?? [])]]).toEqual(['orders', 1234, [0, 0, 0, 0, 0, 0, 0, 7]]);
    expect(new TextDecoder().decode(value ?? undefined)).toBe(
      '{"CUSTOMER":"8","AMOUNT":2.5,"ITEMS":[1,2],"PLACE":{"CITY":"x","ZIP":9},"TS":null}',
    );
  });
});

describe('topics of Millrace itself', () => {
  const over = `CREATE STREAM log (text VARCHAR) WITH (KAFKA_TOPIC='_millrace-statements', VALUE_FORMAT='KAFKA');`;
  const planned = (text: string): string => {
    const own = session();
    own.topics.set('_millrace-statements', { partitions: 1, configs: {} });
    own.topics.set('orders', { partitions: 4, configs: {} });
    planAll(`${sources}${over}`, own);
    try {
      planAll(text, own);
      return 'no fault';
    } catch (error) {
      return (error as Error).message;
    }
  };

  test('can be read, and neither be made, written nor deleted', () => {
    const own = "is one of Millrace's own and cannot be";
    expect(planned('CREATE STREAM copy AS SELECT * FROM log;')).toBe('no fault');
    expect(planned(`INSERT INTO log VALUES ('x');`)).toContain(`"_millrace-statements" ${own} written`);
    expect(planned('INSERT INTO log SELECT text FROM log;')).toContain(`${own} written`);
    expect(planned(`CREATE STREAM s WITH (KAFKA_TOPIC='millrace_processing_log') AS SELECT * FROM orders;`)).toContain(
      `${own} written`,
    );
    expect(
      planned(
        `CREATE STREAM s (v INT) WITH (KAFKA_TOPIC='_millrace-query_X-changelog', VALUE_FORMAT='JSON', PARTITIONS=1);`,
      ),
    ).toContain(`${own} created`);
    expect(planned('DROP STREAM log DELETE TOPIC;')).toContain(`${own} deleted`);
    expect(planned('DROP STREAM log;')).toBe('no fault');
  });
});

describe('other statements', () => {
  test('DROP names what is there, of its kind, and not in use', () => {
    expect(faultOf('DROP TABLE orders;')).toMatch(
      /^SQL_WRONG_KIND at 1:12: "ORDERS" is a stream, not a table \| Write DROP STREAM ORDERS;/,
    );
    expect(faultOf('DROP STREAM nobody;')).toMatch(/^SQL_UNKNOWN_SOURCE at 1:13/);
    expect(planAll('DROP STREAM IF EXISTS nobody;')).toMatchObject({ kind: 'nothing' });
    expect(faultOf('DROP STREAM orders;', `${sources}CREATE STREAM s AS SELECT * FROM orders;`)).toMatch(
      /^SQL_SOURCE_IN_USE at 1:13: "ORDERS" cannot be dropped: it is read by the queries \[CSAS_S_\d+\] \| .*TERMINATE CSAS_S_/,
    );
  });

  test('SET knows its properties and their values', () => {
    expect(faultOf(`SET 'auto.offset.rest' = 'earliest';`)).toMatch(
      /^SQL_UNKNOWN_SETTING at 1:1: .*Did you mean "auto.offset.reset"/,
    );
    expect(faultOf(`SET 'auto.offset.reset' = 'first';`)).toMatch(/^SQL_INVALID_SETTING.*earliest, latest/);
    expect(faultOf(`SET 'ksql.streams.auto.offset.reset' = 'earliest'; UNSET 'auto.offset.reset';`)).toBe('no fault');
  });

  test('properties hold for the statements behind them', () => {
    const own = session({ 'ksql.persistence.default.format.value': 'JSON' });
    planAll(
      `CREATE STREAM a (v INT) WITH (KAFKA_TOPIC='a', PARTITIONS=1); SET 'ksql.persistence.default.format.key' = 'JSON';`,
      own,
    );
    planAll(`CREATE STREAM b (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='b', PARTITIONS=1);`, own);
    expect(own.catalog.source('B')?.keyFormat.name).toBe('JSON');
    expect(own.catalog.source('A')?.keyFormat.name).toBe('KAFKA');
  });

  test('a sink inherits formats and partitions from its source', () => {
    const command = commandOf('CREATE STREAM s AS SELECT * FROM pairs;');
    if (command.kind !== 'create-as') throw new Error('a query was expected');
    expect(command.source).toMatchObject({ topic: 'S', keyFormat: { name: 'JSON' }, valueFormat: { name: 'JSON' } });
    expect(planAll(`${sources}CREATE STREAM s AS SELECT * FROM orders;`)).toMatchObject({
      topic: { name: 'S', partitions: 4 },
    });
  });

  test('sources that are joined must have equal numbers of partitions', () => {
    const other = `CREATE TABLE few (id BIGINT PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='few', VALUE_FORMAT='JSON', PARTITIONS=3);`;
    expect(
      faultOf('CREATE STREAM s AS SELECT o.id, f.v FROM orders o JOIN few f ON o.id = f.id;', sources + other),
    ).toMatch(/4 partitions.*3|3.*4/);
  });
});
