/** Stores know what their entries look like: a topology that reads them otherwise is refused, and nothing is
 *  misread. */

import { expect, test } from 'vitest';
import { type Runtime, serdes, source, Topology, tableSource } from '../../../engine/index.ts';
import { newRuntime, openLog, produce, Shards } from './support.ts';

const { string } = serdes;

/** Keeps the rows of a topic. */
const keeping = (topic: string, schemaHash: number | undefined): Topology =>
  new Topology()
    .addSource('in', { topic, kind: 'table', supplier: source({ value: string }) })
    .addStore({ name: 'rows', kind: 'key-value', ...(schemaHash === undefined ? {} : { schemaHash }) })
    .addProcessor('table', tableSource({ store: 'rows', row: string }), ['in'], { stores: ['rows'] });

const stateOf = (runtime: Runtime, id: string): unknown => {
  const query = runtime.queries().find(({ queryId }) => queryId === id);
  return query?.state === 'failed' ? query.error : query?.state;
};

test.each([['a checkpoint'], ['the changelog alone']])(
  'a store is accepted once without a hash, and from then on under its own only, restored from %s',
  async (restored) => {
    const log = await openLog('memory');
    const shards = new Shards();
    for (const topic of ['one', 'other']) await log.createTopic({ name: topic, partitions: 1 });
    const run = async (schemaHash: number | undefined): Promise<readonly unknown[]> => {
      const openShard = restored === 'a checkpoint' ? shards.open : new Shards().open;
      const runtime = newRuntime(log, { openShard });
      try {
        for (const topic of ['one', 'other']) {
          const hash = topic === 'one' ? schemaHash : undefined;
          await runtime.start({ id: topic, topology: keeping(topic, hash) }).catch(() => undefined);
          await produce(log, topic, 0, [{ key: 'a', value: '1' }]);
        }
        await runtime.awaitIdle();
        return [stateOf(runtime, 'one'), stateOf(runtime, 'other')];
      } finally {
        await runtime.close();
        if (restored === 'a checkpoint') expect(shards.kvs.size).toBeGreaterThan(0);
      }
    };
    const mismatch = expect.objectContaining({
      code: 'STATE_SCHEMA_MISMATCH',
      message: expect.stringContaining(
        'the entries of the store "rows" were written with other keys or rows than its nodes read now: their schema ' +
          'hash is 00000000000b, that of the nodes is 00000000000c; nothing was changed',
      ),
      hint: expect.stringContaining('"millrace repair --data DIR --reset-query one"'),
    });
    try {
      // As a build without hashes leaves it.
      expect(await run(undefined)).toEqual(['running', 'running']);
      expect(await run(11)).toEqual(['running', 'running']);
      expect(await run(12)).toEqual([mismatch, 'running']);
      expect(await run(12)).toEqual([mismatch, 'running']);
      expect(await run(11)).toEqual(['running', 'running']);
    } finally {
      await log.close();
    }
  },
);
