/** Statements beside each other: what one of them starts, stops or waits for holds no other up, and crashes leave
 *  nothing half done. */

import { afterEach, describe, expect, test } from 'vitest';
import { ManualClock, Random } from '../../../base/index.ts';
import type { WorkerOptions } from '../../../engine/index.ts';
import { type Log, LogError, openMemoryLog, type Producer, produceRecords } from '../../../storage/index.ts';
import { closeWorlds, openWorld } from '../support/world.ts';

afterEach(closeWorlds);

const memoryLog = (): Promise<Log> => openMemoryLog({ clock: new ManualClock(1_000_000), random: new Random(3) });

/** A log whose calls can be replaced by name. */
const changed = (log: Log, changes: Partial<Log>): Log =>
  new Proxy(log, {
    get(target, name) {
      const own = Reflect.get(changes, name) as unknown;
      const member = own ?? (Reflect.get(target, name, target) as unknown);
      return typeof member === 'function' && own === undefined ? (member as () => unknown).bind(target) : member;
    },
  });

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const clicks = `CREATE STREAM clicks (page VARCHAR KEY, ms BIGINT) WITH (KAFKA_TOPIC='clicks', VALUE_FORMAT='JSON', PARTITIONS=1);`;

describe('a query that cannot start', () => {
  test('makes a warning, holds nobody up, can be terminated, and does not keep the engine from closing', async () => {
    const base = await memoryLog();
    let full = true;
    const log = changed(base, {
      producer: (options) =>
        full && options?.transactionalId !== undefined
          ? Promise.reject(new LogError('unavailable', 'LOG_DISK_FULL', 'no space is left'))
          : base.producer(options),
    });
    const { engine, runtime, stop } = await openWorld({ log });
    await engine.execute(clicks);
    const [made] = await engine.execute('CREATE STREAM slow AS SELECT * FROM clicks WHERE ms > 100;');
    expect(made).toMatchObject({
      commandStatus: { status: 'SUCCESS', queryId: 'CSAS_SLOW_1' },
      warnings: [expect.stringMatching(/CSAS_SLOW_1 was created.*tried again.*no space is left/)],
    });
    await engine.execute('CREATE STREAM other AS SELECT * FROM clicks;');
    await engine.execute("INSERT INTO clicks VALUES ('a', 1);");
    expect(await engine.queries()).toMatchObject([{ state: 'ERROR', error: 'no space is left' }, { state: 'ERROR' }]);
    const [ended] = await engine.execute('TERMINATE CSAS_SLOW_1;');
    expect(ended).toMatchObject({ kind: 'currentStatus', warnings: [] });
    expect(runtime.queries().map(({ queryId }) => queryId)).toEqual(['CSAS_OTHER_2']);
    full = false;
    await engine.awaitIdle();
    expect(await engine.queries()).toMatchObject([{ id: 'CSAS_OTHER_2', state: 'RUNNING' }]);
    full = true;
    await engine.execute('CREATE STREAM third AS SELECT * FROM clicks;');
    await stop();
  });

  /** Threads that do nothing. */
  const workersThat = (spawned: (died: (error: Error) => void) => void): WorkerOptions => ({
    count: 1,
    spawn(_thread, _settings, _receive, died) {
      spawned(died);
      return { post: () => undefined, terminate: async () => undefined };
    },
  });

  test('the same where its thread is gone', async () => {
    const workers = workersThat((died) => setImmediate(() => died(new Error('out of memory'))));
    const { engine } = await openWorld({ runtime: { workers, limits: { closeWaitMs: 200 } } });
    await engine.execute(clicks);
    const [made] = await engine.execute('CREATE STREAM slow AS SELECT * FROM clicks;');
    expect(made?.warnings.join()).toContain('out of memory');
    await engine.execute('TERMINATE CSAS_SLOW_1;');
    expect(await engine.queries()).toEqual([]);
  });

  test('the same where its thread does not answer', async () => {
    const workers = workersThat(() => undefined);
    const { engine } = await openWorld({
      runtime: { workers, limits: { closeWaitMs: 200 } },
      engine: { statementWaitMs: 200 },
    });
    await engine.execute(clicks);
    const [made] = await engine.execute('CREATE STREAM slow AS SELECT * FROM clicks;');
    expect(made?.warnings.join()).toMatch(/CSAS_SLOW_1 does not run yet after 200 ms/);
    await engine.execute(
      "SHOW QUERIES; CREATE STREAM more (v INT) WITH (KAFKA_TOPIC='more', VALUE_FORMAT='JSON', PARTITIONS=1);",
    );
    await engine.execute('TERMINATE ALL;');
    expect(await engine.queries()).toEqual([]);
  });
});

test('rows can be inserted again after a time in which the log could open no producer', async () => {
  const base = await memoryLog();
  let full = false;
  const producer: Log['producer'] = (options) =>
    full ? Promise.reject(new LogError('unavailable', 'LOG_DISK_FULL', 'no space is left')) : base.producer(options);
  const { engine } = await openWorld({ log: changed(base, { producer }) });
  await engine.execute(clicks);
  full = true;
  await expect(engine.execute("INSERT INTO clicks VALUES ('a', 1);")).rejects.toMatchObject({ code: 'LOG_DISK_FULL' });
  await expect(engine.insert('clicks', [{ page: 'a' }])).rejects.toMatchObject({ code: 'LOG_DISK_FULL' });
  full = false;
  await engine.execute("INSERT INTO clicks VALUES ('a', 1);");
  await engine.insert('clicks', [{ page: 'a' }]);
  expect(await base.offsets({ topic: 'clicks', partition: 0 })).toMatchObject({ end: 3 });
});

describe('many clients', () => {
  test('queries start and end side by side; only the log has an order', async () => {
    const base = await memoryLog();
    const count = 30;
    const allStart = Promise.withResolvers<void>();
    let starting = 0;
    const slow = async (options?: Parameters<Log['producer']>[0]): Promise<Producer> => {
      if (options?.transactionalId !== undefined) {
        // None has its producer before all have asked for theirs.
        if (++starting === count) allStart.resolve();
        await allStart.promise;
      }
      return base.producer(options);
    };
    const { engine } = await openWorld({ log: changed(base, { producer: slow }), engine: { statementWaitMs: 60_000 } });
    await engine.execute(clicks);
    const answers = await Promise.all(
      Array.from({ length: count }, (_, i) => engine.execute(`CREATE STREAM s${i} AS SELECT * FROM clicks;`)),
    );
    const ids = answers.map(([answer]) => (answer as { commandStatus: { queryId: string } }).commandStatus.queryId);
    expect(ids).toEqual(Array.from({ length: count }, (_, i) => `CSAS_S${i}_${i + 1}`));
    expect((await engine.queries()).map(({ state }) => state)).toEqual(ids.map(() => 'RUNNING'));
    await engine.execute('TERMINATE ALL;');
    expect(await engine.queries()).toEqual([]);
  });

  test('a statement is planned again when another request came between', async () => {
    const { engine } = await openWorld();
    await engine.execute(clicks);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 4 }, () => engine.execute('CREATE STREAM one AS SELECT * FROM clicks;')),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected']);
    expect((outcomes[1] as PromiseRejectedResult).reason).toMatchObject({ code: 'SQL_DUPLICATE_SOURCE' });
    const both = await Promise.all([
      engine.execute('CREATE STREAM IF NOT EXISTS two AS SELECT * FROM clicks;'),
      engine.execute('CREATE STREAM IF NOT EXISTS two AS SELECT * FROM clicks; SHOW STREAMS;'),
    ]);
    expect(both.map(([first]) => first?.kind)).toEqual(['currentStatus', 'warning_entity']);
  });

  test('a topic that is being deleted is gone for every later statement, which gets a new one of that name', async () => {
    const base = await memoryLog();
    const log = changed(base, {
      deleteTopic: async (name) => {
        if (name === 'clicks') await pause(100);
        await base.deleteTopic(name);
      },
    });
    const { engine } = await openWorld({ log });
    await engine.execute(`${clicks} INSERT INTO clicks VALUES ('a', 1);`);
    const first = await base.describeTopic('clicks');
    await Promise.all([
      engine.execute('DROP STREAM clicks DELETE TOPIC;'),
      engine.execute(clicks.replace('PARTITIONS=1', 'PARTITIONS=3')).catch((error: unknown) => {
        // The request came first, and found the stream.
        expect(error).toMatchObject({ code: 'SQL_DUPLICATE_SOURCE' });
      }),
      pause(20).then(() => engine.execute(clicks.replace('STREAM clicks', 'STREAM again').replace('=1', '=3'))),
    ]);
    const now = await base.describeTopic('clicks');
    expect(now?.id).not.toBe(first?.id);
    expect(now?.partitions).toBe(3);
    await engine.execute(
      `DROP STREAM again DELETE TOPIC; ${clicks} DROP STREAM clicks DELETE TOPIC; ${clicks.replace('=1', '=2')}`,
    );
    expect((await base.describeTopic('clicks'))?.partitions).toBe(2);
  });
});

describe('topics of statements', () => {
  test('DROP … DELETE TOPIC deletes that topic, once, and none that is made later under its name', async () => {
    const log = await memoryLog();
    const first = await openWorld({ log });
    await first.engine.execute(`${clicks} DROP STREAM clicks DELETE TOPIC;`);
    await first.stop();
    await log.createTopic({ name: 'clicks', partitions: 1 });
    const producer = await log.producer();
    await produceRecords(log, producer, 'clicks', [{ value: '{}' }], { acks: 'durable', now: 5 });
    await producer.close();
    const second = await openWorld({ log });
    await second.stop();
    expect(await log.offsets({ topic: 'clicks', partition: 0 })).toMatchObject({ end: 1 });
  });

  test('a deletion that a crash prevented happens at the next start', async () => {
    const base = await memoryLog();
    const broken = changed(base, { deleteTopic: () => Promise.reject(new LogError('unavailable', 'LOG_X', 'EIO')) });
    const first = await openWorld({ log: broken });
    const results = await first.engine.execute(
      `${clicks} DROP STREAM clicks DELETE TOPIC; ${clicks.replaceAll('clicks', 'later')}`,
    );
    expect(results[1]?.warnings).toEqual(['the topic clicks could not be deleted, and is at the next start: EIO']);
    await first.stop();
    const second = await openWorld({ log: base });
    expect((await base.describeTopics()).map(({ name }) => name).sort()).toEqual(['_millrace-statements', 'later']);
    await second.stop();
  });

  test('a topic whose statement a crash prevented is deleted at the next start; one with records, or of somebody else, stays', async () => {
    const base = await memoryLog();
    let dead = false;
    let revive = (_: Error): void => undefined;
    const never = new Promise<never>((_, reject) => {
      revive = reject;
    });
    const log = changed(base, {
      producer: async (options) => {
        const producer = await base.producer(options);
        return new Proxy(producer, {
          get(target, name) {
            const member = Reflect.get(target, name, target) as unknown;
            if (name === 'append' && dead) return () => never;
            return typeof member === 'function' ? (member as () => unknown).bind(target) : member;
          },
        });
      },
    });
    const { engine } = await openWorld({ log });
    await engine.execute(clicks);
    await base.createTopic({ name: 'foreign', partitions: 1 });
    dead = true;
    const unanswered = engine.execute('CREATE STREAM copy WITH (PARTITIONS=1) AS SELECT * FROM clicks;');
    unanswered.catch(() => undefined);
    while ((await base.describeTopic('COPY')) === undefined) await pause(1);
    const second = await openWorld({ log: base });
    expect((await base.describeTopics()).map(({ name }) => name).sort()).toEqual([
      '_millrace-statements',
      'clicks',
      'foreign',
    ]);
    await second.stop();
    dead = false;
    revive(new LogError('unavailable', 'LOG_CLOSED', 'the process has died'));
  });

  test('commands that stand together are logged together, or not at all', async () => {
    const base = await memoryLog();
    const { engine } = await openWorld({ log: base });
    await base.createTopic({ name: 'taken', partitions: 1 });
    const before = (await base.offsets({ topic: '_millrace-statements', partition: 0 })).end;
    await engine.execute(`${clicks} CREATE STREAM a AS SELECT * FROM clicks; CREATE STREAM b AS SELECT * FROM a;`);
    expect((await base.offsets({ topic: '_millrace-statements', partition: 0 })).end - before).toBe(3);
    await expect(
      engine.execute(`${clicks.replaceAll('clicks', 'x')} CREATE STREAM y AS SELECT nothing FROM x;`),
    ).rejects.toMatchObject({ code: 'SQL_UNKNOWN_COLUMN' });
    expect(await base.describeTopic('x')).toBeUndefined();
  });
});

test('thousands of columns are planned in time that grows with their number', async () => {
  const { engine } = await openWorld();
  const create = async (count: number): Promise<number> => {
    const columns = Array.from({ length: count }, (_, i) => `c${i} INT`).join(', ');
    await engine.execute(
      `CREATE STREAM s${count} (k VARCHAR KEY, ${columns}) WITH (KAFKA_TOPIC='s${count}', VALUE_FORMAT='JSON', PARTITIONS=1);`,
    );
    // Time of the processor: what else runs on the machine takes none of it.
    const before = process.cpuUsage();
    await engine.execute(`CREATE STREAM t${count} AS SELECT * FROM s${count};`);
    return process.cpuUsage(before).user / 1000;
  };
  await create(500);
  // Eight times as many columns: 64 times as long if it were squared; the garbage collector gets some of the room.
  const few = await create(2500);
  expect(await create(20_000)).toBeLessThan(Math.max(few, 100) * 24);
});

test('a statement that comes while the runtime closes is logged, and answered with a warning', async () => {
  const { engine, runtime } = await openWorld();
  await engine.execute("CREATE STREAM late (v INT) WITH (kafka_topic='late', partitions=1, value_format='JSON');");
  await runtime.close();
  const [answer] = await engine.execute('CREATE STREAM copied AS SELECT * FROM late;');
  expect(answer?.warnings).toEqual([expect.stringContaining('the runtime is closed')]);
});
