import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteWriter, codegenAllowed, useGeneratedCode } from '../../../base/index.ts';
import { type Format, type FormatOptions, ScanVectors, scanned } from '../../../sql/formats/format.ts';
import { knownFormats } from '../../../sql/formats/index.ts';
import { spanSlot, spanText } from '../../../sql/formats/text-span.ts';
import { WriterSchemas } from '../../../sql/formats/writer-schemas.ts';
import type { Column } from '../../../sql/types/schema.ts';
import { doubleType, integerType, stringType } from '../../../sql/types/type.ts';
import type { Row, Value } from '../../../sql/types/value.ts';

const withSpans = knownFormats().filter(({ spans }) => spans === true);

const columns: readonly Column[] = [
  { name: 'A', type: stringType },
  { name: 'N', type: integerType },
  { name: 'B', type: stringType },
  { name: 'D', type: doubleType },
  { name: 'C', type: stringType },
];
const texts = [0, 2, 4];
for (const { schemas } of withSpans) await schemas?.load?.();

const optionsOf = ({ schemas, wrapping }: Format): FormatOptions => {
  const options = { side: 'value', wrapped: wrapping !== 'never', properties: {} } as const;
  if (schemas === undefined) return options;
  const schema = schemas.schemaOf(columns, { ...options, source: 'S' });
  return {
    ...options,
    schema: { id: 7, type: schemas.type, schema, definitions: [] },
    writers: new WriterSchemas(() => Promise.resolve(undefined)),
  };
};

test('all formats of several columns know spans', () => {
  expect(withSpans).toEqual(knownFormats().filter((format) => format.columns === 'many'));
});

const anyText = fc.oneof(
  { weight: 12, arbitrary: fc.stringMatching(/^[a-z0-9_é]{1,12}$/) },
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom(
    ...[
      '',
      ' ',
      'a ',
      ' a',
      '#a',
      '-a',
      'a,b',
      'a"b',
      'a\nb',
      'a\rb',
      'a\tb',
      'a\\b',
      'é',
      '日本',
      '😀',
      'x'.repeat(63),
    ],
    ...['\ud800', 'a\udc00', '\udc00\ud800', '\ud800'.repeat(86), '\ufeff', '\ufeffx', '\0', '\u0085', '\u2028'],
    ...['x'.repeat(64), 'x'.repeat(255), 'x'.repeat(256), 'é'.repeat(127), 'é'.repeat(128), '"'.repeat(255), '\x7f'],
  ),
);
const anyRow = fc.tuple(
  fc.option(anyText, { freq: 6 }),
  fc.option(fc.integer(), { freq: 6 }),
  fc.option(anyText, { freq: 6 }),
  fc.option(
    fc.nat(100_000).map((n) => n / 100),
    { freq: 6 },
  ),
  fc.option(anyText, { freq: 6 }),
);

interface Case {
  readonly from: Format;
  readonly to: Format;
  /** Which texts are asked for as spans, as texts, as both. */
  readonly asked: readonly ('span' | 'text' | 'both')[];
  readonly rows: readonly (readonly Value[])[];
  /** A byte of the records that becomes another one. */
  readonly damage: readonly (readonly [at: number, byte: number] | null)[];
  /** Bytes before the first record. */
  readonly before: number;
}

const anyCase: fc.Arbitrary<Case> = fc.record({
  from: fc.constantFrom(...withSpans),
  to: fc.constantFrom(...withSpans),
  asked: fc.tuple(
    ...texts.map(() => fc.constantFrom('span' as const, 'span' as const, 'text' as const, 'both' as const)),
  ),
  rows: fc.array(anyRow, { minLength: 1, maxLength: 6 }),
  damage: fc.array(
    fc.option(fc.tuple(fc.nat(60), fc.constantFrom(34, 44, 92, 10, 13, 32, 0, 97, 127, 195, 200, 255)), { freq: 3 }),
    { minLength: 6, maxLength: 6 },
  ),
  before: fc.oneof({ weight: 100, arbitrary: fc.nat(20) }, fc.constantFrom(2 ** 23 - 40, 2 ** 23)),
});

/** The bytes of all rows, and where each of them is. */
const written = ({ from, rows, damage, before }: Case) => {
  const writer = from.writer(columns, optionsOf(from));
  const out = new ByteWriter(64);
  out.bytes(new Uint8Array(before).fill(120));
  const starts = new Int32Array(rows.length);
  const ends = new Int32Array(rows.length);
  rows.forEach((row, i) => {
    starts[i] = out.length;
    writer.write(row, out);
    ends[i] = out.length;
    const [at, byte] = damage[i] ?? [-1, 0];
    if (at >= 0) out.buffer[(starts[i] as number) + (at % ((ends[i] as number) - (starts[i] as number)))] = byte;
  });
  return { bytes: out.slice(), starts, ends };
};

const scan = ({ from, rows }: Case, wanted: readonly number[], { bytes, starts, ends }: ReturnType<typeof written>) => {
  const into = new ScanVectors(columns.length, wanted);
  into.reset(rows.length);
  from.scanner(columns, optionsOf(from), wanted).scan(bytes, starts, ends, 0, rows.length, into);
  return into;
};

/** How many there were, by format: a scanner that answers with texts only would pass everything else. */
const spans = new Map(withSpans.map(({ name }) => [name, 0]));

test('a span is the text of the column, and is written as that', () => {
  fc.assert(
    fc.property(anyCase, (one) => {
      const block = written(one);
      const slots = texts.flatMap((slot, i) => {
        const asked = one.asked[i];
        return [...(asked === 'span' ? [] : [slot]), ...(asked === 'text' ? [] : [spanSlot(columns.length, slot)])];
      });
      const quick = scan(
        one,
        [1, 3, ...slots].toSorted((a, b) => a - b),
        block,
      );
      const allowed = codegenAllowed();
      useGeneratedCode(false);
      const plain = scan(one, [0, 1, 2, 3, 4], block);
      const plainWriter = one.to.writer(columns, optionsOf(one.to));
      const plainSpanWriter = one.to.writer(columns, { ...optionsOf(one.to), spans: true });
      useGeneratedCode(allowed);
      const writer = one.to.writer(columns, { ...optionsOf(one.to), spans: true });
      for (let i = 0; i < one.rows.length; i++) {
        expect([quick.status[i], quick.errors.get(i)]).toEqual([plain.status[i], plain.errors.get(i)]);
        if (plain.status[i] !== scanned.row) continue;
        const row = plain.vectors.map((vector) => vector[i] as Value);
        const lent: Row = columns.map((_, slot) => {
          const asSpan = slots.includes(spanSlot(columns.length, slot));
          const value = quick.vectors[asSpan ? spanSlot(columns.length, slot) : slot]?.[i] as Value;
          if (asSpan && typeof value === 'number') {
            spans.set(one.from.name, (spans.get(one.from.name) as number) + 1);
            expect(spanText(block.bytes, value)).toBe(row[slot]);
          } else expect(value).toBe(row[slot]);
          if (asSpan && slots.includes(slot)) expect(quick.vectors[slot]?.[i]).toBe(row[slot]);
          return value;
        });
        const wanted = new ByteWriter(8);
        plainWriter.write(row, wanted);
        for (const each of [writer, plainSpanWriter]) {
          const out = new ByteWriter(1);
          each.write(lent, out, block.bytes);
          expect(out.slice()).toEqual(wanted.slice());
        }
      }
    }),
    { numRuns: 1000 },
  );
  if (codegenAllowed()) expect([...spans].filter(([, count]) => count < 50)).toEqual([]);
});
