/** Joins by a foreign key: what Apache Kafka's tests of them expect, for one partition and for several. */

import { describe, expect, test } from 'vitest';
import { ByteWriter, fingerprint, partitionOfKey } from '../../../base/index.ts';
import { serdes, subscriptionSerde, type Topology } from '../../../engine/index.ts';
import { BufferConfig, StreamsBuilder, Suppressed, TimeWindows } from '../../../engine/public.ts';
import type { KeyValueStateStore } from '../../../engine/stores/state-store.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';

const { string } = serdes;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const forms = { key: string, value: string };

/** The foreign key of `value|key`; `-`: none. */
const keyOf = (value: string): string | null => {
  const key = value.split('|')[1] ?? '-';
  return key === '-' ? null : key;
};

interface Options {
  readonly left: boolean;
  readonly store?: string;
  readonly rejoin?: boolean;
}

const build = ({ left, store, rejoin = false }: Options): Topology => {
  const builder = new StreamsBuilder();
  const lefts = builder.table('left', forms);
  const rights = builder.table('right', forms);
  const options = { value: string, ...(store === undefined ? {} : { store }) };
  const joined = left
    ? lefts.leftJoin(rights, keyOf, (a, b) => `(${a},${b})`, options)
    : lefts.join(rights, keyOf, (a, b) => `(${a},${b})`, options);
  joined.toStream().to('out');
  if (rejoin)
    joined
      .leftJoin(lefts, (a, b) => `rejoin(${a},${b})`, { value: string })
      .toStream()
      .to('rejoined');
  return builder.build();
};

/** Steps `L key value@time` and `R key value@time`; beside each what came out last under each key. */
const run = (options: Options, steps: string, partitions = 1): string => {
  const driver = new TopologyTestDriver(build(options), { partitions });
  const lines: string[] = [];
  for (const [, side, key = '', value = '', time] of steps.matchAll(/([LR]) (\S+) (\S+)@(\d+)/g)) {
    driver.input(side === 'L' ? 'left' : 'right', forms).pipe(key, value === '-' ? null : value, Number(time));
    const results = driver.output('out', forms).readAll();
    const shown = new Map(results.map((record) => [record.key ?? '', `${record.value ?? '-'}@${record.timestamp}`]));
    const sorted = [...shown].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, result]) => ` ${name}=${result}`);
    lines.push(`${side} ${key} ${value}@${time}${sorted.length === 0 ? '' : `:${sorted.join('')}`}`);
  }
  driver.close();
  return `\n${lines.map((line) => `    ${line}`).join('\n')}`;
};

const forAll = (name: string, tables: { readonly inner: string; readonly left: string }): void => {
  describe(name, () => {
    for (const partitions of [1, 5]) {
      for (const store of [undefined, 'joined']) {
        const kept = store === undefined ? {} : { store };
        test(`${partitions} partitions${store === undefined ? '' : ', the result is kept'}`, () => {
          expect(run({ left: false, ...kept }, tables.inner, partitions)).toBe(tables.inner);
          expect(run({ left: true, ...kept }, tables.left, partitions)).toBe(tables.left);
        });
      }
    }
  });
};

// The expected tables are the steps too: what stands behind the colon is not read as a step.
forAll('left rows come, and one is deleted', {
  inner: `
    R r1 one@0
    R r2 two@1
    R r3 three@2
    L l1 a|r1@3: l1=(a|r1,one)@3
    L l2 b|r2@4: l2=(b|r2,two)@4
    L l3 c|r1@5: l3=(c|r1,one)@5
    L l1 -@6: l1=-@6`,
  left: `
    R r1 one@0
    R r2 two@1
    R r3 three@2
    L l1 a|r1@3: l1=(a|r1,one)@3
    L l2 b|r2@4: l2=(b|r2,two)@4
    L l3 c|r1@5: l3=(c|r1,one)@5
    L l1 -@6: l1=-@6`,
});

forAll('right rows come, and one is deleted: all that have its key change', {
  inner: `
    L l1 a|r1@0
    L l2 b|r2@1
    L l3 c|r1@2
    R r1 one@3: l1=(a|r1,one)@3 l3=(c|r1,one)@3
    R r2 two@4: l2=(b|r2,two)@4
    R r3 three@5
    R r1 -@6: l1=-@6 l3=-@6`,
  left: `
    L l1 a|r1@0: l1=(a|r1,null)@0
    L l2 b|r2@1: l2=(b|r2,null)@1
    L l3 c|r1@2: l3=(c|r1,null)@2
    R r1 one@3: l1=(a|r1,one)@3 l3=(c|r1,one)@3
    R r2 two@4: l2=(b|r2,two)@4
    R r3 three@5
    R r1 -@6: l1=(a|r1,null)@6 l3=(c|r1,null)@6`,
});

forAll('a row that found none is deleted: once it goes on, since it is not known whether there was a result', {
  inner: `
    L l1 a|r1@0
    L l1 -@1: l1=-@1
    L l1 -@2`,
  left: `
    L l1 a|r1@0: l1=(a|r1,null)@0
    L l1 -@1: l1=-@1
    L l1 -@2`,
});

forAll('a row that does not exist is deleted', {
  inner: `
    L l1 -@0`,
  left: `
    L l1 -@0`,
});

forAll('the foreign key changes between rows that are there and rows that are not', {
  inner: `
    L l1 a|r1@0
    L l1 a|r2@1: l1=-@1
    L l1 a|r3@2: l1=-@2
    R r1 one@3
    L l1 a|r1@4: l1=(a|r1,one)@4
    L l1 a|r2@5: l1=-@5`,
  left: `
    L l1 a|r1@0: l1=(a|r1,null)@0
    L l1 a|r2@1: l1=(a|r2,null)@1
    L l1 a|r3@2: l1=(a|r3,null)@2
    R r1 one@3
    L l1 a|r1@4: l1=(a|r1,one)@4
    L l1 a|r2@5: l1=(a|r2,null)@5`,
});

forAll('a row whose foreign key has changed does not change with the former partner', {
  inner: `
    R r1 one@0
    R r2 two@1
    L l1 a|r1@2: l1=(a|r1,one)@2
    L l1 a|r2@3: l1=(a|r2,two)@3
    R r1 uno@4
    R r2 due@5: l1=(a|r2,due)@5`,
  left: `
    R r1 one@0
    R r2 two@1
    L l1 a|r1@2: l1=(a|r1,one)@2
    L l1 a|r2@3: l1=(a|r2,two)@3
    R r1 uno@4
    R r2 due@5: l1=(a|r2,due)@5`,
});

// Apache Kafka before 3.8 left a row out here that had no foreign key before, or lost it (KAFKA-16407).
forAll('the foreign key is null, comes, and goes', {
  inner: `
    R r1 one@0
    L l1 a|-@1
    L l1 a|r1@2: l1=(a|r1,one)@2
    L l1 a|-@3: l1=-@3
    L l1 b|-@4
    L l1 -@5
    R r1 uno@6`,
  left: `
    R r1 one@0
    L l1 a|-@1: l1=(a|-,null)@1
    L l1 a|r1@2: l1=(a|r1,one)@2
    L l1 a|-@3: l1=(a|-,null)@3
    L l1 b|-@4: l1=(b|-,null)@4
    L l1 -@5: l1=-@5
    R r1 uno@6`,
});

forAll('a row that had no foreign key finds no row: the result is deleted, as where it had another one', {
  inner: `
    L l1 a|-@0
    L l1 a|r1@1: l1=-@1
    L l2 b|r1@2
    L l3 c|-@3
    L l3 c|r1@4: l3=-@4
    R r1 one@5: l1=(a|r1,one)@5 l2=(b|r1,one)@5 l3=(c|r1,one)@5`,
  left: `
    L l1 a|-@0: l1=(a|-,null)@0
    L l1 a|r1@1: l1=(a|r1,null)@1
    L l2 b|r1@2: l2=(b|r1,null)@2
    L l3 c|-@3: l3=(c|-,null)@3
    L l3 c|r1@4: l3=(c|r1,null)@4
    R r1 one@5: l1=(a|r1,one)@5 l2=(b|r1,one)@5 l3=(c|r1,one)@5`,
});

forAll('the result has the later time of both rows, also out of order', {
  inner: `
    R r1 one@9
    L l1 a|r1@3: l1=(a|r1,one)@9
    R r1 uno@1: l1=(a|r1,uno)@3
    L l1 b|r1@2: l1=(b|r1,uno)@2`,
  left: `
    R r1 one@9
    L l1 a|r1@3: l1=(a|r1,one)@9
    R r1 uno@1: l1=(a|r1,uno)@3
    L l1 b|r1@2: l1=(b|r1,uno)@2`,
});

test('the result is joined with the left table again', () => {
  for (const partitions of [1, 5]) {
    const driver = new TopologyTestDriver(build({ left: false, rejoin: true }), { partitions });
    driver.input('right', forms).pipe('r1', 'one', 0);
    driver.input('left', forms).pipe('l1', 'a|r1', 1);
    driver.input('left', forms).pipe('l1', null, 2);
    const out = driver.output('rejoined', forms).readTable();
    expect(out).toEqual(new Map());
    driver.input('left', forms).pipe('l2', 'b|r1', 3);
    expect(driver.output('rejoined', forms).readTable()).toEqual(new Map([['l2', 'rejoin((b|r1,one),b|r1)']]));
    driver.close();
  }
});

test('a row without a foreign key is counted as dropped by an inner join', () => {
  const driver = new TopologyTestDriver(build({ left: false }));
  driver.input('left', forms).pipe('l1', 'a|-');
  expect(driver.drops.map(({ reason, detail }) => `${reason}: ${detail}`)).toEqual([
    'null-key: a row without a foreign key is not joined',
  ]);
  driver.close();
});

test('a filtered table is joined by what another one makes of its rows; a filter behind it retracts what it has shown', () => {
  const builder = new StreamsBuilder();
  const orders = builder.table('left', forms).filter((_key, value) => !value.startsWith('x'));
  const customers = builder.table('right', forms).mapValues((value) => value.toUpperCase(), { value: string });
  orders
    .join(customers, keyOf, (a, b) => `${a}:${b}`, { value: string })
    .filter((_key, value) => value.endsWith('E'))
    .toStream()
    .to('out');
  const driver = new TopologyTestDriver(builder.build(), { partitions: 3 });
  const seen: string[] = [];
  for (const [topic, key, value] of [
    ['right', 'r', 'one'],
    ['left', 'l', 'a|r'],
    ['left', 'l', 'x|r'],
    ['left', 'l', 'b|r'],
    ['right', 'r', 'two'],
    ['right', 'r', 'three'],
  ] as const) {
    driver.input(topic, forms).pipe(key, value);
    seen.push(
      driver
        .output('out', forms)
        .readAll()
        .map((record) => record.value ?? '-')
        .join(' '),
    );
  }
  expect(seen).toEqual(['', 'a|r:ONE', '-', 'b|r:ONE', '-', 'b|r:THREE']);
  driver.close();
});

test('there are as many subscriptions as left rows with a foreign key', () => {
  const builder = new StreamsBuilder();
  builder
    .table('left', forms)
    .join(builder.table('right', forms), keyOf, (a, b) => `${a}${b}`, { value: string, name: 'orders' })
    .toStream()
    .to('out');
  const driver = new TopologyTestDriver(builder.build());
  const [store] = driver.stores('orders-subscription-store');
  if (store?.kind !== 'ordered') throw new Error('not an ordered store');
  const subscribed = (): string[] =>
    ['r1', 'r2'].flatMap((right) => {
      const entries = store.committedEntries(new TextEncoder().encode(right));
      return entries.map(({ order }) => `${right}:${new TextDecoder().decode(order)}`);
    });
  const seen: string[] = [];
  for (const [key, value] of [
    ['l1', 'a|r1'],
    ['l2', 'a|r1'],
    ['l1', 'b|r1'],
    ['l1', 'b|r2'],
    ['l2', 'a|-'],
    ['l1', null],
  ] as const) {
    driver.input('left', forms).pipe(key, value);
    seen.push(subscribed().join(' '));
  }
  expect(seen).toEqual(['r1:l1', 'r1:l1 r1:l2', 'r1:l1 r1:l2', 'r1:l2 r2:l1', 'r2:l1', '']);
  driver.close();
});

/** A join of one name for its topics and stores, and what goes over these. */
const named = (partitions = 1) => {
  const builder = new StreamsBuilder();
  builder
    .table('left', forms)
    .join(builder.table('right', forms), keyOf, (a, b) => `(${a},${b})`, { value: string, name: 'orders' })
    .toStream()
    .to('out');
  const driver = new TopologyTestDriver(builder.build(), { partitions });
  const subscriptions = 'test-orders-subscription-registration-repartition';
  const answers = 'test-orders-subscription-response-repartition';
  return {
    driver,
    subscriptions,
    answers,
    /** Every result of a change, and how many subscriptions and answers there were. */
    change(side: 'left' | 'right', key: string, value: string | null, timestamp = 0): string {
      driver.input(side, forms).pipe(key, value, timestamp);
      const results = driver.output('out', forms).readAll();
      const shown = results.map((result) => `${result.key}=${result.value ?? '-'}@${result.timestamp}`);
      return [...shown, driver.take(subscriptions).length, driver.take(answers).length].join(' ');
    },
  };
};

test('a row whose partner is known is joined at once, and sends a subscription only when its foreign key is new', () => {
  const { change, driver } = named();
  expect(change('right', 'r1', 'one')).toBe('0 0');
  expect(change('left', 'l1', 'a|r1')).toBe('l1=(a|r1,one)@0 1 1');
  expect(change('left', 'l1', 'b|r1', 7)).toBe('l1=(b|r1,one)@7 0 0');
  expect(change('left', 'l2', 'c|r1')).toBe('l2=(c|r1,one)@0 1 0');
  // The row of l1 is not the one that had subscribed: it subscribes again, and is not answered.
  expect(change('right', 'r1', 'uno', 3)).toBe('l1=(b|r1,uno)@7 l2=(c|r1,uno)@3 1 2');
  expect(change('left', 'l2', 'd|r1')).toBe('l2=(d|r1,uno)@3 0 0');
  expect(change('right', 'r1', null, 9)).toBe('l1=-@9 l2=-@9 1 3');
  expect(change('left', 'l2', 'e|r1')).toBe('l2=-@0 0 0');
  // Where there is no row each subscription is answered.
  expect(change('left', 'l3', 'f|r1')).toBe('1 1');
  expect(change('right', 'r1', 'due')).toBe('l1=(b|r1,due)@7 l2=(e|r1,due)@0 l3=(f|r1,due)@0 1 3');
  driver.close();
});

test('what came for a row is not used any more when that row has another foreign key, or is gone', () => {
  for (const gone of ['a|r2', null]) {
    const { change, driver } = named();
    change('right', 'r1', 'one');
    change('left', 'l1', 'a|r1');
    change('left', 'l1', gone);
    change('right', 'r1', 'uno');
    expect(change('left', 'l2', 'b|r1')).toBe('l2=(b|r1,uno)@0 1 1');
    driver.close();
  }
});

test('right rows that are held back: a left row is joined with the one before until the held one goes', () => {
  const builder = new StreamsBuilder();
  const lefts = builder.table('left', forms);
  const rights = builder.table('right', forms).suppress(Suppressed.untilTimeLimit(10, BufferConfig.unbounded()));
  lefts
    .join(rights, keyOf, (a, b) => `(${a},${b})`, { value: string })
    .toStream()
    .to('out');
  const driver = new TopologyTestDriver(builder.build());
  const change = (side: string, key: string, value: string, time: number): string => {
    driver.input(side, forms).pipe(key, value, time);
    const results = driver.output('out', forms).readAll();
    const last = new Map(results.map((result) => [result.key, `${result.value ?? '-'}@${result.timestamp}`]));
    return [...last].map(([name, result]) => `${name}=${result}`).join(' ');
  };
  expect(change('right', 'r1', 'one', 0)).toBe('');
  expect(change('left', 'l0', 'o|r1', 0)).toBe('');
  expect(change('right', 'tick', 'tick', 10)).toBe('l0=(o|r1,one)@0');
  expect(change('right', 'r1', 'uno', 11)).toBe('');
  expect(change('left', 'l1', 'a|r1', 12)).toBe('l1=(a|r1,one)@12');
  expect(change('left', 'l2', 'b|r1', 12)).toBe('l2=(b|r1,one)@12');
  expect(change('right', 'tick', 'tock', 22)).toBe('l0=(o|r1,uno)@11 l1=(a|r1,uno)@12 l2=(b|r1,uno)@12');
  expect(change('left', 'l1', 'c|r1', 23)).toBe('l1=(c|r1,uno)@23');
  expect(change('left', 'l3', 'd|r1', 23)).toBe('l3=(d|r1,uno)@23');
  driver.close();
});

test('right rows that do not pass a filter are the same as none: nothing goes out for a left row that never had one', () => {
  const builder = new StreamsBuilder();
  const rights = builder.table('right', forms).filter((_key, value) => value.startsWith('+'));
  builder
    .table('left', forms)
    .join(rights, keyOf, (a, b) => `(${a},${b})`, { value: string })
    .toStream()
    .to('out');
  const driver = new TopologyTestDriver(builder.build());
  const change = (side: string, key: string, value: string): string => {
    driver.input(side, forms).pipe(key, value, 0);
    const results = driver.output('out', forms).readAll();
    return results.map((result) => `${result.key}=${result.value ?? '-'}`).join(' ');
  };
  expect(change('right', 'r1', '+one')).toBe('');
  expect(change('left', 'l1', 'a|r1')).toBe('l1=(a|r1,+one)');
  expect(change('right', 'r1', 'two')).toBe('l1=-');
  expect(change('right', 'r1', 'three')).toBe('');
  expect(change('left', 'l2', 'b|r1')).toBe('');
  expect(change('right', 'r1', '+four')).toBe('l1=(a|r1,+four) l2=(b|r1,+four)');
  driver.close();
});

test('a subscription that names another right row than there is now is answered', () => {
  const { driver, answers, subscriptions } = named();
  driver.input('right', forms).pipe('r1', 'one', 0);
  const subscription = subscriptionSerde();
  const send = (of: number): number => {
    const out = new ByteWriter();
    const key = utf8('l1');
    subscription.write(
      { asks: 3, left: 0, joined: of, partition: 0, keyBytes: key, keyStart: 0, keyEnd: key.length },
      out,
    );
    driver.pipe(subscriptions, [{ key: utf8('r1'), value: out.slice() }]);
    driver.take(subscriptions);
    return driver.take(answers).length;
  };
  const row = keptRow(0, 'one');
  expect(send(fingerprint(row, 0, row.length))).toBe(0);
  expect(send(1)).toBe(1);
  driver.close();
});

test('subscriptions and answers of former builds are read', () => {
  const { driver, answers, change } = named(2);
  const partitionOf = (key: string): number => partitionOfKey(utf8(key), 0, key.length, 2);
  change('left', 'l1', 'a|r1', 5);
  // A fingerprint of the left row stood before the partition.
  const kept = new ByteWriter();
  kept.i64(42);
  kept.i32(partitionOf('l1'));
  const name = utf8('\u0000\u0002r1l1');
  driver
    .stores('orders-subscription-store')
    [partitionOf('r1')]?.applyChangelog(name, 0, name.length, kept.buffer, 0, 12);
  // As behind a restart: it is not remembered that the row waits for an answer.
  const asked = driver.stores('orders-subscription-store-asked')[partitionOf('l1')] as KeyValueStateStore;
  asked.delete(utf8('l1'), 0, 2);
  expect(change('right', 'r1', 'one', 2)).toBe('l1=(a|r1,one)@5 1 1');

  const answerFor = (row: Uint8Array): Uint8Array => {
    const out = new ByteWriter();
    out.i8(1);
    out.i64(fingerprint(row, 0, row.length));
    out.bytes(utf8('former'), 0, 6);
    return out.slice();
  };
  for (const row of [keptRow(4, 'a|r1'), keptRow(5, 'a|r1')])
    driver.pipe(answers, [{ key: utf8('l1'), value: answerFor(row), partition: partitionOf('l1') }]);
  expect(
    driver
      .output('out', forms)
      .readAll()
      .map(({ value }) => value),
  ).toEqual(['(a|r1,former)']);
  driver.close();
});

/** A row as its table's store keeps it. */
const keptRow = (timestamp: number, value: string): Uint8Array => {
  const out = new ByteWriter();
  out.i64(timestamp);
  out.bytes(utf8(value), 0, value.length);
  return out.slice();
};

describe('partitions that are not those of the keys', () => {
  const countPartitions = 3;

  test.each([0, 1, 2])('the left row lies in partition %i: answers go there', (partition) => {
    const builder = new StreamsBuilder();
    const [left, right] = [builder.table('left', forms), builder.table('right', forms)];
    left
      .join(
        right,
        (row) => row,
        (one, other) => `${one} ${other}`,
        forms,
      )
      .toStream()
      .to('out');
    const driver = new TopologyTestDriver(builder.build(), { partitions: countPartitions });
    driver.input('left', forms).pipeAll([{ key: 'a', value: 'x', partition }]);
    driver.input('right', forms).pipe('x', 'first');
    driver.input('right', forms).pipe('x', 'second');
    expect(driver.output('out', forms).readValues()).toEqual(['x first', 'x second']);
  });

  test.each([0, 1, 2])('the right row lies in partition %i: subscriptions go where the join is told', (partition) => {
    const builder = new StreamsBuilder();
    const [left, right] = [builder.table('left', forms), builder.table('right', forms)];
    const asked: unknown[] = [];
    const otherPartition = (foreignKey: string, count: number): number => {
      asked.push([foreignKey, count]);
      return partition;
    };
    left
      .leftJoin(
        right,
        (row) => row,
        (one, other) => `${one} ${other}`,
        { ...forms, otherPartition },
      )
      .toStream()
      .to('out');
    const driver = new TopologyTestDriver(builder.build(), { partitions: countPartitions });
    driver.input('right', forms).pipeAll([{ key: 'x', value: 'first', partition }]);
    driver.input('left', forms).pipe('a', 'x');
    driver.input('right', forms).pipeAll([{ key: 'x', value: 'second', partition }]);
    expect(driver.output('out', forms).readValues()).toEqual(['x first', 'x second']);
    expect(asked[0]).toEqual(['x', countPartitions]);
  });

  test('the right table has windowed keys: all windows of a key lie in its partition', () => {
    const builder = new StreamsBuilder();
    const counts = builder
      .stream('clicks', forms)
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(10, 1000))
      .count({ retentionMs: 2000 });
    builder
      .table('left', forms)
      .join(
        counts,
        (row) => ({ key: row.slice(0, 1), start: Number(row.slice(1)), end: Number(row.slice(1)) + 10 }),
        (row, count) => `${row}: ${count}`,
        { value: string },
      )
      .toStream()
      .to('out');
    const driver = new TopologyTestDriver(builder.build(), { partitions: countPartitions });
    for (const key of ['x', 'y', 'z']) {
      driver.input('clicks', forms).pipe(key, '', 20);
      driver.input('left', forms).pipe(`of ${key}`, `${key}20`, 20);
      driver.input('clicks', forms).pipe(key, '', 21);
      expect(driver.output('out', forms).readValues()).toEqual([`${key}20: 1`, `${key}20: 2`]);
    }
  });
});
