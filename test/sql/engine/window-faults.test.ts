/**
 * Windows as SQL under faults: hopping windows, sessions, and the final results of both. What is committed in the end
 * is what plain lists of the records give (`../../engine/windows/oracle.ts`): nothing is lost, nothing is sent twice.
 */

import { describe, expect } from 'vitest';
import type { Random } from '../../../base/index.ts';
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
import { type Event, hoppingResults, type Result, sessionResults } from '../../engine/windows/oracle.ts';
import { session } from '../support/planning.ts';

const partitions = 2;
const keysEach = 3;
const size = 10;
const advance = 4;
const gap = 3;
const grace = 5;

const functions = builtInFunctions();

const hopping = `HOPPING (SIZE ${size} MILLISECONDS, ADVANCE BY ${advance} MILLISECONDS, GRACE PERIOD ${grace} MILLISECONDS)`;
const sessions = `SESSION (${gap} MILLISECONDS, GRACE PERIOD ${grace} MILLISECONDS)`;

const table = (name: string, window: string, emit: string): string =>
  `CREATE TABLE ${name} AS SELECT k, AS_VALUE(k) AS name, COLLECT_LIST(v) AS all_of, WINDOWSTART AS ws, WINDOWEND AS we
     FROM s WINDOW ${window} GROUP BY k EMIT ${emit};`;

/** By topic, as from the statement log. */
const plans = (): Readonly<Record<string, PhysicalPlan>> => {
  const own = session();
  const found: Record<string, PhysicalPlan> = {};
  const text = [
    `CREATE STREAM s (k VARCHAR KEY, v VARCHAR) WITH (KAFKA_TOPIC='s', PARTITIONS=${partitions}, VALUE_FORMAT='JSON');`,
    table('hops', hopping, 'CHANGES'),
    table('final_hops', hopping, 'FINAL'),
    table('visits', sessions, 'CHANGES'),
    table('final_visits', sessions, 'FINAL'),
  ].join('\n');
  for (const statement of parseStatements(text)) {
    const { planned } = own.plan(statement);
    if (planned.kind === 'command' && planned.command.kind === 'create-as') {
      const { source, query } = planned.command;
      found[source.topic] = readPlan(JSON.parse(writePlan(query.plan)));
    }
  }
  return found;
};

interface KeyedEvent extends Event {
  readonly key: string;
}

interface Written {
  readonly NAME: string;
  readonly ALL_OF: readonly string[];
  readonly WS: number;
  readonly WE: number;
}

const textOf = ({ start, end, value }: Result): string => `${start}-${end}=${value}`;

/** The last result of each window. */
const lastOf = (results: readonly Result[]): readonly Result[] => [
  ...new Map(results.map((one) => [`${one.start}-${one.end}`, one])).values(),
];

const history = (): History => {
  const events: KeyedEvent[][] = Array.from({ length: partitions }, () => []);
  let now = 100;
  let number = 0;
  const send = async (log: Log, random: Random): Promise<void> => {
    now += random.below(4);
    const partition = random.below(partitions);
    const key = `k${partition}${random.below(keysEach)}`;
    const timestamp = random.chance(0.3) ? now - random.below(20) : now;
    const value = String.fromCharCode(97 + (number++ % 26));
    events[partition]?.push({ key, time: timestamp, value });
    await produce(log, 's', partition, [{ key, value: JSON.stringify({ V: value }), timestamp }]);
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
      for (const name of ['s', ...Object.keys(made)]) await log.createTopic({ name, partitions });
      await log.createTopic({ name: 'problems', partitions: 1 });
    },
    async round(_round, log, random) {
      for (let i = random.below(10); i >= 0; i--) await send(log, random);
    },
    async check(log) {
      const written = new Map<string, readonly Written[]>();
      for (const topic of Object.keys(made)) {
        const rows = (await consume(log, topic)).flatMap(({ value }) => (value === null ? [] : [value]));
        written.set(
          topic,
          rows.map((text) => JSON.parse(text) as Written),
        );
      }
      const of = (topic: string, key: string): readonly string[] =>
        (written.get(topic) ?? []).flatMap(({ NAME, ALL_OF, WS, WE }) =>
          NAME === key ? [`${WS}-${WE}=${ALL_OF.join('')}`] : [],
        );
      for (const [partition, all] of events.entries()) {
        const streamTime = Math.max(...all.map(({ time }) => time));
        for (let i = 0; i < keysEach; i++) {
          const key = `k${partition}${i}`;
          const own = all.map((event) => ({ ...event, other: event.key !== key }));
          const hops = hoppingResults(own, { size, advance, grace }).results;
          expect(of('HOPS', key), `hops of ${key}`).toEqual(hops.map(textOf));
          const closedHops = lastOf(hops).filter(({ end }) => end + grace <= streamTime);
          expect(of('FINAL_HOPS', key).toSorted(), `final hops of ${key}`).toEqual(closedHops.map(textOf).toSorted());

          const found = sessionResults(own, { gap, grace, retention: gap + grace });
          const changes = found.results.filter(({ value }) => value !== null);
          expect(of('VISITS', key), `visits of ${key}`).toEqual(changes.map(textOf));
          const closedVisits = found.sessions
            .filter(({ end }) => end + gap + grace < streamTime)
            .map(({ start, end, events: inside }) => `${start}-${end}=${inside.map(({ value }) => value).join('')}`);
          expect(of('FINAL_VISITS', key).toSorted(), `final visits of ${key}`).toEqual(closedVisits.toSorted());
        }
      }
    },
  };
};

describe('windows', () => {
  testWithFaults(history);
});
