/** Topologies that the runtime's tests run: their results can be recomputed from the input in a few lines. */

import type { ByteWriter } from '../../../base/index.ts';
import {
  type KTable,
  type Serde,
  SerdeError,
  SessionWindows,
  SlidingWindows,
  StreamsBuilder,
  serdes,
  TimeWindows,
  type Topology,
  type Windowed,
} from '../../../engine/index.ts';
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

/** orders (`customer/amount`) joined with the table customers by the foreign key in them: `customer/amount/name` to
 *  `ordered`; with the table notes by key, in an outer join: `order~note` to `noted`; and grouped by their customer: the
 *  sums of the amounts to `spent`. */
export const ordersOfCustomers = (): Topology => {
  const builder = new StreamsBuilder();
  const texts = { key: string, value: string };
  const orders = builder.table('orders', texts);
  orders
    .leftJoin(
      builder.table('customers', texts),
      (order) => order.split('/')[0] || null,
      (order, name) => `${order}/${name ?? '-'}`,
      { value: string, store: 'ordered' },
    )
    .toStream()
    .to('ordered');
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
 * and `sessions` under the key, as `start-end=value`. clicks and views together, counted by sessions of both that nothing
 * is too late for: to `visits`.
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
