/** Arguments that JavaScript lets through and types do not are refused where they are given, as in Kafka Streams (the
 *  cases about null of its KStreamImplTest, KTableImplTest, KGroupedStreamImplTest and KGroupedTableImplTest, of those
 *  of windowed and cogrouped streams, and of StoresTest). */

import { describe, expect, test } from 'vitest';
import {
  type GlobalKTable,
  JoinWindows,
  type KStream,
  type KTable,
  process,
  processValues,
  SessionWindows,
  Stores,
  StreamsBuilder,
  Suppressed,
  serdes,
  TimeWindows,
} from '../../../engine/public.ts';

const { string } = serdes;
const texts = { key: string, value: string };
const within = JoinWindows.ofTimeDifferenceWithNoGrace(10);
const tumbling = TimeWindows.ofSizeWithNoGrace(10);
const sessions = SessionWindows.ofInactivityGapWithNoGrace(10);
const left = (value: string | null): string | null => value;
const folds = (_key: string, _value: string | null, sum: string): string => sum;
const empty = (): string => '';

const pair = (key: string | null, value: string | null): [string | null, string | null] => [key, value];
const keeper = () => ({ process: () => undefined });
const rowsOf = (name: string) => Stores.keyValue(name, string, string);

/** Of every type. */
const nothing = null as never;

interface Sources {
  readonly builder: StreamsBuilder;
  readonly stream: KStream<string, string>;
  readonly other: KStream<string, string>;
  readonly table: KTable<string, string>;
  readonly rows: KTable<string, string>;
  readonly global: GlobalKTable<string, string>;
}

const sourcesOf = (builder: StreamsBuilder): Sources => ({
  builder,
  stream: builder.stream('in', texts),
  other: builder.stream('other', texts),
  table: builder.table('table', texts),
  rows: builder.table('rows', texts),
  global: builder.globalTable('global', texts),
});

/** What is said of it, and the call. */
type Calls = readonly (readonly [message: string, call: (sources: Sources) => unknown])[];

const streams: Calls = [
  ['filter: "keeps"', ({ stream }) => stream.filter(nothing)],
  ['filterNot: "drops"', ({ stream }) => stream.filterNot(nothing)],
  ['map: "to"', ({ stream }) => stream.map(nothing, texts)],
  ['flatMap: "to"', ({ stream }) => stream.flatMap(nothing, texts)],
  ['mapValues: "to"', ({ stream }) => stream.mapValues(nothing)],
  ['flatMapValues: "to"', ({ stream }) => stream.flatMapValues(nothing)],
  ['selectKey: "to"', ({ stream }) => stream.selectKey(nothing, texts)],
  ['groupBy: "to"', ({ stream }) => stream.groupBy(nothing, texts)],
  ['peek: "see"', ({ stream }) => stream.peek(nothing)],
  ['foreach: "see"', ({ stream }) => stream.foreach(nothing)],
  ['print: "mapper"', ({ stream }) => stream.print({ mapper: nothing })],
  ['print: "write"', ({ stream }) => stream.print({ write: nothing })],
  ['merge needs a stream', ({ stream }) => stream.merge(nothing)],
  ['to needs a topic', ({ stream }) => stream.to(nothing)],
  ['process: "supplier"', ({ stream }) => stream.process(nothing)],
  ['processValues: "supplier"', ({ stream }) => stream.processValues(nothing)],
  ['branch: "takes"', ({ stream }) => stream.split().branch('a', nothing)],
];

const joins: Calls = [
  ['join: "joiner"', ({ stream, other }) => stream.join(other, nothing, within)],
  ['join of two streams needs JoinWindows', ({ stream, other }) => stream.join(other, left, nothing)],
  ['join needs a stream', ({ stream }) => stream.join(nothing, left, within)],
  ['join: "joiner"', ({ stream, table }) => stream.join(table, nothing)],
  ['join: "select"', ({ stream, global }) => stream.join(global, nothing, left)],
  ['join: "joiner"', ({ stream, global }) => stream.join(global, left, nothing)],
  ['leftJoin: "joiner"', ({ stream, other }) => stream.leftJoin(other, nothing, within)],
  ['leftJoin of two streams needs JoinWindows', ({ stream, other }) => stream.leftJoin(other, left, nothing)],
  ['leftJoin needs a stream', ({ stream }) => stream.leftJoin(nothing, left, within)],
  ['leftJoin: "joiner"', ({ stream, table }) => stream.leftJoin(table, nothing)],
  ['leftJoin: "select"', ({ stream, global }) => stream.leftJoin(global, nothing, left)],
  ['leftJoin: "joiner"', ({ stream, global }) => stream.leftJoin(global, left, nothing)],
  ['outerJoin: "joiner"', ({ stream, other }) => stream.outerJoin(other, nothing, within)],
  ['outerJoin needs JoinWindows', ({ stream, other }) => stream.outerJoin(other, left, nothing)],
  ['outerJoin needs a stream', ({ stream }) => stream.outerJoin(nothing, left, within)],
];

const tables: Calls = [
  ['filter: "keeps"', ({ table }) => table.filter(nothing)],
  ['filterNot: "drops"', ({ table }) => table.filterNot(nothing)],
  ['mapValues: "to"', ({ table }) => table.mapValues(nothing)],
  ['transformValues: "supplier"', ({ table }) => table.transformValues(nothing)],
  ['groupBy: "to"', ({ table }) => table.groupBy(nothing, texts)],
  ['toStream: "to"', ({ table }) => table.toStream(nothing, texts)],
  ['suppress needs what Suppressed makes', ({ table }) => table.suppress(nothing)],
  ['join: "joiner"', ({ table, rows }) => table.join(rows, nothing)],
  ['join: "foreignKey"', ({ table, rows }) => table.join(rows, nothing, left)],
  ['join: "joiner"', ({ table, rows }) => table.join(rows, left, nothing)],
  ['join needs a table', ({ table }) => table.join(nothing, left)],
  ['leftJoin: "joiner"', ({ table, rows }) => table.leftJoin(rows, nothing)],
  ['leftJoin: "foreignKey"', ({ table, rows }) => table.leftJoin(rows, nothing, left)],
  ['leftJoin: "joiner"', ({ table, rows }) => table.leftJoin(rows, left, nothing)],
  ['leftJoin needs a table', ({ table }) => table.leftJoin(nothing, left)],
  ['outerJoin: "joiner"', ({ table, rows }) => table.outerJoin(rows, nothing)],
  ['outerJoin needs a table', ({ table }) => table.outerJoin(nothing, left)],
];

const groups: Calls = [
  ['reduce: "reducer"', ({ stream }) => stream.groupByKey().reduce(nothing)],
  ['aggregate: "initialize"', ({ stream }) => stream.groupByKey().aggregate(nothing, folds, texts)],
  ['aggregate: "add"', ({ stream }) => stream.groupByKey().aggregate(empty, nothing, texts)],
  ['windowedBy needs windows', ({ stream }) => stream.groupByKey().windowedBy(nothing)],
  ['cogroup: "add"', ({ stream }) => stream.groupByKey().cogroup<string>(nothing)],
  ['reduce: "reducer"', ({ stream }) => stream.groupByKey().windowedBy(tumbling).reduce(nothing)],
  [
    'aggregate: "initialize"',
    ({ stream }) => stream.groupByKey().windowedBy(tumbling).aggregate(nothing, folds, texts),
  ],
  ['aggregate: "add"', ({ stream }) => stream.groupByKey().windowedBy(tumbling).aggregate(empty, nothing, texts)],
  ['reduce: "reducer"', ({ stream }) => stream.groupByKey().windowedBy(sessions).reduce(nothing)],
  [
    'aggregate: "initialize"',
    ({ stream }) => stream.groupByKey().windowedBy(sessions).aggregate(nothing, folds, folds, texts),
  ],
  [
    'aggregate: "add"',
    ({ stream }) => stream.groupByKey().windowedBy(sessions).aggregate(empty, nothing, folds, texts),
  ],
  [
    'aggregate: "merge"',
    ({ stream }) => stream.groupByKey().windowedBy(sessions).aggregate(empty, folds, nothing, texts),
  ],
  ['emitStrategy needs one of', ({ stream }) => stream.groupByKey().windowedBy(tumbling).emitStrategy(nothing)],
  ['emitStrategy needs one of', ({ stream }) => stream.groupByKey().windowedBy(sessions).emitStrategy(nothing)],
  [
    'cogroup: "add"',
    ({ stream, other }) => stream.groupByKey().cogroup<string>(folds).cogroup(other.groupByKey(), nothing),
  ],
  [
    'cogroup needs a grouped stream',
    ({ stream }) => stream.groupByKey().cogroup<string>(folds).cogroup(nothing, folds),
  ],
  ['aggregate: "initialize"', ({ stream }) => stream.groupByKey().cogroup<string>(folds).aggregate(nothing, texts)],
  ['windowedBy needs windows', ({ stream }) => stream.groupByKey().cogroup<string>(folds).windowedBy(nothing)],
  [
    'aggregate: "initialize"',
    ({ stream }) => stream.groupByKey().cogroup<string>(folds).windowedBy(tumbling).aggregate(nothing, texts),
  ],
  [
    'aggregate: "initialize"',
    ({ stream }) => stream.groupByKey().cogroup<string>(folds).windowedBy(sessions).aggregate(nothing, folds, texts),
  ],
  [
    'aggregate: "merge"',
    ({ stream }) => stream.groupByKey().cogroup<string>(folds).windowedBy(sessions).aggregate(empty, nothing, texts),
  ],
  ['reduce: "add"', ({ table }) => table.groupBy(() => null, texts).reduce(nothing, left)],
  ['reduce: "subtract"', ({ table }) => table.groupBy(() => null, texts).reduce(left, nothing)],
  ['aggregate: "initialize"', ({ table }) => table.groupBy(() => null, texts).aggregate(nothing, folds, folds, texts)],
  ['aggregate: "add"', ({ table }) => table.groupBy(() => null, texts).aggregate(empty, nothing, folds, texts)],
  ['aggregate: "subtract"', ({ table }) => table.groupBy(() => null, texts).aggregate(empty, folds, nothing, texts)],
];

const sources: Calls = [
  ['stream needs a topic', ({ builder }) => builder.stream(nothing, texts)],
  ['table needs a topic', ({ builder }) => builder.table(nothing, texts)],
  ['globalTable needs a topic', ({ builder }) => builder.globalTable(nothing, texts)],
];

const others: Calls = [
  ['untilTimeLimit needs what BufferConfig makes', () => Suppressed.untilTimeLimit(5, nothing)],
  ['untilWindowCloses needs what BufferConfig makes', () => Suppressed.untilWindowCloses(nothing)],
  ['process: "supplier"', () => process(nothing, texts)],
  ['processValues: "supplier"', () => processValues(nothing, texts)],
  ['addGlobalStore: "supplier"', ({ builder }) => builder.addGlobalStore(rowsOf('all'), 'all', texts, nothing)],
  ['addGlobalStore needs a topic', ({ builder }) => builder.addGlobalStore(rowsOf('all'), nothing, texts, keeper)],
  ['Stores.keyValue needs a name', () => rowsOf(nothing)],
  ['Stores.timestampedKeyValue needs a name', () => Stores.timestampedKeyValue(nothing, string, string)],
  ['Stores.orderedKeyValue needs a name', () => Stores.orderedKeyValue(nothing, string, string)],
  ['Stores.window needs a name', () => Stores.window(nothing, string, string, { retentionMs: 1 })],
  ['Stores.session needs a name', () => Stores.session(nothing, string, string, { retentionMs: 1 })],
  ['Stores.versioned needs a name', () => Stores.versioned(nothing, string, string, { historyMs: 1 })],
];

describe.each(Object.entries({ streams, joins, tables, groups, sources, others }))('of %s', (_of, calls) => {
  test.each(calls)('%s', (message, call) => {
    expect(() => call(sourcesOf(new StreamsBuilder()))).toThrow(
      expect.objectContaining({
        code: 'DSL_ARGUMENT_INVALID',
        message: expect.stringMatching(new RegExp(`^${message}.*, not null$`)),
      }),
    );
  });
});

test('a join by a foreign key whose joiner is undefined is refused: it would be taken for a join by the key', () => {
  const builder = new StreamsBuilder();
  const [table, rows] = [builder.table('table', texts), builder.table('rows', texts)];
  const joiner = undefined as never;
  expect(() => table.join(rows, left, joiner, texts)).toThrow('join: "joiner" has to be a function, not undefined');
  expect(() => table.leftJoin(rows, left, joiner, texts)).toThrow('leftJoin: "joiner" has to be a function');
});

const withoutSerdes = (options: never): readonly (readonly [string, (sources: Sources) => unknown])[] => {
  const grouped = ({ stream }: Sources) => stream.groupByKey();
  const groups = ({ table }: Sources) => table.groupBy(pair, texts);
  const cogrouped = (sources: Sources) => grouped(sources).cogroup<string>(folds);
  return [
    ['stream: "key"', ({ builder }) => builder.stream('more', options)],
    ['table: "key"', ({ builder }) => builder.table('more', options)],
    ['globalTable: "key"', ({ builder }) => builder.globalTable('more', options)],
    ['addGlobalStore: "key"', ({ builder }) => builder.addGlobalStore(rowsOf('all'), 'more', options, keeper)],
    ['map: "key"', ({ stream }) => stream.map(pair, options)],
    ['flatMap: "key"', ({ stream }) => stream.flatMap((key, value) => [pair(key, value)], options)],
    ['selectKey: "key"', ({ stream }) => stream.selectKey(left, options)],
    ['groupBy: "key"', ({ stream }) => stream.groupBy(left, options)],
    ['groupBy: "key"', ({ table }) => table.groupBy(pair, options)],
    ['toStream: "key"', ({ table }) => table.toStream(left, options)],
    ['aggregate: "value"', (sources) => grouped(sources).aggregate(empty, folds, options)],
    ['aggregate: "value"', (sources) => grouped(sources).windowedBy(tumbling).aggregate(empty, folds, options)],
    ['aggregate: "value"', (sources) => grouped(sources).windowedBy(sessions).aggregate(empty, folds, folds, options)],
    ['aggregate: "value"', (sources) => groups(sources).aggregate(empty, folds, folds, options)],
    ['aggregate: "value"', (sources) => cogrouped(sources).aggregate(empty, options)],
    ['aggregate: "value"', (sources) => cogrouped(sources).windowedBy(tumbling).aggregate(empty, options)],
    ['aggregate: "value"', (sources) => cogrouped(sources).windowedBy(sessions).aggregate(empty, folds, options)],
    ['process: "key"', () => process(keeper, options)],
    ['processValues: "key"', () => processValues(keeper, options)],
  ];
};

describe.each([
  ['options that are null', null, 'undefined'],
  ['options that are left out', undefined, 'undefined'],
  ['options of something else', { store: 'rows', key: 'text', value: 'text' }, 'text'],
])('%s have no serde', (_which, options, shown) => {
  test.each(withoutSerdes(options as never))('%s', (message, call) => {
    expect(() => call(sourcesOf(new StreamsBuilder()))).toThrow(
      expect.objectContaining({ code: 'DSL_SERDE_MISSING', message: `${message} has to be a serde, not ${shown}` }),
    );
  });
});

test.each([
  ['keyValue', () => Stores.keyValue('rows', nothing, string)],
  ['timestampedKeyValue', () => Stores.timestampedKeyValue('rows', nothing, string)],
  ['orderedKeyValue', () => Stores.orderedKeyValue('rows', nothing, string)],
  ['window', () => Stores.window('rows', nothing, string, { retentionMs: 1 })],
  ['session', () => Stores.session('rows', nothing, string, { retentionMs: 1 })],
  ['versioned', () => Stores.versioned('rows', nothing, string, { historyMs: 1 })],
])('a store without a serde: %s', (kind, make) => {
  expect(make).toThrow(
    expect.objectContaining({
      code: 'DSL_SERDE_MISSING',
      message: `Stores.${kind}: "key" has to be a serde, not null`,
    }),
  );
});

describe('an async function is refused: what it answers is a promise, and what it throws comes too late', () => {
  // Where a function answers nothing, types let it through.
  const later = (async () => undefined) as never;
  const laterEach = async function* () {} as never;
  test.each<[string, Calls[number][1]]>([
    ['filter: "keeps"', ({ stream }) => stream.filter(later)],
    ['mapValues: "to"', ({ stream }) => stream.mapValues(later)],
    ['flatMapValues: "to"', ({ stream }) => stream.flatMapValues(laterEach)],
    ['foreach: "see"', ({ stream }) => stream.foreach(later)],
    ['process: "supplier"', ({ stream }) => stream.process(later)],
    ['mapValues: "to"', ({ table }) => table.mapValues(later)],
    ['aggregate: "add"', ({ stream }) => stream.groupByKey().aggregate(() => '', later, { value: string })],
  ])('%s', (message, call) => {
    expect(() => call(sourcesOf(new StreamsBuilder()))).toThrow(
      expect.objectContaining({ code: 'DSL_ARGUMENT_INVALID', message: `${message} cannot be async` }),
    );
  });
});
