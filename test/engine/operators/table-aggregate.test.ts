import { expect, test } from 'vitest';
import { ByteWriter } from '../../../base/index.ts';
import {
  type Change,
  changeSerde,
  type OperatorSupplier,
  type Serde,
  SerdeError,
  StreamRecord,
  tableAggregate,
  tableGroupBy,
} from '../../../engine/index.ts';
import { lineValue, run } from '../../support/changes.ts';

const row = lineValue as Serde<number>;

/** Groups by the first digit; 0 is in no group. What comes out is `before>after` under the group's key. */
const byDigit: OperatorSupplier<number, string> = (context, forward) => {
  const out = new StreamRecord<string>();
  return tableGroupBy<number, number>((value, _record, key) => {
    if (value === 0) return null;
    key.utf8(`g${String(value).charAt(0)}`);
    return value;
  })(context, (record) => {
    out.takeEnvelope(record);
    out.value = `${record.value?.before ?? ''}>${record.value?.after ?? ''}`;
    forward(out);
  });
};

test('a change of a row is one of its group, or two of two groups, the former first', () => {
  expect(
    run(
      byDigit,
      `
    a: - -> 11 @1
    a: 11 -> 12 @2
    a: 12 -> 23 @3
    a: 23 -> 0
    a: 0 -> 0
    a: 0 -> 24
    a: 24 -> -`,
      { before: 'needed' },
    ),
  ).toBe(`
    g1: >11 @1
    g1: 11>12 @2
    g1: 12> @3
    g2: >23 @3
    g2: 23>
    g2: >24
    g2: 24>`);
});

/** Reads `before -> after` of the input as a change. */
const sums: OperatorSupplier<number, number> = (context, forward) => {
  const inner = tableAggregate<number, number>({
    store: 's',
    accumulator: row,
    add: (sum, value) => (sum ?? 0) + value,
    subtract: (sum, value) => (sum === value ? null : sum - value),
  })(context, forward);
  const changed = new StreamRecord<Change<number>>();
  return {
    process(record) {
      changed.takeEnvelope(record);
      changed.value = { before: record.before as number | null, after: record.value };
      inner.process(changed);
    },
  };
};
const stores = [{ name: 's', kind: 'key-value' }] as const;
const changes = `
    g: - -> 5 @9
    g: 5 -> 7 @3
    g: - -> 2 @12
    g: 7 -> - @1
    g: 2 -> - @2
    g: 4 -> - @3
    g: 4 -> 6 @4`;

test('an aggregate subtracts what there was and adds what there is; its time is the largest', () => {
  expect(run(sums, changes, { stores })).toBe(`
    g: 5 @9
    g: 7 @9
    g: 9 @12
    g: 2 @12
    g: - @12
    g: - @3
    g: 6 @4`);
});

test('the row before is sent where it is asked for', () => {
  expect(run(sums, changes, { stores, asked: true })).toBe(`
    g: - -> 5 @9
    g: 5 -> 7 @9
    g: 7 -> 9 @12
    g: 9 -> 2 @12
    g: 2 -> - @12
    g: - -> - @3
    g: - -> 6 @4`);
});

test('a rollback takes back what was aggregated since the last commit', () => {
  expect(
    run(
      sums,
      `
    g: - -> 5
    commit
    g: 5 -> 8
    rollback
    g: 5 -> 6`,
      { stores },
    ),
  ).toBe(`
    g: 5
    g: 8
    g: 6`);
});

test('a change is written and read again', () => {
  const serde = changeSerde(row);
  for (const change of [
    { before: null, after: 1 },
    { before: 22, after: null },
    { before: 333, after: 4444 },
    { before: null, after: null },
  ]) {
    const out = new ByteWriter(1);
    out.i8(9);
    serde.write(change, out);
    const bytes = out.slice();
    if (change.before === null && change.after === null)
      expect(() => serde.read(bytes, 1, bytes.length)).toThrow(SerdeError);
    else expect({ ...serde.read(bytes, 1, bytes.length) }).toEqual(change);
  }
});

test('bytes that are no change are refused', () => {
  const serde = changeSerde(row);
  for (const bytes of [[], [0], [4, 1], [3, 0, 0], [3, 0, 0, 0, 9, 49]])
    expect(() => serde.read(Uint8Array.from(bytes), 0, bytes.length)).toThrow(SerdeError);
});
