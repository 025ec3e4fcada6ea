import { StreamsBuilder, serdes, TimeWindows, TopologyTestDriver, timeWindowed } from 'millrace/engine';
import { expect, test } from 'vitest';
import { parseRecords, printRecords } from '../../engine/record-text.ts';
import type { TestRecord } from '../../engine/test-driver.ts';

const { bigint, int32, json, list, string } = serdes;

const record = <K, V>(key: K, value: V, timestamp = 0) => ({
  key,
  value,
  timestamp,
  headers: [],
  partition: 0,
  offset: 0,
});

test('records are written as lines', () => {
  const texts = { key: string, value: string };
  expect(parseRecords('  a: hello: world @5\n\n -: -\nb:  @-1', texts)).toEqual([
    { key: 'a', value: 'hello: world', timestamp: 5 },
    { key: null, value: null },
    { key: 'b', value: '', timestamp: -1 },
  ]);
  expect(parseRecords('7: {"n": 1} @3', { key: int32, value: json<{ n: number }>() })).toEqual([
    { key: 7, value: { n: 1 }, timestamp: 3 },
  ]);
  expect(parseRecords('{"a": "b: c"}: 9007199254740993', { key: json(), value: bigint })).toEqual([
    { key: { a: 'b: c' }, value: 9007199254740993n },
  ]);
});

test('a line that is not a record is an error that shows it', () => {
  for (const text of ['a', '{"a": 1: x', 'a: {'])
    expect(() => parseRecords(text, { key: json(), value: json() }), text).toThrow(`"${text}" is not a record`);
});

test('records are printed as they are written', () => {
  const lines = 'a: [1,null] @5\n-: -';
  const forms = { key: string, value: list(int32) };
  const records: TestRecord<string, readonly (number | null)[]>[] = [record('a', [1, null], 5), record(null, null)];
  const printed = printRecords(records, forms);
  expect(printed).toBe(lines);
  expect(parseRecords(printed, forms)).toEqual([
    { key: 'a', value: [1, null], timestamp: 5 },
    { key: null, value: null },
  ]);
  expect(printRecords([record('a', 2n ** 60n)], { key: string, value: bigint })).toBe('a: 1152921504606846976');
});

test('a test pipes text and reads text, with a time of its own', () => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', { key: string, value: int32 })
    .groupByKey()
    .windowedBy(TimeWindows.ofSizeWithNoGrace(10))
    .count()
    .toStream()
    .to('out');
  const driver = new TopologyTestDriver(builder.build());
  const input = driver.input('in', { key: string, value: int32 }, { startMs: 5, advanceMs: 3 });
  input.pipeText(`
    a: 1
    a: 2
    b: 1 @7
    a: 3`);
  input.advanceTime(100);
  input.pipe('a', 4);
  const output = driver.output('out', { key: timeWindowed(string, 10), value: serdes.int64 });
  expect(output.size).toBe(5);
  expect(output.readText()).toBe(
    ['a@[0,10): 1 @5', 'a@[0,10): 2 @8', 'b@[0,10): 1 @7', 'a@[10,20): 1 @11', 'a@[110,120): 1 @114'].join('\n'),
  );
  expect(output.isEmpty).toBe(true);
  driver.input('in', { key: string, value: int32 }).pipe('b', 1, 200);
  expect(output.readValues()).toEqual([1]);
  expect(() => driver.input('in', { key: string, value: int32 }).advanceTime(1)).toThrow('startMs');
  driver.close();
});
