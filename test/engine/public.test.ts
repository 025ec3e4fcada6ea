/** `millrace/engine` as a program imports it. */

import {
  type ByteWriter,
  type Drop,
  type FixedWindows,
  type KTable,
  process,
  type RecordHeader,
  type Serde,
  SerdeError,
  type SinkOptions,
  StreamsBuilder,
  serdes,
  sink,
  source,
  TimeWindows,
  Topology,
  TopologyTestDriver,
  timeWindowed,
  type Windowed,
  type WindowedSerde,
} from 'millrace/engine';
import { expect, test } from 'vitest';

const { string, int64 } = serdes;

test('a program counts words and tests it without a log', () => {
  const builder = new StreamsBuilder();
  const counts: KTable<string, number | bigint> = builder
    .stream('lines', { key: string, value: string })
    .flatMapValues((line) => line?.toLowerCase().split(/\W+/) ?? [], { value: string })
    .filter((_key, word) => word !== '')
    .groupBy((_key, word) => word, { key: string })
    .count({ store: 'counts' });
  counts.toStream().to('counted');
  const driver = new TopologyTestDriver(builder.build());
  driver.input('lines', { key: string, value: string }).pipe(null, 'The mill, the race');
  expect(driver.output('counted', { key: string, value: int64 }).readTable()).toEqual(
    new Map([
      ['the', 2],
      ['mill', 1],
      ['race', 1],
    ]),
  );
  expect(driver.keyValueStore('counts', { key: string, value: int64 }).get('the')?.value).toBe(2);
  driver.close();
});

test('a program writes a serde of its own', () => {
  const flag: Serde<boolean> = {
    name: 'yes or no',
    write: (value, out: ByteWriter) => out.utf8(value ? 'yes' : 'no'),
    read(bytes, start, end) {
      const text = serdes.string.read(bytes, start, end);
      if (text !== 'yes' && text !== 'no') throw new SerdeError(`${text} is neither yes nor no`);
      return text === 'yes';
    },
  };
  const builder = new StreamsBuilder();
  builder.stream('in', { key: string, value: flag }).to('out', { value: flag });
  const driver = new TopologyTestDriver(builder.build());
  driver.input('in', { key: string, value: string }).pipeText(`
    a: yes
    b: perhaps`);
  expect(driver.output('out', { key: string, value: string }).readText()).toBe('a: yes');
  const drops: readonly Drop[] = driver.drops;
  expect(drops.map(({ reason, detail }) => `${reason}: ${detail}`)).toEqual([
    expect.stringContaining('deserialization: '),
  ]);
});

test('a topology is built without the DSL', () => {
  const upper = process<string, string, string, string, never>(
    (context) => ({
      process: (record) => context.forward({ ...record, value: record.value?.toUpperCase() ?? null }),
    }),
    { key: string, keyOut: string },
  );
  const out: SinkOptions<string> = {
    topic: 'out',
    parents: ['upper'],
    supplier: sink({ topic: 'out', value: string }),
  };
  const topology = new Topology()
    .addSource('read', { topic: 'in', kind: 'stream', supplier: source({ key: string, value: string }) })
    .addProcessor('upper', upper, ['read'])
    .addSink('write', out)
    .validate();
  const driver = new TopologyTestDriver(topology);
  const headers: readonly RecordHeader[] = [];
  driver.input('in', { key: string, value: string }).pipeAll([{ key: 'a', value: 'one', headers }]);
  expect(driver.output('out', { key: string, value: string }).readText()).toBe('a: ONE');
});

test('functions of a program name what the library takes and gives', () => {
  const counted = (windows: FixedWindows): KTable<Windowed<string>, number | bigint> =>
    new StreamsBuilder().stream('in', { key: string, value: string }).groupByKey().windowedBy(windows).count();
  const key: WindowedSerde<string> = timeWindowed(string, 10);
  expect(counted(TimeWindows.ofSizeWithNoGrace(10)).queryable()).toMatchObject({ sizeMs: key.sizeMs });
});
