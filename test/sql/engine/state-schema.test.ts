/** A build whose aggregate keeps something else than the one that wrote the state: that query fails, the others run. */

import { afterEach, expect, test } from 'vitest';
import { builtInFunctions, defineAggregate, type FunctionRegistry, type SqlType } from '../../../sql/index.ts';
import { produceRecords } from '../../../storage/index.ts';
import { closeWorlds, openWorld, rowsOf } from '../support/world.ts';

afterEach(closeWorlds);

/** The built-in functions, and ROWS_SEEN, which keeps its number in slots of these types. */
const functionsKeeping = (slots: readonly SqlType[]): FunctionRegistry => {
  const functions = builtInFunctions();
  functions.add(
    defineAggregate({
      signature: 'ROWS_SEEN(STRING) -> BIGINT',
      doc: 'The number of rows.',
      examples: [],
      undo: false,
      bind: () => ({
        slots,
        initialize: (kept, at) => slots.forEach((_, i) => kept.set(at + i, 0)),
        add: (kept, at) => kept.set(at, Number(kept.get(at)) + 1),
        result: (kept, at) => kept.get(at),
      }),
    }),
    'aggregates',
  );
  return functions;
};

test('a query whose aggregate keeps other types now fails at the start, and loses nothing', async () => {
  const first = await openWorld({ engine: { functions: functionsKeeping([{ kind: 'BIGINT' }]) } });
  const { log } = first;
  await first.engine.execute(`
    CREATE STREAM clicks (user_name VARCHAR KEY, page VARCHAR) WITH (KAFKA_TOPIC='clicks', VALUE_FORMAT='JSON', PARTITIONS=1);
    SET 'auto.offset.reset' = 'earliest';
    CREATE TABLE seen AS SELECT user_name, ROWS_SEEN(page) AS n FROM clicks GROUP BY user_name;
    CREATE TABLE counted AS SELECT user_name, COUNT(*) AS n FROM clicks GROUP BY user_name;`);
  const click = async (): Promise<void> => {
    const producer = await log.producer();
    await produceRecords(log, producer, 'clicks', [{ key: 'ada', value: '{"PAGE":"/a"}' }], {
      acks: 'durable',
      now: 5,
    });
    await producer.close();
  };
  await click();
  await first.engine.awaitIdle();
  await first.stop();

  const second = await openWorld({ log, engine: { functions: functionsKeeping([{ kind: 'DOUBLE' }]) } });
  await click();
  await second.engine.awaitIdle();
  const [seen, counted] = await second.engine.queries();
  expect(seen?.state).toBe('ERROR');
  expect(seen?.error).toContain(
    'this build would misread the state of the query: for ROWS_SEEN(STRING) -> BIGINT the plan keeps the types BIGINT, and this build DOUBLE',
  );
  expect(counted?.state).toBe('RUNNING');
  expect(await rowsOf(second.engine, "SELECT n FROM counted WHERE user_name = 'ada';")).toEqual([[2]]);
  await second.stop();

  const third = await openWorld({ log, engine: { functions: functionsKeeping([{ kind: 'BIGINT' }]) } });
  await third.engine.awaitIdle();
  expect(await rowsOf(third.engine, "SELECT n FROM seen WHERE user_name = 'ada';")).toEqual([[2]]);
});
