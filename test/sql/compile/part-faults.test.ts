/** A member of a collection that fails is NULL in it, and noted with the record. */

import { expect, test } from 'vitest';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';
import { builtInFunctions, compileTopology, ScanRegistry } from '../../../sql/index.ts';
import { commandOf, faultOf } from '../support/planning.ts';

const run = (sql: string, value: unknown): { readonly out: unknown[]; readonly notes: string[] } => {
  const command = commandOf(sql);
  if (command.kind !== 'create-as') throw new Error('a query was expected');
  const topology = compileTopology(command.query.plan, {
    functions: builtInFunctions(),
    context: { now: () => 0, random: () => 0 },
    scans: new ScanRegistry(),
  });
  const driver = new TopologyTestDriver(topology);
  driver.pipe('bare', [{ value: new TextEncoder().encode(JSON.stringify(value)), timestamp: 0 }]);
  const out = driver.take('X').map((record) => JSON.parse(new TextDecoder().decode(record.value ?? new Uint8Array())));
  const notes = driver.drops.map((drop) => drop.detail);
  driver.close();
  return { out, notes };
};

const select = (items: string, rest = ''): string =>
  `CREATE STREAM x WITH (VALUE_FORMAT='JSON') AS SELECT ${items} FROM bare ${rest};`;

test('ARRAY, MAP and STRUCT keep their other members', () => {
  const { out, notes } = run(
    select(
      "ARRAY[CAST(v AS INT), 2] AS a, MAP('k' := CAST(v AS INT), 'l' := 3) AS m, STRUCT(p := CAST(v AS INT), q := 4) AS s",
    ),
    'seven',
  );
  expect(out).toEqual([{ A: [null, 2], M: { k: null, l: 3 }, S: { P: null, Q: 4 } }]);
  expect(notes).toHaveLength(3);
  expect(notes[0]).toMatch(/^a part of a value is NULL: CAST\(V AS INTEGER\) failed: the text .* is no INTEGER$/);
});

test('a condition goes by the members that stand', () => {
  const { out, notes } = run(select('v', 'WHERE ARRAY[CAST(v AS INT), 2][2] = 2'), 'seven');
  expect(out).toHaveLength(1);
  expect(notes).toHaveLength(1);
});

test('what is inserted must not fail in any part', () => {
  expect(faultOf('INSERT INTO orders (id, items) VALUES (1, ARRAY[1 / 0, 2]);')).toMatch(/division by zero/);
});
