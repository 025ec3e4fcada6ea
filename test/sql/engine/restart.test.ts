/** The statement log: what was decided is applied again, nothing is planned again, and what cannot be applied stands in
 *  nobody's way. */

import { afterEach, describe, expect, test } from 'vitest';
import { Repair } from '../../../engine/index.ts';
import type { Log } from '../../../storage/index.ts';
import { produceRecords } from '../../../storage/index.ts';
import { closeWorlds, openWorld, rowsOf, topicOf } from '../support/world.ts';

afterEach(closeWorlds);

const definitions = `
  CREATE STREAM clicks (user_name VARCHAR KEY, page VARCHAR, ms BIGINT) WITH (KAFKA_TOPIC='clicks', VALUE_FORMAT='JSON', PARTITIONS=2);
  SET 'auto.offset.reset' = 'earliest';
  CREATE STREAM slow AS SELECT user_name, page FROM clicks WHERE ms > 100;
  CREATE TABLE by_page AS SELECT page, COUNT(*) AS n, SUM(ms) AS total FROM clicks GROUP BY page;`;

const click = async (log: Log, user: string, page: string, ms: number): Promise<void> => {
  const producer = await log.producer();
  await produceRecords(log, producer, 'clicks', [{ key: user, value: JSON.stringify({ page, ms }) }], {
    acks: 'durable',
    now: 5,
  });
  await producer.close();
};

const appendEntry = async (log: Log, value: string): Promise<void> => {
  const producer = await log.producer();
  await produceRecords(log, producer, '_millrace-statements', [{ value }], { acks: 'durable', now: 5 });
  await producer.close();
};

describe('a restart', () => {
  test('applies plans with the planner switched off', async () => {
    const first = await openWorld();
    await first.engine.execute(definitions);
    await click(first.log, 'ada', '/a', 200);
    await first.engine.awaitIdle();
    await first.stop();
    const second = await openWorld({
      log: first.log,
      engine: {
        plan: () => {
          throw new Error('the planner was asked');
        },
      },
    });
    await click(second.log, 'bob', '/a', 50);
    await second.engine.awaitIdle();
    expect(second.engine.report.failedStatements).toEqual([]);
    expect(await topicOf(second.log, 'SLOW')).toEqual(['ada={"PAGE":"/a"}']);
    expect(await rowsOf(second.engine, "SELECT n, total FROM by_page WHERE page = '/a';")).toEqual([[2, 250]]);
    await expect(second.engine.execute('CREATE STREAM again AS SELECT * FROM clicks;')).rejects.toThrow(
      'the planner was asked',
    );
  });

  test('skips and reports what it cannot read or apply, and starts', async () => {
    const first = await openWorld();
    await first.engine.execute(definitions);
    await first.stop();
    await appendEntry(first.log, 'no json');
    await appendEntry(first.log, '{"version":7,"text":"CREATE FROM THE FUTURE;","command":{}}');
    await appendEntry(first.log, '{"version":1,"text":"FROBNICATE;","properties":{},"command":{"kind":"frobnicate"}}');
    await appendEntry(
      first.log,
      JSON.stringify({
        version: 1,
        text: 'CREATE STREAM newer AS …;',
        properties: {},
        command: {
          kind: 'create-as',
          source: { name: 'NEWER', schema: { key: [], value: [] } },
          query: { id: 'Q', plan: { version: 99, root: {} } },
        },
      }),
    );
    const second = await openWorld({ log: first.log });
    expect(second.engine.report.failedStatements).toMatchObject([
      { statement: 'no json', message: expect.stringContaining('not valid JSON') },
      { statement: 'CREATE FROM THE FUTURE;', message: expect.stringContaining('version 7') },
      { statement: 'FROBNICATE;', message: expect.stringContaining('not a command') },
      { statement: 'CREATE STREAM newer AS …;', message: expect.stringContaining('version 99') },
    ]);
    expect((await second.engine.queries()).map(({ id }) => id)).toEqual(['CSAS_SLOW_1', 'CTAS_BY_PAGE_2']);
    const [created] = await second.engine.execute('CREATE STREAM more AS SELECT * FROM clicks;');
    expect(created).toMatchObject({ commandStatus: { queryId: 'CSAS_MORE_7' } });
  });

  test('a query whose topic is gone is in ERROR, which is no fault of its statement, and its neighbours run', async () => {
    const first = await openWorld();
    await first.engine.execute(`${definitions}
      CREATE STREAM other (v INT) WITH (KAFKA_TOPIC='other', VALUE_FORMAT='JSON', PARTITIONS=1);
      CREATE STREAM copied AS SELECT * FROM other;`);
    await first.stop();
    await first.log.deleteTopic('other');
    const second = await openWorld({ log: first.log });
    await click(second.log, 'ada', '/a', 200);
    await second.engine.awaitIdle();
    expect(await topicOf(second.log, 'SLOW')).toEqual(['ada={"PAGE":"/a"}']);
    expect(second.engine.report.failedStatements).toEqual([]);
    expect(await second.engine.queries()).toMatchObject([
      { state: 'RUNNING' },
      { state: 'RUNNING' },
      { id: 'CSAS_COPIED_4', state: 'ERROR', error: expect.stringContaining('"other"') },
    ]);
  });

  test('internal topics and offsets of a query that was dropped are swept away when a crash left them', async () => {
    const first = await openWorld();
    await first.engine.execute(definitions);
    await first.stop();
    // The statement is on the disk, nothing of it has happened.
    const drop = { kind: 'drop-source', name: 'BY_PAGE', deleteTopic: false };
    await appendEntry(
      first.log,
      JSON.stringify({ version: 1, text: 'DROP TABLE by_page;', properties: {}, command: drop }),
    );
    const topic = '_millrace-query_CTAS_BY_PAGE_2-Aggregate-changelog';
    expect(await first.log.describeTopic(topic)).toBeDefined();
    const second = await openWorld({ log: first.log });
    expect(await second.log.describeTopic(topic)).toBeUndefined();
    const repair = await Repair.open({ log: second.log, shards: [], now: () => 0 });
    expect((await repair.list()).queries).toEqual([]);
    expect(await second.log.groups()).not.toContain('_millrace-query_CTAS_BY_PAGE_2');
    expect(second.engine.report.unclaimed).toEqual([]);
  });

  test('nothing is deleted that only a statement unreadable to this build may own; it is listed', async () => {
    const first = await openWorld();
    await first.engine.execute(`${definitions} DROP TABLE by_page;`);
    await first.stop();
    // A newer version has made a query whose name begins like that of the dropped one.
    await appendEntry(first.log, '{"version":7,"text":"CREATE TABLE `BY_PAGE_2-x` AS …;","command":{}}');
    const owned = [
      '_millrace-query_CTAS_BY_PAGE_2-x_4-Aggregate-changelog',
      '_millrace-query_CTAS_BY_PAGE_2-x_4-Aggregate-GroupBy-repartition',
    ];
    for (const name of owned) await first.log.createTopic({ name, partitions: 1 });
    const group = '_millrace-query_CTAS_BY_PAGE_2-x_4';
    await first.log.commitOffsets(group, [{ topic: 'clicks', partition: 0, offset: 0 }]);
    const second = await openWorld({ log: first.log });
    const topics = (await second.log.describeTopics()).map(({ name }) => name);
    expect(topics).toEqual(expect.arrayContaining(owned));
    expect(await second.log.groups()).toContain(group);
    expect(second.engine.report.unclaimed).toEqual([group, ...owned].sort());
    expect(second.engine.report.failedStatements).toMatchObject([{ message: expect.stringContaining('version 7') }]);
  });

  test('a dropped source stays dropped, its name may be used again', async () => {
    const first = await openWorld();
    await first.engine.execute(definitions);
    await first.engine.execute(
      'DROP STREAM slow DELETE TOPIC; CREATE STREAM slow AS SELECT user_name, ms FROM clicks;',
    );
    await first.stop();
    const second = await openWorld({ log: first.log });
    const [described] = await second.engine.execute('DESCRIBE slow;');
    if (described?.kind !== 'sourceDescription') throw new Error('no description');
    expect(described.sourceDescription.fields.map(({ name }) => name)).toEqual(['USER_NAME', 'MS']);
    expect((await second.engine.queries()).map(({ id }) => id)).toEqual(['CTAS_BY_PAGE_2', 'CSAS_SLOW_4']);
  });
});
