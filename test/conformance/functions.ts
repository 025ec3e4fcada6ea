/** The functions that the cases bring along, registered as any embedder registers functions of his own. */

import {
  arrayValue,
  define,
  defineAggregate,
  defineTable,
  EvaluationError,
  type FunctionRegistry,
  mapValue,
  type Slots,
  type SqlType,
  textOf,
  type Value,
} from '../../sql/index.ts';
import { converter } from '../../sql/types/cast.ts';

type Field = readonly unknown[];

/** The value as text; of a collection its first member. */
const firstText = (value: Value, type: SqlType): string | null => {
  if (value === null) return null;
  if (type.kind === 'ARRAY') return firstText(arrayValue(value)[0] ?? null, type.element);
  if (type.kind === 'MAP') return firstText([...mapValue(value).values()][0] ?? null, type.value);
  return textOf(type)(value);
};

export const registerCaseFunctions = (registry: FunctionRegistry): void => {
  const shared = { nulls: 'own', examples: [] } as const;
  const doc = 'For tests.';
  const category = 'TEST';

  for (const [signature, result] of [
    ['TEST_UDF(INT, STRING) -> STRING', 'doStuffIntString'],
    ['TEST_UDF(BIGINT, STRING) -> STRING', 'doStuffLongString'],
    ['TEST_UDF(BIGINT, BIGINT, STRING) -> STRING', 'doStuffLongLongString'],
    ['TEST_UDF(BIGINT...) -> STRING', 'doStuffLongVarargs'],
  ] as const) {
    registry.add(define({ ...shared, doc, signature, body: () => result }), category);
  }
  registry.add(
    define({
      ...shared,
      doc,
      signature: 'TEST_UDF(STRUCT<A STRING>) -> STRING',
      body: (struct: readonly (string | null)[] | null) => struct?.[0] ?? null,
    }),
    category,
  );
  registry.add(define({ ...shared, doc, signature: 'TEST_UDF() -> STRUCT<A STRING>', body: () => ['foo'] }), category);
  registry.add(
    define({
      ...shared,
      doc,
      signature: 'BAD_UDF(INT) -> INT',
      body: () => {
        throw new EvaluationError('boom!');
      },
    }),
    category,
  );
  registry.add(
    define({
      ...shared,
      doc,
      signature: 'BAD_UDF(BOOLEAN) -> INT',
      body: (fails: boolean | null) => {
        if (fails === true) throw new EvaluationError('You asked me to throw...');
        return 0;
      },
    }),
    category,
  );
  registry.add(
    define({
      ...shared,
      doc,
      signature: 'BAD_UDF(STRING) -> STRING',
      bind: () => {
        let calls = 0;
        return (text: string | null) => (calls++ % 2 === 0 ? null : text);
      },
    }),
    category,
  );
  registry.add(
    define({
      ...shared,
      doc,
      signature: 'TOSTRUCT(STRING) -> STRUCT<A STRING>',
      body: (text: string | null) => [text],
    }),
    category,
  );
  for (const name of ['WHENCONDITION(BOOLEAN, BOOLEAN) -> BOOLEAN', 'WHENRESULT(INT, BOOLEAN) -> INT']) {
    registry.add(
      define({
        ...shared,
        doc,
        signature: name,
        body: (value: boolean | number | null, evaluated: boolean | null) => {
          if (evaluated === false) throw new EvaluationError('evaluated, though it should not be');
          return value;
        },
      }),
      category,
    );
  }

  const big = { kind: 'BIGINT' } as const;
  const adding = (slots: Slots, at: number, by: number | bigint): void => {
    const sum = BigInt(slots.get(at) as number | bigint) + BigInt(by);
    slots.set(at, Number.isSafeInteger(Number(sum)) ? Number(sum) : sum);
  };
  const numeric = (value: unknown): number | bigint =>
    typeof value === 'number' || typeof value === 'bigint' ? value : 0;
  const lengthOf = (value: unknown): number => (typeof value === 'string' ? value.length : 0);

  registry.add(
    defineAggregate({
      doc,
      examples: [],
      undo: true,
      signature: ['TEST_UDAF(BIGINT) -> BIGINT', 'TEST_UDAF(INT) -> BIGINT'],
      bind: () => ({
        slots: [big],
        initialize: (slots, at) => slots.set(at, 0),
        add: (slots, at, args) => adding(slots, at, numeric(args[0])),
        undo: (slots, at, args) => adding(slots, at, -numeric(args[0])),
        result: (slots, at) => slots.get(at),
      }),
    }),
    category,
  );
  registry.add(
    defineAggregate({
      doc,
      examples: [],
      undo: false,
      signature: 'TEST_UDAF(DOUBLE) -> DOUBLE',
      bind: () => ({
        slots: [{ kind: 'DOUBLE' }],
        initialize: (slots, at) => slots.set(at, 0),
        add: (slots, at, args) => slots.set(at, Number(slots.get(at)) + Number(numeric(args[0]))),
        result: (slots, at) => slots.get(at),
      }),
    }),
    category,
  );
  registry.add(
    defineAggregate({
      doc,
      examples: [],
      undo: false,
      signature: 'TEST_UDAF(STRUCT<A INT, B INT>) -> STRUCT<A INT, B INT>',
      bind: () => ({
        slots: [{ kind: 'INTEGER' }, { kind: 'INTEGER' }],
        initialize(slots, at) {
          slots.set(at, 0);
          slots.set(at + 1, 0);
        },
        add(slots, at, args) {
          const struct = args[0] as Field | null;
          for (const i of [0, 1]) slots.set(at + i, Number(slots.get(at + i)) + Number(numeric(struct?.[i])));
        },
        result: (slots, at) => [slots.get(at), slots.get(at + 1)],
      }),
    }),
    category,
  );

  for (const signature of [
    'MULTI_ARG(BIGINT, STRING, literal INT, literal STRING...) -> BIGINT',
    'FOUR_ARG(BIGINT, STRING, STRING, STRING, literal INT, literal STRING...) -> BIGINT',
    'FIVE_ARG(BIGINT, STRING, STRING, STRING, INT, literal INT, literal STRING...) -> BIGINT',
  ]) {
    registry.add(
      defineAggregate({
        doc,
        examples: [],
        undo: false,
        signature,
        bind: ({ constants }) => ({
          slots: [big],
          initialize(slots, at) {
            slots.set(at, 0);
            for (const constant of constants) {
              if (typeof constant === 'string') adding(slots, at, constant.length);
              else if (typeof constant === 'number') adding(slots, at, constant);
            }
          },
          add(slots, at, args) {
            for (const arg of args) adding(slots, at, typeof arg === 'string' ? lengthOf(arg) : numeric(arg));
          },
          result: (slots, at) => slots.get(at),
        }),
      }),
      category,
    );
  }
  registry.add(
    defineAggregate({
      doc,
      examples: [],
      undo: false,
      signature: 'VAR_ARG(BIGINT, STRING...) -> BIGINT',
      bind: () => ({
        slots: [big],
        initialize: (slots, at) => slots.set(at, 0),
        add(slots, at, args) {
          for (const arg of args) adding(slots, at, typeof arg === 'string' ? lengthOf(arg) : numeric(arg));
        },
        result: (slots, at) => slots.get(at),
      }),
    }),
    category,
  );
  registry.add(
    defineAggregate({
      doc,
      examples: [],
      undo: false,
      signature: 'MID_VAR_ARG(BIGINT, STRING..., literal INT, literal INT) -> BIGINT',
      bind: ({ constants }) => {
        const extra = constants.reduce<number>((sum, one) => sum + (typeof one === 'number' ? one : 0), 0);
        return {
          slots: [big],
          initialize: (slots, at) => slots.set(at, 0),
          add(slots, at, args) {
            for (const arg of args) adding(slots, at, typeof arg === 'string' ? lengthOf(arg) : numeric(arg));
          },
          result: (slots, at) => Number(slots.get(at)) + extra,
        };
      },
    }),
    category,
  );
  for (const signature of ['OBJ_COL_ARG(INT, ANY...) -> ARRAY<INT>', 'GENERIC_VAR_ARG(A, B, C...) -> ARRAY<A>']) {
    registry.add(
      defineAggregate({
        doc,
        examples: [],
        undo: false,
        signature,
        bind: ({ result }) => ({
          slots: [result],
          initialize: (slots, at) => slots.set(at, []),
          add(slots, at, args) {
            if (args.every((arg) => arg !== null)) slots.set(at, [...(slots.get(at) as never[]), args[0] ?? null]);
          },
          result: (slots, at) => slots.get(at),
        }),
      }),
      category,
    );
  }
  registry.add(
    defineTable({
      ...shared,
      doc,
      signature: [
        'TEST_UDTF(INT) -> INT',
        'TEST_UDTF(BIGINT) -> BIGINT',
        'TEST_UDTF(DOUBLE) -> DOUBLE',
        'TEST_UDTF(BOOLEAN) -> BOOLEAN',
        'TEST_UDTF(STRING) -> STRING',
        'TEST_UDTF(STRUCT<A STRING>) -> STRUCT<A STRING>',
      ],
      body: (value: Value) => [value],
    }),
    category,
  );
  registry.add(
    defineTable({
      ...shared,
      doc,
      signature: 'TEST_UDTF(DECIMAL) -> DECIMAL',
      resultOf: () => ({ kind: 'DECIMAL', precision: 30, scale: 10 }),
      bind: ({ args: [type], result }) => {
        const convert = converter(type as SqlType, result);
        return (value: Value) => [convert(value)];
      },
    }),
    category,
  );
  const several = ['INT', 'BIGINT', 'DOUBLE', 'BOOLEAN', 'STRING', 'DECIMAL', 'STRUCT<A STRING>'];
  registry.add(
    defineTable({
      ...shared,
      doc,
      signature: [
        (type: string) => type,
        (type: string) => `ARRAY<${type}>`,
        (type: string) => `MAP<STRING, ${type}>`,
      ].map((form) => `TEST_UDTF(${several.map(form).join(', ')}) -> STRING`),
      bind:
        ({ args }) =>
        (...values: Value[]) =>
          values.map((value, i) => firstText(value, args[i] as SqlType)),
    }),
    category,
  );
  registry.add(
    defineTable({
      ...shared,
      doc,
      signature: 'THROWING_UDTF(BOOLEAN) -> BOOLEAN',
      body: (fails: boolean | null) => {
        if (fails === true) throw new EvaluationError('You asked me to throw...');
        return [fails];
      },
    }),
    category,
  );
};
