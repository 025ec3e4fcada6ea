/** Source, sink and repartition: what they make of bytes, keys, headers and partitions. */

import { expect, test } from 'vitest';
import { partitionOfKey } from '../../../base/index.ts';
import {
  mapValues,
  type Partitioner,
  repartitionSink,
  repartitionSource,
  type Serde,
  SerdeError,
  serdes,
  sink,
  source,
  Topology,
} from '../../../engine/index.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';

const { int32, string } = serdes;
const texts = { key: string, value: string };

const copying = (options: { value?: Serde<string>; partitioner?: Partitioner<string> } = {}): Topology =>
  new Topology().addSource('in', { topic: 'in', kind: 'stream', supplier: source({ value: string }) }).addSink('out', {
    topic: 'out',
    parents: ['in'],
    supplier: sink({ topic: 'out', value: string, ...options }),
  });

test('key, value, time and headers go from topic to topic, nulls as nulls', () => {
  const driver = new TopologyTestDriver(copying());
  const headers = [
    { key: 'trace', value: new Uint8Array([1, 2]) },
    { key: 'none', value: null },
  ];
  driver.input('in', texts).pipeAll([
    { key: 'a', value: 'x', timestamp: 5, headers },
    { key: null, value: null, timestamp: 6 },
    { key: '', value: '', timestamp: 7 },
  ]);
  expect(driver.output('out', texts).readAll()).toEqual([
    { key: 'a', value: 'x', timestamp: 5, headers, partition: 0, offset: 0 },
    { key: null, value: null, timestamp: 6, headers: [], partition: 0, offset: 1 },
    { key: '', value: '', timestamp: 7, headers: [], partition: 0, offset: 2 },
  ]);
});

test('text that is passed on keeps its bytes, also where they are not text; text that has changed is written', () => {
  const topology = copying()
    .addProcessor(
      'upper',
      mapValues<string, string>(({ value }) => value?.toUpperCase() ?? null),
      ['in'],
    )
    .addSink('uppers', { topic: 'uppers', parents: ['upper'], supplier: sink({ topic: 'uppers', value: string }) });
  const driver = new TopologyTestDriver(topology);
  const raw = { key: string, value: serdes.bytes };
  const input = driver.input('in', raw);
  const values = [[0x61, 0xff, 0x62], [0x41], [0x62, 0x63]].map((bytes) => Uint8Array.from(bytes));
  for (const value of values) input.pipe('k', value);
  expect(
    driver
      .output('out', raw)
      .readAll()
      .map(({ value }) => value),
  ).toEqual(values);
  expect(
    driver
      .output('uppers', texts)
      .readAll()
      .map(({ value }) => value),
  ).toEqual(['A\uFFFDB', 'A', 'BC']);
});

test('a record goes to the partition of its key; records without one go round', () => {
  const driver = new TopologyTestDriver(copying(), { partitions: 3 });
  const input = driver.input('in', texts);
  for (const key of ['a', 'b', 'c', 'd', 'e', null, null, null, null]) input.pipe(key, 'x');
  for (const { key, partition } of driver.take('out')) {
    if (key !== null) expect(partition).toBe(partitionOfKey(key, 0, key.length, 3));
  }
  for (let at = 0; at < 4; at++) input.pipe(null, 'y');
  expect(driver.take('out').map(({ partition }) => partition)).toEqual([1, 2, 0, 1]);
});

test("a partitioner of one's own decides, where it does", () => {
  const driver = new TopologyTestDriver(copying({ partitioner: ({ value }) => (value === 'mine' ? 2 : undefined) }), {
    partitions: 3,
  });
  const input = driver.input('in', texts);
  input.pipe(null, 'mine');
  input.pipe(null, 'default');
  expect(driver.take('out').map(({ partition }) => partition)).toEqual([2, 0]);
});

test('bytes that cannot be read and values that cannot be written fall out, the stream goes on', () => {
  const strict: Serde<string> = {
    ...string,
    write(value, out) {
      if (value === 'bad') throw new SerdeError('bad cannot be written');
      string.write(value, out);
    },
  };
  const topology = new Topology()
    .addSource('in', { topic: 'in', kind: 'stream', supplier: source({ key: int32, value: string }) })
    .addSink('out', { topic: 'out', parents: ['in'], supplier: sink({ topic: 'out', value: strict }) });
  const driver = new TopologyTestDriver(topology);
  driver.input('in', texts).pipe('abc', 'key too short');
  const input = driver.input('in', { key: int32, value: string });
  input.pipe(1, 'bad');
  input.pipe(2, 'good');
  expect(
    driver
      .output('out', { key: int32, value: string })
      .readAll()
      .map(({ value }) => value),
  ).toEqual(['good']);
  expect(driver.drops.map(({ reason, node, offset, detail }) => [reason, node, offset, detail])).toEqual([
    ['deserialization', 'in', 0, 'int32 takes 4 bytes, there are 3'],
    ['serialization', 'out', 1, 'bad cannot be written'],
  ]);
  expect(driver.counters.drops).toEqual(
    new Map([
      ['deserialization', 1],
      ['serialization', 1],
    ]),
  );
});

test('an error that is no bad data stops the task', () => {
  const broken: Serde<string> = {
    ...string,
    read() {
      throw new TypeError('a bug');
    },
  };
  const topology = new Topology().addSource('in', { topic: 'in', kind: 'stream', supplier: source({ value: broken }) });
  const driver = new TopologyTestDriver(topology);
  expect(() => driver.input('in', texts).pipe('a', 'x')).toThrow('a bug');
});

const through = (nullKeys: 'drop' | 'keep'): Topology =>
  new Topology()
    .addSource('in', { topic: 'in', kind: 'stream', supplier: source({ value: string }) })
    .addRepartition('r', {
      parents: ['in'],
      sink: repartitionSink({ name: 'r', value: string, nullKeys }),
      source: repartitionSource({ value: string }),
    })
    .addSink('out', { topic: 'out', parents: ['r'], supplier: sink({ topic: 'out', value: string }) });

test('a repartition drops records without a key, or keeps them where that is asked for', () => {
  for (const nullKeys of ['drop', 'keep'] as const) {
    const driver = new TopologyTestDriver(through(nullKeys));
    const input = driver.input('in', texts);
    input.pipe('a', '1');
    input.pipe(null, '2');
    const values = driver
      .output('out', texts)
      .readAll()
      .map(({ value }) => value);
    expect(values).toEqual(nullKeys === 'drop' ? ['1'] : ['1', '2']);
    expect(driver.drops.map(({ reason }) => reason)).toEqual(nullKeys === 'drop' ? ['null-key'] : []);
  }
});

test('headers pass a repartition, and the driver shows only those', () => {
  const driver = new TopologyTestDriver(through('drop'), { partitions: 2 });
  const headers = [{ key: 'trace', value: new Uint8Array([1]) }];
  driver.input('in', texts).pipeAll([
    { key: 'a', value: '1', headers },
    { key: 'a', value: '2', headers },
    { key: 'a', value: '3' },
  ]);
  driver.input('in', texts).pipe('a', '4');
  expect(driver.take('test-r-repartition').map((record) => record.headers.map(({ key }) => key))).toEqual([
    ['trace'],
    ['trace'],
    [],
    [],
  ]);
  expect(driver.take('out').map((record) => record.headers)).toEqual([headers, headers, [], []]);
});
