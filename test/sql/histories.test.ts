/**
 * Over random histories a query that is kept up to date holds what computing it anew would give: aggregates of streams,
 * of windows and of tables, joins, and filters over all of them.
 */

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { JoinWindows } from '../../engine/public.ts';
import { type Event, joinResults } from '../engine/stream-join-oracle.ts';
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

const joins = ['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN'] as const;
type JoinWords = (typeof joins)[number];
const keepsLeft = (join: JoinWords): boolean => join === 'LEFT JOIN' || join === 'FULL JOIN';
const keepsRight = (join: JoinWords): boolean => join === 'RIGHT JOIN' || join === 'FULL JOIN';

/** Records of two sides: which, key, row, time. */
const sides = fc.array(
  fc.tuple(fc.boolean(), key, fc.option(row, { nil: null, freq: 6 }), fc.integer({ min: 0, max: 60_000 })),
  { maxLength: 40 },
);

test('two streams: every pair of one key that is near enough, and at once what has none so far', () => {
  fc.assert(
    fc.property(
      sides,
      fc.constantFrom(...joins),
      fc.boolean(),
      fc.nat({ max: 20 }),
      fc.nat({ max: 20 }),
      (history, join, ofKey, before, after) => {
        const ran = runSql(
          `${source('STREAM', 'l')}${source('STREAM', 'r')}
           CREATE STREAM o AS SELECT ${join === 'FULL JOIN' ? 'ROWKEY' : ofKey ? 'l.k' : 'l.g'} AS kk,
               AS_VALUE(l.k) AS lk, AS_VALUE(r.k) AS rk, l.v AS lv, r.v AS rv
             FROM l ${join} r WITHIN (${before} SECONDS, ${after} SECONDS) ON ${ofKey ? 'l.k = r.k' : 'l.g = r.g'};`,
          history.map(([ofLeft, k, value, at]): Sent => [ofLeft ? 'l' : 'r', k, value, at]),
        );
        const wanted: string[] = [];
        const show = (at: string | null, l: Joined | undefined, r: Joined | undefined, time: number): void => {
          const made = { LK: l?.k ?? null, RK: r?.k ?? null, LV: l?.V ?? null, RV: r?.V ?? null };
          wanted.push(`${at} ${JSON.stringify(made)} @${time}`);
        };
        const [beforeMs, afterMs] =
          join === 'RIGHT JOIN' ? [after * 1000, before * 1000] : [before * 1000, after * 1000];
        const earlier: Joined[] = [];
        for (const [ofLeft, k, value, time] of history) {
          if (value === null) continue;
          const at = ofKey ? k : value.G;
          const own: Joined = { ofLeft, k, at, time, V: value.V };
          const partners = earlier
            .filter((other) => other.ofLeft !== ofLeft && other.at === at && at !== null)
            .filter((other) => {
              const [l, r] = ofLeft ? [own, other] : [other, own];
              return r.time >= l.time - beforeMs && r.time <= l.time + afterMs;
            })
            .sort((a, b) => a.time - b.time);
          for (const other of partners) {
            const [l, r] = ofLeft ? [own, other] : [other, own];
            show(at, l, r, Math.max(l.time, r.time));
          }
          if (partners.length === 0 && (ofLeft ? keepsLeft(join) : keepsRight(join))) {
            show(at, ofLeft ? own : undefined, ofLeft ? undefined : own, time);
          }
          earlier.push(own);
        }
        expect(ran.lines('O', 'times')).toEqual(wanted);
      },
    ),
    { numRuns: 100 },
  );
});

interface Joined {
  readonly ofLeft: boolean;
  readonly k: string;
  readonly at: string | null;
  readonly time: number;
  readonly V: number | null;
}

test('two streams with a grace period: what is worked out from all pairs', () => {
  fc.assert(
    fc.property(
      sides,
      fc.constantFrom('inner', 'left', 'outer'),
      fc.nat({ max: 20 }),
      fc.nat({ max: 20 }),
      fc.nat({ max: 20 }),
      (history, kind, before, after, grace) => {
        const join = ({ inner: 'JOIN', left: 'LEFT JOIN', outer: 'FULL JOIN' } as const)[kind];
        const events: Event[] = history.map(([ofLeft, k, , time], i) => {
          const side = ofLeft ? 'L' : 'R';
          return { side, key: k, time, id: `${side}${i}` };
        });
        const ran = runSql(
          `${source('STREAM', 'l')}${source('STREAM', 'r')}
           CREATE STREAM o AS SELECT ${kind === 'outer' ? 'ROWKEY' : 'l.k'} AS kk, l.g AS lg, r.g AS rg
             FROM l ${join} r WITHIN (${before} SECONDS, ${after} SECONDS) GRACE PERIOD ${grace} SECONDS ON l.k = r.k;`,
          events.map(({ side, key: k, time, id }): Sent => [side === 'L' ? 'l' : 'r', k, { G: id, V: 0 }, time]),
        );
        const found = ran.lines('O', 'times').map((line) => {
          const { LG, RG } = JSON.parse(line.slice(line.indexOf('{'), line.lastIndexOf('}') + 1)) as Record<
            string,
            string
          >;
          return `${LG ?? '-'}+${RG ?? '-'}${line.slice(line.lastIndexOf('@'))}`;
        });
        const windows = JoinWindows.ofTimeDifferenceAndGrace(before * 1000, grace * 1000).after(after * 1000);
        expect(found).toEqual(joinResults(kind, windows, events));
      },
    ),
    { numRuns: 100 },
  );
});

const tables = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), key, fc.option(row, { nil: null, freq: 4 })), {
  maxLength: 50,
});

const tablesAt = (history: readonly (readonly [string, string, Row | null])[]): Record<string, Map<string, Row>> => {
  const all: Record<string, Map<string, Row>> = { a: new Map(), b: new Map(), c: new Map() };
  for (const [table, k, value] of history) {
    if (value === null) all[table]?.delete(k);
    else all[table]?.set(k, value);
  }
  return all;
};

test('three tables by their keys hold what joining them at the end gives', () => {
  fc.assert(
    fc.property(
      tables,
      fc.constantFrom(...joins),
      fc.constantFrom(...joins),
      fc.boolean(),
      (history, first, second, where) => {
        // Behind a FULL JOIN no column is the key that a third table could be joined by.
        fc.pre(first !== 'FULL JOIN');
        const ran = runSql(
          `${source('TABLE', 'a')}${source('TABLE', 'b')}${source('TABLE', 'c')}
         CREATE TABLE o AS SELECT ${second === 'FULL JOIN' ? 'ROWKEY' : 'a.k'} AS kk, a.v AS av, b.v AS bv, c.v AS cv
           FROM a ${first} b ON a.k = b.k ${second} c ON b.k = c.k ${where ? 'WHERE a.v > 0 OR c.v > 0' : ''};
         CREATE TABLE counts WITH (KEY_FORMAT='JSON') AS SELECT av, COUNT(*) AS n FROM o GROUP BY av;`,
          history.map(([table, k, value]): Sent => [table, k, value]),
        );
        const { a, b, c } = tablesAt(history) as Record<'a' | 'b' | 'c', Map<string, Row>>;
        const wanted: Record<string, { AV: number | null }> = {};
        for (const k of ['a', 'b', 'c', 'd']) {
          const [one, two, three] = [a.get(k), b.get(k), c.get(k)];
          const both = (one && two) ?? (keepsLeft(first) ? one : undefined) ?? (keepsRight(first) ? two : undefined);
          if (!((both && three) ?? (keepsLeft(second) ? both : undefined) ?? (keepsRight(second) ? three : undefined)))
            continue;
          const left = both === undefined ? [undefined, undefined] : [one, two];
          const made = { AV: left[0]?.V ?? null, BV: left[1]?.V ?? null, CV: three?.V ?? null };
          if (!where || (made.AV ?? 0) > 0 || (made.CV ?? 0) > 0) wanted[k] = made;
        }
        expect(finalRows(ran.lines('O'))).toEqual(wanted);
        const counts: Record<string, { N: number }> = {};
        for (const { AV } of Object.values(wanted)) {
          if (AV !== null) counts[AV] = { N: (counts[AV]?.N ?? 0) + 1 };
        }
        const found = finalRows(ran.lines('COUNTS')) as Record<string, { N: number }>;
        expect(Object.fromEntries(Object.entries(found).filter(([, { N }]) => N > 0))).toEqual(counts);
      },
    ),
    { numRuns: 150 },
  );
});

test('a table by a foreign key, and then by its key, holds what joining at the end gives', () => {
  fc.assert(
    fc.property(
      tables,
      fc.constantFrom('JOIN', 'LEFT JOIN'),
      fc.constantFrom('JOIN', 'LEFT JOIN', 'RIGHT JOIN'),
      (history, first, second) => {
        const ran = runSql(
          `${source('TABLE', 'a')}${source('TABLE', 'b')}${source('TABLE', 'c')}
         CREATE TABLE o AS SELECT a.k AS kk, a.v AS av, b.v AS bv FROM a ${first} b ON LCASE(a.g) = b.k;
         CREATE TABLE p AS SELECT a.k AS kk, a.v AS av, b.v AS bv, c.v AS cv
           FROM a ${first} b ON LCASE(a.g) = b.k ${second} c ON a.k = c.k;`,
          // Groups of one table are keys of the other.
          history.map(([table, k, value]): Sent => [table, k, value && { ...value, G: refersTo(value) }]),
        );
        const { a, b, c } = tablesAt(history) as Record<'a' | 'b' | 'c', Map<string, Row>>;
        const two: Record<string, unknown> = {};
        const three: Record<string, unknown> = {};
        for (const k of ['a', 'b', 'c', 'd']) {
          const one = a.get(k);
          const other = one && b.get(refersTo(one)?.toLowerCase() ?? '');
          const both = one && (other || first === 'LEFT JOIN') ? { AV: one.V, BV: other?.V ?? null } : undefined;
          if (both !== undefined) two[k] = both;
          const third = c.get(k);
          if ((both && third) || (both && second === 'LEFT JOIN') || (third && second === 'RIGHT JOIN')) {
            three[k] = { ...(both ?? { AV: null, BV: null }), CV: third?.V ?? null };
          }
        }
        expect(finalRows(ran.lines('O'))).toEqual(two);
        expect(finalRows(ran.lines('P'))).toEqual(three);
      },
    ),
    { numRuns: 150 },
  );
});

const refersTo = ({ G }: Row): string | null => (G === 'x' ? 'A' : G === 'y' ? 'B' : G);

test('a condition gives the same rows before a join of streams as behind it', () => {
  const conditions = [
    'l.v > 0',
    'r.v > 0',
    'l.v > 0 AND r.v > 0',
    'r.v IS NULL',
    'l.g = r.g AND l.v < 2',
    "l.k <> 'a'",
    'l.v = r.v',
  ];
  fc.assert(
    fc.property(
      sides,
      fc.constantFrom(...joins),
      fc.constantFrom(...conditions),
      fc.constantFrom('', 'GRACE PERIOD 5 SECONDS'),
      (history, join, where, grace) => {
        const key = join === 'FULL JOIN' ? 'ROWKEY' : 'l.k';
        const from = `FROM l ${join} r WITHIN 10 SECONDS ${grace} ON l.k = r.k`;
        const all = 'l.g AS lg, r.g AS rg, l.v AS lv, r.v AS rv, AS_VALUE(l.k) AS lk';
        const behind = where.replace(/\b([lr])\.([gvk])/g, '$1$2');
        const ran = runSql(
          `${source('STREAM', 'l')}${source('STREAM', 'r')}
         CREATE STREAM o AS SELECT ${key} AS kk, ${all} ${from} WHERE ${where};
         CREATE STREAM whole AS SELECT ${key} AS kk, ${all} ${from};
         CREATE STREAM part AS SELECT * FROM whole WHERE ${behind};`,
          history.map(([ofLeft, k, value, at]): Sent => [ofLeft ? 'l' : 'r', k, value, at]),
        );
        expect(ran.lines('O', 'times')).toEqual(ran.lines('PART', 'times'));
      },
    ),
    { numRuns: 100 },
  );
});
