import { describe, expect, test } from 'vitest';
import { ByteWriter, partitionOfKey } from '../../../base/index.ts';
import { type Serde, SerdeError, serdes } from '../../../engine/index.ts';
import {
  type KStream,
  StreamsBuilder,
  sessionWindowed,
  TimeWindows,
  timeWindowed,
  type Windowed,
} from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';

const { string } = serdes;

const written = (serde: Serde<Windowed<string>>, window: Windowed<string>): string => {
  const out = new ByteWriter();
  serde.write(window, out);
  const bytes = out.slice();
  expect(serde.read(bytes, 0, bytes.length)).toEqual(window);
  const padded = new Uint8Array(bytes.length + 4);
  padded.set(bytes, 3);
  expect(serde.read(padded, 3, 3 + bytes.length)).toEqual(window);
  return Buffer.from(bytes).toString('hex');
};

test('a key with a time window is the key, then its start; the end follows from the size', () => {
  const serde = timeWindowed(string, 10);
  expect(written(serde, { key: 'a', start: 258, end: 268 })).toBe('610000000000000102');
  expect(written(serde, { key: '', start: 0, end: 10 })).toBe('0000000000000000');
  expect(written(timeWindowed(string, Number.POSITIVE_INFINITY), { key: 'a', start: 5, end: Infinity })).toBe(
    '610000000000000005',
  );
});

test('a key with a session is the key, then its end, then its start', () => {
  const serde = sessionWindowed(string);
  expect(written(serde, { key: 'ab', start: 1, end: 258 })).toBe('616200000000000001020000000000000001');
  expect(written(serde, { key: 'ab', start: 7, end: 7 })).toBe('616200000000000000070000000000000007');
});

test('bytes that are too short for a window are refused', () => {
  expect(() => timeWindowed(string, 10).read(new Uint8Array(7), 0, 7)).toThrow(SerdeError);
  expect(() => sessionWindowed(string).read(new Uint8Array(15), 0, 15)).toThrow(
    'a key with a session takes at least 16 bytes',
  );
});

/** As the published TimeWindowedDeserializerTest and WindowedSerdesTest have it. */
test('a serde without an inner one, or without the size of its windows, is refused', () => {
  const nothing = undefined as never;
  const missing = (method: string) =>
    expect.objectContaining({
      code: 'DSL_SERDE_MISSING',
      message: `${method}: "key" has to be a serde, not undefined`,
    });
  expect(() => timeWindowed(nothing, 10)).toThrow(missing('timeWindowed'));
  expect(() => sessionWindowed(nothing)).toThrow(missing('sessionWindowed'));
  for (const size of [nothing, null as never, Number.NaN, -1])
    expect(() => timeWindowed(string, size)).toThrow(
      expect.objectContaining({ code: 'DSL_WINDOW_INVALID', message: `a window cannot have the size ${size} ms` }),
    );
  // Sliding windows may be of one moment.
  expect(timeWindowed(string, 0).sizeMs).toBe(0);
});

describe('records of windowed keys lie in the partition of the key alone, as in Kafka Streams', () => {
  const texts = { key: string, value: string };
  const windowed = { key: timeWindowed(string, 10), value: string };
  const keys = ['x', 'y', 'z'].flatMap((key) => [0, 10, 20].map((start) => ({ key, start, end: start + 10 })));
  const partitionOf = (key: string): number => partitionOfKey(new TextEncoder().encode(key), 0, key.length, 4);

  /** Pipes a record for each of the keys, and checks the partitions of what comes out. */
  const check = (build: (stream: KStream<Windowed<string>, string>) => void, how: typeof windowed = windowed): void => {
    const builder = new StreamsBuilder();
    build(builder.stream('in', windowed));
    const driver = new TopologyTestDriver(builder.build(), { partitions: 4 });
    for (const key of keys) driver.input('in', windowed).pipe(key, 'v');
    const out = driver.output('out', how).readAll();
    expect(out.map(({ partition }) => partition)).toEqual(keys.map(({ key }) => partitionOf(key)));
  };

  test('written to a topic, as they were read or by a serde that is given', () => {
    check((stream) => stream.to('out'));
    check((stream) => stream.to('out', windowed));
    check((stream) => stream.repartition({ name: 'moved' }).to('out'));
  });

  test('made by map, selectKey and process', () => {
    const sameKey = (key: Windowed<string> | null): Windowed<string> | null => key;
    check((stream) => stream.map((key, value) => [key, value], windowed).to('out'));
    check((stream) => stream.selectKey(sameKey, windowed).repartition({ name: 'moved' }).to('out'));
    check((stream) =>
      stream.process((context) => ({ process: (record) => context.forward(record) }), windowed).to('out'),
    );
  });

  test('sessions too', () => {
    const builder = new StreamsBuilder();
    const sessions = { key: sessionWindowed(string), value: string };
    builder.stream('in', sessions).to('out');
    const driver = new TopologyTestDriver(builder.build(), { partitions: 4 });
    for (const key of keys) driver.input('in', sessions).pipe(key, 'v');
    const partitions = driver
      .output('out', sessions)
      .readAll()
      .map(({ partition }) => partition);
    expect(partitions).toEqual(keys.map(({ key }) => partitionOf(key)));
  });

  test('keys of another form in the partition of all of their bytes', () => {
    const builder = new StreamsBuilder();
    const key = serdes.json<Windowed<string>>();
    const grouped = builder.stream('in', texts).groupByKey();
    grouped
      .windowedBy(TimeWindows.ofSizeWithNoGrace(10))
      .reduce((_before, value) => value)
      .toStream()
      .to('out', { key });
    const driver = new TopologyTestDriver(builder.build(), { partitions: 4 });
    for (const each of keys) driver.input('in', texts).pipe(each.key, 'v', 20);
    for (const record of driver.output('out', { key, value: string }).readAll()) {
      const bytes = new TextEncoder().encode(JSON.stringify(record.key));
      expect(record.partition).toBe(partitionOfKey(bytes, 0, bytes.length, 4));
    }
  });

  test('so that a stream whose keys have changed meets a windowed table', () => {
    const builder = new StreamsBuilder();
    const counts = builder
      .stream('clicks', texts)
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 1000))
      .count({ retentionMs: 2000 });
    builder
      .stream('asked', texts)
      .selectKey((_key, value) => ({ key: value ?? '', start: 20, end: 30 }), { key: timeWindowed(string, 10) })
      .join(counts, (value, count) => `${value}: ${count}`, { value: string })
      .to('out');
    const driver = new TopologyTestDriver(builder.build(), { partitions: 4 });
    for (const key of ['x', 'y', 'z']) {
      driver.input('clicks', texts).pipe(key, '', 20);
      driver.input('asked', texts).pipe('any', key, 20);
    }
    expect(driver.output('out', windowed).readValues().sort()).toEqual(['x: 1', 'y: 1', 'z: 1']);
  });
});
