/** Topologies that the runtime's tests run: their results can be recomputed from the input in a few lines. */

import type { ByteWriter } from '../../../base/index.ts';
import {
  type OperatorSupplier,
  type Punctuation,
  type Serde,
  SerdeError,
  StreamRecord,
  serdes,
  sink,
  type Topology,
} from '../../../engine/index.ts';
import {
  type AnyStoreBuilder,
  BufferConfig,
  JoinWindows,
  type KTable,
  SessionWindows,
  SlidingWindows,
  Stores,
  StreamsBuilder,
  Suppressed,
  TimeWindows,
  type Windowed,
} from '../../../engine/public.ts';
import { text } from './support.ts';

/** Whole numbers as decimal text, so that outputs can be read. */
export const decimal: Serde<number | bigint> = {
  name: 'decimal text',
  write(value: number | bigint, out: ByteWriter) {
    out.utf8(String(value));
  },
  read(bytes, start, end) {
    const value = Number(text(bytes.slice(start, end)));
    if (!Number.isSafeInteger(value)) throw new SerdeError('not a whole number');
    return value;
  },
};

const { string } = serdes;

/** words -> counts by word, every update to `counted`; with `repartition` the word is the value, else the key. */
export const wordCount = (options: {
  readonly repartition: boolean;
  readonly input?: string;
  readonly output?: string;
}): Topology => {
  const { input = 'words', output = 'counted' } = options;
  const builder = new StreamsBuilder();
  const words = builder.stream(input, { key: string, value: string });
  const grouped = options.repartition
    ? words.groupBy((_key, word) => word, { key: string, name: 'by-word' })
    : words.groupByKey();
  grouped.count({ store: 'counts' }).toStream().to(output, { value: decimal });
  return builder.build();
};

/** Sums of decimal values by key and minute, 10 s of grace; updates to `sums` under the key `key@minute`. */
export const minuteSums = (graceMs = 10_000): Topology => {
  const builder = new StreamsBuilder();
  builder
    .stream('amounts', { key: string, value: decimal })
    .groupByKey()
    .windowedBy(TimeWindows.ofSizeAndGrace(60_000, graceMs))
    .aggregate<number | bigint>(
      () => 0,
      (_key, value, sum) => Number(sum) + Number(value),
      { store: 'minutes', value: decimal, retentionMs: 86_400_000 },
    )
    .toStream()
    .map((window, sum) => [`${window?.key}@${(window?.start ?? 0) / 60_000}`, sum], { key: string, value: decimal })
    .to('sums');
  return builder.build();
};

/** orders (keyed by customer) joined with the table customers: `order/customer`. */
export const enriched = (left: boolean): Topology => {
  const builder = new StreamsBuilder();
  const customers = builder.table('customers', { key: string, value: string, store: 'customers' });
  const orders = builder.stream('orders', { key: string, value: string });
  const joined = left
    ? orders.leftJoin(customers, (order, customer) => `${order}/${customer ?? '-'}`, { value: string })
    : orders.join(customers, (order, customer) => `${order}/${customer}`, { value: string });
  joined.to('enriched');
  return builder.build();
};

/** words joined with the table meanings by the word, behind a repartition: `word=meaning`. */
export const explained = (): Topology => {
  const builder = new StreamsBuilder();
  const meanings = builder.table('meanings', { key: string, value: string, store: 'meanings' });
  builder
    .stream('words', { key: string, value: string })
    .selectKey((_key, word) => word, { key: string })
    .join(meanings, (word, meaning) => `${word}=${meaning}`, { value: string, name: 'explain' })
    .to('explained');
  return builder.build();
};

/** orders (`customer/amount`) joined with the table customers by the foreign key in them: `customer/amount/name`, in a
 *  left join to `ordered`, in an inner one to `bought`; with the table notes by key, in an outer join: `order~note` to
 *  `noted`; and grouped by their customer: the sums of the amounts to `spent`. */
export const ordersOfCustomers = (): Topology => {
  const builder = new StreamsBuilder();
  const texts = { key: string, value: string };
  const orders = builder.table('orders', texts);
  const customers = builder.table('customers', texts);
  const customerOf = (order: string): string | null => order.split('/')[0] || null;
  const named = (order: string, name: string | null): string => `${order}/${name ?? '-'}`;
  orders.leftJoin(customers, customerOf, named, { value: string, store: 'ordered' }).toStream().to('ordered');
  orders.join(customers, customerOf, named, { value: string }).toStream().to('bought');
  orders
    .outerJoin(builder.table('notes', texts), (order, note) => `${order ?? '-'}~${note ?? '-'}`, { value: string })
    .toStream()
    .to('noted');
  orders
    .groupBy((_key, order) => [order.split('/')[0] || null, Number(order.split('/')[1])], {
      key: string,
      value: decimal,
    })
    .reduce(
      (sum, amount) => Number(sum) + Number(amount),
      (sum, amount) => Number(sum) - Number(amount),
      { store: 'spent' },
    )
    .toStream()
    .to('spent', { value: decimal });
  return builder.build();
};

/** visits (of any key, each a page) joined with the global table pages: `page=title` to `titled`. */
export const titledVisits = (): Topology => {
  const builder = new StreamsBuilder();
  const texts = { key: string, value: string };
  const pages = builder.globalTable('pages', texts);
  builder
    .stream('visits', texts)
    .leftJoin(
      pages,
      (_key, page) => page,
      (page, title) => `${page}=${title ?? '-'}`,
      { value: string },
    )
    .to('titled');
  return builder.build();
};

/**
 * clicks by hopping windows, sliding windows and sessions, their values joined as text: each result to `hops`, `slides`
 * and `sessions` under the key, as `start-end=value`. clicks and views together, counted by sessions of both that
 * nothing is too late for: to `visits`.
 */
export const clicksByWindows = (): Topology => {
  const builder = new StreamsBuilder();
  const texts = { key: string, value: string };
  const joined = (a: string, b: string): string => a + b;
  const send = <V>(results: KTable<Windowed<string>, V>, topic: string): void => {
    results
      .toStream()
      .map((window, value) => [window?.key ?? null, `${window?.start}-${window?.end}=${value ?? '-'}`], texts)
      .to(topic);
  };
  const clicks = builder.stream('clicks', texts).groupByKey();
  const views = builder.stream('views', texts).groupByKey();
  send(clicks.windowedBy(TimeWindows.ofSizeAndGrace(10, 5).advanceBy(4)).reduce(joined, { store: 'hops' }), 'hops');
  send(clicks.windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(6, 5)).reduce(joined, { store: 'slides' }), 'slides');
  send(
    clicks.windowedBy(SessionWindows.ofInactivityGapAndGrace(3, 5)).reduce(joined, { store: 'sessions' }),
    'sessions',
  );
  send(
    clicks
      .cogroup<number>((_key, _click, visits) => visits + 1)
      .cogroup(views, (_key, _view, visits) => visits + 1)
      .windowedBy(SessionWindows.ofInactivityGapAndGrace(3, 1_000_000))
      .aggregate(
        () => 0,
        (_key, visits, others) => visits + others,
        { value: serdes.int32, store: 'visits' },
      ),
    'visits',
  );
  return builder.build();
};

/**
 * taps by a processor of a user's, with stores of three kinds and both punctuators. To `tapped`, under the key: for
 * each record `n text`, with the number of its key's records and the values of the key's last 10 ms; at each tick of
 * stream time `tick time n`, for each key; each record names that topic. To `walls`, under the task: how many records
 * have come since the last tick of the wall clock. The numbers by key are also kept in memory, as they are in the store
 * when the processor is made.
 */
export const taps = (): Topology => {
  const tallies = Stores.orderedKeyValue('tallies', string, decimal);
  const recent = Stores.window('recent', string, string, { retentionMs: 20 });
  const since = Stores.keyValue('since', string, decimal);
  const builder = new StreamsBuilder();
  const tapped = builder.stream('taps', { key: string, value: string }).process<string, readonly AnyStoreBuilder[]>(
    (context) => {
      const counts = context.getStateStore(tallies);
      const values = context.getStateStore(recent);
      const fresh = context.getStateStore(since);
      const inMemory = new Map(counts.all());
      context.schedule(10, 'stream time', (time) => {
        for (const [key, count] of counts.all())
          context.forward({ key, value: `tick ${time} ${count}`, timestamp: time }, 'tapped');
      });
      context.schedule(3, 'wall clock', () => {
        const count = fresh.delete('all');
        if (count !== undefined) context.forward({ key: context.taskId, value: String(count) }, 'walls');
      });
      return {
        process({ key, value, timestamp }) {
          const name = key ?? '';
          const count = Number(inMemory.get(name) ?? 0) + 1;
          inMemory.set(name, count);
          counts.put(name, count);
          fresh.put('all', Number(fresh.get('all') ?? 0) + 1);
          values.put(name, value, timestamp);
          let last = '';
          for (const entry of values.fetchRange(name, timestamp - 10, timestamp)) last += entry.value;
          context.forward({ key, value: `${count} ${last}` }, 'tapped');
          if (value === 'c') context.commit();
        },
      };
    },
    { stores: [tallies, recent, since] },
  );
  tapped.filter(() => true, { name: 'tapped' }).to(() => 'tapped', { value: string });
  tapped.filter(() => true, { name: 'walls' }).to('walls', { value: string });
  return builder.build();
};

/** Windows of the joins of `joinedEvents`, and how long its last one waits. */
export const eventWindows = JoinWindows.ofTimeDifferenceAndGrace(6, 5).after(9);
export const eventGraceMs = 4;

/** Values of events that begin with L (left) and R (right): joined as two streams to `inner`, `left` and `outer`, the
 *  left ones with themselves to `self`; the left ones with the right ones as a versioned table, after a grace, to
 *  `looked`. others to `copied`, by tasks that fail in transactions of the joins. */
export const joinedEvents = (): Topology => {
  const builder = new StreamsBuilder();
  const texts = { key: string, value: string };
  const all = builder.stream('events', texts);
  const left = all.filter((_key, value) => value?.startsWith('L') === true);
  const right = all.filter((_key, value) => value?.startsWith('R') === true);
  const shown = (l: string | null, r: string | null): string => `${l ?? '-'}+${r ?? '-'}`;
  const options = { value: string };
  left.join(right, shown, eventWindows, options).to('inner');
  left.leftJoin(right, shown, eventWindows, options).to('left');
  left.outerJoin(right, shown, eventWindows, options).to('outer');
  left.join(left, shown, eventWindows, options).to('self');
  const rows = right.toTable({ store: 'rows', versioned: { historyMs: 1_000_000 } });
  left.leftJoin(rows, shown, { value: string, graceMs: eventGraceMs }).to('looked');
  builder.stream('others', texts).to('copied');
  return builder.build();
};

/** Copies lines to hoarded; at the word boom it takes all the memory that its thread has. */
export const hoard = (): Topology => {
  const builder = new StreamsBuilder();
  builder
    .stream('lines', { key: string, value: string })
    .mapValues((line) => {
      const kept: string[][] = [];
      while (line === 'boom') kept.push(Array.from({ length: 1000 }, (_, i) => `${kept.length}-${i}`));
      return line;
    })
    .to('hoarded', { value: string });
  return builder.build();
};

/** clicks by windows, of which only final results are sent: hopping windows and sessions on window close (`hops`,
 *  `sessions`), sliding and tumbling windows suppressed until they close (`slides`, `tumbles`; of these an `m` deletes
 *  what came before it); counts of clicks that are held back for 7 ms, two of them at most (`counts`); and how many
 *  clicks came since the last tick of a punctuator, every 10 ms of stream time (`ticks`) and every 15 ms by the wall
 *  clock (`beats`). */
export const closingClicks = (): Topology => {
  const builder = new StreamsBuilder();
  const texts = { key: string, value: string };
  const joined = (a: string, b: string): string => a + b;
  const send = <V>(results: KTable<Windowed<string>, V>, topic: string): void => {
    results
      .toStream()
      .map((window, value) => [window?.key ?? null, `${window?.start}-${window?.end}=${value ?? '-'}`], texts)
      .to(topic);
  };
  const clicks = builder.stream('clicks', { ...texts, name: 'clicks' }).groupByKey();
  const hops = clicks.windowedBy(TimeWindows.ofSizeAndGrace(10, 5).advanceBy(4)).emitStrategy('on window close');
  send(hops.reduce(joined, { store: 'hops' }), 'hops');
  const sessions = clicks.windowedBy(SessionWindows.ofInactivityGapAndGrace(3, 5)).emitStrategy('on window close');
  send(sessions.reduce(joined, { store: 'sessions' }), 'sessions');
  const slides = clicks.windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(6, 5)).reduce(joined, { store: 'slides' });
  const final = Suppressed.untilWindowCloses(BufferConfig.unbounded()).withName('final');
  send(slides.suppress(final), 'slides');
  const tumbles = clicks.windowedBy(TimeWindows.ofSizeAndGrace(9, 5)).aggregate<string>(
    () => '',
    (_key, value, all) => (value === 'm' ? null : joined(all, value ?? '')),
    { store: 'tumbles', value: string },
  );
  send(tumbles.suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()).withName('tumbled')), 'tumbles');
  clicks
    .count({ store: 'totals', value: decimal })
    .suppress(Suppressed.untilTimeLimit(7, BufferConfig.maxRecords(2)).withName('held'))
    .toStream()
    .to('counts', { value: decimal });
  const topology = builder.build();
  for (const [topic, everyMs, by] of [
    ['ticks', 10, 'stream time'],
    ['beats', 15, 'wall clock'],
  ] as const) {
    topology
      .addStore({ name: `since-${topic}`, kind: 'key-value' })
      .addProcessor(`count-${topic}`, countedSince(`since-${topic}`, { everyMs, by }), ['clicks'], {
        stores: [`since-${topic}`],
      })
      .addSink(topic, {
        topic,
        parents: [`count-${topic}`],
        supplier: sink<number | bigint>({ topic, value: decimal }),
      });
  }
  return topology;
};

/** How many records came since the last tick: in a store, and sent with each tick under the key of the partition. */
const countedSince =
  (name: string, punctuation: Punctuation): OperatorSupplier<unknown, number | bigint> =>
  (context, forward) => {
    const store = context.store(name, 'key-value');
    const key = new TextEncoder().encode(`p${context.partition}`);
    const out = new StreamRecord<number | bigint>();
    const count = (): number => (store.get(key, 0, key.length) ? (store.valueBytes[store.valueStart] as number) : 0);
    context.schedule(punctuation, (time) => {
      if (count() === 0) return;
      out.keyBytes = key;
      out.keyStart = 0;
      out.keyEnd = key.length;
      out.timestamp = time;
      out.value = count();
      store.delete(key, 0, key.length);
      forward(out);
    });
    return {
      process() {
        store.put(key, 0, key.length, Uint8Array.of(count() + 1), 0, 1);
      },
    };
  };

/** clicks with the value `+` or `-` -> counts of `+` by key, merged between commits, where `-` deletes the count;
 *  updates to `counted`, and to `sizes` how many keys have each count, merged as well. The same counts by key and 4 ms
 *  to `tallied`, under `key@start`. */
export const mergedCounts = (): Topology => {
  const builder = new StreamsBuilder();
  const clicks = builder.stream('clicks', { key: string, value: string }).groupByKey();
  const counted = (_key: string, sign: string | null, count: number | bigint): number | null =>
    sign === '+' ? Number(count) + 1 : null;
  const counts = clicks.aggregate<number | bigint>(() => 0, counted, { store: 'counts', value: decimal, cache: true });
  clicks
    .windowedBy(TimeWindows.ofSizeAndGrace(4, 1))
    .aggregate<number | bigint>(() => 0, counted, { store: 'tallies', value: decimal, cache: true })
    .toStream()
    .map((window, count) => [`${window?.key}@${window?.start}`, count], { key: string, value: decimal })
    .to('tallied', { value: decimal });
  counts.toStream().to('counted', { value: decimal });
  counts
    .groupBy((_key, count) => [String(count), count], { key: string, value: decimal, name: 'by-count' })
    .count({ store: 'sizes', value: decimal, cache: true })
    .toStream()
    .to('sizes', { value: decimal });
  return builder.build();
};

/** events -> counts by key and window of 10 ms to `windows` (`key@start`), by key and session with a gap of 5 ms to
 *  `sessions` (`key@start-end`), and by the last value of each key to `sizes`; all merged between commits, and so is
 *  the table of the last values, which goes to `rows`. Nothing is late. */
export const mergedWindows = (): Topology => {
  const graceMs = 1_000_000;
  const builder = new StreamsBuilder();
  const stream = builder.stream('events', { key: string, value: string });
  const grouped = stream.groupByKey();
  grouped
    .windowedBy(TimeWindows.ofSizeAndGrace(10, graceMs))
    .count({ store: 'windows', value: decimal, cache: true })
    .toStream(({ key, start }) => `${key}@${start}`, { key: string })
    .to('windows', { value: decimal });
  grouped
    .windowedBy(SessionWindows.ofInactivityGapAndGrace(5, graceMs))
    .count({ store: 'sessions', value: decimal, cache: true })
    .toStream(({ key, start, end }) => `${key}@${start}-${end}`, { key: string })
    .to('sessions', { value: decimal });
  const rows = stream.toTable({ store: 'rows', cache: true });
  rows.toStream().to('rows', { value: string });
  rows
    .groupBy((_key, value) => [value, value], { key: string, value: string, name: 'by-value' })
    .count({ store: 'sizes', value: decimal, cache: true })
    .toStream()
    .to('sizes', { value: decimal });
  return builder.build();
};
