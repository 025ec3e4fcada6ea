/** A rejection is compared by its kind and the names in it. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { UserError } from '../../base/index.ts';
import { faultKind, knownCodes } from './fault-kinds.ts';
import { rejectionFault } from './rejection.ts';

const unknownColumn = (name: string): UserError =>
  new UserError('SQL_UNKNOWN_COLUMN', `the column "${name}" in SELECT does not exist in stream "S"`);

test('the same kind of fault with the same name is the right rejection', () => {
  expect(rejectionFault("SELECT column 'AEG' cannot be resolved.", unknownColumn('AEG'))).toBeUndefined();
});

test('another name, or another kind with the same name, is not', () => {
  expect(rejectionFault("SELECT column 'AEG' cannot be resolved.", unknownColumn('AGE'))).toMatch(
    /^the error does not name AEG: /,
  );
  expect(rejectionFault("SELECT column 'AEG' cannot be resolved.", new UserError('SQL_SYNTAX', 'AEG'))).toMatch(
    /^rejected for something else than SQL_UNKNOWN_COLUMN: SQL_SYNTAX: AEG; the case expects /,
  );
});

test('of a list or an expression one name is enough', () => {
  const message = 'Non-aggregate SELECT expression(s) not part of GROUP BY: SUBSTRING(REGION, 7, 3)';
  const ours = (column: string): UserError =>
    new UserError('SQL_NOT_GROUPED', `the column "${column}" in SELECT is neither grouped nor inside an aggregate`);
  expect(faultKind(message)?.names).toEqual([['SELECT'], ['SUBSTRING', 'REGION', '7', '3']]);
  expect(rejectionFault(message, ours('REGION'))).toBeUndefined();
  expect(rejectionFault(message, ours('OTHER'))).toMatch(/^the error does not name/);
});

test('a message of no known kind fails the case', () => {
  expect(rejectionFault('Something else altogether', unknownColumn('A'))).toMatch(/^fault-kinds.ts has no row for /);
});

test('"not supported" is never the right rejection, nor is an error of our own', () => {
  const unsupported = new UserError('SQL_TABLE_FUNCTION', 'table functions are not supported yet');
  expect(rejectionFault('Table functions cannot be used with aggregations.', unsupported)).toMatch(/^not rejected/);
  expect(rejectionFault('Unknown format: FOO', new TypeError('FOO'))).toBe(
    'TypeError: FOO; the case expects "Unknown format: FOO"',
  );
});

test('every code of the table is a documented error', () => {
  const documented = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'errors.md'), 'utf8');
  expect(knownCodes.filter((code) => !documented.includes(`\`${code}\``))).toEqual([]);
});
