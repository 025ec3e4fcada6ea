/** Joiners that fail on a record which was kept, where the policy is to continue: that record is left out, once, and
 *  the one that was in hand is not. */

import { expect, test } from 'vitest';
import { type RecordError, serdes, type Topology } from '../../engine/index.ts';
import { JoinWindows, StreamsBuilder } from '../../engine/public.ts';
import { TopologyTestDriver } from '../../engine/test-driver.ts';

const { string } = serdes;
const texts = { key: string, value: string };

const joiner = (left: string | null, right: string | null): string => {
  if (left === 'bad') throw new Error('a bad one');
  return `${left}+${right}`;
};

const run = (topology: Topology, records: readonly (readonly [topic: string, value: string, time: number])[]) => {
  const failures: RecordError[] = [];
  const driver = new TopologyTestDriver(topology, {
    onError: {
      processing(error) {
        failures.push(error);
        return 'continue';
      },
    },
  });
  for (const [topic, value, time] of records) driver.input(topic, texts).pipe('k', value, time);
  const results = driver.output('out', texts).readAll();
  driver.close();
  return {
    results: results.map(({ value, timestamp }) => `${value}@${timestamp}`),
    failures: failures.map(({ node, timestamp, offset }) => `${node} @${timestamp} offset ${offset}`),
  };
};

test('an outer join, for a record that is emitted alone', () => {
  const builder = new StreamsBuilder();
  builder
    .stream('left', texts)
    .leftJoin(builder.stream('right', texts), joiner, JoinWindows.ofTimeDifferenceWithNoGrace(10), {
      name: 'node',
      value: string,
    })
    .to('out');
  const records = [
    ['left', 'bad', 1],
    ['left', 'fine', 2],
    ['right', 'x', 12],
    ['left', 'next', 20],
    ['right', 'y', 21],
  ] as const;
  expect(run(builder.build(), records)).toEqual({
    results: ['fine+x@12', 'next+x@20', 'next+y@21'],
    failures: ['node-merge @1 offset -1'],
  });
});

test('a join with a table after a grace', () => {
  const builder = new StreamsBuilder();
  const table = builder.table('table', { ...texts, versioned: { historyMs: 100 } });
  builder.stream('left', texts).leftJoin(table, joiner, { name: 'node', value: string, graceMs: 10 }).to('out');
  const records = [
    ['left', 'bad', 1],
    ['left', 'fine', 2],
    ['left', 'third', 12],
    ['left', 'fourth', 30],
  ] as const;
  expect(run(builder.build(), records)).toEqual({
    results: ['fine+null@2', 'third+null@12'],
    failures: ['node @1 offset -1'],
  });
});
