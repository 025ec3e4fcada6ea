/** What a program gets wrong with topologies and applications, and what it is told. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StreamsBuilder, serdes, TimeWindows, type Topology, TopologyTestDriver } from '../engine/public.ts';
import { type Millrace, open, type StreamsOptions } from '../millrace.ts';

const { int64, string } = serdes;
const texts = { key: string, value: string };

const built = (build: (builder: StreamsBuilder) => unknown): Topology => {
  const builder = new StreamsBuilder();
  build(builder);
  return builder.build();
};

describe('a topology', () => {
  test('joins tables of its own builder only', () => {
    const other = new StreamsBuilder().table('there', texts);
    const both = (a: string, b: string): string => a + b;
    for (const joined of [
      (builder: StreamsBuilder) => builder.stream('here', texts).join(other, both, { value: string }),
      (builder: StreamsBuilder) => builder.table('here', texts).join(other, both, { value: string }),
      (builder: StreamsBuilder) => builder.table('here', texts).join(other, (row) => row, both, { value: string }),
    ])
      expect(() => built(joined)).toThrow(expect.objectContaining({ code: 'DSL_BUILDERS_DIFFER' }));
  });

  test('has to read a topic that records are piped to', () => {
    const driver = new TopologyTestDriver(built((builder) => builder.table('in', texts)));
    expect(() => driver.input('inn', texts)).toThrow(
      expect.objectContaining({ code: 'TOPIC_UNKNOWN', hint: 'It reads: in.' }),
    );
  });

  test('names the stores that there are where the test driver is asked for another', () => {
    const driver = new TopologyTestDriver(built((builder) => builder.table('in', { ...texts, store: 'rows' })));
    expect(() => driver.keyValueStore('row', texts)).toThrow(
      expect.objectContaining({ code: 'STORE_UNKNOWN', hint: 'Its stores are: rows.' }),
    );
  });
});

describe('an application', () => {
  const data = mkdtempSync(join(tmpdir(), 'millrace-mistakes-'));
  let millrace: Millrace;
  beforeAll(async () => {
    millrace = await open({ data });
    await millrace.topic('in', texts);
  });
  afterAll(async () => {
    await millrace.close();
    rmSync(data, { recursive: true, force: true });
  });

  /** As a program without types may give it. */
  const refused = async (options: object, code: string, hint: string): Promise<void> => {
    const given = options as StreamsOptions;
    await expect(millrace.streams(given)).rejects.toMatchObject({ code, hint: expect.stringContaining(hint) });
  };

  test('needs an id, a topology, and a module for threads', async () => {
    const builder = new StreamsBuilder();
    builder.stream('in', texts).foreach(() => undefined);
    const topology = builder.build();
    for (const id of [undefined, '', 'a/b', 'x'.repeat(101)])
      await refused({ id, topology }, 'STREAMS_ID_INVALID', 'letters');
    await refused({ id: 'a', topology: builder }, 'STREAMS_TOPOLOGY_INVALID', 'builder.build()');
    await refused({ id: 'a' }, 'STREAMS_TOPOLOGY_INVALID', 'builder.build()');
    await refused({ id: 'a', topology, threads: 2 }, 'STREAMS_NOT_IN_THREADS', 'module');
    await refused({ id: 'a', module: './app.ts' }, 'STREAMS_MODULE_INVALID', 'import.meta.url');
  });

  test('whose store is read as another kind, or with other serdes, is not misread', async () => {
    const topology = built((builder) => {
      const stream = builder.stream('in', texts).groupByKey();
      stream.reduce((_, value) => value, { store: 'rows' });
      stream.windowedBy(TimeWindows.ofSizeWithNoGrace(10)).count({ store: 'windows' });
    });
    const streams = await millrace.streams({ id: 'kinds', topology });
    const from = await millrace.produce('in', [{ key: 'k', value: 'v', timestamp: 15 }]);
    const differs = { code: 'STORE_FORM_DIFFERS' };
    const options = { from };
    const rows = { name: 'rows', ...texts };
    expect(await streams.store(rows, options).get('k')).toBe('v');
    await expect(streams.store({ ...rows, value: int64 }, options).get('k')).rejects.toMatchObject({
      ...differs,
      message: 'the store "rows" cannot be read so: int64 takes 8 bytes, there are 1',
    });
    await expect(streams.store({ ...rows, sizeMs: 10 }, options).get('k', 0)).rejects.toMatchObject(differs);
    await expect(streams.store({ ...rows, sizeMs: undefined }, options).get('k', 0)).rejects.toMatchObject(differs);
    const windows = { name: 'windows', key: string, value: int64 };
    expect(await streams.store({ ...windows, sizeMs: 10 }, options).get('k', 10)).toBe(1);
    await expect(streams.store(windows, options).get('k')).rejects.toMatchObject(differs);
    await expect(streams.store({ ...windows, sizeMs: undefined }, options).get('k', 10)).rejects.toMatchObject(differs);
    await streams.close();
  });

  test('is not started over rows of other serdes, until it is reset', async () => {
    const rows = built((builder) => builder.table('in', { ...texts, store: 'rows' }));
    const former = await millrace.streams({ id: 'other-rows', topology: rows });
    await millrace.awaitIdle();
    await former.close();
    const topology = built((builder) => builder.stream('in', texts).groupByKey().count({ store: 'rows' }));
    const differs = { code: 'STATE_SCHEMA_MISMATCH', hint: expect.stringContaining('reset()') };
    const streams = await millrace.streams({ id: 'other-rows', topology, start: false });
    await expect(streams.start()).rejects.toMatchObject(differs);
    await streams.reset();
    await streams.start();
    await streams.close();
  });
});
