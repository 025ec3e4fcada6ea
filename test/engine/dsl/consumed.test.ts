/** Event times of what is read: extractors, and the policy for times that are not valid. */

import { describe, expect, expectTypeOf, test } from 'vitest';
import { systemClock } from '../../../base/node/index.ts';
import { serdes, type Topology } from '../../../engine/index.ts';
import {
  type Consumed,
  type KStream,
  SessionWindows,
  type SourceRecord,
  StreamsBuilder,
  TimeWindows,
} from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';
import { openMemoryLog } from '../../../storage/index.ts';
import { consume, newRuntime, produce, type Row } from '../runtime/support.ts';

const { json, string } = serdes;
const texts = { key: string, value: string };

interface Reading {
  readonly at?: number;
  readonly boom?: boolean;
}
const readings = { key: string, value: json<Reading>() };

const copying = (how: Partial<Consumed<string, Reading>>): Topology => {
  const builder = new StreamsBuilder();
  builder.stream('in', { ...readings, ...how }).to('out');
  return builder.build();
};

/** Pipes records as one batch; shows the times of what came out. */
const timesOf = (driver: TopologyTestDriver, records: readonly (Reading & { own?: number })[]): number[] => {
  driver.input('in', readings).pipeAll(records.map(({ own = 0, ...value }) => ({ key: 'k', value, timestamp: own })));
  return driver
    .output('out', readings)
    .readAll()
    .map(({ timestamp }) => timestamp);
};

const fromField = ({ value }: SourceRecord<string, Reading>): number => value?.at ?? -1;

describe('an extractor', () => {
  test('gives a record the time of a field', () => {
    const driver = new TopologyTestDriver(copying({ timestamp: fromField }));
    expect(timesOf(driver, [{ at: 7, own: 99 }, { at: 3 }, { at: 5 }])).toEqual([7, 3, 5]);
  });

  test('sees key, value, own time, headers, place, and the largest time of the records before', () => {
    const seen: unknown[] = [];
    const topology = copying({
      timestamp(record, partitionTime) {
        expectTypeOf(record.value).toEqualTypeOf<Reading | null>();
        const { key, timestamp, headers, topic, partition, offset } = record;
        seen.push([key, timestamp, [...headers].length, topic, partition, offset, partitionTime]);
        return fromField(record);
      },
    });
    const driver = new TopologyTestDriver(topology);
    driver.input('in', readings).pipeAll([
      { key: 'a', value: { at: 5 }, timestamp: 50, headers: [{ key: 'h', value: null }] },
      { key: null, value: { at: 2 }, timestamp: 60 },
    ]);
    driver.input('in', readings).pipe('b', { at: 9 }, 70);
    expect(seen).toEqual([
      ['a', 50, 1, 'in', 0, 0, -1],
      [null, 60, 0, 'in', 0, 1, 5],
      ['b', 70, 0, 'in', 0, 2, 5],
    ]);
  });

  test('may be the wall clock', () => {
    const driver = new TopologyTestDriver(copying({ timestamp: 'wall clock' }), { now: 1000 });
    expect(timesOf(driver, [{ at: 7, own: 99 }])).toEqual([1000]);
    driver.clock.advance(5);
    expect(timesOf(driver, [{ at: 7, own: 99 }])).toEqual([1005]);
  });

  test('decides which of two inputs is next', async () => {
    const builder = new StreamsBuilder();
    const table = builder.table('table', { ...readings, timestamp: fromField });
    builder
      .stream('in', { ...readings, timestamp: fromField })
      .leftJoin(table, (left, right) => ({ at: (left.at ?? 0) * 1000 + (right?.at ?? 0) }), { value: readings.value })
      .to('out');
    const topology = builder.build();
    expect(topology.subTopologies().length).toBe(1);
    const log = await openMemoryLog({ clock: systemClock, timers: systemClock });
    for (const name of ['table', 'in', 'out']) await log.createTopic({ name, partitions: 1 });
    const rows = (times: readonly number[]): Row[] =>
      times.map((at) => ({ key: 'k', value: JSON.stringify({ at }), timestamp: 1000 - at }));
    await produce(log, 'table', 0, rows([10, 20, 30]));
    await produce(log, 'in', 0, rows([5, 15, 20, 99]));
    const runtime = newRuntime(log);
    await runtime.start({ id: 'app', topology });
    await runtime.awaitIdle();
    expect((await consume(log, 'out')).map(({ value }) => (JSON.parse(value ?? '') as Reading).at)).toEqual([
      5000, 15_010, 20_020, 99_030,
    ]);
    await runtime.close();
    await log.close();
  });

  test('of a table gives its rows their time', () => {
    const builder = new StreamsBuilder();
    builder
      .table('in', { ...readings, timestamp: fromField, store: 'rows' })
      .toStream()
      .to('out');
    const driver = new TopologyTestDriver(builder.build());
    expect(timesOf(driver, [{ at: 7 }, { at: 3 }])).toEqual([7, 3]);
    expect(driver.keyValueStore('rows', readings).get('k')).toEqual({ value: { at: 3 }, timestamp: 3 });
  });
});

describe('a time that is not valid', () => {
  const invalid = [{ at: 7 }, { at: -3 }, {}, { at: 1.5 }, { at: Number.NaN }, { at: 9 }];

  test('lies beyond what a batch holds exactly', () => {
    const driver = new TopologyTestDriver(copying({ timestamp: fromField }));
    expect(timesOf(driver, [{ at: 2 ** 51 }, { at: 2 ** 51 + 1 }, { at: 0 }])).toEqual([2 ** 51, 0]);
    expect(driver.drops).toMatchObject([{ reason: 'invalid-timestamp', offset: 1 }]);
  });

  test('drops the record, by default and by choice', () => {
    for (const how of [{}, { invalidTimestamp: 'skip' } as const]) {
      const driver = new TopologyTestDriver(copying({ timestamp: fromField, ...how }));
      expect(timesOf(driver, invalid)).toEqual([7, 9]);
      expect(driver.drops.map(({ reason, offset, detail }) => [reason, offset, detail])).toEqual([
        ['invalid-timestamp', 1, 'the timestamp -3 is not valid'],
        ['invalid-timestamp', 2, 'the timestamp -1 is not valid'],
        ['invalid-timestamp', 3, 'the timestamp 1.5 is not valid'],
        ['invalid-timestamp', 4, 'the timestamp -1 is not valid'],
      ]);
    }
  });

  test('gives the record the partition time', () => {
    const driver = new TopologyTestDriver(copying({ timestamp: fromField, invalidTimestamp: 'partition time' }));
    expect(timesOf(driver, [{}, { at: 7 }, { at: 3 }, { at: -3 }, { at: 9 }])).toEqual([7, 3, 7, 9]);
    expect(timesOf(driver, [{ at: -3 }])).toEqual([9]);
    expect(driver.drops).toMatchObject([{ reason: 'invalid-timestamp', offset: 0 }]);
  });

  test('fails the record, where that is asked for', () => {
    const topology = copying({ timestamp: fromField, invalidTimestamp: 'fail' });
    expect(() => timesOf(new TopologyTestDriver(topology), invalid)).toThrow(
      'the node "KSTREAM-SOURCE-0000000000" failed on the record in/0 offset 1 (task 0_0): the timestamp -3 is not valid',
    );
    const driver = new TopologyTestDriver(topology, { onError: { processing: 'continue' } });
    expect(timesOf(driver, invalid)).toEqual([7, 9]);
    expect(driver.drops.map(({ reason }) => reason)).toEqual(['processing', 'processing', 'processing', 'processing']);
  });

  test('of the record itself is treated alike', () => {
    const own = [{ own: 5 }, { own: -1 }, { own: 6 }];
    expect(timesOf(new TopologyTestDriver(copying({})), own)).toEqual([5, 6]);
    expect(timesOf(new TopologyTestDriver(copying({ invalidTimestamp: 'partition time' })), own)).toEqual([5, 5, 6]);
    expect(() => timesOf(new TopologyTestDriver(copying({ invalidTimestamp: 'fail' })), own)).toThrow(
      'the timestamp -1 is not valid',
    );
  });

  test('an extractor that throws is a failure of its record', () => {
    const topology = copying({
      timestamp(record) {
        if (record.value?.boom === true) throw new Error('boom');
        return fromField(record);
      },
    });
    expect(() => timesOf(new TopologyTestDriver(topology), [{ at: 1 }, { boom: true }])).toThrow(
      'failed on the record in/0 offset 1 (task 0_0): boom',
    );
    const driver = new TopologyTestDriver(topology, { onError: { processing: 'continue' } });
    expect(timesOf(driver, [{ at: 1 }, { boom: true }, { at: 2 }])).toEqual([1, 2]);
  });

  test('a record that cannot be read is dropped as such, whatever its time', () => {
    const driver = new TopologyTestDriver(copying({ timestamp: fromField }));
    driver.input('in', texts).pipe('k', 'no JSON', 5);
    expect(driver.drops).toMatchObject([{ reason: 'deserialization', offset: 0 }]);
  });
});

describe('a stream of several topics', () => {
  test('has the records of all of them, in the order of their times, and knows where each comes from', async () => {
    const builder = new StreamsBuilder();
    builder
      .stream(['in', 'table', 'in'], { ...texts, name: 'both' })
      .process<string>((context) => ({
        process: (record) =>
          context.forward({ ...record, value: `${context.recordMetadata()?.topic} ${record.value}` }),
      }))
      .to('out', { value: string });
    const topology = builder.build();
    expect(topology.description().subTopologies[0]?.nodes.map(({ name }) => name)).toEqual([
      'both-in',
      'both-table',
      'both',
      'KSTREAM-PROCESSOR-0000000000',
      'KSTREAM-SINK-0000000001',
    ]);
    const log = await openMemoryLog({ clock: systemClock, timers: systemClock });
    for (const name of ['table', 'in', 'out']) await log.createTopic({ name, partitions: 1 });
    const rows = (...times: readonly number[]): Row[] =>
      times.map((timestamp) => ({ key: 'k', value: String(timestamp), timestamp }));
    await produce(log, 'in', 0, rows(1, 4, 5));
    await produce(log, 'table', 0, rows(2, 3, 6));
    const runtime = newRuntime(log);
    await runtime.start({ id: 'app', topology });
    await runtime.awaitIdle();
    expect((await consume(log, 'out')).map(({ value }) => value)).toEqual([
      'in 1',
      'table 2',
      'table 3',
      'in 4',
      'in 5',
      'table 6',
    ]);
    await runtime.close();
    await log.close();
  });

  test('has at least one', () => {
    expect(() => new StreamsBuilder().stream([], texts)).toThrow('a stream of no topic at all');
  });
});

describe('values', () => {
  /** How many values are read of three records, one of them without a value, and what comes out. */
  const counted = (
    serde: (typeof texts)['value'],
    build: (stream: KStream<string, string>) => void,
  ): { readonly reads: number; readonly rows: string[] } => {
    let reads = 0;
    const value = {
      ...serde,
      read(bytes: Uint8Array, start: number, end: number) {
        reads++;
        return string.read(bytes, start, end);
      },
    };
    const builder = new StreamsBuilder();
    build(builder.stream('in', { key: string, value }));
    const driver = new TopologyTestDriver(builder.build());
    driver.input('in', texts).pipeAll(['v', null, 'w'].map((each) => ({ key: 'k', value: each, timestamp: 1 })));
    const rows = driver.output('out', { key: serdes.bytes, value: serdes.int64 }).readAll();
    driver.close();
    return { reads, rows: rows.map((row) => String(row.value)) };
  };
  const windows = TimeWindows.ofSizeWithNoGrace(10);
  const sessions = SessionWindows.ofInactivityGapWithNoGrace(10);

  test('that are only counted are not read, where reading them cannot fail', () => {
    expect(counted(string, (stream) => stream.groupByKey().count().toStream().to('out'))).toEqual({
      reads: 0,
      rows: ['1', '2'],
    });
    const rows = ['1', '2', '3'];
    expect(counted(string, (stream) => stream.groupByKey().windowedBy(windows).count().toStream().to('out'))).toEqual({
      reads: 0,
      rows,
    });
    expect(counted(string, (stream) => stream.groupByKey().windowedBy(sessions).count().toStream().to('out'))).toEqual({
      reads: 0,
      rows,
    });
    const { readsAll: _, ...strict } = string;
    expect(counted(strict, (stream) => stream.groupByKey().windowedBy(windows).count().toStream().to('out'))).toEqual({
      reads: 2,
      rows,
    });
  });

  test('are read where another child of the source reads them', () => {
    const seen: string[] = [];
    const { reads, rows } = counted(string, (stream) => {
      stream.groupByKey().windowedBy(windows).count().toStream().to('out');
      stream.foreach((_key, value) => seen.push(String(value)));
    });
    expect({ reads, rows, seen }).toEqual({ reads: 2, rows: ['1', '2', '3'], seen: ['v', 'null', 'w'] });
  });
});
