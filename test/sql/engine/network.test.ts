/** The engine behind a network that loses answers: statements happen once or not at all, and a restart agrees. */

import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../../base/node/index.ts';
import { LogError, openDelayedLog, openMemoryLog } from '../../../storage/index.ts';
import { closeWorlds, openWorld, rowsOf } from '../support/world.ts';

afterEach(closeWorlds);

test.each([1, 2, 3, 4])('answers to statements are lost (seed %i)', async (seed) => {
  const log = await openDelayedLog({ timers: systemClock, clock: systemClock, seed, maxDelayMs: 1 });
  const first = await openWorld({ log });
  await first.engine.execute(
    `CREATE STREAM orders (id BIGINT KEY, amount INT) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=1);`,
    { properties: { 'auto.offset.reset': 'earliest' } },
  );
  const made: string[] = [];
  for (let i = 0; i < 12; i++) {
    log.setFaults({ appendUnknown: 0.5 });
    const statement = `CREATE STREAM big_${i} AS SELECT id, amount FROM orders WHERE amount > ${i};`;
    await first.engine.execute(statement).then(
      () => made.push(`BIG_${i}`),
      (error: { code?: string; cause?: { code?: string } }) =>
        expect(error.cause?.code ?? error.code).toBe('LOG_TIMED_OUT'),
    );
    log.setFaults({});
  }
  const streamsOf = async (world: typeof first): Promise<readonly string[]> => {
    const [shown] = await world.engine.execute('SHOW STREAMS;');
    return shown?.kind === 'streams' ? shown.streams.map(({ name }) => name).filter((name) => name !== 'ORDERS') : [];
  };
  expect(made.length).toBeGreaterThan(0);
  expect([...(await streamsOf(first))].sort()).toEqual([...made].sort());
  const ids = (await first.engine.queries()).map(({ id }) => id);
  expect(new Set(ids).size).toBe(made.length);
  await first.stop();

  const second = await openWorld({ log });
  expect(second.engine.report.failedStatements).toEqual([]);
  expect([...(await streamsOf(second))].sort()).toEqual([...made].sort());
  const inserter = await second.engine.inserter('orders');
  await inserter.insert([{ id: 1, amount: 100 }]);
  await second.engine.awaitIdle();
  expect(await rowsOf(second.engine, `SELECT * FROM ${made[0]};`)).toEqual([[1, 100]]);
});

test('a topic stays when neither the answer to its statement nor the end of the statement log can be had', async () => {
  const log = await openMemoryLog();
  const { producer: open, offsets } = { producer: log.producer.bind(log), offsets: log.offsets.bind(log) };
  let broken = false;
  log.producer = async (options) => {
    const producer = await open(options);
    const append = producer.append.bind(producer);
    producer.append = async (...args) => {
      const appended = await append(...args);
      if (broken) throw new LogError('unknown', 'LOG_TIMED_OUT', 'no answer came in time');
      return appended;
    };
    return producer;
  };
  log.offsets = async (target) => {
    if (broken) throw new LogError('unavailable', 'LOG_UNAVAILABLE', 'the log does not answer');
    return offsets(target);
  };
  const { engine } = await openWorld({ log });
  const create = (name: string) =>
    engine.execute(`CREATE STREAM ${name} (v INT) WITH (kafka_topic='${name}', partitions=1, value_format='JSON');`);
  broken = true;
  await expect(create('a')).rejects.toMatchObject({ code: 'LOG_TIMED_OUT' });
  broken = false;
  // What came late is read at the next statement; when that fails, at the one after it.
  const reader = log.reader.bind(log);
  log.reader = () => {
    log.reader = reader;
    throw new LogError('unavailable', 'LOG_UNAVAILABLE', 'the log does not answer');
  };
  await expect(create('b')).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
  await create('b');
  expect(await rowsOf(engine, 'SELECT * FROM a;')).toEqual([]);
  expect((await log.describeTopics()).map(({ name }) => name)).toEqual(expect.arrayContaining(['a', 'b']));
});
