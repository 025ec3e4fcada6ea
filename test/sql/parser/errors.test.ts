/** What is said about a text that is no statement: code, place, sentence, and a hint where one helps. */

import { expect, test } from 'vitest';
import { UserError } from '../../../base/index.ts';
import { parseExpression, parseStatements, parseType } from '../../../sql/parser/parse.ts';
import { limits } from '../../../sql/parser/words.ts';

const fault = (run: () => unknown): UserError => {
  try {
    run();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('there was no error');
};

/** `CODE line:column sentence [hint]` */
const say = (run: () => unknown): string => {
  const { code, at, message, hint } = fault(run);
  return `${code} ${at?.line}:${at?.column} ${message}${hint === undefined ? '' : ` [${hint}]`}`;
};

const syntax: readonly (readonly [sentence: string, cases: readonly (readonly [text: string, error: string])[]])[] = [
  [
    'GROUP BY and PARTITION BY take values: a condition has to stand in parentheses',
    [
      [
        'SELECT COUNT(*) FROM x GROUP BY a AND b',
        '1:35 expected the end of the statement, found "AND" [GROUP BY and PARTITION BY take values: put a condition into parentheses.]',
      ],
      [
        'SELECT * FROM x PARTITION BY a = b',
        '1:32 expected the end of the statement, found "=" [GROUP BY and PARTITION BY take values: put a condition into parentheses.]',
      ],
    ],
  ],
  [
    'a misspelt keyword is guessed',
    [
      [
        'SELEC * FROM x',
        '1:1 expected a statement (SELECT, CREATE, INSERT, DROP, TERMINATE, PAUSE, RESUME, SHOW, DESCRIBE, EXPLAIN, PRINT, ASSERT, ALTER, SET, UNSET, DEFINE or UNDEFINE), found "SELEC" [Did you mean SELECT?]',
      ],
      ['SELECT * FORM x', '1:10 expected "," or FROM, found "FORM" [Did you mean FROM?]'],
      ['CREATE STERAM s (a INT)', '1:8 expected STREAM or TABLE, found "STERAM" [Did you mean STREAM?]'],
      [
        'SHOW STREAM',
        '1:6 expected STREAMS, TABLES, ALL, TOPICS, QUERIES, FUNCTIONS, PROPERTIES, TYPES or another of 13 words, found "STREAM" [Did you mean STREAMS?]',
      ],
      ['SELECT * FROM x EMIT CHANGE', '1:22 expected CHANGES or FINAL, found "CHANGE" [Did you mean CHANGES?]'],
      ['DROP STREAM IF EXIST s', '1:16 expected EXISTS, found "EXIST" [Did you mean EXISTS?]'],
      [
        'SELECT * FROM s WINDOW TUMBLING (SIZE 1 DAYZ)',
        '1:41 expected a unit of time (such as SECONDS or DAYS), found "DAYZ" [Did you mean DAYS?]',
      ],
      [
        'SELECT * FROM s WINDOW TUMBLING (SIZE 1 HUOR)',
        '1:41 expected a unit of time (such as SECONDS or DAYS), found "HUOR" [Did you mean HOUR?]',
      ],
    ],
  ],
  [
    'a misspelt keyword that was taken for an alias is guessed at the word behind it',
    [
      [
        'SELECT * FROM x WERE a = 1',
        '1:22 expected the end of the statement, found "a" [Did you mean WHERE instead of WERE?]',
      ],
      ['SELECT b\n  FRM s', '2:7 expected "," or FROM, found "s" [Did you mean FROM instead of FRM?]'],
      [
        'SELECT * FROM a JOIN b WITHN 1 HOUR ON a.x = b.x',
        '1:30 expected ON, found "1" [Did you mean WITHIN instead of WITHN?]',
      ],
      [
        'SELECT * FROM s WINDOW TUMBLNG (SIZE 1 DAY)',
        '1:32 expected TUMBLING, HOPPING or SESSION, found "(" [Did you mean TUMBLING instead of TUMBLNG?]',
      ],
    ],
  ],
  [
    'a clause in the wrong place, or a word left out before it',
    [
      [
        'SELECT * FROM x EMIT CHANGES WHERE a > 5',
        '1:30 expected the end of the statement, found "WHERE" [The clauses have an order: FROM, WINDOW, WHERE, GROUP BY or PARTITION BY, HAVING, EMIT, LIMIT.]',
      ],
      [
        'SELECT * FROM x LIMIT 3 EMIT CHANGES',
        '1:25 expected the end of the statement, found "EMIT" [The clauses have an order: FROM, WINDOW, WHERE, GROUP BY or PARTITION BY, HAVING, EMIT, LIMIT.]',
      ],
      [
        'SELECT a, COUNT(*) FROM x GROUP BY a WINDOW TUMBLING (SIZE 1 HOUR)',
        '1:38 expected the end of the statement, found "WINDOW" [The clauses have an order: FROM, WINDOW, WHERE, GROUP BY or PARTITION BY, HAVING, EMIT, LIMIT.]',
      ],
      [
        'SELECT * FROM x WHERE EMIT CHANGES',
        '1:28 expected the end of the statement, found "CHANGES" [EMIT was read as a name here: what stands before it is not complete.]',
      ],
      [
        "CREATE STREAM x AS SELECT * FROM orders WITH (VALUE_FORMAT='JSON')",
        '1:41 expected the end of the statement, found "WITH" [WITH stands behind the name, before AS.]',
      ],
      [
        "CREATE STREAM x WITH (VALUE_FORMAT='JSON') SELECT * FROM y",
        '1:44 expected the end of the statement, found "SELECT" [Write AS before SELECT.]',
      ],
      [
        "CREATE STREAM x (a INT) (KAFKA_TOPIC='x')",
        '1:25 expected the end of the statement, found "(" [Write WITH before the properties.]',
      ],
      [
        'SELECT a FROM x WINDOW SESSION (SIZE 1 HOUR) GROUP BY a',
        '1:33 expected a whole number, found "SIZE" [Of a session window only the gap is given: WINDOW SESSION (5 MINUTES).]',
      ],
      [
        'SELECT a FROM x WINDOW TUMBLING (1 MINUTE) GROUP BY a',
        '1:34 expected SIZE, found "1" [Write WINDOW TUMBLING (SIZE 1 MINUTE), or with GRACE PERIOD 10 SECONDS behind a comma.]',
      ],
      [
        'SELECT a FROM x WINDOW TUMBLING SIZE 1 MINUTE GROUP BY a',
        '1:33 expected "(", found "SIZE" [Write WINDOW TUMBLING (SIZE 1 MINUTE), or with GRACE PERIOD 10 SECONDS behind a comma.]',
      ],
      [
        'SELECT a FROM x WINDOW w TUMBLING (SIZE 1 MINUTE, GRACE 1 SECOND) GROUP BY a',
        '1:57 expected PERIOD, found "1" [Write WINDOW TUMBLING (SIZE 1 MINUTE), or with GRACE PERIOD 10 SECONDS behind a comma.]',
      ],
      [
        'SELECT a FROM x WINDOW TUMBLING (SIZE 1 MIN) GROUP BY a',
        '1:41 expected a unit of time (such as SECONDS or DAYS), found "MIN" [The units are DAYS, HOURS, MINUTES, SECONDS and MILLISECONDS.]',
      ],
      [
        'SELECT a FROM x WINDOW HOPPING (SIZE 1 MINUTE) GROUP BY a',
        '1:46 expected ",", found ")" [Write WINDOW HOPPING (SIZE 1 MINUTE, ADVANCE BY 20 SECONDS).]',
      ],
      [
        'SELECT a FROM x WINDOW SLIDING (SIZE 1 MINUTE) GROUP BY a',
        '1:32 expected TUMBLING, HOPPING or SESSION, found "(" [The kinds of windows are TUMBLING, HOPPING and SESSION.]',
      ],
      ['SELECT a FROM x WINDOW TUMBLING (SIZE 1 MINUTE) WHERE (a b) GROUP BY a', '1:58 expected ")", found "b"'],
      [
        "CREATE STREAM x (a INT) WITH (topic='x', value_format='JSON')",
        '1:31 expected a property (NAME = \'value\'), found "topic" [The property is called KAFKA_TOPIC.]',
      ],
      [
        'TERMINATE QUERY ctas_1',
        '1:11 expected the id of a query, or ALL, found "QUERY" [Write the id alone: TERMINATE ctas_1;]',
      ],
      [
        "SET auto.offset.reset = 'earliest'",
        '1:5 expected a string in single quotes, found "auto" [Put it into single quotes: \'auto.offset.reset\'.]',
      ],
      ['EXPLAIN SELET * FROM x', '1:9 expected a statement or the id of a query, found "SELET" [Did you mean SELECT?]'],
    ],
  ],
  [
    'signs and functions of other languages',
    [
      [
        'SELECT * FROM x WHERE a => 5',
        '1:25 expected the end of the statement, found "=>" [At least is >=; => stands between the parameters of a lambda and its body.]',
      ],
      [
        'SELECT b, LEFT(a, 2) FROM x',
        '1:11 expected an expression or *, found "LEFT" [There is no LEFT(…); use SUBSTRING.]',
      ],
    ],
  ],
  [
    'a text that stops too early says what is missing, behind its last word',
    [
      ['SELECT * FROM', '1:14 the statement ends too early: expected a name or "("'],
      ['SELECT * FROM ;', '1:14 the statement ends too early: expected a name or "("'],
      ['SELECT a FROM s JOIN b', '1:23 the statement ends too early: expected ON'],
      ['DROP STREAM', '1:12 the statement ends too early: expected a name'],
      ["SELECT 'a\nb'", '2:3 the statement ends too early: expected FROM'],
      ['EXPLAIN', '1:8 the statement ends too early: expected a statement or the id of a query'],
    ],
  ],
  [
    'reserved words and quotes',
    [
      [
        'SELECT size FROM x',
        '1:8 expected an expression or *, found "size" [SIZE is a reserved word: put it into backticks to use it as a name.]',
      ],
      [
        'CREATE STREAM select (a INT)',
        '1:15 expected a name, found "select" [SELECT is a reserved word: put it into backticks to use it as a name.]',
      ],
      [
        'CREATE STREAM s (at INT)',
        '1:18 expected a column (a name and a type), found "at" [AT is a reserved word: put it into backticks to use it as a name.]',
      ],
      [
        'CREATE STREAM s (a INT, at INT)',
        '1:25 expected a name, found "at" [AT is a reserved word: put it into backticks to use it as a name.]',
      ],
      [
        'INSERT INTO s (a, from) VALUES (1, 2)',
        '1:19 expected a name, found "from" [FROM is a reserved word: put it into backticks to use it as a name.]',
      ],
      [
        'SELECT a, size FROM x',
        '1:11 expected an expression or *, found "size" [SIZE is a reserved word: put it into backticks to use it as a name.]',
      ],
      [
        'CREATE STREAM s (a INT) WITH (kafka_topic="x")',
        `1:43 expected a literal (a number, a string in single quotes, TRUE, FALSE or NULL), found the quoted name "x" [Strings stand between single quotes: 'x'.]`,
      ],
      [
        'CREATE STREAM s (a INT) WITH (kafka_topic=x)',
        `1:43 expected a literal (a number, a string in single quotes, TRUE, FALSE or NULL), found "x" [Put it into single quotes: 'x'.]`,
      ],
      [
        "CREATE STREAM 's' (a INT)",
        `1:15 expected a name, found the string 's' [Single quotes make a string; put a name into backticks.]`,
      ],
      ["SET x = 'y'", '1:5 expected a string in single quotes, found "x" [Put it into single quotes: \'x\'.]'],
    ],
  ],
  [
    'slips of signs',
    [
      [
        'SELECT a, FROM x',
        '1:11 expected an expression or *, found "FROM" [Remove the comma before it, or write what should follow it.]',
      ],
      [
        'CREATE STREAM s (a INT,)',
        '1:24 expected a name, found ")" [Remove the comma before it, or write what should follow it.]',
      ],
      [
        'SELECT a.b.c FROM s',
        '1:11 expected "," or FROM, found "." [A dot stands only between a source and a column; the field of a struct is a->b.]',
      ],
      [
        'SELECT * FROM x WHERE a = b = c',
        '1:29 expected the end of the statement, found "=" [Comparisons do not chain: join two of them with AND, or put one into parentheses.]',
      ],
      ['SELECT * FROM x WHERE a == 1', '1:26 expected an expression, found "=" [Equality is written with one =.]'],
      ['SELECT (a FROM s', '1:11 expected ")", found "FROM"'],
      ['SELECT a b c FROM x', '1:12 expected "," or FROM, found "c"'],
      ['SELECT a + b->* FROM s', '1:13 ->* can stand only behind a struct, not behind an operation'],
    ],
  ],
  [
    'SQL that other dialects have',
    [
      [
        'SELECT * FROM x LIMIT 1 ORDER BY a',
        '1:25 expected the end of the statement, found "ORDER" [ORDER BY stands behind HAVING and UNION, and before EMIT, LIMIT and OFFSET.]',
      ],
      [
        'SELECT * FROM x INTERSECT SELECT * FROM y',
        '1:27 expected the end of the statement, found "SELECT" [There is no INTERSECT.]',
      ],
      [
        'SELECT * FROM a, b',
        '1:16 expected the end of the statement, found "," [Join sources with JOIN … ON, not with a comma.]',
      ],
      [
        'SELECT * FROM a CROSS JOIN b',
        '1:29 the statement ends too early: expected ON [There is no CROSS JOIN; a join needs ON with one equality.]',
      ],
      [
        'SELECT COUNT(DISTINCT a) FROM x',
        '1:14 expected ")", found "DISTINCT" [There is no DISTINCT in an aggregate; use COUNT_DISTINCT(x).]',
      ],
      [
        'INSERT INTO s VALUES (1), (2)',
        '1:25 expected the end of the statement, found "," [INSERT INTO … VALUES takes one row: write one statement per row.]',
      ],
    ],
  ],
  [
    'a list may go on',
    [
      ['INSERT INTO s VALUES (1 2)', '1:25 expected "," or ")", found "2"'],
      ['INSERT INTO s (a b) VALUES (1, 2)', '1:18 expected "," or ")", found "b"'],
      ['SELECT * FROM s GROUP BY (a, b c)', '1:32 expected "," or ")", found "c"'],
    ],
  ],
  [
    'columns and types',
    [
      ['CREATE STREAM s (a INT KEY, b)', '1:30 expected a type, found ")"'],
      ['CREATE STREAM s ()', '1:18 expected a column (a name and a type), found ")"'],
      [
        'CREATE STREAM s (a NULL)',
        '1:20 expected a type, found "NULL" [NULL is a value, not a type; every type has it.]',
      ],
      [
        'CREATE STREAM s (a DECIMAL)',
        '1:27 expected "(", found ")" [Write how many digits it has, and how many of them are behind the point: DECIMAL(10, 2).]',
      ],
      [
        'CREATE STREAM s (a INT) AS SELECT 1 FROM x',
        '1:18 CREATE STREAM … AS SELECT takes its columns from the query and has no list of its own [Leave the list out, and name columns by aliases in SELECT.]',
      ],
      [
        'CREATE SOURCE TABLE s AS SELECT 1 FROM x',
        '1:8 SOURCE cannot stand in CREATE TABLE … AS SELECT: what a query writes is not read only [Leave the word SOURCE out.]',
      ],
    ],
  ],
  [
    'an error in a later statement is counted from the start of the text',
    [['SHOW STREAMS;\nSHOW TABLES;\n  DROP s;', '3:8 expected STREAM or TABLE, found "s"']],
  ],
];

for (const [sentence, cases] of syntax) {
  test.each(cases)(`${sentence}: %j`, (text, error) => {
    expect(say(() => parseStatements(text))).toBe(`SQL_SYNTAX ${error}`);
  });
}

test.each([
  [
    "SELECT 'a FROM x;",
    "SQL_UNTERMINATED_STRING 1:8 a string that begins here is never closed [Close it with ', and write a ' inside it as ''.]",
  ],
  [
    'SELECT `a FROM x;',
    'SQL_UNTERMINATED_NAME 1:8 a quoted name that begins here is never closed [Close it with a backtick.]',
  ],
  [
    'SELECT "a FROM x;',
    'SQL_UNTERMINATED_NAME 1:8 a quoted name that begins here is never closed [Close it with ", or use single quotes for a string.]',
  ],
  [
    'SELECT a\n/* FROM x;',
    'SQL_UNTERMINATED_COMMENT 2:1 a comment that begins here is never closed [Close it with */.]',
  ],
  ['SELECT `` FROM x', 'SQL_EMPTY_NAME 1:8 a name may not be empty'],
  [
    'SELECT a # b',
    'SQL_UNKNOWN_CHARACTER 1:10 the character "#" means nothing here [Put a name with such characters into backticks.]',
  ],
  ['SELECT a \0 b', 'SQL_UNKNOWN_CHARACTER 1:10 the character U+0000 means nothing here'],
  [
    'SELECT größe FROM x',
    'SQL_UNKNOWN_CHARACTER 1:10 the character "ö" means nothing here [Put a name with such characters into backticks.]',
  ],
  [
    'SELECT ‘a’ FROM x',
    `SQL_UNKNOWN_CHARACTER 1:8 the character "‘" means nothing here [Use the plain quote ' around strings.]`,
  ],
  [
    'SELECT ${x} FROM s',
    "SQL_UNDEFINED_VARIABLE 1:8 the variable ${x} is not defined [Define it: DEFINE x = 'value';]",
  ],
  [
    'SELECT 9223372036854775808 FROM s',
    'SQL_NUMBER_OUT_OF_RANGE 1:8 the number 9223372036854775808 is beyond what a BIGINT can hold',
  ],
  [
    'SELECT -9223372036854775809 FROM s',
    'SQL_NUMBER_OUT_OF_RANGE 1:8 the number -9223372036854775809 is beyond what a BIGINT can hold',
  ],
  ['SELECT 1e999 FROM s', 'SQL_NUMBER_OUT_OF_RANGE 1:8 the number 1e999 is beyond what a DOUBLE can hold'],
])('words that cannot be read: %j', (text, error) => {
  expect(say(() => parseStatements(text))).toBe(error);
});

test.each([
  [
    'UPDATE s SET a = 1',
    '1:1 the statement UPDATE is not supported [A table changes by the records of its topic: use INSERT INTO … VALUES with the same key.]',
  ],
  ['EXPLAIN GRANT x', '1:9 the statement GRANT is not supported'],
])('a form that is not supported is named: %j', (text, error) => {
  expect(say(() => parseStatements(text))).toBe(`SQL_UNSUPPORTED_STATEMENT ${error}`);
});

test('a statement of a megabyte is read, and a longer one refused', () => {
  const insert = (length: number): string => `INSERT INTO s VALUES ('${'x'.repeat(length - 25)}')`;
  expect(insert(limits.maxStatementLength).length).toBe(limits.maxStatementLength);
  expect(parseStatements(`${insert(limits.maxStatementLength)};`)).toHaveLength(1);
  expect(say(() => parseStatements(insert(limits.maxStatementLength + 1)))).toBe(
    'SQL_STATEMENT_TOO_LONG 1:1048577 a statement may have at most 1048576 characters, and this one has more [Split it, or send large values as records instead of as text.]',
  );
});

test('the limit is for one statement, not for the text', () => {
  const statement = `SET 'a' = '${'x'.repeat(600_000)}';`;
  expect(parseStatements(statement + statement)).toHaveLength(2);
});

test('a statement of too many words is refused', () => {
  expect(fault(() => parseStatements(`SELECT ${'1,'.repeat(60_000)} 1 FROM s`)).code).toBe('SQL_STATEMENT_TOO_LONG');
});

test('an expression of ten thousand levels is refused, whatever the levels are made of', () => {
  const wraps: readonly (readonly [open: string, close: string])[] = [
    ['(', ')'],
    ['f(', ')'],
    ['f(x => ', ')'],
    ['CASE WHEN a THEN ', ' END'],
    ['ARRAY[', ']'],
    ['MAP(1 := ', ')'],
    ['a[', ']'],
    ['a IN (', ')'],
    ['CAST(', ' AS INT)'],
    ['NOT ', ''],
    ['- ', ''],
    ['a + ', ''],
    ['a || ', ''],
    ['', '->b'],
    ['', '[1]'],
  ];
  for (const [open, close] of wraps) {
    const text = `${open.repeat(10_000)}a${close.repeat(10_000)}`;
    expect(fault(() => parseExpression(text)).code, open + close).toBe('SQL_NESTED_TOO_DEEP');
  }
  expect(fault(() => parseType(`${'ARRAY<'.repeat(10_000)}INT`)).code).toBe('SQL_NESTED_TOO_DEEP');
  expect(fault(() => parseStatements(`${'EXPLAIN '.repeat(10_000)}SHOW STREAMS`)).code).toBe('SQL_NESTED_TOO_DEEP');
});

test('ninety levels and ten thousand conditions are fine', () => {
  for (const [open, close] of [
    ['f(x => ', ')'],
    ['(1 + ', ')'],
    ['CASE WHEN a THEN ', ' END'],
  ] as const) {
    expect(() => parseExpression(`${open.repeat(90)}a${close.repeat(90)}`)).not.toThrow();
  }
  expect(parseExpression(`a = 1${' OR a = 1'.repeat(9_999)}`)).toMatchObject({ kind: 'logical', operator: 'OR' });
});
