/** Waiting for idle queries, where something changes between two looks. */

import { expect, test } from 'vitest';
import { ManualClock } from '../../../base/index.ts';
import { serdes } from '../../../engine/index.ts';
import { StreamsBuilder } from '../../../engine/public.ts';
import { Changes } from '../../../engine/runtime/changes.ts';
import { allIdle } from '../../../engine/runtime/idle.ts';
import { ManagedQuery } from '../../../engine/runtime/managed-query.ts';
import type { QueryRun } from '../../../engine/runtime/query-run.ts';
import { type Log, openMemoryLog } from '../../../storage/index.ts';

/** A query that stands at an offset, and has nothing left to read as far as it is known. */
const idleAt = (offset: number): ManagedQuery => {
  const builder = new StreamsBuilder();
  builder.stream('in', { key: serdes.string, value: serdes.string }).to('out');
  const query = new ManagedQuery({ id: 'q', topology: builder.build() }, 0);
  query.state = 'running';
  const positions = new Map([[0, [{ topic: 'in', partition: 0, offset }]]]);
  query.run = { idle: true, positions } as unknown as QueryRun;
  return query;
};

/** A log that calls `asked` each time that it is asked for the ends. */
const openLog = async (asked: () => void): Promise<Log> => {
  const clock = new ManualClock();
  const log = await openMemoryLog({ clock, timers: clock });
  await log.createTopic({ name: 'in', partitions: 1 });
  const { offsets } = log;
  log.offsets = (...args) => {
    asked();
    return offsets.apply(log, args);
  };
  return log;
};

test('a change while the log is asked leads to another look, though no further one comes', async () => {
  const changes = new Changes();
  let asked = 0;
  const log = await openLog(() => {
    if (asked++ === 0) changes.changed();
  });
  await allIdle(() => [idleAt(0)], log, changes);
  expect(asked).toBe(2);
});

test('queries that are behind the log are waited for', async () => {
  const changes = new Changes();
  const log = await openLog(() => {});
  let offset = -1;
  let done = false;
  const waiting = allIdle(() => [idleAt(offset)], log, changes).then(() => {
    done = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(done).toBe(false);
  offset = 0;
  changes.changed();
  await waiting;
});
