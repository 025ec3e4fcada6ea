/** The stores of a user's processors: typed faces over bytes, held against maps. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { serdes } from '../../../engine/index.ts';
import {
  type AnyStoreBuilder,
  type StateKeyValueStore,
  type StateWindowStore,
  type StoreBuilder,
  type StoreOf,
  Stores,
  StreamsBuilder,
} from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';

const { int64, json, string } = serdes;

/** Runs each piece of work within a processor's call, one record after the other; a record carries the time. */
const within = <B extends AnyStoreBuilder>(
  builder: B,
  works: readonly ((store: StoreOf<B>, timestamp: number) => void)[],
  times: readonly number[] = works.map(() => 0),
): void => {
  const topology = new StreamsBuilder();
  let next = 0;
  topology.stream('in', { key: string, value: string }).process<never, readonly [B]>(
    (context) => {
      const store = context.getStateStore(builder) as StoreOf<B>;
      return {
        process({ timestamp }) {
          works[next++]?.(store, timestamp);
        },
      };
    },
    { stores: [builder] },
  );
  const driver = new TopologyTestDriver(topology.build());
  for (const timestamp of times) driver.pipe('in', [{ value: Uint8Array.of(65), timestamp }]);
  driver.close();
};

/** Calls that every key-value store has, against a map. */
const behavesLikeAMap = (builder: StoreBuilder<string, StateKeyValueStore<string, number>>): void => {
  const call = fc.record({
    what: fc.constantFrom('put', 'putIfAbsent', 'delete', 'putNull', 'get'),
    key: fc.constantFrom('', 'a', 'b', 'bb', 'c'),
    value: fc.integer(),
  });
  fc.assert(
    fc.property(fc.array(fc.array(call, { maxLength: 6 }), { maxLength: 6 }), (transactions) => {
      const model = new Map<string, number>();
      within(
        builder,
        transactions.map((calls) => (store) => {
          for (const { what, key, value } of calls) {
            const before = model.get(key);
            if (what === 'put') {
              store.put(key, value);
              model.set(key, value);
            } else if (what === 'putIfAbsent') {
              expect(store.putIfAbsent(key, value)).toBe(before);
              if (before === undefined) model.set(key, value);
            } else if (what === 'delete') {
              expect(store.delete(key)).toBe(before);
              model.delete(key);
            } else if (what === 'putNull') {
              store.put(key, null);
              model.delete(key);
            } else expect(store.get(key)).toBe(before);
          }
          for (const key of ['', 'a', 'b', 'bb', 'c']) expect(store.get(key)).toBe(model.get(key));
        }),
      );
    }),
    { numRuns: 50 },
  );
};

const plain = () => Stores.keyValue('store', string, json<number>());
const ordered = () => Stores.orderedKeyValue('store', string, json<number>());

test('a key-value store behaves like a map', () => {
  behavesLikeAMap(plain());
});

describe('an ordered key-value store', () => {
  test('behaves like a map', () => {
    behavesLikeAMap(ordered());
  });

  test('has ranges, prefixes and all entries in the order of the keys, forward and backward', () => {
    const key = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\u{10ffff}'), maxLength: 3 });
    fc.assert(
      fc.property(
        fc.uniqueArray(key, { maxLength: 12 }),
        fc.option(key),
        fc.option(key),
        key,
        (keys, from, to, prefix) => {
          within(ordered(), [
            (store) => keys.forEach((each, i) => store.put(each, i)),
            (store) => {
              const bytes = (text: string): Buffer => Buffer.from(text);
              const sorted = keys.toSorted((a, b) => Buffer.compare(bytes(a), bytes(b)));
              const keysOf = (entries: Iterable<readonly [string, number]>): string[] =>
                [...entries].map(([each]) => each);
              expect(keysOf(store.all())).toEqual(sorted);
              const inRange = sorted.filter(
                (each) =>
                  (from === null || Buffer.compare(bytes(each), bytes(from)) >= 0) &&
                  (to === null || Buffer.compare(bytes(each), bytes(to)) <= 0),
              );
              expect(keysOf(store.range(from, to))).toEqual(inRange);
              expect(keysOf(store.range(from, to, { reversed: true }))).toEqual(inRange.toReversed());
              const prefixed = sorted.filter((each) => each.startsWith(prefix));
              expect(keysOf(store.prefix(prefix, string))).toEqual(prefixed);
              expect(keysOf(store.prefix(prefix, string, { reversed: true }))).toEqual(prefixed.toReversed());
              expect([...store.all()].map(([each, i]) => keys[i] === each)).toEqual(keys.map(() => true));
            },
          ]);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('iterators may be nested, left early, and see what is changed ahead of them', () => {
    let forgotten: IterableIterator<readonly [string, number]> | undefined;
    within(ordered(), [
      (store) => {
        for (const [i, key] of ['a', 'b', 'c', 'd'].entries()) store.put(key, i);
        const pairs: string[] = [];
        for (const [one] of store.all()) for (const [other] of store.range(one, null)) pairs.push(one + other);
        expect(pairs).toEqual(['aa', 'ab', 'ac', 'ad', 'bb', 'bc', 'bd', 'cc', 'cd', 'dd']);
        const seen: string[] = [];
        for (const [key] of store.all()) {
          seen.push(key);
          if (key === 'a') store.delete('b');
          if (key === 'c') store.put('cc', 9);
          if (key === 'd') break;
        }
        expect(seen).toEqual(['a', 'c', 'cc', 'd']);
        forgotten = store.all();
        expect(forgotten.next().value).toEqual(['a', 0]);
      },
      (store) => {
        expect(() => forgotten?.next()).toThrow('is used after the call in which it was made');
        // Its cursor is in use again, and not disturbed by what is left of the iterator.
        const again = store.all();
        forgotten?.return?.();
        expect([...again].map(([key]) => key)).toEqual(['a', 'c', 'cc', 'd']);
      },
    ]);
  });
});

describe('a window store', () => {
  const clicks = Stores.window('clicks', string, int64, { retentionMs: 100 });
  const timesOf = (
    store: StateWindowStore<string, number | bigint>,
    from: number,
    to: number,
    reversed = false,
  ): number[] => [...store.fetchRange('k', from, to, { reversed })].map(({ time }) => time);

  test('has values by key and time, and ranges of times, bounds included', () => {
    within(clicks, [
      (store) => {
        for (const time of [30, 10, 20]) store.put('k', time * 2, time);
        store.put('kk', 1, 10);
        store.put('k', 7, 20);
        expect(store.fetch('k', 20)).toBe(7);
        expect(store.fetch('k', 21)).toBe(undefined);
        expect(timesOf(store, 10, 30)).toEqual([10, 20, 30]);
        expect(timesOf(store, 11, 29)).toEqual([20]);
        expect(timesOf(store, -Infinity, Infinity, true)).toEqual([30, 20, 10]);
        store.put('k', null, 20);
        expect(timesOf(store, 0, 100)).toEqual([10, 30]);
        expect(() => store.put('k', 1, 0.5)).toThrow('0.5 cannot be the time of an entry');
      },
    ]);
  });

  test('entries expire by the time of the records, whether a commit has come meanwhile or not', () => {
    const works = [
      (store: StateWindowStore<string, number | bigint>): void => {
        store.put('k', 1, 5);
        store.put('k', 2, 6);
      },
      (store: StateWindowStore<string, number | bigint>): void => {
        // 105 - 100: an entry of the time 5 is gone.
        expect(timesOf(store, 0, 1000)).toEqual([6]);
        expect(store.fetch('k', 5)).toBe(undefined);
        store.put('k', 3, 5);
        expect(store.fetch('k', 5)).toBe(undefined);
      },
      (store: StateWindowStore<string, number | bigint>): void => {
        // A record that is behind does not bring anything back.
        expect(timesOf(store, 0, 1000)).toEqual([6]);
      },
    ];
    within(clicks, works, [0, 105, 50]);
    const builder = new StreamsBuilder();
    let next = 0;
    builder
      .stream('in', { key: string, value: string })
      .process<never, readonly [typeof clicks]>(
        (context) => ({ process: () => works[next++]?.(context.getStateStore(clicks)) }),
        { stores: [clicks] },
      );
    const driver = new TopologyTestDriver(builder.build());
    driver.pipe(
      'in',
      [0, 105, 50].map((timestamp) => ({ timestamp })),
    );
    expect(next).toBe(3);
  });

  test('needs a retention time', () => {
    const none = 'cannot keep its entries for 0 ms';
    expect(() => Stores.window('w', string, int64, { retentionMs: 0 })).toThrow(none);
    expect(() => Stores.orderedWindow('w', string, int64, { retentionMs: 0 })).toThrow(none);
    expect(() => Stores.session('w', string, int64, { retentionMs: 0 })).toThrow(none);
    expect(() => Stores.versioned('w', string, int64, { historyMs: 0 })).toThrow(none);
  });
});

describe('an ordered window store', () => {
  const alarms = Stores.orderedWindow('alarms', string, int64, { retentionMs: 100 });
  const read = (entries: Iterable<{ key: string; time: number; value: number | bigint }>): string =>
    [...entries].map(({ key, time, value }) => `${key}@${time}=${value}`).join(' ');

  test('has the entries of all keys in the order of time, then of the keys, bounds included', () => {
    within(alarms, [
      (store) => {
        store.put('b', 1, 20);
        store.put('a', 2, 20);
        store.put('', 3, 30);
        store.put('a', 4, 10);
        store.put('aa', 5, 10);
        expect(read(store.all())).toBe('a@10=4 aa@10=5 a@20=2 b@20=1 @30=3');
        expect(read(store.all({ reversed: true }))).toBe('@30=3 b@20=1 a@20=2 aa@10=5 a@10=4');
        expect(read(store.fetchAll(11, 20))).toBe('a@20=2 b@20=1');
        expect(read(store.fetchAll(20, 11))).toBe('');
        expect([...store.fetchRange('a', 0, 100)]).toEqual([
          { time: 10, value: 4 },
          { time: 20, value: 2 },
        ]);
        expect([store.fetch('a', 20), store.fetch('a', 30), store.fetch('', 30)]).toEqual([2, undefined, 3]);
        for (const { key, time } of store.fetchAll(0, 20)) store.put(key, null, time);
        expect(read(store.all())).toBe('@30=3');
      },
    ]);
  });

  test('is a window store otherwise: entries expire by the time of the records', () => {
    within(
      alarms,
      [
        (store) => {
          store.put('a', 1, 5);
          store.put('b', 2, 6);
        },
        (store) => {
          expect(read(store.all())).toBe('b@6=2');
          store.put('a', 3, 5);
          expect(store.fetch('a', 5)).toBeUndefined();
        },
      ],
      [0, 105],
    );
  });

  test('behaves like a list of entries', () => {
    const entry = fc.record({
      key: fc.constantFrom('', 'a', 'ab', 'b'),
      time: fc.integer({ min: 0, max: 20 }),
      value: fc.option(fc.nat()),
    });
    fc.assert(
      fc.property(fc.array(fc.array(entry, { maxLength: 6 }), { maxLength: 6 }), (transactions) => {
        const model = new Map<string, { key: string; time: number; value: number }>();
        within(
          alarms,
          transactions.map((entries) => (store) => {
            for (const { key, time, value } of entries) {
              store.put(key, value, time);
              if (value === null) model.delete(`${time}/${key}`);
              else model.set(`${time}/${key}`, { key, time, value });
            }
            const listed = [...model.values()].sort((a, b) => a.time - b.time || (a.key < b.key ? -1 : 1));
            expect([...store.all()].map(({ value, ...rest }) => ({ ...rest, value: Number(value) }))).toEqual(
              listed.map(({ key, time, value }) => ({ key, time, value })),
            );
            for (const key of ['', 'a', 'ab']) {
              const times = listed.filter((one) => one.key === key && one.time >= 5).map(({ time }) => time);
              expect([...store.fetchRange(key, 5, 20, { reversed: true })].map(({ time }) => time)).toEqual(
                times.toReversed(),
              );
            }
          }),
        );
      }),
    );
  });
});

test('a session store finds the sessions that a record would join, and forgets them by their ends', () => {
  const visits = Stores.session('visits', string, int64, { retentionMs: 100 });
  const found = (sessions: Iterable<{ start: number; end: number; value: number | bigint }>): string[] =>
    [...sessions].map(({ start, end, value }) => `${start}-${end}=${value}`);
  within(
    visits,
    [
      (store) => {
        for (const [start, end] of [
          [10, 20],
          [40, 40],
          [25, 60],
        ] as const)
          store.put('k', end, start, end);
        store.put('kk', 1, 30, 31);
        expect(() => store.put('k', 1, 31, 30)).toThrow('a session from 31 to 30 cannot be in the store "visits"');
        expect(store.get('k', 25, 60)).toBe(60);
        expect(store.get('k', 25, 61)).toBe(undefined);
        expect(found(store.fetch('k'))).toEqual(['10-20=20', '40-40=40', '25-60=60']);
        expect(found(store.find('k', 21, 30))).toEqual(['25-60=60']);
        expect(found(store.find('k', 20, 40, { reversed: true }))).toEqual(['25-60=60', '40-40=40', '10-20=20']);
        store.put('k', null, 40, 40);
        expect(found(store.fetch('k'))).toEqual(['10-20=20', '25-60=60']);
        expect(() => store.put('k', 1, 0.5, 2)).toThrow('0.5 cannot be the time of an entry');
      },
      (store) => {
        expect(found(store.fetch('k'))).toEqual(['25-60=60']);
        store.put('k', 1, 0, 20);
        expect(store.get('k', 0, 20)).toBe(undefined);
      },
    ],
    [0, 120],
  );
});

describe('a versioned store', () => {
  const rates = Stores.versioned('rates', string, json<string>(), { historyMs: 100 });

  test('knows what a value was at a time, whatever the order of the puts', () => {
    within(rates, [
      (store) => {
        store.put('k', 'b', 20);
        store.put('k', 'c', 30);
        store.put('k', 'a', 10);
        store.put('k', null, 25);
        const at = (time?: number): string => {
          const found = store.get('k', time);
          return found === undefined ? '-' : `${found.value} @${found.timestamp}`;
        };
        expect([9, 10, 19, 20, 24, 25, 29, 30, 31, undefined].map(at)).toEqual([
          '-',
          'a @10',
          'a @10',
          'b @20',
          'b @20',
          '-',
          '-',
          'c @30',
          'c @30',
          'c @30',
        ]);
        store.put('k', null, 40);
        expect([39, 40, undefined].map(at)).toEqual(['c @30', '-', '-']);
        expect(store.get('kk')).toBe(undefined);
        expect(() => store.put('k', 'x', 0.5)).toThrow('0.5 cannot be the time of a version');
      },
    ]);
  });

  test('forgets versions that ended before the history, never the latest one, and refuses what is older', () => {
    within(
      rates,
      [
        (store) => {
          store.put('k', 'a', 1);
          store.put('k', 'b', 10);
          store.put('other', 'x', 2);
        },
        (store) => {
          expect(store.get('k', 5)).toMatchObject({ value: 'a' });
        },
        (store) => {
          expect(store.get('k', 5)).toBe(undefined);
          expect(store.get('k', 10)).toMatchObject({ value: 'b' });
          expect(store.get('other')).toEqual({ value: 'x', timestamp: 2 });
          expect(store.put('k', 'c', 9)).toBe(false);
          expect(store.put('k', 'c', 10)).toBe(true);
          expect(store.get('k')).toEqual({ value: 'c', timestamp: 10 });
        },
      ],
      [0, 109, 110],
    );
  });

  test('behaves like a list of versions', () => {
    const put = fc.record({
      key: fc.constantFrom('a', 'b'),
      value: fc.option(fc.constantFrom('x', 'y', 'z')),
      time: fc.integer({ min: 0, max: 12 }),
    });
    fc.assert(
      fc.property(fc.array(fc.array(put, { maxLength: 4 }), { maxLength: 5 }), (transactions) => {
        const model = new Map<string, Map<number, string | null>>([
          ['a', new Map()],
          ['b', new Map()],
        ]);
        within(
          rates,
          transactions.map((puts) => (store) => {
            for (const { key, value, time } of puts) {
              expect(store.put(key, value, time)).toBe(true);
              model.get(key)?.set(time, value);
            }
            for (const [key, versions] of model) {
              for (let time = -1; time < 14; time++) {
                const since = Math.max(...[...versions.keys()].filter((begin) => begin <= time), -1);
                const value = versions.get(since) ?? undefined;
                expect(store.get(key, time)).toEqual(value && { value, timestamp: since });
              }
            }
          }),
        );
      }),
    );
  });
});

test('an entry that is too large is refused, and what was there stays', () => {
  const large = 'x'.repeat(17 << 20);
  for (const builder of [Stores.keyValue('texts', string, string), Stores.orderedKeyValue('texts', string, string)]) {
    within<StoreBuilder<'texts', StateKeyValueStore<string, string>>>(builder, [
      (store) => {
        store.put('a', 'small');
        expect(() => store.put('a', large)).toThrow(
          `the entry takes ${large.length + 1} bytes, more than one of the store`,
        );
        expect(store.get('a')).toBe('small');
      },
    ]);
  }
});
