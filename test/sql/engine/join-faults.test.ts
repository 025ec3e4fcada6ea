/**
 * Joins as SQL under faults: of streams, of tables, by a foreign key. What is committed in the end is what looking at
 * all pairs of records gives, whatever the order in which the topics were read: nothing is lost, nothing is sent twice.
 */

import { describe, expect } from 'vitest';
import { murmur2, type Random, utf8Bytes } from '../../../base/index.ts';
import {
  builtInFunctions,
  compileTopology,
  type PhysicalPlan,
  readPlan,
  ScanRegistry,
  writePlan,
} from '../../../sql/index.ts';
import { parseStatements } from '../../../sql/parser/parse.ts';
import type { Log } from '../../../storage/index.ts';
import { type History, testWithFaults } from '../../engine/runtime/fault-history.ts';
import { consume, produce } from '../../engine/runtime/support.ts';
import { session } from '../support/planning.ts';

const partitions = 2;
const keys = 6;
const windowMs = 10;

const functions = builtInFunctions();

const source = (kind: 'STREAM' | 'TABLE', name: string): string =>
  `CREATE ${kind} ${name} (k VARCHAR ${kind === 'TABLE' ? 'PRIMARY ' : ''}KEY, id VARCHAR, ref VARCHAR)
     WITH (KAFKA_TOPIC='${name}', PARTITIONS=${partitions}, VALUE_FORMAT='JSON');`;

const inputs = ['l', 'r', 't', 'u'] as const;

/** By topic, as from the statement log. No window closes before the end: which rows meet does not depend on order. */
const plans = (): Readonly<Record<string, PhysicalPlan>> => {
  const own = session();
  const found: Record<string, PhysicalPlan> = {};
  const within = `WITHIN ${windowMs} MILLISECONDS`;
  const text = [
    ...inputs.map((name) => source(name === 'l' || name === 'r' ? 'STREAM' : 'TABLE', name)),
    `CREATE STREAM near AS SELECT l.k, l.id, r.id FROM l JOIN r ${within} ON l.k = r.k;`,
    `CREATE STREAM waited AS SELECT l.k, l.id, r.id FROM l LEFT JOIN r ${within} GRACE PERIOD 1 DAY ON l.k = r.k;`,
    `CREATE STREAM moved AS SELECT l.ref, l.id, r.id FROM l JOIN r ${within} ON l.ref = r.ref;`,
    'CREATE TABLE both AS SELECT ROWKEY AS kk, AS_VALUE(ROWKEY) AS name, t.id, u.id FROM t FULL JOIN u ON t.k = u.k;',
    'CREATE TABLE referred AS SELECT t.k AS kk, AS_VALUE(t.k) AS name, t.id, u.id FROM t LEFT JOIN u ON t.ref = u.k;',
  ].join('\n');
  for (const statement of parseStatements(text)) {
    const { planned } = own.plan(statement);
    if (planned.kind === 'command' && planned.command.kind === 'create-as') {
      const { source: made, query } = planned.command;
      found[made.topic] = readPlan(JSON.parse(writePlan(query.plan)));
    }
  }
  return found;
};

/** Where a foreign key is looked for. */
const partitionOf = (key: string): number => {
  const bytes = utf8Bytes(key);
  return (murmur2(bytes) & 0x7fff_ffff) % partitions;
};

interface Event {
  readonly input: (typeof inputs)[number];
  readonly key: string;
  readonly id: string;
  readonly ref: string;
  readonly time: number;
  /** Of a table: the row is deleted. */
  readonly deleted: boolean;
}

interface Written {
  readonly NAME?: string;
  readonly [id: string]: string | null | undefined;
}

const history = (): History => {
  const events: Event[] = [];
  let now = 100;
  let number = 0;
  const send = async (log: Log, random: Random): Promise<void> => {
    now += random.below(4);
    const key = `k${random.below(keys)}`;
    const ref = `k${random.below(keys)}`;
    const input = random.pick(inputs);
    const time = random.chance(0.3) ? now - random.below(20) : now;
    const id = `${input}${number++}`;
    const deleted = (input === 't' || input === 'u') && random.chance(0.25);
    events.push({ input, key, id, ref, time, deleted });
    const value = deleted ? null : JSON.stringify({ ID: id, REF: ref });
    await produce(log, input, partitionOf(key), [{ key, value, timestamp: time }]);
  };
  const made = plans();
  return {
    plans: made,
    build: (plan) =>
      compileTopology(plan as PhysicalPlan, {
        functions,
        context: { now: () => 0, random: () => 0 },
        scans: new ScanRegistry(),
      }),
    rounds: 12,
    async prepare(log) {
      for (const name of [...inputs, ...Object.keys(made)]) await log.createTopic({ name, partitions });
      await log.createTopic({ name: 'problems', partitions: 1 });
    },
    async round(_round, log, random) {
      for (let i = random.below(12); i >= 0; i--) await send(log, random);
    },
    async check(log) {
      const written = async (topic: string): Promise<Written[]> =>
        (await consume(log, topic)).flatMap(({ value }) => (value === null ? [] : [JSON.parse(value) as Written]));
      const pairs = (same: (l: Event, r: Event) => boolean): string[] =>
        events
          .filter(({ input }) => input === 'l')
          .flatMap((l) =>
            events
              .filter(({ input, time }) => input === 'r' && Math.abs(time - l.time) <= windowMs)
              .filter((r) => same(l, r))
              .map((r) => `${l.id}+${r.id}`),
          )
          .toSorted();
      const ids = (rows: readonly Written[], left: string, right: string): string[] =>
        rows.map((row) => `${row[left] ?? '-'}+${row[right] ?? '-'}`).toSorted();
      const near = pairs((l, r) => l.key === r.key);
      expect(ids(await written('NEAR'), 'L_ID', 'R_ID'), 'near').toEqual(near);
      // No window has closed yet, and so none is alone.
      expect(ids(await written('WAITED'), 'L_ID', 'R_ID'), 'waited').toEqual(near);
      expect(ids(await written('MOVED'), 'L_ID', 'R_ID'), 'moved').toEqual(pairs((l, r) => l.ref === r.ref));

      const last = (input: Event['input']): ReadonlyMap<string, Event> => {
        const rows = new Map<string, Event>();
        for (const event of events) {
          if (event.input !== input) continue;
          if (event.deleted) rows.delete(event.key);
          else rows.set(event.key, event);
        }
        return rows;
      };
      const [t, u] = [last('t'), last('u')];
      const shown = async (topic: string): Promise<string[]> => {
        const rows = new Map<string, string>();
        for (const { key, value } of await consume(log, topic)) {
          const row = value === null ? undefined : (JSON.parse(value) as Written);
          if (row === undefined) rows.delete(String(key));
          else rows.set(String(key), `${row.NAME} ${row['T_ID'] ?? '-'}+${row['U_ID'] ?? '-'}`);
        }
        return [...rows.values()].toSorted();
      };
      const all = [...new Set([...t.keys(), ...u.keys()])];
      expect(await shown('BOTH'), 'both').toEqual(
        all.map((key) => `${key} ${t.get(key)?.id ?? '-'}+${u.get(key)?.id ?? '-'}`).toSorted(),
      );
      expect(await shown('REFERRED'), 'referred').toEqual(
        [...t.values()].map(({ key, id, ref }) => `${key} ${id}+${u.get(ref)?.id ?? '-'}`).toSorted(),
      );
    },
  };
};

describe('joins', () => {
  testWithFaults(history);
});
