import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWriter, codegenAllowed, useGeneratedCode, utf8Bytes, utf8Text } from '../../../base/index.ts';
import { type Scanner, ScanVectors, scanned, scannerOf } from '../../../sql/formats/format.ts';
import { generatedJsonScanner } from '../../../sql/formats/generated/json-scanner.ts';
import { generatedJsonWriter } from '../../../sql/formats/generated/json-writer.ts';
import { json } from '../../../sql/formats/json.ts';
import { plainJsonReader, plainJsonWriter } from '../../../sql/formats/json-plain.ts';
import { spanSlot, spanText } from '../../../sql/formats/text-span.ts';
import type { Column } from '../../../sql/types/schema.ts';
import { bigintType, doubleType, integerType, stringType, structOf } from '../../../sql/types/type.ts';
import type { Row, Value } from '../../../sql/types/value.ts';
import { anyColumns, anyName, valueOf, wrapped } from './support.ts';

// Where the host forbids code from text there is nothing to compare: `json` then is the plain form.
const scannerFor = codegenAllowed() ? generatedJsonScanner : json.scanner;
const writerFor = codegenAllowed() ? generatedJsonWriter : json.writer;

const plainScanner = (columns: readonly Column[], wanted: readonly number[]): Scanner =>
  scannerOf(plainJsonReader(columns, wrapped, wanted), columns.length, wanted);

/** The outcome of each record, in a form that compares: the values by slot, `null record` or the fault. */
const outcomes = (
  scanner: Scanner,
  columnCount: number,
  records: readonly (Uint8Array | null)[],
  cut: number,
): unknown[] => {
  const starts = new Int32Array(records.length);
  const ends = new Int32Array(records.length);
  const out = new ByteWriter(1);
  records.forEach((record, i) => {
    // What lies between records looks like more of them.
    out.bytes(utf8Bytes('7"}'));
    starts[i] = record === null ? -1 : out.length;
    if (record !== null) out.bytes(record);
    ends[i] = record === null ? -1 : out.length;
  });
  const bytes = out.slice();
  const into = new ScanVectors(columnCount, scanner.wanted);
  into.reset(records.length);
  scanner.scan(bytes, starts, ends, 0, cut, into);
  scanner.scan(bytes, starts, ends, cut, records.length, into);
  return records.map((_, i) => {
    const status = into.status[i];
    const values = scanner.wanted.map((slot) => {
      const value = (into.vectors[slot] as Value[])[i];
      return slot >= columnCount && typeof value === 'number' ? spanText(bytes, value) : value;
    });
    return status === scanned.bad ? { fault: into.errors.get(i), values } : { status, values };
  });
};

const mutate = (bytes: Uint8Array, at: number, byte: number): Uint8Array => {
  const copy = bytes.slice();
  if (copy.length > 0) copy[at % copy.length] = byte;
  return copy;
};

const anyRecords = anyColumns.chain((columns) =>
  fc.record({
    columns: fc.constant(columns),
    wanted: fc.subarray(columns.map((_, i) => i)),
    records: fc.array(
      fc
        .tuple(
          fc.tuple(...columns.map((column) => valueOf(column.type))),
          fc.constantFrom('as written', 'as written', 'as written', 'pretty', 'mutated', 'cut', 'null', 'none'),
          fc.nat(),
          fc.constantFrom(34, 92, 44, 45, 46, 48, 57, 101, 123, 125, 0, 110, 200),
        )
        .map(([row, shape, at, byte]): Uint8Array | null => {
          const out = new ByteWriter(16);
          plainJsonWriter(columns, wrapped).write(row, out);
          const bytes = out.slice();
          if (shape === 'pretty') return utf8Bytes(utf8Text(bytes).replaceAll('":', '" : '));
          if (shape === 'mutated') return mutate(bytes, at, byte);
          if (shape === 'cut') return bytes.slice(0, at % (bytes.length + 1));
          return shape === 'none' ? null : shape === 'null' ? utf8Bytes('null') : bytes;
        }),
      { minLength: 1, maxLength: 12 },
    ),
    cut: fc.nat(12),
  }),
);

describe('the generated scanner', () => {
  test('reads what the plain form reads, faults included', () => {
    fc.assert(
      fc.property(anyRecords, ({ columns, wanted, records, cut }) => {
        const where = Math.min(cut, records.length);
        expect(outcomes(scannerFor(columns, wrapped, wanted), columns.length, records, where)).toEqual(
          outcomes(plainScanner(columns, wanted), columns.length, records, where),
        );
      }),
      { numRuns: 1000 },
    );
  });

  test('reads numbers to the last digit, whatever their length', () => {
    const columns = [
      { name: 'A', type: bigintType },
      { name: 'B', type: doubleType },
      { name: 'C', type: integerType },
    ];
    const digits = fc.stringMatching(/^-?[0-9]{1,20}(\.[0-9]{0,18})?([eE][+-]?[0-9]{1,3})?$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(digits, digits, digits), { minLength: 2, maxLength: 6 }), (rows) => {
        const records = [
          utf8Bytes('{"A":1,"B":1,"C":1}'),
          ...rows.map(([a, b, c]) => utf8Bytes(`{"A":${a},"B":${b},"C":${c}}`)),
        ];
        expect(outcomes(scannerFor(columns, wrapped, [0, 1, 2]), 3, records, 1)).toEqual(
          outcomes(plainScanner(columns, [0, 1, 2]), 3, records, 1),
        );
      }),
      { numRuns: 1000 },
    );
  });

  test('steps over texts and numbers of any length to what ends them, wherever that stands in a word', () => {
    const columns = [
      { name: 'A', type: stringType },
      { name: 'B', type: bigintType },
      { name: 'C', type: stringType },
    ];
    const lengths = Array.from({ length: 14 }, (_, length) => length);
    const texts = lengths.flatMap((length) =>
      [0x22, 0x5c, 0x1f, 0x20, 0x7f, 0x80, 0xc3, 0xff].flatMap((byte) =>
        lengths.slice(0, length).map((at) => [...utf8Bytes('x'.repeat(length))].with(at, byte)),
      ),
    );
    const numbers = lengths.flatMap((length) =>
      ['', '-', '.', 'e', '0', ':', '/', ' ', '"', 'é'].flatMap((sign) =>
        lengths.slice(0, length + 1).map((at) => `${'7'.repeat(at)}${sign}${'7'.repeat(length - at)}`),
      ),
    );
    const record = (text: readonly number[], number: string): Uint8Array =>
      Uint8Array.from([...utf8Bytes('{"A":"'), ...text, ...utf8Bytes(`","B":${number},"C":"c"}`)]);
    const records = [
      record([], '1'),
      ...texts.map((text) => record(text, '1')),
      ...numbers.map((number) => record([120], number)),
    ];
    // Behind the last record there are no more words to look at.
    const ends = lengths.flatMap((length) =>
      ['', '\\', 'é', '"', '\n'].map((last) => [
        record([], '1'),
        utf8Bytes(`{"A":"a","B":1,"C":"${'x'.repeat(length)}${last}"}`),
      ]),
    );
    for (const wanted of [[2], [1], [0]]) {
      for (const end of ends) {
        expect(outcomes(scannerFor(columns, wrapped, wanted), columns.length, end, 1)).toEqual(
          outcomes(plainScanner(columns, wanted), columns.length, end, 1),
        );
      }
      const plain = outcomes(plainScanner(columns, wanted), columns.length, records, 1);
      expect(outcomes(scannerFor(columns, wrapped, wanted), columns.length, records, 1)).toEqual(plain);
      if (wanted[0] !== 0) continue;
      const spans = [spanSlot(columns.length, 0)];
      expect(outcomes(scannerFor(columns, wrapped, spans), columns.length, records, 1)).toEqual(plain);
    }
  });

  test('follows a layout that changes, in order, names, blanks and nesting', () => {
    const columns = [
      { name: 'ID', type: bigintType },
      {
        name: 'PLACE',
        type: structOf([
          { name: 'CITY', type: stringType },
          { name: 'ZIP', type: integerType },
        ]),
      },
    ];
    const shapes = [
      (i: number) => `{"id":${i},"place":{"city":"Zürich","zip":${i}},"other":{"deep":[1,{"x":"y"}]}}`,
      (i: number) => `{"other":{"deep":"x","n":-1.5},"place":{"zip":${i},"city":null},"id":${i}}`,
      (i: number) => `{ "ID": ${i}, "place": null }`,
      (i: number) => `{"Id":${i},"x":true,"y":{},"z":[]}`,
    ];
    const records = Array.from({ length: 80 }, (_, i) =>
      utf8Bytes((shapes[Math.floor(i / 20)] as (n: number) => string)(i)),
    );
    const scanner = scannerFor(columns, wrapped, [0, 1]);
    const plain = plainScanner(columns, [0, 1]);
    for (let from = 0; from < records.length; from += 5) {
      const part = records.slice(from, from + 5);
      expect(outcomes(scanner, 2, part, 2)).toEqual(outcomes(plain, 2, part, 2));
    }
  });
});

describe('the generated writer', () => {
  test('writes the bytes that the plain form writes', () => {
    const rows = anyColumns.chain((columns) =>
      fc.record({
        columns: fc.constant(columns),
        rows: fc.array(fc.tuple(...columns.map((each) => valueOf(each.type))), { maxLength: 4 }),
      }),
    );
    fc.assert(
      fc.property(rows, ({ columns, rows: all }) => {
        const generated = new ByteWriter(1);
        const plain = new ByteWriter(1);
        const writer = writerFor(columns, wrapped);
        for (const row of all) {
          expect(writer.write(row, generated)).toBe(true);
          plainJsonWriter(columns, wrapped).write(row, plain);
        }
        expect(utf8Text(generated.slice())).toBe(utf8Text(plain.slice()));
      }),
      { numRuns: 500 },
    );
  });

  test('makes room for long texts and numbers', () => {
    const columns = ['A', 'B', 'C'].map((name) => ({ name, type: stringType }));
    const row = ['\u0001'.repeat(256), 'é'.repeat(5_000_000), '"'.repeat(5_000_000)];
    const out = new ByteWriter(1);
    writerFor(columns, wrapped).write(row, out);
    expect(JSON.parse(utf8Text(out.slice()))).toEqual({ A: row[0], B: row[1], C: row[2] });
  });
});

describe('emitted text', () => {
  /** What `run` hands to the compiler while `make` runs. */
  const sources = (make: () => void): string[] => {
    const found: string[] = [];
    const real = globalThis.Function;
    globalThis.Function = new Proxy(real, {
      construct(target, args: string[]) {
        found.push(args.join('\n'));
        return Reflect.construct(target, args) as object;
      },
    });
    try {
      make();
    } finally {
      globalThis.Function = real;
    }
    return found;
  };

  const words =
    /^(?:'use strict'|return|function|const|let|for|while|if|else|break|continue|quick|true|false|null|undefined|slice|Math|imul|clz32|last|getInt32|setInt32|reserve|buffer|view|length|end|bytes|starts|ends|from|to|vectors|status|slow|row|misses|out|more|typeof|number|string|at|p|s|c|d|f|h|e|x|y|n|v|b|[kvt]\d+|\d+|[-+*/%&|^~!=<>?:;,.(){}[\]']+)$/;

  test('holds words of the templates and integers, whatever the names and records hold', () => {
    const canary = { touched: false };
    Object.defineProperty(globalThis, 'canary', {
      configurable: true,
      set: () => {
        canary.touched = true;
      },
      get: () => canary,
    });
    const hostile = fc.oneof(
      anyName,
      fc.constantFrom(
        "';canary=1;'",
        '`${canary=1}`',
        '*/canary=1/*',
        '\u2028canary=1',
        '"];canary=1;["',
        '\\u0027',
        'k0',
        'constructor',
      ),
      fc.string({ unit: 'binary', maxLength: 12 }),
    );
    fc.assert(
      fc.property(fc.uniqueArray(hostile, { minLength: 1, maxLength: 5 }), hostile, (names, value) => {
        const columns = names.map((name, i) => ({
          name,
          type: i % 2 === 0 ? stringType : structOf([{ name: value, type: stringType }]),
        }));
        const row: Row = names.map((_, i) => (i % 2 === 0 ? value : [value]));
        const made = sources(() => {
          const out = new ByteWriter(16);
          writerFor(columns, wrapped).write(row, out);
          writerFor(columns, { ...wrapped, spans: true }).write(row, new ByteWriter(16));
          const texts = columns.flatMap(({ type }, i) => (type.kind === 'STRING' ? [spanSlot(columns.length, i)] : []));
          const wanted = [...columns.map((_, i) => i), ...texts];
          outcomes(scannerFor(columns, wrapped, wanted), columns.length, [out.slice(), out.slice()], 1);
        });
        for (const text of made) {
          const tokens = text.match(/'use strict'|\w+|[^\s\w]+/g) ?? [];
          expect(tokens.filter((token) => !words.test(token))).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
    expect(canary.touched).toBe(false);
    Reflect.deleteProperty(globalThis, 'canary');
  });

  test('is not made when code generation is off', () => {
    useGeneratedCode(false);
    try {
      const columns = [{ name: 'A', type: stringType }];
      const made = sources(() => {
        json.writer(columns, wrapped);
        outcomes(json.scanner(columns, wrapped, [0]), 1, [utf8Bytes('{"A":"x"}')], 0);
      });
      expect(made).toEqual([]);
      expect(codegenAllowed()).toBe(false);
    } finally {
      useGeneratedCode(true);
    }
  });
});
