import { expect, test } from 'vitest';
import { flatMapValues, map, mapValues, peek, type StreamRecord, selectKey, toStream } from '../../../engine/index.ts';
import { run } from '../../support/changes.ts';

test('mapValues changes the value and nothing else', () => {
  expect(
    run(
      mapValues((record: StreamRecord<number>) => (record.value ?? 0) + 1),
      `
    a: 1 @7
    -: 2 @8
    b: - @9`,
    ),
  ).toBe(`
    a: 2 @7
    -: 3 @8
    b: 1 @9`);
});

test('flatMapValues makes none, one or several of a value, under the same key and time', () => {
  expect(
    run(
      flatMapValues(function* times(record: StreamRecord<number>) {
        for (let i = 0; i < (record.value ?? 1); i++) yield record.value === null ? null : i;
      }),
      `
    a: 2 @7
    b: 0 @8
    -: 1 @9
    c: - @10`,
    ),
  ).toBe(`
    a: 0 @7
    a: 1 @7
    -: 0 @9
    c: - @10`);
});

test('map changes key and value; a key that is not written is null', () => {
  expect(
    run(
      map<number, number>({
        key(record, out) {
          if (record.value === null) return false;
          out.utf8(`k${record.value}`);
          return true;
        },
        value: (record) => (record.value === null ? null : record.value * 2),
      }),
      `
    a: 1 @7
    b: -`,
    ),
  ).toBe(`
    k1: 2 @7
    -: -`);
});

test('selectKey changes the key and nothing else', () => {
  expect(
    run(
      selectKey<string>((record, out) => {
        if (record.value === null) return false;
        out.utf8(record.value.slice(0, 1));
        return true;
      }),
      `
    a: berlin @7
    a: -
    b: chicago`,
    ),
  ).toBe(`
    b: berlin @7
    -: -
    c: chicago`);
});

test('peek shows each record and lets it pass', () => {
  const seen: (number | null)[] = [];
  const output = run(
    peek((record: StreamRecord<number>) => {
      seen.push(record.value);
    }),
    `
    a: 1
    a: -`,
  );
  expect(seen).toEqual([1, null]);
  expect(output).toBe(`
    a: 1
    a: -`);
});

test('toStream forgets the row before; a deletion becomes a record without a value', () => {
  expect(
    run(
      toStream<number>(),
      `
    a: - -> 1 @1
    a: 1 -> 2 @2
    a: 2 -> - @3`,
    ),
  ).toBe(`
    a: 1 @1
    a: 2 @2
    a: - @3`);
});
