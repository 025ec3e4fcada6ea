/**
 * Over random histories a query that is kept up to date holds what computing it anew would give: aggregates of streams,
 * of windows and of tables, joins, and filters over all of them.
 */

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { runSql, type Sent } from './support/running.ts';

interface Row {
  readonly G: string | null;
  readonly V: number | null;
}

const row = fc.record<Row>({
  G: fc.option(fc.constantFrom('x', 'y', 'z'), { nil: null, freq: 6 }),
  V: fc.option(fc.integer({ min: -3, max: 3 }), { nil: null, freq: 6 }),
});
const key = fc.constantFrom('a', 'b', 'c', 'd');
const histories = fc.array(fc.tuple(key, fc.option(row, { nil: null, freq: 6 }), fc.integer({ min: 0, max: 60_000 })), {
  maxLength: 40,
});
const runs = { numRuns: 60 };

const source = (kind: 'STREAM' | 'TABLE', name = 's'): string =>
  `CREATE ${kind} ${name} (k VARCHAR ${kind === 'TABLE' ? 'PRIMARY ' : ''}KEY, g VARCHAR, v INT)
     WITH (KAFKA_TOPIC='${name}', PARTITIONS=1, VALUE_FORMAT='JSON');`;

/** What a table's topic holds at the end, by key. */
const finalRows = (lines: readonly string[]): Record<string, unknown> => {
  const rows = new Map<string, unknown>();
  for (const line of lines) {
    const [at = '', value = 'null'] = line.split(/ (.*)/);
    if (value === 'null') rows.delete(at);
    else rows.set(at, JSON.parse(value));
  }
  return Object.fromEntries(rows);
};

const groupsOf = <T extends Row>(rows: readonly T[]): Record<string, T[]> => {
  const groups: Record<string, T[]> = {};
  for (const one of rows) if (one.G !== null) (groups[one.G] ??= []).push(one);
  return groups;
};

const valuesOf = (rows: readonly Row[]): number[] => rows.flatMap(({ V }) => (V === null ? [] : [V]));
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const average = (values: readonly number[]): number => (values.length === 0 ? 0 : sum(values) / values.length);

test('aggregates of a stream', () => {
  const query = `${source('STREAM')}
    CREATE TABLE o AS SELECT g, COUNT(*) AS n, COUNT(v) AS some, SUM(v) AS total, MIN(v) AS least, MAX(v) AS most,
      AVG(v) AS mean, COLLECT_LIST(v) AS all_of, LATEST_BY_OFFSET(v) AS last, EARLIEST_BY_OFFSET(v) AS first, TOPK(v, 2) AS top
    FROM s WHERE v IS NULL OR v > -3 GROUP BY g HAVING COUNT(*) > 1;`;
  fc.assert(
    fc.property(histories, (history) => {
      const sent = history.map(([k, value, at]): Sent => ['s', k, value, at]);
      const rows = history.flatMap(([, value]) => (value === null || value.V === -3 ? [] : [value]));
      const wanted: Record<string, unknown> = {};
      for (const [g, members] of Object.entries(groupsOf(rows))) {
        const values = valuesOf(members);
        if (members.length < 2) continue;
        wanted[g] = {
          N: members.length,
          SOME: values.length,
          TOTAL: sum(values),
          LEAST: values.length === 0 ? null : Math.min(...values),
          MOST: values.length === 0 ? null : Math.max(...values),
          MEAN: average(values),
          ALL_OF: members.map(({ V }) => V),
          LAST: values.at(-1) ?? null,
          FIRST: values[0] ?? null,
          TOP: [...values].sort((a, b) => b - a).slice(0, 2),
        };
      }
      expect(finalRows(runSql(query, sent).lines('O'))).toEqual(wanted);
    }),
    runs,
  );
});

test('aggregates of a table', () => {
  const query = `${source('TABLE')}
    CREATE TABLE o AS SELECT g, COUNT(*) AS n, COUNT(v) AS some, SUM(v) AS total, AVG(v) AS mean, COLLECT_LIST(v) AS all_of
    FROM s WHERE v IS NULL OR v > -3 GROUP BY g HAVING COUNT(*) > 0;
    CREATE TABLE sizes WITH (KEY_FORMAT='JSON') AS SELECT n, COUNT(*) AS many, SUM(total) AS total FROM o GROUP BY n HAVING COUNT(*) > 0;`;
  fc.assert(
    fc.property(histories, (history) => {
      const ran = runSql(
        query,
        history.map(([k, value, at]): Sent => ['s', k, value, at]),
      );
      const table = new Map(history.map(([k, value]) => [k, value]));
      const rows = [...table.values()].flatMap((value) => (value === null || value.V === -3 ? [] : [value]));
      const ordered = (list: readonly (number | null)[]): string[] => list.map(String).sort();
      const wanted = Object.entries(groupsOf(rows)).map(([g, members]) => {
        const values = valuesOf(members);
        return [
          g,
          {
            N: members.length,
            SOME: values.length,
            TOTAL: sum(values),
            MEAN: average(values),
            ALL_OF: ordered(members.map(({ V }) => V)),
          },
        ] as const;
      });
      const found = Object.entries(finalRows(ran.lines('O')) as Record<string, { ALL_OF: (number | null)[] }>);
      expect(Object.fromEntries(found.map(([g, one]) => [g, { ...one, ALL_OF: ordered(one.ALL_OF) }]))).toEqual(
        Object.fromEntries(wanted),
      );
      const sizes: Record<string, unknown> = {};
      for (const { N } of wanted.map(([, one]) => one)) {
        const same = wanted.filter(([, one]) => one.N === N);
        sizes[String(N)] = { MANY: same.length, TOTAL: sum(same.map(([, one]) => one.TOTAL)) };
      }
      expect(finalRows(ran.lines('SIZES'))).toEqual(sizes);
    }),
    runs,
  );
});

test('windows count the rows that were in time', () => {
  const sizeMs = 10_000;
  const graceMs = 5000;
  const query = `${source('STREAM')}
    CREATE TABLE o AS SELECT g, WINDOWSTART AS start, COUNT(*) AS n, SUM(v) AS total FROM s
      WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 5 SECONDS) GROUP BY g;`;
  fc.assert(
    fc.property(histories, (history) => {
      const ran = runSql(
        query,
        history.map(([k, value, at]): Sent => ['s', k, value, at]),
      );
      let streamTime = 0;
      let late = 0;
      const wanted = new Map<string, { START: number; N: number; TOTAL: number }>();
      for (const [, value, at] of history) {
        // What has no group does not reach the windows, and is no sign of how far time has come.
        if (value === null || value.G === null) continue;
        streamTime = Math.max(streamTime, at);
        const START = Math.floor(at / sizeMs) * sizeMs;
        if (START + sizeMs + graceMs <= streamTime) {
          late++;
          continue;
        }
        const window = wanted.get(`${value.G} ${START}`) ?? { START, N: 0, TOTAL: 0 };
        wanted.set(`${value.G} ${START}`, { START, N: window.N + 1, TOTAL: window.TOTAL + (value.V ?? 0) });
      }
      const found = Object.entries(finalRows(ran.lines('O')) as Record<string, { START: number }>).map(
        ([key, one]) => [`${key.split('@')[0]} ${one.START}`, one] as const,
      );
      expect(Object.fromEntries(found)).toEqual(Object.fromEntries(wanted));
      expect(ran.drops.filter((drop) => drop.startsWith('late'))).toHaveLength(late);
    }),
    runs,
  );
});

test('a stream meets the row that the table holds at that moment, by its key and by another column', () => {
  const formats = fc.constantFrom('KAFKA', 'JSON');
  const changes = fc.array(fc.tuple(fc.boolean(), key, fc.option(row, { nil: null, freq: 5 })), { maxLength: 40 });
  fc.assert(
    fc.property(changes, formats, formats, fc.boolean(), fc.boolean(), (history, own, others, byKey, left) => {
      const format = (kind: 'STREAM' | 'TABLE', name: string, keys: string): string =>
        source(kind, name).replace('VALUE_FORMAT', `KEY_FORMAT='${keys}', VALUE_FORMAT`);
      const bytes = (keys: string, one: string): string => (keys === 'JSON' ? JSON.stringify(one) : one);
      const ran = runSql(
        `${format('STREAM', 's', own)}${format('TABLE', 't', others)}
         CREATE STREAM o WITH (KEY_FORMAT='KAFKA') AS SELECT ${byKey ? 's.k' : 's.g'} AS meets, s.v AS v, t.v AS other
           FROM s ${left ? 'LEFT JOIN' : 'JOIN'} t ON ${byKey ? 's.k' : 's.g'} = t.k WHERE s.v IS NULL OR s.v < 3;`,
        history.map(([ofTable, one, value], i): Sent => {
          // Groups of the stream are keys of the table.
          const group = value?.G === 'x' ? 'a' : value?.G === 'y' ? 'b' : value?.G;
          const sent = value === null || ofTable ? value : { ...value, G: group };
          return ofTable ? ['t', bytes(others, one), sent, i] : ['s', bytes(own, one), sent, i];
        }),
      );
      const table = new Map<string, Row>();
      const wanted: string[] = [];
      for (const [ofTable, one, value] of history) {
        if (ofTable) {
          if (value === null) table.delete(one);
          else table.set(one, value);
          continue;
        }
        if (value === null || value.V === 3) continue;
        const at = byKey ? one : value.G === 'x' ? 'a' : value.G === 'y' ? 'b' : value.G;
        const met = at === null ? undefined : table.get(at);
        if (met === undefined && !left) continue;
        wanted.push(`${at} ${JSON.stringify({ V: value.V, OTHER: met?.V ?? null })}`);
      }
      expect(ran.lines('O')).toEqual(wanted);
    }),
    { numRuns: 150 },
  );
});
