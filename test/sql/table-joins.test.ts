/** Joins of two tables: by the keys of both, and by a foreign key. */

import { describe, expect, test } from 'vitest';
import { faultOf } from './support/planning.ts';
import { runSql, type Sent } from './support/running.ts';

const table = (name: string, columns: string): string =>
  `CREATE TABLE ${name} (id VARCHAR PRIMARY KEY, ${columns}) WITH (KAFKA_TOPIC='${name}', PARTITIONS=1, VALUE_FORMAT='JSON');`;
const sources = [table('a', 'v INT, ref VARCHAR'), table('b', 'w INT'), table('c', 'x INT')].join('');

const run = (query: string, records: readonly Sent[]): string[] =>
  runSql(`${sources}CREATE TABLE o AS SELECT ${query};`, records).lines('O', 'times');

describe('by the keys of both', () => {
  const records: Sent[] = [
    ['a', 'k', { V: 1 }, 10],
    ['b', 'k', { W: 2 }, 5],
    ['a', 'k', null, 20],
    ['b', 'k', null, 30],
    ['b', 'm', { W: 3 }, 40],
  ];

  test.each([
    ['JOIN', 'a.id', ['k {"V":1,"W":2} @10', 'k null @20']],
    ['LEFT JOIN', 'a.id', ['k {"V":1,"W":null} @10', 'k {"V":1,"W":2} @10', 'k null @20']],
    ['RIGHT JOIN', 'b.id', ['k {"V":1,"W":2} @10', 'k {"V":null,"W":2} @20', 'k null @30', 'm {"V":null,"W":3} @40']],
    [
      'FULL JOIN',
      'ROWKEY AS id',
      [
        'k {"V":1,"W":null} @10',
        'k {"V":1,"W":2} @10',
        'k {"V":null,"W":2} @20',
        'k null @30',
        'm {"V":null,"W":3} @40',
      ],
    ],
  ])('%s', (join, key, expected) => {
    expect(run(`${key}, v, w FROM a ${join} b ON a.id = b.id`, records)).toEqual(expected);
  });

  test('the key of a side is NULL where that has no row', () => {
    expect(run('ROWKEY AS k, a.id, b.id, v FROM a FULL JOIN b ON a.id = b.id', records)[0]).toBe(
      'k {"A_ID":"k","B_ID":null,"V":1} @10',
    );
  });

  test('three of them', () => {
    const more: Sent[] = [
      ['a', 'k', { V: 1 }],
      ['b', 'k', { W: 2 }],
      ['c', 'k', { X: 3 }],
      ['b', 'k', null],
      ['c', 'n', { X: 4 }],
    ];
    expect(run('a.id, v, w, x FROM a LEFT JOIN b ON a.id = b.id JOIN c ON b.id = c.id', more)).toEqual([
      'k {"V":1,"W":2,"X":3} @0',
      'k {"V":1,"W":null,"X":3} @0',
    ]);
    expect(
      run('ROWKEY AS k, a.id, v, w, x FROM a LEFT JOIN b ON a.id = b.id FULL JOIN c ON a.id = c.id', more).at(-1),
    ).toBe('n {"A_ID":null,"V":null,"W":null,"X":4} @0');
  });
});

describe('by a foreign key', () => {
  const records: Sent[] = [
    ['a', 'k', { V: 1, REF: 'p' }, 10],
    ['a', 'l', { V: 2, REF: 'p' }, 11],
    ['a', 'm', { V: 3, REF: null }, 12],
    ['b', 'p', { W: 5 }, 5],
    ['b', 'q', { W: 6 }, 20],
    ['a', 'k', { V: 1, REF: 'q' }, 21],
    ['b', 'p', null, 30],
    ['a', 'k', null, 40],
  ];

  test('each change of a row goes to all that refer to it', () => {
    expect(run('a.id, v, w FROM a JOIN b ON a.ref = b.id', records)).toEqual([
      'k {"V":1,"W":5} @10',
      'l {"V":2,"W":5} @11',
      'k {"V":1,"W":6} @21',
      'l null @30',
      'k null @40',
    ]);
    expect(run('a.id, v, w FROM a LEFT JOIN b ON a.ref = b.id', records)).toEqual([
      'k {"V":1,"W":null} @10',
      'l {"V":2,"W":null} @11',
      'm {"V":3,"W":null} @12',
      'k {"V":1,"W":5} @10',
      'l {"V":2,"W":5} @11',
      'k {"V":1,"W":6} @21',
      'l {"V":2,"W":null} @30',
      'k null @40',
    ]);
  });

  test('of an expression, before a join by the key', () => {
    expect(
      run('a.id, w, x FROM a JOIN b ON LCASE(a.ref) = b.id LEFT JOIN c ON a.id = c.id', [
        ['b', 'p', { W: 5 }],
        ['a', 'k', { V: 1, REF: 'P' }],
        ['c', 'k', { X: 7 }],
      ]),
    ).toEqual(['k {"W":5,"X":null} @0', 'k {"W":5,"X":7} @0']);
  });

  test('a key that fails is NULL, and noted once for each change', () => {
    const ran = runSql(
      `${sources}${table('d', 'n INT')}CREATE TABLE e (id INT PRIMARY KEY, y INT) WITH (KAFKA_TOPIC='e', PARTITIONS=1, VALUE_FORMAT='JSON');
       CREATE TABLE o AS SELECT d.id, y FROM d LEFT JOIN e ON 10 / n = e.id;`,
      [
        ['d', 'k', { N: 0 }],
        ['d', 'k', { N: 1 }],
      ],
    );
    expect(ran.lines('O')).toEqual(['k {"Y":null}', 'k {"Y":null}']);
    expect(ran.drops).toEqual([expect.stringMatching(/^processing: .*10 \/ /)]);
  });
});

describe('what is refused', () => {
  const fault = (select: string): string => faultOf(`CREATE TABLE o AS SELECT ${select};`, sources);

  test.each([
    ['* FROM a JOIN b WITHIN 1 DAY ON a.id = b.id', /^SQL_JOIN_WITHIN/],
    ['* FROM a JOIN b ON a.v = b.w', /^SQL_JOIN_CONDITION.*primary key B.ID, not on B.W/],
    ['* FROM a JOIN b ON a.v = b.id', /^SQL_JOIN_TYPES.*INTEGER.*STRING/],
    [
      '* FROM a RIGHT JOIN b ON a.ref = b.id',
      /^SQL_JOIN_TYPE.*RIGHT JOIN.*foreign key|^SQL_JOIN_TYPE.*foreign key.*RIGHT JOIN/,
    ],
    ['* FROM a JOIN b ON a.id = b.id JOIN c ON a.ref = c.id', /^SQL_JOIN_CONDITION.*A.REF = C.ID is a foreign key/],
    ['v, w FROM a JOIN b ON a.ref = b.id', /^SQL_MISSING_KEY_COLUMN.* ID/],
    ['* FROM a JOIN b ON a.id = b.id AND a.v = b.w', /^SQL_JOIN_CONDITION.*one equality/],
    ['* FROM a JOIN a x ON a.id = x.id', /^SQL_SELF_JOIN/],
  ])('%s', (select, expected) => {
    expect(fault(select)).toMatch(expected);
  });
});
