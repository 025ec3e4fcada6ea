/** Slots over stored bytes against slots over a row of values. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteWriter } from '../../../base/index.ts';
import { RowEncoding } from '../../../sql/types/row-encoding.ts';
import { FixedSlots, RowSlots } from '../../../sql/types/slots.ts';
import {
  arrayOf,
  bigintType,
  booleanType,
  doubleType,
  integerType,
  type SqlType,
  stringType,
  timestampType,
} from '../../../sql/types/type.ts';
import { normalizeBigint, type Value } from '../../../sql/types/value.ts';

const long = fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(normalizeBigint));
const values: readonly (readonly [SqlType, fc.Arbitrary<Value>])[] = [
  [bigintType, long],
  [integerType, fc.integer()],
  [doubleType, fc.double()],
  [booleanType, fc.boolean()],
  [timestampType, fc.maxSafeInteger()],
];
/** Columns, and values put into some of them, one after the other. */
const changes = fc.array(fc.constantFrom(...values), { minLength: 1, maxLength: 20 }).chain((columns) =>
  fc.record({
    types: fc.constant(columns.map(([type]) => type)),
    sets: fc.array(
      fc
        .nat(columns.length - 1)
        .chain((slot) =>
          fc.tuple(fc.constant(slot), fc.option((columns[slot] as (typeof columns)[number])[1], { nil: null })),
        ),
    ),
  }),
);

test('slots in place hold what a row of values holds, and the bytes are those of the row encoding', () => {
  fc.assert(
    fc.property(changes, ({ types, sets }) => {
      const fixed = FixedSlots.over(types) as FixedSlots;
      const row = new RowSlots(types.map(() => null));
      const bytes = new Uint8Array(fixed.width + 14).fill(0xaa);
      fixed.begin(new DataView(bytes.buffer), 7);
      for (const [slot, value] of sets) {
        fixed.set(slot, value);
        row.set(slot, value);
        for (let i = 0; i < types.length; i++) expect(fixed.get(i)).toBe(row.get(i));
      }
      const encoding = new RowEncoding(types);
      const encoded = new ByteWriter();
      encoding.write(row.row, encoded);
      expect(bytes.slice(7, 7 + fixed.width)).toEqual(encoded.slice());
      // Nothing around the row is touched.
      expect([...bytes.subarray(0, 7), ...bytes.subarray(7 + fixed.width)]).toEqual(new Array(14).fill(0xaa));
    }),
    { numRuns: 300 },
  );
});

test('slots in place add as a row of values does, and whole numbers wrap in 64 bits', () => {
  const near = fc
    .constantFrom(2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n))
    .chain((edge) =>
      fc.integer({ min: -3, max: 3 }).map((by) => normalizeBigint(BigInt.asIntN(64, edge + BigInt(by)))),
    );
  const longs = fc.oneof(long, near, fc.integer({ min: -3, max: 3 }));
  fc.assert(
    fc.property(fc.array(longs), fc.array(fc.double()), (whole, doubles) => {
      const types = [doubleType, bigintType];
      const fixed = FixedSlots.over(types) as FixedSlots;
      const row = new RowSlots(types.map(() => null));
      fixed.begin(new DataView(new ArrayBuffer(fixed.width)), 0);
      for (const slots of [fixed, row]) {
        slots.set(0, 0);
        slots.set(1, 0);
      }
      let sum = 0n;
      for (const by of whole) {
        for (const slots of [fixed, row]) slots.addLong(1, by);
        sum = BigInt.asIntN(64, sum + BigInt(by));
        expect(fixed.get(1)).toBe(normalizeBigint(sum));
        expect(row.get(1)).toBe(fixed.get(1));
      }
      for (const by of doubles) {
        for (const slots of [fixed, row]) slots.addDouble(0, by);
        expect(fixed.get(0)).toBe(row.get(0));
      }
    }),
    { numRuns: 500 },
  );
});

test('a text or a collection has no fixed width', () => {
  expect(FixedSlots.over([bigintType, stringType])).toBeUndefined();
  expect(FixedSlots.over([arrayOf(bigintType)])).toBeUndefined();
});

test('bytes of another version of the row encoding are an error', () => {
  const slots = FixedSlots.over([bigintType]) as FixedSlots;
  expect(() => slots.moveTo(new DataView(Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0, 0).buffer), 0)).toThrow(
    'version 9, this build reads 1',
  );
});
