/** Stateless methods of KStream, as text: records in, records out. */

import { expect, expectTypeOf, test } from 'vitest';
import { UserError } from '../../../base/index.ts';
import { serdes } from '../../../engine/index.ts';
import { type KStream, StreamsBuilder } from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';

const { int32, string } = serdes;
const texts = { key: string, value: string };

/** A builder whose stream `in` is read, and what its topology writes to `out` for records `key:value` in turn. */
const begin = () => {
  const builder = new StreamsBuilder();
  return {
    builder,
    stream: builder.stream('in', texts),
    run(records: string, { topic = 'in', partitions = 1, output = 'out' } = {}): string {
      const driver = new TopologyTestDriver(builder.build(), { partitions });
      for (const record of records.split(' ')) {
        const [key = '', value = ''] = record.split(':');
        driver.input(topic, texts).pipe(key === '-' ? null : key, value === '-' ? null : value);
      }
      const written = driver.output(output, texts).readAll();
      driver.close();
      return written.map(({ key, value }) => `${key ?? '-'}:${value ?? '-'}`).join(' ');
    },
  };
};

test('flatMap makes pairs of one record, each with a key of its own', () => {
  const { stream, run } = begin();
  const mapped = stream.flatMap(
    (key, value) =>
      (value ?? '').split('').map((letter, i): [string | null, string] => [i === 2 ? null : `${key}${i}`, letter]),
    texts,
  );
  expectTypeOf(mapped).toEqualTypeOf<KStream<string, string>>();
  mapped.to('out');
  expect(run('a:xyz b:- -:q')).toBe('a0:x a1:y -:z null0:q');
});

test.each<readonly [string, (stream: KStream<string, string>) => unknown]>([
  ['flatMap', (stream) => stream.flatMap(() => null as never, texts)],
  ['flatMapValues', (stream) => stream.flatMapValues(() => null as never)],
  ['map', (stream) => stream.map(() => null as never, texts)],
])('%s has to answer: null is a failure of the record', (method, add) => {
  const { stream, run } = begin();
  add(stream);
  expect(() => run('a:x')).toThrow(
    `the node "KSTREAM-${method.toUpperCase()}-0000000001" failed on the record in/0 offset 0`,
  );
});

test('flatMapValues makes several records of one, in order, as any iterable lists them', () => {
  const { stream, run } = begin();
  stream
    .flatMapValues((value, key) => new Set([`v${value}`, `k${key}`, `v${value}`]))
    .merge(
      stream.flatMapValues(function* (value) {
        if (value === 'two') yield* ['2', '2'];
      }),
    )
    .to('out', { value: string });
  expect(run('a:one b:two')).toBe('a:vone a:ka b:vtwo b:kb b:2 b:2');
});

test('flatMap marks the key as changed: grouping goes through a repartition topic', () => {
  const { builder, stream } = begin();
  stream
    .flatMap((_key, value) => [[value?.length ?? 0, value]], { key: int32, value: string })
    .groupByKey()
    .count()
    .toStream()
    .to('out');
  expect(builder.build().repartitions).toHaveLength(1);
});

test('merge lets the records of both streams through', () => {
  const { builder, stream, run } = begin();
  const upper = stream.mapValues((value) => value?.toUpperCase() ?? null, { value: string });
  upper.merge(stream.filter((key) => key === 'b')).to('out');
  expect(run('a:x b:y')).toBe('a:X b:Y b:y');
  expect(() => stream.merge(begin().stream)).toThrow(UserError);
  expect(builder.build().describe()).toMatch(/KSTREAM-MERGE-\d+ .*\n.*\n\s+<-- KSTREAM-MAPVALUES-\d+, KSTREAM-FILTER/);
});

test('a merge with a stream whose key has changed is repartitioned', () => {
  const { builder, stream } = begin();
  stream
    .merge(stream.selectKey((_key, value) => value, { key: string }))
    .groupByKey()
    .count()
    .toStream()
    .to('out');
  expect(builder.build().repartitions).toHaveLength(1);
});

test('foreach and print show records and end the branch', () => {
  const { stream, run } = begin();
  const seen: unknown[] = [];
  stream.foreach((key, value) => seen.push([key, value]));
  stream.print({ label: 'in', write: (line) => seen.push(line) });
  stream.mapValues((value) => ({ value, count: 1n })).print({ name: 'objects', write: (line) => seen.push(line) });
  stream.print({ mapper: (key) => `key ${key}`, write: (line) => seen.push(line) });
  expect(run('a:x -:-', { output: 'in' })).toBe('a:x -:-');
  expect(seen).toEqual([
    ['a', 'x'],
    '[in]: a, x',
    '[KSTREAM-MAPVALUES-0000000003]: a, {"value":"x","count":"1"}',
    '[KSTREAM-SOURCE-0000000000]: key a',
    [null, null],
    '[in]: null, null',
    '[KSTREAM-MAPVALUES-0000000003]: null, {"value":null,"count":"1"}',
    '[KSTREAM-SOURCE-0000000000]: key null',
  ]);
});

test('repartition writes a topic of its own, of as many partitions as are asked for, null keys included', () => {
  const { builder, stream, run } = begin();
  const moved = stream.repartition({ name: 'moved', partitions: 3 });
  moved.groupByKey().count({ store: 'counts' }).mapValues(String, { value: string }).toStream().to('out');
  moved.filter((key) => key === null).to('out');
  const topology = builder.build();
  expect(topology.repartitions).toEqual([{ name: 'moved', topic: 'moved-repartition', partitions: 3 }]);
  expect(run('a:x a:y -:z', { partitions: 3 })).toBe('a:1 a:2 -:z');
});

test('split sends each record to the first branch that takes it', () => {
  const { builder, stream, run } = begin();
  const { short, b, rest } = stream
    .split({ name: 'by' })
    .branch('short', (_key, value) => (value?.length ?? 0) < 2)
    .branch('b', (key) => key === 'b')
    .defaultBranch('rest');
  expectTypeOf(rest).toEqualTypeOf<KStream<string, string>>();
  short.mapValues((value) => `short ${value}`, { value: string }).to('out');
  b.mapValues((value) => `b ${value}`, { value: string }).to('out');
  rest.mapValues((value) => `rest ${value}`, { value: string }).to('out');
  expect(run('a:x b:yy b:y c:zzz -:-')).toBe('a:short x b:b yy b:short y c:rest zzz -:short null');
  expect(builder.build().describe()).toContain('--> by-short, by-b, by-rest');
});

test('without a default branch what no branch takes is left out; branches have names of their own', () => {
  const { stream, run } = begin();
  const split = stream.split().branch('a', (key) => key === 'a');
  expect(() => split.branch('a', () => true)).toThrow('two branches are called "a"');
  const branches = split.noDefaultBranch();
  expect(() => split.branch('late', () => true)).toThrow('cannot follow');
  expect(Object.keys(branches)).toEqual(['a']);
  // @ts-expect-error: there is no such branch
  expect(branches.b).toBeUndefined();
  branches.a.to('out');
  expect(run('a:x b:y')).toBe('a:x');
});

test('a stream that is grouped once and aggregated twice under one name goes through one topic', () => {
  const { builder, stream, run } = begin();
  const grouped = stream.groupBy((_key, value) => value, { key: string, name: 'by-value' });
  grouped.count({ store: 'counts' }).mapValues(String, { value: string }).toStream().to('out');
  grouped
    .reduce((a, b) => a + b, { store: 'texts' })
    .toStream()
    .to('out');
  expect(builder.build().repartitions.map(({ name }) => name)).toEqual(['by-value']);
  expect(run('-:x -:x')).toBe('x:1 x:x x:2 x:xx');
});
