/** Operators that merge the updates of a key between commits: what they send is the last of what they send
 *  otherwise. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  aggregate,
  type ByValue,
  type Change,
  hopping,
  type InPlace,
  type OperatorSupplier,
  type Serde,
  type StoreSpec,
  StreamRecord,
  sessionAggregate,
  sessions,
  sliding,
  slidingAggregate,
  tableAggregate,
  tableFilter,
  tableSource,
  windowAggregate,
} from '../../../engine/index.ts';
import { keptTable } from '../../../engine/operators/kept-table.ts';
import { lineValue, type RunOptions, run, sessionKey, windowedKey } from '../../support/changes.ts';

/** Sums; by value a sum of exactly 0 deletes the group, in place there are no deletions. */
const byValue: ByValue<number, number, number> = {
  form: 'by value',
  accumulator: lineValue as Serde<number>,
  initialize: () => 0,
  add: (total, { value }) => (total + (value ?? 0) === 0 ? null : total + (value ?? 0)),
  result: (total) => total,
};
const inPlace: InPlace<number, number> = {
  form: 'in place',
  width: 8,
  initialize: (view, at) => view.setFloat64(at, 0),
  add: (view, at, { value }) => view.setFloat64(at, view.getFloat64(at) + (value ?? 0)),
  result: (view, at) => view.getFloat64(at),
};

const mergingByValue = { ...byValue, merge: (total: number, other: number) => total + other };
const mergingInPlace = {
  ...inPlace,
  merge: (view: DataView, at: number, other: DataView, otherAt: number) => {
    view.setFloat64(at, view.getFloat64(at) + other.getFloat64(otherAt));
    return true;
  },
};

type Cache = () => boolean;

interface Kind {
  readonly name: string;
  readonly stores: readonly StoreSpec[];
  readonly supplier: (cache: Cache) => OperatorSupplier<never, unknown>;
  /** One record. */
  readonly line?: fc.Arbitrary<string>;
  readonly key?: NonNullable<RunOptions['key']>;
  readonly before?: NonNullable<RunOptions['before']>;
}

const keyValue: readonly StoreSpec[] = [{ name: 's', kind: 'key-value' }];

const small = fc.integer({ min: -2, max: 2 });
const recordOf = (times: fc.Arbitrary<number>): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom('a', 'b', 'c'), small, times).map(([key, value, time]) => `${key}: ${value} @${time}`);
const changeOf = (values: fc.Arbitrary<number>): fc.Arbitrary<string> => {
  const side = fc.option(values, { nil: '-' });
  return fc
    .tuple(fc.constantFrom('g', 'h'), side, side, fc.nat(9))
    .map(([group, before, after, time]) => `${group}: ${before} -> ${after} @${time}`);
};

const rowOfTable = fc
  .tuple(fc.constantFrom('a', 'b'), fc.option(small, { nil: '-' }), fc.nat(9))
  .map(([key, value, time]) => `${key}: ${value} @${time}`);

/** Gives an operator of changes the lines `before -> after` as such. */
const ofChanges =
  (supplier: OperatorSupplier<Change<number>, number>): OperatorSupplier<number, number> =>
  (context, forward) => {
    const inner = supplier(context, forward);
    const changed = new StreamRecord<Change<number>>();
    return {
      ...inner,
      process(record) {
        changed.takeEnvelope(record);
        changed.value = { before: record.before as number | null, after: record.value };
        inner.process(changed);
      },
    };
  };

const kinds: readonly Kind[] = [
  {
    name: 'an aggregate by value',
    stores: keyValue,
    supplier: (cache) => aggregate({ store: 's', accumulation: byValue, cache }),
  },
  {
    name: 'an aggregate in place',
    stores: keyValue,
    supplier: (cache) => aggregate({ store: 's', accumulation: inPlace, cache }),
  },
  {
    name: 'an aggregate of a grouped table',
    stores: keyValue,
    line: changeOf(small),
    supplier: (cache) =>
      ofChanges(
        tableAggregate<number, number>({
          store: 's',
          accumulator: lineValue as Serde<number>,
          add: (sum, value) => ((sum ?? 0) + value === 0 ? null : (sum ?? 0) + value),
          subtract: (sum, value) => (sum === value ? null : sum - value),
          cache,
        }),
      ),
  },
  ...[byValue, inPlace].map((accumulation) => ({
    name: `an aggregate ${accumulation.form} over hopping windows`,
    stores: [{ name: 's', kind: 'window' as const, retentionMs: 15 }],
    key: windowedKey(10),
    line: recordOf(fc.nat(60)),
    supplier: (cache: Cache) =>
      windowAggregate({ store: 's', windows: hopping(10, 5), graceMs: 5, retentionMs: 15, accumulation, cache }),
  })),
  {
    name: 'an aggregate over sliding windows',
    stores: [{ name: 's', kind: 'ordered', retentionMs: 45 }],
    key: windowedKey(10),
    line: recordOf(fc.nat(60)),
    supplier: (cache) =>
      slidingAggregate({
        ...{ store: 's', windows: sliding(10), graceMs: 15, retentionMs: 35, accumulation: byValue },
        cache,
      }),
  },
  {
    name: 'a table of a topic',
    stores: keyValue,
    line: rowOfTable,
    supplier: (cache) => tableSource({ store: 's', row: lineValue as Serde<number>, cache }),
  },
  {
    name: 'a table behind a filter, which is kept',
    stores: keyValue,
    line: rowOfTable,
    before: 'needed',
    supplier: (cache) =>
      keptTable(
        tableFilter((value: number) => value > 0),
        { store: 's', row: lineValue as Serde<number>, cache },
      ),
  },
  ...[mergingByValue, mergingInPlace].map((accumulation) => ({
    name: `an aggregate ${accumulation.form} over sessions`,
    stores: [{ name: 's', kind: 'ordered' as const, retentionMs: 40 }],
    key: sessionKey,
    line: recordOf(fc.nat(60)),
    supplier: (cache: Cache) =>
      sessionAggregate({ store: 's', windows: sessions(5), graceMs: 20, retentionMs: 40, accumulation, cache }),
  })),
];

interface Sent {
  readonly key: string;
  readonly before: string;
  /** With its time. */
  readonly after: string;
}

const sentBy = (text: string): Sent[] =>
  text
    .split('\n')
    .map((line) => /^ *(\S+): (\S+) -> (.+)$/.exec(line))
    .flatMap((match) =>
      match === null ? [] : [{ key: match[1] ?? '', before: match[2] ?? '', after: match[3] ?? '' }],
    );

const rowOf = (after: string): string => after.split(' @')[0] ?? '';

/** What is sent of each key, in its order. An update that leaves a row as it was may be left out. */
const byKey = (sent: readonly Sent[]): Record<string, readonly string[]> => {
  const texts: Record<string, string[]> = {};
  for (const { key, before, after } of sent.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)))
    if (before === '-' || before !== rowOf(after)) (texts[key] ??= []).push(`${before} -> ${after}`);
  return texts;
};

test.each(kinds)('$name sends the last of all updates, by key and commit, for every history', (kind) => {
  const { stores, supplier, line = recordOf(fc.nat(9)), ...form } = kind;
  const each = fc.oneof(
    { weight: 6, arbitrary: line },
    { weight: 2, arbitrary: fc.constant('commit') },
    { weight: 1, arbitrary: fc.constant('rollback') },
  );
  const sent = (lines: readonly string[], cached: boolean): Sent[] =>
    sentBy(
      run(
        supplier(() => cached),
        lines.join('\n'),
        { ...form, stores, asked: true },
      ),
    );
  fc.assert(
    fc.property(fc.array(each, { maxLength: 40 }), (lines) => {
      const history = [...lines, 'commit'];
      /** All up to the last commit, without what was undone. */
      let committed: string[] = [];
      let open: string[] = [];
      const expected: Sent[] = [];
      const rows = new Map<string, string>();
      for (const next of history) {
        if (next === 'rollback') open = [];
        else open.push(next);
        if (next !== 'commit') continue;
        const updates = sent([...committed, ...open], false).slice(sent(committed, false).length);
        for (const [key, after] of new Map(updates.map((update) => [update.key, update.after]))) {
          const before = rows.get(key) ?? '-';
          if (before !== '-' || rowOf(after) !== '-') expected.push({ key, before, after });
          rows.set(key, rowOf(after));
        }
        committed = [...committed, ...open];
        open = [];
      }
      expect(byKey(sent(history, true))).toEqual(byKey(expected));
    }),
    { numRuns: 150 },
  );
});
