import { describe, expect, test } from 'vitest';
import { serdes } from '../../engine/index.ts';
import { SessionWindows, Stores, StreamsBuilder, TimeWindows } from '../../engine/public.ts';
import { TopologyTestDriver } from '../../engine/test-driver.ts';

const { int64, string } = serdes;
const texts = { key: string, value: string };

const counting = () => {
  const builder = new StreamsBuilder();
  builder.stream('in', texts).groupByKey().count({ store: 'counts' }).toStream().to('out');
  return builder.build();
};

test('what follows from a record is there when pipe returns, committed', () => {
  const driver = new TopologyTestDriver(counting(), { now: 42 });
  const input = driver.input('in', texts);
  const output = driver.output('out', { key: string, value: int64 });
  expect(output.isEmpty).toBe(true);
  input.pipe('a', 'x');
  expect(output.read()).toEqual({ key: 'a', value: 1, timestamp: 42, headers: [], partition: 0, offset: 0 });
  expect(output.read()).toBeUndefined();
  expect(driver.keyValueStore('counts', { key: string, value: int64 }).get('a')).toEqual({ value: 1, timestamp: 42 });
  expect(driver.counters.recordsRead).toBe(1);
});

test('the clock stands still until it is told to go on', () => {
  const driver = new TopologyTestDriver(counting());
  const input = driver.input('in', texts);
  input.pipe('a', 'x');
  driver.clock.advance(1000);
  input.pipe('a', 'y');
  expect(
    driver
      .output('out', { key: string, value: int64 })
      .readAll()
      .map(({ timestamp }) => timestamp),
  ).toEqual([0, 1000]);
});

test('records piped as a batch are one transaction: the changelog gets each key once', () => {
  const driver = new TopologyTestDriver(counting());
  driver.input('in', texts).pipeAll(['x', 'y', 'z'].map((value) => ({ key: 'a', value })));
  // And the store's schema hash.
  expect(driver.take('test-counts-changelog').length).toBe(1 + 1);
  expect(driver.output('out', { key: string, value: int64 }).readTable()).toEqual(new Map([['a', 3]]));
  expect(driver.topics()).toEqual(['in', 'out', 'test-counts-changelog']);
});

test('a topic that is written and read loops back', () => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', texts)
    .filter((_key, value) => value !== null && value.length < 4)
    .mapValues((value) => `${value}+`, { value: string })
    .to('in');
  const driver = new TopologyTestDriver(builder.build());
  driver.input('in', texts).pipe('a', 'x');
  expect(
    driver
      .output('in', texts)
      .readAll()
      .map(({ value }) => value),
  ).toEqual(['x', 'x+', 'x++', 'x+++']);
});

test('a record without a key is no row of the table that an output is read as', () => {
  const builder = new StreamsBuilder();
  builder.stream('in', texts).to('out');
  const driver = new TopologyTestDriver(builder.build());
  driver.input('in', texts).pipeText(`
    null: x
    a: y
    -: z`);
  expect(() => driver.output('out', texts).readTable()).toThrow(
    expect.objectContaining({
      code: 'TEST_OUTPUT_UNREADABLE',
      message: 'the record out/0 offset 2 has no key: it is no row of a table',
    }),
  );
});

test('what a record writes to the topic of a global store is there for the next record', () => {
  const rows = Stores.keyValue('rows', string, string);
  const builder = new StreamsBuilder();
  builder.addGlobalStore(rows, 'global', texts, (context) => ({
    process: ({ key, value }) => context.getStateStore(rows).put(key ?? '', value),
  }));
  const parted = builder.stream('in', texts).process<string, readonly [typeof rows]>(
    (context) => ({
      process(record) {
        const before = context.getStateStore(rows).get(record.key ?? '') ?? 'nothing';
        if (record.value === 'x') context.forward({ ...record, value: 'x again' }, 'again');
        context.forward({ ...record, value: `${record.value} after ${before}` }, 'shown');
        context.forward(record, 'kept');
      },
    }),
    { value: string, stores: [rows] },
  );
  parted.filter(() => true, { name: 'again' }).to('in');
  parted.filter(() => true, { name: 'shown' }).to('out');
  parted.filter(() => true, { name: 'kept' }).to('global');
  const driver = new TopologyTestDriver(builder.build());
  driver.input('in', texts).pipe('a', 'x');
  expect(driver.output('out', texts).readValues()).toEqual(['x after nothing', 'x again after x']);
  expect(driver.output('global', texts).readValues()).toEqual(['x', 'x again']);
});

test('sources by pattern read the topics that the topology is made over', () => {
  const builder = new StreamsBuilder();
  builder
    .stream(/^source-\d$/, texts)
    .mapValues((value) => `digit ${value}`, { value: string })
    .to('out');
  builder
    .stream(/^source-[A-Z]$/, texts)
    .mapValues((value) => `letter ${value}`, { value: string })
    .to('out');
  builder.stream('plain', texts).to('out');
  const topology = builder.build();
  expect(() => new TopologyTestDriver(topology)).toThrow(
    expect.objectContaining({
      code: 'DSL_TOPICS_MISSING',
      message: 'which topics match /^source-\\d$/ is not known yet',
    }),
  );
  const driver = new TopologyTestDriver(topology.over(['source-1', 'source-2', 'source-Z', 'other']));
  for (const topic of ['source-Z', 'source-2', 'plain', 'source-1']) driver.input(topic, texts).pipe('a', topic);
  expect(driver.output('out', texts).readValues()).toEqual([
    'letter source-Z',
    'digit source-2',
    'plain',
    'digit source-1',
  ]);
  expect(() => driver.input('other', texts)).toThrow('the topology does not read the topic "other"');
  // A misspelt one is always empty.
  expect(() => driver.output('other', texts)).toThrow('the topology does not write the topic "other"');
});

test('an output that is read by another serde than it was written with names the record', () => {
  const driver = new TopologyTestDriver(counting());
  driver.input('in', texts).pipe('a', 'x');
  expect(() => driver.output('out', { key: string, value: serdes.int32 }).read()).toThrow(
    expect.objectContaining({
      code: 'TEST_OUTPUT_UNREADABLE',
      message: expect.stringMatching(/^the value of the record out\/0 offset 0 cannot be read as int32: /u),
    }),
  );
});

test("stores of processors are read by their builders, as the application's are", () => {
  const plain = Stores.keyValue('plain', string, int64);
  const ordered = Stores.orderedKeyValue('ordered', string, int64);
  const windows = Stores.window('windows', string, int64, { retentionMs: 1000 });
  const alarms = Stores.orderedWindow('alarms', string, int64, { retentionMs: 1000 });
  const sessions = Stores.session('sessions', string, int64, { retentionMs: 1000 });
  const builder = new StreamsBuilder();
  builder.stream('in', texts).process(
    (context) => {
      const stores = {
        alarms: context.getStateStore(alarms),
        plain: context.getStateStore(plain),
        ordered: context.getStateStore(ordered),
        windows: context.getStateStore(windows),
        sessions: context.getStateStore(sessions),
      };
      return {
        process({ key, value }) {
          if (key === null || value === null) return;
          stores.plain.put(key, value.length);
          stores.ordered.put(key, value.length);
          stores.windows.put(key, value.length, 20);
          stores.alarms.put(key, value.length, 20);
          stores.sessions.put(key, value.length, 20, 30);
        },
      };
    },
    { stores: [plain, ordered, windows, alarms, sessions] },
  );
  const driver = new TopologyTestDriver(builder.build(), { partitions: 2 });
  driver.input('in', texts).pipeText(`
    a: one @1
    b: three @1
    ab: seven @1`);
  expect(driver.keyValueStore(plain).get('b')).toEqual({ value: 5, timestamp: undefined });
  expect(driver.keyValueStore(ordered).get('a')).toEqual({ value: 3, timestamp: undefined });
  expect(driver.keyValueStore(ordered).get('c')).toBeUndefined();
  expect(driver.windowStore(windows).fetch('a')).toEqual([{ start: 20, value: 3, timestamp: undefined }]);
  expect(driver.windowStore(alarms).fetch('a', 20, 20)).toEqual([{ start: 20, value: 3, timestamp: undefined }]);
  expect(driver.windowStore(alarms).fetch('b', 21)).toEqual([]);
  expect(driver.sessionStore(sessions).fetch('a')).toEqual([{ start: 20, end: 30, value: 3 }]);
  const other = { code: 'STORE_FORM_DIFFERS' };
  expect(() => driver.keyValueStore('ordered', { key: string, value: int64 })).toThrow(expect.objectContaining(other));
});

test('stores of tables are read by the tables', () => {
  const builder = new StreamsBuilder();
  const words = builder.stream('in', texts).groupByKey();
  const counts = words.count();
  const windows = words.windowedBy(TimeWindows.ofSizeWithNoGrace(10)).count();
  const sessions = words.windowedBy(SessionWindows.ofInactivityGapWithNoGrace(10)).count();
  const driver = new TopologyTestDriver(builder.build());
  driver.input('in', texts).pipe('a', 'x', 12);
  expect(driver.keyValueStore(counts).get('a')).toEqual({ value: 1, timestamp: 12 });
  expect(driver.windowStore(windows).get('a', 10)?.value).toBe(1);
  expect(driver.sessionStore(sessions).fetch('a')).toEqual([{ start: 12, end: 12, value: 1 }]);
});

test('a table that is made of a windowed one, and kept, is read by keys with their windows', () => {
  const builder = new StreamsBuilder();
  const words = builder.stream('in', texts).groupByKey();
  const doubled = words
    .windowedBy(TimeWindows.ofSizeWithNoGrace(10))
    .count()
    .mapValues((count) => 2 * Number(count), { store: 'doubled', value: serdes.float64 });
  const driver = new TopologyTestDriver(builder.build());
  driver.input('in', texts).pipe('a', 'x', 12);
  const store = driver.keyValueStore(doubled);
  expect(store.get({ key: 'a', start: 10, end: 20 })).toEqual({ value: 2, timestamp: 12 });
  expect(store.get({ key: 'a', start: 0, end: 10 })).toBeUndefined();
  expect(() => driver.windowStore(doubled)).toThrow('the store "doubled" is kept by keys that carry their windows');
});

test('what becomes of records at fault is given as it is to an application', () => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', { key: string, value: serdes.json<{ n: number }>() })
    .mapValues((value) => 'x'.repeat(value?.n ?? 0), { value: string })
    .to('out');
  const seen: string[] = [];
  const driver = new TopologyTestDriver(builder.build(), {
    onError: {
      deserialization: ({ kind, offset }) => (seen.push(`${kind} ${offset}`), offset === 0 ? 'continue' : 'fail'),
      processing: 'continue',
    },
  });
  const input = driver.input('in', texts);
  input.pipe('a', 'no JSON');
  input.pipe('a', '{"n":-1}');
  input.pipe('a', '{"n":2}');
  expect(driver.output('out', texts).readText()).toBe('a: xx');
  expect(driver.drops.map(({ reason }) => reason)).toEqual(['deserialization', 'processing']);
  expect(() => input.pipe('a', 'none again')).toThrow(expect.objectContaining({ code: 'QUERY_RECORD_FAILED' }));
  expect(seen).toEqual(['deserialization 0', 'deserialization 3']);
});

describe('a repartition that asks for a number of partitions', () => {
  const pages = (partition: (key: string | null, value: string | null, count: number) => number, partitions = 4) => {
    const builder = new StreamsBuilder();
    const rows = builder.stream('in', texts).repartition({ ...texts, name: 'spread', partitions, partition });
    return { builder, rows };
  };

  test('has so many, and a task for each', () => {
    const asked: number[] = [];
    const { builder, rows } = pages((key, _value, count) => {
      asked.push(count);
      return key === 'a' ? 3 : 1;
    });
    rows.groupByKey().count({ store: 'counts' }).toStream().to('out');
    const driver = new TopologyTestDriver(builder.build());
    driver.input('in', texts).pipeText(`
      a: x @1
      b: y @2
      a: z @3`);
    expect(new Set(asked)).toEqual(new Set([4]));
    expect(driver.stores('counts').length).toBe(4);
    expect(driver.keyValueStore('counts', { key: string, value: int64 }).get('a')).toMatchObject({ value: 2 });
    expect(
      driver
        .output('test-spread-repartition', texts)
        .readAll()
        .map(({ key, partition }) => `${key}${partition}`),
    ).toEqual(['a3', 'b1', 'a3']);
    const counts = driver.output('out', { key: string, value: int64 }).readAll();
    expect(counts.map(({ key, value, partition }) => `${key}${value} ${partition}`).sort()).toEqual([
      'a1 0',
      'a2 0',
      'b1 0',
    ]);
  });

  test('gives its number to the topic that it is joined with', () => {
    const { builder, rows } = pages((key) => (key === 'a' ? 3 : 1));
    rows.join(builder.table('names', texts), (page, name) => `${page} ${name}`, { value: string }).to('out');
    const driver = new TopologyTestDriver(builder.build());
    driver.pipe('names', [
      { key: new TextEncoder().encode('a'), value: new TextEncoder().encode('Ann'), partition: 3 },
    ]);
    driver.input('in', texts).pipe('a', 'x', 1);
    expect(driver.output('out', texts).readAll()).toMatchObject([{ key: 'a', value: 'x Ann' }]);
  });

  test('may be merged with a topic of fewer, and two that are joined have to ask for the same', () => {
    const { builder, rows } = pages((key) => (key === 'a' ? 3 : 1));
    rows.merge(builder.stream('more', texts)).to('out');
    const driver = new TopologyTestDriver(builder.build());
    driver.input('in', texts).pipe('a', 'x', 1);
    driver.input('more', texts).pipe('a', 'y', 1);
    expect(
      driver
        .output('out', texts)
        .readAll()
        .map(({ value }) => value),
    ).toEqual(['x', 'y']);

    const { builder: other, rows: four } = pages(() => 0);
    const three = other.stream('more', texts).repartition({ ...texts, name: 'three', partitions: 3 });
    four.join(three.toTable(), (left, right) => `${left}${right}`, { value: string }).to('out');
    expect(() => new TopologyTestDriver(other.build())).toThrow(
      expect.objectContaining({ code: 'TOPOLOGY_NOT_COPARTITIONED' }),
    );
  });
});
