/** Helpers of the format tests: rows from text and back, and arbitrary schemas with rows that fit them. */

import fc from 'fast-check';
import { ByteWriter, utf8Bytes, utf8Text } from '../../../base/index.ts';
import type { RowReader, RowWriter } from '../../../sql/formats/format.ts';
import type { Carrier } from '../../../sql/types/carriers.ts';
import type { ScalarKind, ScalarType } from '../../../sql/types/kinds.ts';
import { definitionOf, scalarDefinitions } from '../../../sql/types/scalars/index.ts';
import type { Column } from '../../../sql/types/schema.ts';
import { arrayOf, isScalar, mapOf, type SqlType, scalarOf, structOf } from '../../../sql/types/type.ts';
import { normalizeBigint, type Row, type Value } from '../../../sql/types/value.ts';

export const wrapped = { side: 'value', wrapped: true } as const;
export const bare = { side: 'value', wrapped: false } as const;

export const readText = (reader: RowReader, text: string | Uint8Array): Row | undefined => {
  const bytes = typeof text === 'string' ? utf8Bytes(text) : text;
  const row: Row = [];
  // Bytes around the record must not matter.
  const padded = new Uint8Array(bytes.length + 14).fill(57);
  padded.set(bytes, 7);
  return reader.read(padded, 7, 7 + bytes.length, row) ? row : undefined;
};

export const writeRow = (writer: RowWriter, row: readonly Value[]): string | undefined => {
  const out = new ByteWriter(1);
  out.i8(33);
  return writer.write(row, out) ? utf8Text(out.slice().subarray(1)) : undefined;
};

export const hostileNames = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'ID',
  'id',
  '',
  'a"b',
  '`',
  '${x}',
  'ß',
  '\u2028',
  '*/',
];

export const anyName: fc.Arbitrary<string> = fc.oneof(fc.constantFrom(...hostileNames), fc.string({ maxLength: 8 }));

/** Parameters of the types that have some: those that are stored in a fixed width, and others. */
const parameters: { readonly [K in ScalarKind]?: readonly (readonly number[])[] } = {
  DECIMAL: [
    [4, 2],
    [18, 0],
    [40, 20],
  ],
};

/** Every scalar type: a new one is in all properties over `anyType` by being defined. */
export const scalarTypes: readonly ScalarType[] = scalarDefinitions.flatMap(({ kind }) =>
  (parameters[kind] ?? [[]]).map((each) => scalarOf(kind, each)),
);

export const anyType: fc.Arbitrary<SqlType> = fc.letrec<{ type: SqlType; scalar: SqlType }>((tie) => ({
  scalar: fc.constantFrom(...scalarTypes),
  type: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    tie('scalar'),
    tie('type').map(arrayOf),
    tie('type').map((value) => mapOf({ kind: 'STRING' }, value)),
    fc
      .uniqueArray(fc.record({ name: anyName, type: tie('type') }), { selector: (field) => field.name, maxLength: 4 })
      .map(structOf),
  ),
})).type;

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ maxLength: 40 }),
  fc.constantFrom('', '__proto__', '\ud800', 'x\udc00y', '"', '\\', '\u0000\u001f', 'é€😀', 'a'.repeat(100)),
);

const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, 2n ** 53n - 1n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 0n),
  fc.integer().map(BigInt),
);

export const valueOf = (type: SqlType): fc.Arbitrary<Value> => fc.option(notNull(type), { nil: null, freq: 5 });

const carried: { readonly [C in Carrier]: fc.Arbitrary<Value> } = {
  boolean: fc.boolean(),
  int32: fc.oneof(
    fc.integer(),
    // Times of the day, among them some without seconds.
    fc.integer({ min: 0, max: 86_399_999 }),
    fc.integer({ min: 0, max: 1439 }).map((minutes) => minutes * 60_000),
  ),
  int64: fc.oneof(int64.map(normalizeBigint), fc.maxSafeInteger()),
  double: fc.oneof(
    fc.double(),
    fc.integer().map((cents) => cents / 100),
    fc.integer().map((millionths) => millionths / 1e6),
    fc.constantFrom(0, -0, 1e15, -1e15, 1e21, 5e-324, 0.1, 999999999.99),
  ),
  decimal: fc.oneof(
    fc.bigInt({ min: -999n, max: 999n }),
    fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n }),
    fc.bigInt({ min: -(10n ** 40n) + 1n, max: 10n ** 40n - 1n }),
    fc.constantFrom(0n, 9999n, -9999n, 2n ** 63n, -(2n ** 63n), 2n ** 127n, -(2n ** 64n) - 1n),
  ),
  text: anyText,
  bytes: fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 100, maxLength: 200 })),
};

/** A value that is not NULL. */
export const notNull = (type: SqlType): fc.Arbitrary<Value> => {
  if (isScalar(type)) {
    const { carrier, accepts } = definitionOf(type);
    return carried[carrier].filter((value) => accepts === undefined || accepts(value, type));
  }
  switch (type.kind) {
    case 'ARRAY':
      return fc.array(valueOf(type.element), { maxLength: 4 });
    case 'MAP':
      return fc
        .uniqueArray(fc.tuple(fc.oneof(anyName, anyText), valueOf(type.value)), {
          selector: ([key]) => key,
          maxLength: 4,
        })
        .map((entries) => new Map(entries));
    case 'STRUCT':
      return type.fields.length === 0 ? fc.constant([]) : fc.tuple(...type.fields.map((field) => valueOf(field.type)));
  }
};

export const anyColumns: fc.Arbitrary<Column[]> = fc.uniqueArray(fc.record({ name: anyName, type: anyType }), {
  selector: (column) => column.name,
  minLength: 1,
  maxLength: 6,
});

export const columnsAndRow: fc.Arbitrary<{ columns: Column[]; row: Row }> = anyColumns.chain((columns) =>
  fc.tuple(...columns.map((column) => valueOf(column.type))).map((row) => ({ columns, row })),
);
