/** What goes wrong around the engine stays where it is: logs that refuse, clients that are slow, records that are
 *  bad. */

import { afterEach, describe, expect, test } from 'vitest';
import { ManualClock, Random } from '../../../base/index.ts';
import { type Log, LogError, openMemoryLog, type Producer, produceRecords } from '../../../storage/index.ts';
import { closeWorlds, openWorld, rowsOf, topicOf } from '../support/world.ts';

afterEach(closeWorlds);

const orders = `CREATE STREAM orders (id BIGINT KEY, amount INT, note VARCHAR) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=1);
  SET 'auto.offset.reset' = 'earliest';`;

/** A log whose statement topic refuses appends while `full` says so. */
const refusing = async (full: () => boolean): Promise<Log> => {
  const log = await openMemoryLog({ clock: new ManualClock(1_000_000), random: new Random(3) });
  const guard = (producer: Producer): Producer =>
    new Proxy(producer, {
      get(target, name) {
        const member = Reflect.get(target, name, target) as unknown;
        if (name === 'append') {
          return (...args: Parameters<Producer['append']>) =>
            full() && args[0].topic === '_millrace-statements'
              ? Promise.reject(new LogError('unavailable', 'LOG_DISK_FULL', 'the disk is full'))
              : target.append(...args);
        }
        return typeof member === 'function' ? (member as () => unknown).bind(target) : member;
      },
    });
  return new Proxy(log, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown;
      if (name === 'producer') return async (options?: object) => guard(await target.producer(options));
      return typeof member === 'function' ? (member as () => unknown).bind(target) : member;
    },
  });
};

describe('statements', () => {
  test('a statement that cannot be logged does not happen, and its new topic goes again', async () => {
    let full = false;
    const { engine, log } = await openWorld({ log: await refusing(() => full) });
    await engine.execute(orders);
    full = true;
    await expect(engine.execute('SHOW STREAMS; CREATE STREAM copy AS SELECT * FROM orders;')).rejects.toMatchObject({
      name: 'ExecutionError',
      statementText: expect.stringContaining('CREATE STREAM copy'),
      done: [{ kind: 'streams' }],
      cause: { code: 'LOG_DISK_FULL' },
    });
    expect((await log.describeTopics()).map(({ name }) => name).sort()).toEqual(['_millrace-statements', 'orders']);
    full = false;
    expect(await engine.execute('SHOW STREAMS;')).toMatchObject([{ streams: [{ name: 'ORDERS' }] }]);
    const [created] = await engine.execute('CREATE STREAM copy AS SELECT * FROM orders;');
    expect(created).toMatchObject({ commandStatus: { queryId: 'CSAS_COPY_1' } });
  });
});

describe('records', () => {
  test('bad records are left out, counted by reason, and the stream goes on', async () => {
    const { engine, log } = await openWorld();
    await engine.execute(`${orders}
      CREATE STREAM big AS SELECT id, 100 / amount AS share FROM orders WHERE amount < 50;
      CREATE TABLE sums AS SELECT note, SUM(amount) AS total FROM orders GROUP BY note;
      CREATE TABLE kept (id BIGINT PRIMARY KEY, amount INT) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON');
      CREATE TABLE visible AS SELECT * FROM kept;`);
    const producer = await log.producer();
    const key = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1);
    await produceRecords(
      log,
      producer,
      'orders',
      [
        { key, value: '{"AMOUNT": 10, "NOTE": "a"}' },
        { key, value: '{"AMOUNT": 0, "NOTE": "a"}' },
        { key, value: '{"AMOUNT": "many"}' },
        { key, value: '{"AMOUNT": ' },
        { key: 'seven!!', value: '{"AMOUNT": 1, "NOTE": "a"}' },
        { key: null, value: '{"AMOUNT": 2, "NOTE": null}' },
        { key, value: null },
      ],
      { acks: 'durable', now: 5 },
    );
    await engine.awaitIdle();
    expect((await topicOf(log, 'BIG')).map((row) => row.split('=')[1])).toEqual([
      '{"SHARE":10}',
      '{"SHARE":null}',
      '{"SHARE":50}',
    ]);
    expect(await rowsOf(engine, 'SELECT * FROM sums;')).toEqual([['a', 10]]);
    expect(await rowsOf(engine, 'SELECT * FROM visible;')).toEqual([]);
    const dropped = Object.fromEntries((await engine.queries()).map((query) => [query.id, query.dropped]));
    expect(dropped).toMatchObject({
      CSAS_BIG_1: { deserialization: 3, processing: 1 },
      CTAS_SUMS_2: { deserialization: 3, 'null-key': 1 },
      CTAS_VISIBLE_4: { deserialization: 3, 'null-key': 1 },
    });
    await producer.close();
    // The same where people look: SHOW QUERIES and DESCRIBE, with the last one's place and reason.
    const last = {
      reason: 'deserialization',
      detail: expect.stringContaining('8 bytes'),
      topic: 'orders',
      partition: 0,
      offset: 4,
      time: expect.stringMatching(/^\d{4}-.*Z$/),
    };
    expect((await engine.queries())[0]?.lastDropped).toEqual(last);
    const [queries, described] = await engine.execute('SHOW QUERIES; DESCRIBE big;');
    const shown = { id: 'CSAS_BIG_1', millrace: { dropped: { deserialization: 3, processing: 1 }, lastDropped: last } };
    expect((queries as unknown as { queries: unknown[] }).queries[0]).toMatchObject(shown);
    expect(described).toMatchObject({ sourceDescription: { writeQueries: [shown] } });
  });

  test('a row that the sink cannot take is left out, its neighbours are written', async () => {
    const { engine, log } = await openWorld();
    await log.createTopic({ name: 'small', partitions: 1, configs: { 'max.message.bytes': '1000' } });
    await engine.execute(
      `${orders} CREATE STREAM small WITH (KAFKA_TOPIC='small') AS SELECT id, LPAD(note, amount, 'x') AS wide FROM orders;`,
    );
    const inserter = await engine.inserter('orders');
    await inserter.insert([
      { id: 1, amount: 5, note: 'a' },
      { id: 2, amount: 5000, note: 'b' },
      { id: 3, amount: 3, note: 'c' },
    ]);
    await engine.awaitIdle();
    expect((await topicOf(log, 'small')).map((row) => row.slice(9))).toEqual(['{"WIDE":"xxxxa"}', '{"WIDE":"xxc"}']);
    expect(await engine.queries()).toMatchObject([{ dropped: { serialization: 1 } }]);
  });
});

describe('clients', () => {
  test('a slow client holds its own query up and nothing else', async () => {
    const { engine, runtime } = await openWorld({ engine: { push: { bytesPerQuery: 64 << 10 } } });
    await engine.execute(orders);
    const inserter = await engine.inserter('orders');
    const handle = await engine.query('SELECT id FROM orders EMIT CHANGES;', {
      properties: { 'auto.offset.reset': 'earliest' },
    });
    for (let round = 0; round < 40; round++) {
      await inserter.insert(Array.from({ length: 1000 }, (_, i) => ({ id: round * 1000 + i, amount: 1 })));
    }
    let read = -1;
    while (read < runtime.counters(handle.id).recordsRead) {
      read = runtime.counters(handle.id).recordsRead;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(20_000);
    expect(await rowsOf(engine, 'SELECT id FROM orders WHERE id = 39999;')).toEqual([[39_999]]);
    let seen = 0;
    for await (const batch of handle.rows()) {
      seen += batch.length;
      if (seen === 40_000) break;
    }
    expect(seen).toBe(40_000);
    expect(runtime.queries()).toEqual([]);
  });

  test('a push query that breaks tells its client', async () => {
    const { engine, log } = await openWorld();
    await engine.execute(orders);
    const handle = await engine.query('SELECT id FROM orders EMIT CHANGES;');
    const ended = (async () => {
      for await (const batch of handle.rows()) expect(batch).toEqual([[1]]);
    })();
    const inserter = await engine.inserter('orders');
    await inserter.insert([{ id: 1, amount: 1 }]);
    await log.deleteTopic('orders');
    await expect(ended).rejects.toMatchObject({ code: 'QUERY_FAILED', message: expect.stringContaining('orders') });
  });

  test('closing a push query, or the engine, ends its rows', async () => {
    const { engine, runtime, stop } = await openWorld();
    await engine.execute(orders);
    const one = await engine.query('SELECT id FROM orders EMIT CHANGES;');
    const other = await engine.query('SELECT id FROM orders EMIT CHANGES;');
    const ended = (async () => {
      let rows = 0;
      for await (const batch of one.rows()) rows += batch.length;
      return rows;
    })();
    await one.close();
    expect(await ended).toBe(0);
    expect(runtime.queries().map(({ queryId }) => queryId)).toEqual([other.id]);
    await stop();
    expect(runtime.queries()).toEqual([]);
    await expect(engine.query('SELECT id FROM orders;')).rejects.toMatchObject({ code: 'SQL_CLOSED' });
    await expect(engine.execute('SHOW STREAMS;')).rejects.toMatchObject({ code: 'SQL_CLOSED' });
  });
});
