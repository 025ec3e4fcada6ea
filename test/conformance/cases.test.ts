/** Reading cases, comparing values, and the list of failing cases. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCases, readJson, writeJson } from './cases.ts';
import { difference } from './compare.ts';
import { compareWithList, newList } from './failing-list.ts';
import { conformanceReport } from './report.ts';
import type { Outcome } from './runner.ts';

const readText = (text: string): ReturnType<typeof readCases> => {
  const folder = mkdtempSync(join(tmpdir(), 'cases-'));
  try {
    writeFileSync(join(folder, 'own.json'), text);
    return readCases(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

test('numbers keep all their digits', () => {
  expect(readJson('[9007199254740993, 1, 0.5]')).toEqual([9007199254740993n, 1, 0.5]);
  expect(writeJson([9007199254740993n, { a: null }])).toBe('[9007199254740993,{"a":null}]');
});

test('a case with formats runs once for each, and its id says which', () => {
  const cases = readText(`{"tests": [
    {"name": "one", "format": ["JSON", "KAFKA"], "statements": ["WITH (FORMAT='{FORMAT}')"],
     "topics": [{"name": "t", "valueFormat": "{FORMAT}"}]},
    {"name": "two", "config": ["on", "off"], "properties": {"p": "{CONFIG}"}, "statements": []},
    {"name": "three", "statements": []}]}`);
  expect(cases.map(({ id }) => id)).toEqual([
    'own/one [JSON]',
    'own/one [KAFKA]',
    'own/two [on]',
    'own/two [off]',
    'own/three',
  ]);
  expect(cases.map(({ statements }) => statements[0])).toEqual([
    "WITH (FORMAT='JSON')",
    "WITH (FORMAT='KAFKA')",
    undefined,
    undefined,
    undefined,
  ]);
  expect(cases[3]?.properties).toEqual({ p: 'off' });
});

test('doubles compare within a millionth, whole numbers exactly', () => {
  expect(difference(1.0000001, 1, { kind: 'DOUBLE' }, 'v')).toBeUndefined();
  expect(difference(1.1, 1, { kind: 'DOUBLE' }, 'v')).toBe('v: expected 1.1, got 1');
  expect(difference(9007199254740993n, 9007199254740992n, { kind: 'BIGINT' }, 'v')).toBe(
    'v: expected 9007199254740993, got 9007199254740992',
  );
});

test('objects have the same number of fields, which may be spelled in capitals', () => {
  expect(difference({ a: 1 }, { A: 1 }, undefined, 'v')).toBeUndefined();
  expect(difference({ a: 1 }, { A: 1, B: null }, undefined, 'v')).toBe('v: expected {"a":1}, got {"A":1,"B":null}');
  expect(difference({ a: null }, { B: 1 }, undefined, 'v')).toBeUndefined();
  expect(difference({ a: 1 }, { B: 1 }, undefined, 'v')).toBe('v.a: expected 1, got nothing');
  expect(difference({ a: [1, { b: 2 }] }, { a: [1, { b: 3 }] }, undefined, 'v')).toBe('v.a[1].b: expected 2, got 3');
});

describe('the list of failing cases', () => {
  const fail = (number: number, id: string): Outcome => ({
    id,
    number,
    result: 'fail',
    why: `${id} is wrong\nsee below`,
  });
  const list = newList([fail(3, 'a'), fail(12, 'b')]);

  test('has a line for each case: number, hash of the id, first line of the reason', () => {
    expect(list).toMatch(/^ {3}3 {2}[0-9a-f]{16} {2}a is wrong\n {2}12 {2}[0-9a-f]{16} {2}b is wrong\n$/);
  });

  test('shrinks and never grows', () => {
    expect(compareWithList([fail(3, 'a'), fail(12, 'b')], list)).toEqual({ unlisted: [], mended: [], list });
    const next = compareWithList([{ id: 'a', number: 3, result: 'pass' }, fail(12, 'b'), fail(13, 'c')], list);
    expect(next).toMatchObject({ unlisted: ['c'], mended: ['a'] });
    expect(next.list).toMatch(/^ {2}12 {2}[0-9a-f]{16} {2}b is wrong\n$/);
  });

  test('keeps cases that were not run', () => {
    expect(compareWithList([], list).list).toBe(list);
  });

  test('is refused when a line cannot be read', () => {
    expect(() => compareWithList([], '0123456789abcdef\n')).toThrow('cannot be read: 0123456789abcdef');
  });
});

test('the report counts cases by outcome and reason', () => {
  const report = conformanceReport([
    { id: 'a', number: 1, result: 'pass' },
    { id: 'b', number: 2, result: 'skip', why: 'format: AVRO is not there yet' },
    { id: 'c', number: 3, result: 'fail', why: 'T[0].value: expected 1, got 2' },
    { id: 'd', number: 4, result: 'fail', why: 'SQL_UNKNOWN_FUNCTION: there is no function called "MD5"' },
  ]);
  expect(report).toContain('| 4 | 3 | 1 | 2 | 1 |');
  expect(report).toContain('| 1 | format: AVRO is not there yet |');
  expect(report).toContain('| 1 | the output differs |');
  expect(report).toContain('| 1 | SQL_UNKNOWN_FUNCTION: there is no function called "MD5" |');
});
