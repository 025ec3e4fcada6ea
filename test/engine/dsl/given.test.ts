/** Arguments that JavaScript lets through and types do not are refused where they are given, as in Kafka Streams (the
 *  cases of its KStreamImplTest, KTableImplTest and KGroupedStreamImplTest that begin with shouldNotAllowNull). */

import { describe, expect, test } from 'vitest';
import {
  type GlobalKTable,
  JoinWindows,
  type KStream,
  type KTable,
  SessionWindows,
  StreamsBuilder,
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

describe.each(Object.entries({ streams, joins, tables, groups, sources }))('of %s', (_of, calls) => {
  test.each(calls)('%s', (message, call) => {
    const builder = new StreamsBuilder();
    const made: Sources = {
      builder,
      stream: builder.stream('in', texts),
      other: builder.stream('other', texts),
      table: builder.table('table', texts),
      rows: builder.table('rows', texts),
      global: builder.globalTable('global', texts),
    };
    expect(() => call(made)).toThrow(
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
