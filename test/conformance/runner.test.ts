/** The runner, on small cases of its own. */

import { describe, expect, test } from 'vitest';
import { UserError } from '../../base/index.ts';
import { type Case, type Json, writeJson } from './cases.ts';
import { rejectionFault } from './rejection.ts';
import { runCase } from './runner.ts';

const people =
  "CREATE STREAM PEOPLE (ID INT KEY, NAME STRING, AGE INT) WITH (KAFKA_TOPIC='people', VALUE_FORMAT='JSON');";
const adults = 'CREATE STREAM ADULTS AS SELECT ID, NAME FROM PEOPLE WHERE AGE >= 18;';

const ada = { topic: 'people', key: 1, value: { NAME: 'Ada', AGE: 36 }, timestamp: 10 };
const bob = { topic: 'people', key: 2, value: { NAME: 'Bob', AGE: 7 }, timestamp: 20 };

const make = (parts: Partial<Case>): Case => ({
  id: 'own/case',
  statements: [people, adults],
  properties: {},
  topics: [],
  inputs: [ada, bob],
  outputs: [],
  text: writeJson([parts.statements ?? [], parts.topics ?? []] as unknown as Json),
  ...parts,
});

const outcome = (parts: Partial<Case>): string => {
  const { result, why } = runCase(make(parts), 1);
  return why === undefined ? result : `${result}: ${why}`;
};

describe('outputs', () => {
  test('pass when count, order, key, value and timestamp agree', () => {
    expect(outcome({ outputs: [{ topic: 'ADULTS', key: 1, value: { name: 'Ada' }, timestamp: 10 }] })).toBe('pass');
  });

  test('fail with the first difference and its place', () => {
    expect(outcome({ outputs: [{ topic: 'ADULTS', key: 1, value: { NAME: 'Eve' } }] })).toBe(
      'fail: ADULTS[0].value.NAME: expected "Eve", got "Ada"',
    );
    expect(outcome({ outputs: [{ topic: 'ADULTS', key: 3, value: { NAME: 'Ada' } }] })).toBe(
      'fail: ADULTS[0].key: expected 3, got 1',
    );
    expect(outcome({ outputs: [{ topic: 'ADULTS', key: 1, value: { NAME: 'Ada' }, timestamp: 11 }] })).toBe(
      'fail: ADULTS[0].timestamp: expected 11, got 10',
    );
  });

  test('fail when records are missing or too many', () => {
    const out = { topic: 'ADULTS', key: 1, value: { NAME: 'Ada' } };
    expect(outcome({ outputs: [out, out] })).toBe(
      'fail: ADULTS[1]: expected {"NAME":"Ada"}, got nothing (1 of 2 records)',
    );
    expect(outcome({ inputs: [ada, ada], outputs: [out] })).toBe(
      'fail: ADULTS[1]: expected no more than 1 records, got 2: {"NAME":"Ada"}',
    );
  });
});

describe('feeding', () => {
  test('queries run in the order of creation and read what earlier ones wrote', () => {
    const result = outcome({
      statements: [people, adults, 'CREATE TABLE COUNTS AS SELECT NAME, COUNT(*) AS N FROM ADULTS GROUP BY NAME;'],
      inputs: [ada, bob, ada],
      outputs: [
        { topic: 'COUNTS', key: 'Ada', value: { N: 1 } },
        { topic: 'COUNTS', key: 'Ada', value: { N: 2 } },
      ],
    });
    expect(result).toBe('pass');
  });

  test('INSERT VALUES writes at once', () => {
    const insert = "INSERT INTO PEOPLE (ROWTIME, ID, NAME, AGE) VALUES (5, 9, 'Zoe', 40);";
    expect(
      outcome({
        statements: [people, insert, adults],
        inputs: [],
        outputs: [{ topic: 'ADULTS', key: 9, value: { NAME: 'Zoe' }, timestamp: 5 }],
      }),
    ).toBe('pass');
  });

  test('inputs of two sources are fed in the order in which they stand', () => {
    const join = (first: object, second: object): string =>
      outcome({
        statements: [
          people,
          "CREATE TABLE TOWNS (ID INT PRIMARY KEY, TOWN STRING) WITH (KAFKA_TOPIC='towns', VALUE_FORMAT='JSON');",
          'CREATE STREAM HOMES AS SELECT P.ID, TOWN FROM PEOPLE P LEFT JOIN TOWNS T ON P.ID = T.ID;',
        ],
        inputs: [first, second] as Case['inputs'],
        outputs: [{ topic: 'HOMES', key: 1, value: { TOWN: 'Oxford' } }],
      });
    const town = { topic: 'towns', key: 1, value: { TOWN: 'Oxford' } };
    expect(join(town, ada)).toBe('pass');
    expect(join(ada, town)).toBe('fail: HOMES[0].value.TOWN: expected "Oxford", got null');
  });
});

describe('what must be known afterwards', () => {
  const source = (parts: object): string =>
    outcome({ post: { sources: [{ name: 'ADULTS', type: 'stream', ...parts }] } as NonNullable<Case['post']> });

  test('schemas are compared as columns, not as text', () => {
    expect(source({ schema: 'id INT KEY, `NAME` VARCHAR' })).toBe('pass');
    expect(source({ schema: 'ID INT KEY, NAME BIGINT' })).toBe(
      'fail: the schema of ADULTS is ID INTEGER KEY, NAME STRING, expected ID INTEGER KEY, NAME BIGINT',
    );
    expect(source({ type: 'table' })).toBe('fail: ADULTS is a stream, expected a table');
    expect(source({ keyFormat: { format: 'JSON' } })).toBe('fail: the key format of ADULTS is KAFKA, expected JSON');
  });

  test('topics have the expected partitions, and none that must not be', () => {
    const topics = (post: object): string => outcome({ post: { topics: post } as NonNullable<Case['post']> });
    expect(topics({ topics: [{ name: 'ADULTS', partitions: 4 }] })).toBe('pass');
    expect(topics({ topics: [{ name: 'ADULTS', partitions: 2 }] })).toBe(
      'fail: the topic ADULTS has 4 partitions, expected 2',
    );
    const valueSchema = '"string"';
    expect(topics({ topics: [{ name: 'ADULTS', valueSchema }] })).toBe(
      'fail: the schema of the value of ADULTS is undefined, expected "string"',
    );
    const grouped = [people, 'CREATE TABLE C AS SELECT NAME, COUNT(*) AS N FROM PEOPLE GROUP BY NAME;'];
    expect(outcome({ statements: grouped, post: { topics: { blacklist: '.*-repartition' } } })).toMatch(
      /^fail: the topic .*-repartition should not exist$/,
    );
  });
});

describe('expected errors', () => {
  const rejected = (statement: string, message?: string): string =>
    outcome({ statements: [people, statement], expectedException: message === undefined ? {} : { message } });

  test('pass when a statement is rejected and the error names the same thing', () => {
    expect(rejected('CREATE STREAM X AS SELECT ID, AEG FROM PEOPLE;', "Column 'AEG' cannot be resolved.")).toBe('pass');
    expect(rejected('CREATE STREAM X AS SELECT ID, AEG FROM PEOPLE;')).toBe('pass');
  });

  test('fail when nothing is rejected, or something else', () => {
    expect(rejected('CREATE STREAM X AS SELECT ID, AGE FROM PEOPLE;', 'No.')).toBe(
      'fail: nothing was rejected; the case expects "No."',
    );
    expect(
      rejected('CREATE STREAM X AS SELECT ID, AEG FROM PEOPLE;', "SELECT column 'NAME' cannot be resolved."),
    ).toMatch(/^fail: the error does not name NAME/);
  });

  test('fail when the feature is only not supported, or when it was our own fault', () => {
    const unsupported = new UserError('SQL_UNSUPPORTED_EXPRESSION', 'the type DATE is not supported yet');
    expect(rejectionFault('DATE is wrong', unsupported)).toMatch(/^not rejected for the fault/);
    expect(rejectionFault('DATE is wrong', new TypeError('DATE'))).toMatch(/^TypeError: DATE/);
  });
});

test('an unexpected error is a failure that says what it was', () => {
  expect(outcome({ statements: ['CREATE STREAM X AS SELECT * FROM NOWHERE;'] })).toMatch(/^fail: SQL_UNKNOWN_SOURCE: /);
});

test('functions of the cases are called like built-in ones', () => {
  expect(
    outcome({
      statements: [people, 'CREATE STREAM T AS SELECT ID, TEST_UDF(AGE, NAME) AS U FROM PEOPLE;'],
      inputs: [ada],
      outputs: [{ topic: 'T', key: 1, value: { U: 'doStuffIntString' } }],
    }),
  ).toBe('pass');
});
