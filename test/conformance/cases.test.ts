/** Reading cases, comparing values, and the list of failing cases. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCases, readJson, writeJson } from './cases.ts';
import { difference } from './compare.ts';
import { judge } from './failing-list.ts';

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

test('the list of failing cases shrinks, and never grows', () => {
  const fail = (id: string): { id: string; result: 'fail' } => ({ id, result: 'fail' });
  const first = judge([fail('a'), fail('b')], undefined);
  expect(first).toMatchObject({ fresh: [], mended: [] });
  expect(first.list.split('\n')).toHaveLength(3);
  const second = judge([{ id: 'a', result: 'pass' }, fail('b'), fail('c')], first.list);
  expect(second).toMatchObject({ fresh: ['c'], mended: ['a'] });
  expect(second.list.split('\n')).toHaveLength(2);
  // Cases that were not run stay listed.
  expect(judge([], first.list).list).toBe(first.list);
});
