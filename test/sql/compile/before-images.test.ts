/** Which steps of a query are asked for the row before a change. */

import { expect, test } from 'vitest';
import { compileTopology, ScanRegistry } from '../../../sql/index.ts';
import { context, functions } from '../evaluate/support.ts';
import { commandOf } from '../support/planning.ts';

const askedIn = (statement: string): string[] => {
  const command = commandOf(statement);
  if (command.kind !== 'create-as') throw new Error(`the statement is not a query but ${command.kind}`);
  const topology = compileTopology(command.query.plan, { functions, context, scans: new ScanRegistry() });
  return topology.subTopologies().flatMap(({ beforeSenders }) => [...beforeSenders]);
};

test('an aggregate is asked by HAVING', () => {
  expect(askedIn('CREATE TABLE o AS SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer;')).toEqual([]);
  expect(
    askedIn('CREATE TABLE o AS SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer HAVING COUNT(*) > 1;'),
  ).toEqual(['Aggregate']);
});

test('of a table that is grouped the rows are asked for, and not the accumulators', () => {
  expect(askedIn('CREATE TABLE o AS SELECT city, COUNT(*) AS n FROM customers GROUP BY city;')).toEqual([
    'Source-Table',
  ]);
});

test('a table that is joined or written is not asked', () => {
  expect(
    askedIn('CREATE STREAM o AS SELECT orders.customer, city FROM orders JOIN customers ON orders.customer = name;'),
  ).toEqual([]);
  expect(askedIn('CREATE TABLE o AS SELECT name, city FROM customers WHERE since > 3;')).toEqual([]);
});
