/**
 * DELIMITED: a line of fields, as CSV of RFC 4180 with a delimiter of choice.
 *
 * Reading. A field may stand between `"`, and then holds delimiters, line breaks and, doubled, quotes; behind the
 * closing quote only blanks may follow. Empty lines at the start are skipped; of several lines the first one counts,
 * and the others only have to be readable. There are as many fields as columns. An empty field is NULL, quoted or not.
 *
 * | column  | takes                                                                                              |
 * | ------- | -------------------------------------------------------------------------------------------------- |
 * | boolean | `true` in any case; every other text is false                                                       |
 * | numbers | what Java's parsers take: whole numbers within the type's range, `1.5`, `1e3`, `NaN`                |
 * | decimal | a number that fits precision and scale exactly                                                      |
 * | bytes   | base64                                                                                              |
 * | logical | the number that carries it: epoch days, milliseconds                                               |
 *
 * Writing. NULL is an empty field; a text is quoted where it would be read as something else, and also where a first
 * field does not begin with an ASCII letter or digit, as ksqlDB does.
 */

import {
  assert,
  type ByteWriter,
  base64,
  codegenAllowed,
  parseBase64,
  readUtf8,
  unreachable,
  utf8Bytes,
} from '../../base/index.ts';
import { decimalForm, fits, parseDecimal, plainDecimal, rescaleExact } from '../types/decimal.ts';
import type { ScalarType } from '../types/kinds.ts';
import { parseBigint, parseDouble, parseInteger, printDouble } from '../types/numbers.ts';
import { definitionOf } from '../types/scalars/index.ts';
import type { Column } from '../types/schema.ts';
import { isScalar, printType, type SqlType } from '../types/type.ts';
import type { Value } from '../types/value.ts';
import {
  describeColumn,
  type Format,
  type FormatOptions,
  type RowReader,
  type RowWriter,
  readingSpans,
  SerdeError,
  scannerOf,
} from './format.ts';
import { generatedDelimitedScanner } from './generated/delimited-scanner.ts';
import { generateDelimitedWriter } from './generated/delimited-writer.ts';
import { writeJsonDouble, writeJsonInteger } from './json-output.ts';
import { columnsOfSlots, spanLength, spanStart } from './text-span.ts';

const quote = 34;
const lineFeed = 10;
const carriageReturn = 13;

/** What stands between fields, as bytes. */
export const delimiterOf = ({ properties }: FormatOptions): Uint8Array => {
  const given = properties?.['DELIMITER'] ?? ',';
  return utf8Bytes(named[given] ?? given);
};

const named: Readonly<Record<string, string>> = { SPACE: ' ', TAB: '\t' };

// ------------------------------------------------------------------------------------------------------- reading

/** The value of a field that is not empty; undefined when the text is not one of the type. */
type FieldParser = (text: string) => Value | undefined;

const parserOf = (type: ScalarType): FieldParser => {
  const { carrier, accepts } = definitionOf(type);
  const plain = plainParser(type, carrier);
  if (accepts === undefined) return plain;
  return (text) => {
    const value = plain(text);
    return value === undefined || !accepts(value, type) ? undefined : value;
  };
};

const plainParser = (type: ScalarType, carrier: ReturnType<typeof definitionOf>['carrier']): FieldParser => {
  switch (carrier) {
    case 'boolean':
      return (text) => text.toLowerCase() === 'true';
    case 'int32':
      return parseInteger;
    case 'int64':
      return parseBigint;
    case 'double':
      return parseDouble;
    case 'text':
      return (text) => text;
    case 'bytes':
      return parseBase64;
    case 'decimal': {
      const { precision, scale } = decimalForm(type);
      return (text) => {
        const parsed = parseDecimal(text);
        const unscaled = parsed && rescaleExact(parsed.unscaled, parsed.scale, scale);
        return unscaled !== undefined && fits(unscaled, precision) ? unscaled : undefined;
      };
    }
    default:
      return unreachable(carrier);
  }
};

/** Steps over the fields of one record after another. */
class Fields {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #start = 0;
  #end = 0;
  readonly #delimiter: Uint8Array;
  /** Whether the field that was read last is the last one of its line. */
  lastOfLine = false;

  constructor(delimiter: Uint8Array) {
    this.#delimiter = delimiter;
  }

  /** Starts behind the empty lines of `bytes[start, end)`; false when there is nothing else. */
  open(bytes: Uint8Array, start: number, end: number): boolean {
    this.#bytes = bytes;
    this.#start = start;
    this.#at = start;
    this.#end = end;
    return this.nextLine();
  }

  /** Steps over empty lines; false at the end. */
  nextLine(): boolean {
    while (this.#takeLineBreak());
    return this.#at < this.#end;
  }

  /** Steps over a field and what stands behind it; the text, where it is wanted. */
  field(wanted: boolean): string {
    const bytes = this.#bytes;
    let text = '';
    if (bytes[this.#at] === quote && this.#at < this.#end) text = this.#quoted(wanted);
    else {
      const start = this.#at;
      while (this.#at < this.#end && !this.#atDelimiter() && !this.#atLineBreak()) this.#at++;
      if (wanted) text = readUtf8(bytes, start, this.#at);
    }
    if (this.#at < this.#end && this.#atDelimiter()) {
      this.#at += this.#delimiter.length;
      this.lastOfLine = false;
    } else {
      this.#takeLineBreak();
      this.lastOfLine = true;
    }
    return text;
  }

  #quoted(wanted: boolean): string {
    const bytes = this.#bytes;
    const opened = this.#at;
    let text = '';
    let start = ++this.#at;
    for (;;) {
      while (this.#at < this.#end && bytes[this.#at] !== quote) this.#at++;
      if (this.#at >= this.#end) this.#fail('a quoted field is never closed', opened);
      const doubled = this.#at + 1 < this.#end && bytes[this.#at + 1] === quote;
      if (wanted) text += readUtf8(bytes, start, doubled ? this.#at + 1 : this.#at);
      this.#at += doubled ? 2 : 1;
      start = this.#at;
      if (!doubled) break;
    }
    while (this.#at < this.#end && !this.#atDelimiter() && !this.#atLineBreak()) {
      if (!isBlank(bytes[this.#at] as number)) this.#fail('something stands between a closing quote and a delimiter');
      this.#at++;
    }
    return text;
  }

  #fail(what: string, at = this.#at): never {
    throw new SerdeError(`not readable as DELIMITED: ${what} at byte ${at - this.#start}`);
  }

  #atDelimiter(): boolean {
    for (let i = 0; i < this.#delimiter.length; i++) {
      if (this.#bytes[this.#at + i] !== this.#delimiter[i]) return false;
    }
    return this.#at + this.#delimiter.length <= this.#end;
  }

  #atLineBreak(): boolean {
    const byte = this.#bytes[this.#at];
    return byte === lineFeed || byte === carriageReturn;
  }

  #takeLineBreak(): boolean {
    if (this.#at >= this.#end || !this.#atLineBreak()) return false;
    const twice = this.#bytes[this.#at] === carriageReturn && this.#bytes[this.#at + 1] === lineFeed;
    this.#at += twice && this.#at + 1 < this.#end ? 2 : 1;
    return true;
  }
}

/** Java's white space within ASCII. */
const isBlank = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13) || (byte >= 28 && byte <= 31);

const plainReader = (columns: readonly Column[], options: FormatOptions, wanted?: readonly number[]): RowReader => {
  const fields = new Fields(delimiterOf(options));
  const parsers = columns.map(({ type }, slot) =>
    isScalar(type) && (wanted?.includes(slot) ?? true) ? parserOf(type) : undefined,
  );
  return {
    read(bytes, start, end, into) {
      if (!fields.open(bytes, start, end)) throw new SerdeError('not readable as DELIMITED: there is no field');
      let count = 0;
      let fault: string | undefined;
      do {
        const parse = parsers[count];
        const text = fields.field(parse !== undefined);
        if (parse !== undefined) {
          const value = text === '' ? null : parse(text);
          if (value === undefined) {
            const { name, type } = columns[count] as Column;
            fault ??= `the field of "${name}" cannot be read as ${printType(type)}`;
          } else into[count] = value;
        }
        count++;
      } while (!fields.lastOfLine);
      if (count !== columns.length) {
        throw new SerdeError(`not readable as DELIMITED: there are ${count} fields for ${columns.length} columns`);
      }
      while (fields.nextLine()) fields.field(false);
      if (fault !== undefined) throw new SerdeError(`not readable as DELIMITED: ${fault}`);
      return true;
    },
  };
};

// ------------------------------------------------------------------------------------------------------- writing

/** Appends a value that is not NULL; `first`: it begins the line. */
type FieldWriter = (out: ByteWriter, value: Value) => void;

/** Whether the delimiter never stands within a number or a word. */
const isSafe = (delimiter: Uint8Array): boolean =>
  delimiter.length === 1 && !/[0-9A-Za-z+.-]/.test(String.fromCharCode(delimiter[0] as number));

const writerOf = (type: ScalarType, first: boolean, delimiter: Uint8Array): FieldWriter => {
  const text = textWriter(first, delimiter);
  const safe = isSafe(delimiter);
  const { carrier } = definitionOf(type);
  switch (carrier) {
    case 'boolean':
      return (out, value) => text(out, String(value));
    case 'int32':
    case 'int64':
      return (out, value) => {
        const number = value as number | bigint;
        if (safe && (number >= 0 || !first)) writeJsonInteger(out, number);
        else text(out, String(number));
      };
    case 'text':
      return (out, value) => text(out, value as string);
    case 'double':
      return (out, value) => {
        const number = value as number;
        if (safe && Number.isFinite(number) && (!first || number > 0)) writeJsonDouble(out, number);
        else text(out, printDouble(number));
      };
    case 'bytes':
      return (out, value) => text(out, base64(value as Uint8Array));
    case 'decimal': {
      const { scale } = decimalForm(type);
      return (out, value) => text(out, plainDecimal(value as bigint, scale));
    }
    default:
      return unreachable(carrier);
  }
};

/** Puts a field that needs no quotes and is ASCII: there is room for it. Answers where it ends, or with -1 for another
 *  one, of which some may have been put. */
export interface PlainTexts {
  text(buffer: Uint8Array, at: number, text: string): number;
  span(buffer: Uint8Array, at: number, bytes: Uint8Array, span: number): number;
}

const plainTexts = (first: boolean, delimiter: Uint8Array): PlainTexts => {
  const ends = readUtf8(delimiter, 0, delimiter.length).charCodeAt(0);
  // By byte: it may stand anywhere, within, or nowhere in a plain field.
  const anywhere = 2;
  const within = 1;
  const places = Uint8Array.from({ length: 256 }, (_, byte) => {
    if (byte > 126 || byte === ends || byte < 32 || byte === quote) return 0;
    return byte > 32 ? anywhere : within;
  });
  const begins = places.map((place, byte) =>
    place === anywhere && byte > 35 && (!first || isLetterOrDigit(byte)) ? 1 : 0,
  );
  return {
    text(buffer, at, text) {
      const { length } = text;
      let place = 0;
      for (let i = 0; i < length; i++) {
        const unit = text.charCodeAt(i);
        if (unit > 126) return -1;
        place = places[unit] as number;
        if (place === 0) return -1;
        buffer[at + i] = unit;
      }
      return place === anywhere && begins[buffer[at] as number] === 1 ? at + length : -1;
    },
    span(buffer, at, bytes, span) {
      const start = spanStart(span);
      const length = spanLength(span);
      let place = 0;
      for (let i = 0; i < length; i++) {
        const byte = bytes[start + i] as number;
        place = places[byte] as number;
        if (place === 0) return -1;
        buffer[at + i] = byte;
      }
      return place === anywhere && begins[buffer[at] as number] === 1 ? at + length : -1;
    },
  };
};

/** Puts a text that is short and plain byte by byte, while it is looked at whether it has to be quoted. */
const textWriter = (first: boolean, delimiter: Uint8Array): ((out: ByteWriter, text: string) => void) => {
  const separator = readUtf8(delimiter, 0, delimiter.length);
  const plain = plainTexts(first, delimiter);
  return (out, text) => {
    if (text.length <= 64) {
      out.reserve(text.length);
      const end = plain.text(out.buffer, out.length, text);
      if (end >= 0) {
        out.length = end;
        return;
      }
    }
    if (!needsQuotes(text, first, separator)) {
      out.utf8(text);
      return;
    }
    out.i8(quote);
    out.utf8(text.replaceAll('"', '""'));
    out.i8(quote);
  };
};

const isLetterOrDigit = (unit: number): boolean =>
  (unit >= 48 && unit <= 57) || (unit >= 65 && unit <= 90) || (unit >= 97 && unit <= 122);

/** Whether a text, not NULL, has to be quoted; `first`: it begins the line. */
const needsQuotes = (text: string, first: boolean, delimiter: string): boolean => {
  if (text === '') return first;
  const begin = text.charCodeAt(0);
  if (begin <= 35 || (first && !isLetterOrDigit(begin))) return true;
  return text.includes(delimiter) || /["\r\n]/.test(text) || text.charCodeAt(text.length - 1) <= 32;
};

const lineWriter = (columns: readonly Column[], options: FormatOptions): RowWriter => {
  const delimiter = delimiterOf(options);
  const fields = columns.map(({ type }, i) => {
    assert(isScalar(type), 'the types of the columns were checked when the source was made');
    const first = i === 0;
    return { type, first, write: writerOf(type, first, delimiter), plain: plainTexts(first, delimiter) };
  });
  const spans = options.spans === true;
  if (codegenAllowed() && isSafe(delimiter)) {
    const write = generateDelimitedWriter(fields, delimiter[0] as number, spans);
    if (write !== undefined) return { write };
  }
  const plain = fieldsWriter(
    fields.map(({ write }) => write),
    delimiter,
  );
  return spans ? readingSpans(columns, plain) : plain;
};

const fieldsWriter = (writers: readonly FieldWriter[], delimiter: Uint8Array): RowWriter => {
  return {
    write(row, out) {
      for (let i = 0; i < writers.length; i++) {
        if (i > 0) for (let j = 0; j < delimiter.length; j++) out.i8(delimiter[j] as number);
        const value = row[i];
        if (value !== null && value !== undefined) (writers[i] as FieldWriter)(out, value);
      }
      return true;
    },
  };
};

const holds = (type: SqlType): boolean => isScalar(type);

export const delimited: Format = {
  name: 'DELIMITED',
  doc: 'A line of fields between delimiters, as CSV; no collections.',
  sides: ['key', 'value'],
  columns: 'many',
  named: false,
  wrapping: 'never',
  // A field can be quoted or not, a number be written in several ways.
  canonical: false,
  spans: true,
  properties: [
    {
      name: 'DELIMITER',
      doc: 'What stands between two fields: one character, SPACE or TAB.',
      fault: (text) =>
        named[text] !== undefined || (text.length === 1 && text.trim() !== '' && text !== '"')
          ? undefined
          : 'one character, SPACE or TAB',
    },
  ],
  unsupported(columns) {
    const bad = columns.find(({ type }) => !holds(type));
    return bad === undefined ? undefined : `the format DELIMITED cannot hold ${describeColumn(bad)}`;
  },
  writer: lineWriter,
  reader: plainReader,
  scanner: (columns, options, wanted) => {
    const reader = plainReader(columns, options, columnsOfSlots(columns.length, wanted));
    const delimiter = delimiterOf(options);
    // Where the delimiter could stand within a number, only the plain form tells them apart.
    const plain = delimiter.length > 1 || /[0-9+.-]/.test(String.fromCharCode(delimiter[0] as number));
    return codegenAllowed() && !plain
      ? generatedDelimitedScanner(columns, delimiter[0] as number, wanted, reader)
      : scannerOf(reader, columns.length, wanted);
  },
};
