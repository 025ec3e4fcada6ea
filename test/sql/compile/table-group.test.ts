/** GROUP BY over a table: what is kept incrementally equals what is computed anew. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';
import { builtInFunctions, compileTopology, ScanRegistry } from '../../../sql/index.ts';
import { commandOf } from '../support/planning.ts';

/** Changes of the table `customers` in, changes of the grouped table out; both as `key value` lines. */
const run = (sql: string, changes: readonly (readonly [key: string, value: object | null])[]): string[] => {
  const command = commandOf(sql);
  if (command.kind !== 'create-as') throw new Error('a query was expected');
  const topology = compileTopology(command.query.plan, {
    functions: builtInFunctions(),
    context: { now: () => 0, random: () => 0 },
    scans: new ScanRegistry(),
  });
  const driver = new TopologyTestDriver(topology);
  const text = new TextEncoder();
  const lines: string[] = [];
  for (const [key, value] of changes) {
    const bytes = value === null ? null : text.encode(JSON.stringify(value));
    driver.pipe('customers', [{ key: text.encode(key), value: bytes, timestamp: 0 }]);
    for (const record of driver.take('CITIES')) {
      const [k, v] = [record.key, record.value].map((part) =>
        part === null ? 'null' : new TextDecoder().decode(part),
      );
      lines.push(`${k} ${v}`);
    }
  }
  driver.close();
  return lines;
};

const counts = 'CREATE TABLE cities AS SELECT city, COUNT(*) AS n, SUM(since) AS s FROM customers GROUP BY city;';

describe('a row that changes', () => {
  test('leaves its former group before it enters the other', () => {
    expect(
      run(counts, [
        ['ada', { CITY: 'Ulm', SINCE: 1 }],
        ['bob', { CITY: 'Ulm', SINCE: 2 }],
        ['ada', { CITY: 'Bonn', SINCE: 1 }],
      ]),
    ).toEqual(['Ulm {"N":1,"S":1}', 'Ulm {"N":2,"S":3}', 'Ulm {"N":1,"S":2}', 'Bonn {"N":1,"S":1}']);
  });

  test('within its group is one change of the group', () => {
    expect(
      run(counts, [
        ['ada', { CITY: 'Ulm', SINCE: 1 }],
        ['ada', { CITY: 'Ulm', SINCE: 7 }],
      ]),
    ).toEqual(['Ulm {"N":1,"S":1}', 'Ulm {"N":1,"S":7}']);
  });

  test('to a group that is NULL, or is deleted, only leaves', () => {
    expect(
      run(counts, [
        ['ada', { CITY: 'Ulm', SINCE: 1 }],
        ['ada', { CITY: null, SINCE: 1 }],
        ['ada', { CITY: 'Ulm', SINCE: 3 }],
        ['ada', null],
        ['ada', null],
      ]),
    ).toEqual(['Ulm {"N":1,"S":1}', 'Ulm {"N":0,"S":0}', 'Ulm {"N":1,"S":3}', 'Ulm {"N":0,"S":0}']);
  });

  test('counts as gone when WHERE does not pass it any more', () => {
    const sql = counts.replace('GROUP BY', 'WHERE since > 0 GROUP BY');
    expect(
      run(sql, [
        ['ada', { CITY: 'Ulm', SINCE: 1 }],
        ['ada', { CITY: 'Ulm', SINCE: 0 }],
      ]),
    ).toEqual(['Ulm {"N":1,"S":1}', 'Ulm {"N":0,"S":0}']);
  });
});

test('incremental equals recomputed', () => {
  const change = fc.tuple(
    fc.constantFrom('ada', 'bob', 'cy', 'dee'),
    fc.option(
      fc.record({ CITY: fc.constantFrom('Ulm', 'Bonn', null), SINCE: fc.option(fc.integer({ min: -5, max: 5 })) }),
      { freq: 4 },
    ),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const table = new Map(changes);
      const expected = new Map<string, string>();
      const cities = new Set(changes.flatMap(([, row]) => (typeof row?.CITY === 'string' ? [row.CITY] : [])));
      for (const city of cities) {
        const rows = [...table.values()].filter((row) => row?.CITY === city);
        const sum = rows.reduce((total, row) => total + (row?.SINCE ?? 0), 0);
        expected.set(city, `{"N":${rows.length},"S":${sum}}`);
      }
      const last = new Map(run(counts, changes).map((line) => line.split(' ') as [string, string]));
      expect(last).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});
