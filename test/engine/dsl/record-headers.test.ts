/** Headers of records: they go with what a record changes. */

import { expect, test } from 'vitest';
import { StreamsBuilder } from '../../../engine/dsl/builder.ts';
import { JoinWindows } from '../../../engine/dsl/join-windows.ts';
import { SessionWindows } from '../../../engine/dsl/session-windows.ts';
import { BufferConfig, Suppressed } from '../../../engine/dsl/suppressed.ts';
import { TimeWindows } from '../../../engine/dsl/time-windows.ts';
import { string } from '../../../engine/serdes.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';

const texts = { key: string, value: string };

/** Pipes records `topic key value time`, the first with a header of value 1 and so on; answers the headers of what each
 *  of them sent to the topic "out". */
const headersOf = (build: (builder: StreamsBuilder) => void, records: readonly string[]): string[] => {
  const builder = new StreamsBuilder();
  build(builder);
  const driver = new TopologyTestDriver(builder.build());
  return records.map((text, i) => {
    const [topic = '', key = '', value = '', time] = text.split(' ');
    const headers = [{ key: 'number', value: Uint8Array.of(i + 1) }];
    driver
      .input(topic, texts)
      .pipeAll([{ key, value: value === '-' ? null : value, timestamp: Number(time), headers }]);
    const sent = driver
      .take('out')
      .map((record) => record.headers.map(({ value: bytes }) => bytes?.[0]).join('') || '-');
    return sent.join(' ');
  });
};

test.each<[string, (builder: StreamsBuilder) => void, string[], string[]]>([
  [
    'a count',
    (b) => b.stream('in', texts).groupByKey().count().toStream().to('out'),
    ['in a x 1', 'in a x 2'],
    ['1', '2'],
  ],
  [
    'a count behind a repartition',
    (b) =>
      b
        .stream('in', texts)
        .groupBy((_key, value) => value, { key: string })
        .count()
        .toStream()
        .to('out'),
    ['in a x 1', 'in a x 2'],
    ['1', '2'],
  ],
  [
    'an aggregate of a grouped table: of the group that is left, and of that which is entered',
    (b) =>
      b
        .table('in', texts)
        .groupBy((_key, row) => [row, row], texts)
        .count()
        .toStream()
        .to('out'),
    ['in a x 1', 'in a y 2'],
    ['1', '2 2'],
  ],
  [
    'a session: what is retracted has those of the record that joins it',
    (b) =>
      b
        .stream('in', texts)
        .groupByKey()
        .windowedBy(SessionWindows.ofInactivityGapWithNoGrace(5))
        .count()
        .toStream()
        .to('out'),
    ['in a x 1', 'in a x 3'],
    ['1', '2 2'],
  ],
  [
    'a join of tables, by key and by foreign key',
    (b) => {
      const left = b.table('in', texts);
      const right = b.table('other', texts);
      left
        .join(right, (one, other) => one + other, texts)
        .toStream()
        .to('out');
      left
        .join(
          right,
          (row) => row,
          (one, other) => one + other,
          texts,
        )
        .toStream()
        .to('out');
    },
    ['in a a 1', 'other a x 2', 'in a a 3'],
    ['', '2 2', '3 3'],
  ],
  [
    'a join of a stream with a table: those of the stream',
    (b) =>
      b
        .stream('in', texts)
        .join(b.table('other', texts), (one, row) => one + row, texts)
        .to('out'),
    ['other a x 1', 'in a y 2'],
    ['', '2'],
  ],
  [
    'a join of streams: those of the record that came later; one that comes out alone has none',
    (b) =>
      b
        .stream('in', texts)
        .leftJoin(
          b.stream('other', texts),
          (one, other) => one + other,
          JoinWindows.ofTimeDifferenceWithNoGrace(5),
          texts,
        )
        .to('out'),
    ['in a x 1', 'other a y 2', 'in b x 3', 'in c x 20'],
    ['', '2', '', '-'],
  ],
  [
    'windows that are sent when they close: none',
    (b) =>
      b
        .stream('in', texts)
        .groupByKey()
        .windowedBy(TimeWindows.ofSizeWithNoGrace(5))
        .emitStrategy('on window close')
        .count()
        .toStream()
        .to('out'),
    ['in a x 1', 'in a x 7'],
    ['', '-'],
  ],
  [
    'what is suppressed: those of its last change',
    (b) =>
      b
        .stream('in', texts)
        .groupByKey()
        .windowedBy(TimeWindows.ofSizeWithNoGrace(5))
        .count()
        .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
        .toStream()
        .to('out'),
    ['in a x 1', 'in a x 2', 'in a x 7'],
    ['', '', '2'],
  ],
])('%s', (_name, build, records, sent) => {
  expect(headersOf(build, records)).toEqual(sent);
});
