/** Global stores on the runtime: filled before anything is processed, kept up to date, on every thread. */

import { afterEach, describe, expect, test } from 'vitest';
import { partitionOfKey } from '../../../base/index.ts';
import { type Runtime, serdes } from '../../../engine/index.ts';
import { StreamsBuilder } from '../../../engine/public.ts';
import type { Log } from '../../../storage/index.ts';
import { consume, logKinds, newRuntime, openLog, produce, Shards, utf8 } from './support.ts';
import { titledVisits } from './topologies.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const closedLater = <T extends { close(): Promise<void> }>(thing: T): T => {
  closing.push(() => thing.close());
  return thing;
};

const title = (log: Log, page: string, value: string | null): Promise<void> =>
  produce(log, 'pages', partitionOfKey(utf8(page), 0, page.length, 3), [{ key: page, value }]);
const visit = (log: Log, key: string, page: string): Promise<void> => produce(log, 'visits', 0, [{ key, value: page }]);
const titled = async (log: Log): Promise<readonly (string | null)[]> =>
  (await consume(log, 'titled')).map(({ value }) => value);

describe.each(logKinds)('on the %s log', (kind) => {
  const open = async (): Promise<Log> => {
    const log = closedLater(await openLog(kind));
    await log.createTopic({ name: 'visits', partitions: 2 });
    await log.createTopic({ name: 'pages', partitions: 3 });
    await log.createTopic({ name: 'titled', partitions: 1 });
    return log;
  };
  const start = async (log: Log, shards: Shards): Promise<Runtime> => {
    const runtime = closedLater(newRuntime(log, { openShard: shards.open }));
    await runtime.start({ id: 'app', topology: titledVisits() });
    return runtime;
  };

  test('rows that are there at the start are found by the first record, after a restart too; later ones follow', async () => {
    const log = await open();
    const shards = new Shards();
    for (const page of ['a', 'b', 'c', 'd']) {
      await title(log, page, `old ${page}`);
      await title(log, page, `title of ${page}`);
    }
    for (const [at, page] of ['a', 'b', 'c', 'd', 'e'].entries()) await visit(log, `v${at}`, page);
    const first = await start(log, shards);
    await first.awaitIdle();
    const expected = ['a=title of a', 'b=title of b', 'c=title of c', 'd=title of d', 'e=-'];
    expect(await titled(log)).toEqual(expected);

    await title(log, 'e', 'late');
    await title(log, 'a', null);
    await expect
      .poll(async () => {
        await visit(log, 'w', 'e');
        await visit(log, 'w', 'a');
        await first.awaitIdle();
        return titled(log);
      })
      .toEqual(expect.arrayContaining(['e=late', 'a=-']));
    await first.close();

    const before = (await titled(log)).length;
    await visit(log, 'x', 'e');
    await visit(log, 'x', 'a');
    const second = await start(log, shards);
    await second.awaitIdle();
    expect((await titled(log)).slice(before)).toEqual(['e=late', 'a=-']);
  });

  test('an application of global stores alone is started, read, paused and started again', async () => {
    const log = await open();
    const { string } = serdes;
    const builder = new StreamsBuilder();
    builder.globalTable('pages', { key: string, value: string, store: 'titles' });
    const topology = builder.build();
    const titleOf = async (runtime: Runtime, page: string): Promise<boolean> =>
      (await runtime.read('app', 'titles', utf8(page))).length > 0;
    await title(log, 'a', 'title of a');
    for (let start = 0; start < 2; start++) {
      const runtime = closedLater(newRuntime(log));
      await runtime.start({ id: 'app', topology });
      await runtime.awaitIdleOf('app');
      expect([await titleOf(runtime, 'a'), await titleOf(runtime, `later ${start}`)]).toEqual([true, false]);
      await title(log, `later ${start}`, 'x');
      await expect.poll(() => titleOf(runtime, `later ${start}`)).toBe(true);
      await runtime.reader('app').reached([{ topic: 'pages', partition: 0, offset: 1 }]);
      runtime.pause('app');
      runtime.resume('app');
      await runtime.awaitIdle();
      expect(runtime.status('app')).toMatchObject({ state: 'running', tasks: 0 });
      await runtime.close();
    }
  });

  test('a topic that does not exist is named', async () => {
    const log = closedLater(await openLog(kind));
    await log.createTopic({ name: 'visits', partitions: 1 });
    await log.createTopic({ name: 'titled', partitions: 1 });
    const runtime = closedLater(newRuntime(log));
    await expect(runtime.start({ id: 'app', topology: titledVisits() })).rejects.toThrow('"pages"');
  });
});
