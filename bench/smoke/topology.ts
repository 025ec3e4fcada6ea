/**
 * The application of the smoke run, with an operator of each kind; as a module, so that it also runs in threads.
 *
 *   numbers, by key         min, max, sum, count (the stores of these names)
 *   joins of those          dif = max − min, avg = sum / count
 *   count, by its row       tagg: how many keys have each count
 *   windows over numbers    tumbling, hopping, session: each result; closed: a window once, when it closes
 *   numbers with names      named, a stream with a table
 *   numbers with clicks     met, and alone with those that meet none
 *   names with regions      located, by a foreign key
 */

import {
  JoinWindows,
  SessionWindows,
  StreamsBuilder,
  serdes,
  TimeWindows,
  type Topology,
} from '../../engine/public.ts';

const { float64, int64, string } = serdes;

export const tumbling = { sizeMs: 1000, graceMs: 20 };
export const hopping = { sizeMs: 2000, advanceMs: 700, graceMs: 300 };
export const session = { gapMs: 500, graceMs: 100 };
export const meeting = { differenceMs: 60, graceMs: 5000 };

/** Longer than the history: all windows are kept, and compared. */
const retentionMs = 1e11;

const byAmount = { key: string, value: float64 };
const byName = { key: string, value: string };

export const smokeTopology = (): Topology => {
  const builder = new StreamsBuilder();
  const numbers = builder.stream('numbers', byAmount);
  const clicks = builder.stream('clicks', byAmount);
  const names = builder.table('names', { ...byName, store: 'names' });
  const regions = builder.table('regions', { ...byName, store: 'regions' });
  const grouped = numbers.groupByKey();

  const min = grouped.reduce(Math.min, { store: 'min' });
  const max = grouped.reduce(Math.max, { store: 'max' });
  const sum = grouped.aggregate(
    () => 0,
    (_key, value, total) => total + value,
    { store: 'sum', value: float64 },
  );
  const count = grouped.count({ store: 'count' });
  min.toStream().to('min');
  max.toStream().to('max');
  sum.toStream().to('sum');
  count.toStream().to('count');
  max
    .join(min, (most, least) => most - least, { value: float64, store: 'dif' })
    .toStream()
    .to('dif');
  sum
    .join(count, (total, n) => total / Number(n), { value: float64, store: 'avg' })
    .toStream()
    .to('avg');
  count
    .groupBy((_key, n) => [String(n), n], { key: string, value: int64 })
    .count({ store: 'tagg' })
    .toStream()
    .to('tagg');

  const tumblingWindows = TimeWindows.ofSizeAndGrace(tumbling.sizeMs, tumbling.graceMs);
  const hoppingWindows = TimeWindows.ofSizeAndGrace(hopping.sizeMs, hopping.graceMs).advanceBy(hopping.advanceMs);
  const sessionWindows = SessionWindows.ofInactivityGapAndGrace(session.gapMs, session.graceMs);
  grouped.windowedBy(tumblingWindows).count({ store: 'tumbling', retentionMs }).toStream().to('tumbling');
  grouped
    .windowedBy(hoppingWindows)
    .reduce((a, b) => a + b, { store: 'hopping', retentionMs })
    .toStream()
    .to('hopping');
  grouped.windowedBy(sessionWindows).count({ store: 'session', retentionMs }).toStream().to('session');
  grouped
    .windowedBy(tumblingWindows)
    .emitStrategy('on window close')
    .count({ store: 'closed' })
    .toStream()
    .to('closed');

  const windows = JoinWindows.ofTimeDifferenceAndGrace(meeting.differenceMs, meeting.graceMs);
  numbers.leftJoin(names, (n, name) => `${n} ${name ?? '-'}`, { value: string }).to('named');
  numbers.join(clicks, (n, click) => `${n} ${click}`, windows, { value: string, store: 'met' }).to('met');
  numbers
    .leftJoin(clicks, (n, click) => `${n} ${click ?? '-'}`, windows, { value: string, store: 'alone' })
    .to('alone');
  names
    .leftJoin(
      regions,
      (name) => name.split(':')[0] ?? null,
      (name, city) => `${name} ${city ?? '-'}`,
      { value: string, store: 'located' },
    )
    .toStream()
    .to('located');
  return builder.build();
};

export default smokeTopology;
