/**
 * JSON by the schema, in the plain form: the reference that generated code is held to.
 *
 * Reading, by the carrier of scalars (`types/carriers.ts`):
 *
 * | column  | takes                                                                                               |
 * | ------- | --------------------------------------------------------------------------------------------------- |
 * | any     | `null`, or no field at all: NULL                                                                    |
 * | boolean | `true`, `false`                                                                                     |
 * | int32   | a number (fraction cut off, bits beyond 32 lost), or a text that is a whole number in range         |
 * | int64   | the same in 64 bits, every digit exact                                                              |
 * | double  | a number, infinite beyond the range of a double, or a text with one; "NaN", "Infinity", "-Infinity" |
 * | decimal | a number, or a text with one, that has no more digits than the type on either side of the point     |
 * | text    | a text; a number; true or false; an object as JSON text; an array as `[a, b]`                       |
 * | bytes   | a text that is base64                                                                               |
 * | logical | their carrier's value, as number or text, within the values of the type: TIMESTAMP is epoch         |
 * |         | milliseconds, DATE epoch days, TIME milliseconds of the day                                         |
 * | ARRAY   | an array                                                                                            |
 * | MAP     | an object, or a list of objects with `key` and `value`; of a key that comes twice the last counts     |
 * | STRUCT  | an object, by the rules for fields                                                                  |
 *
 * Fields: a name stands for the column of exactly that name, and for the column that its upper-case form names; where
 * both kinds are there for one column, the exact one counts. Of the same kind the last one counts. Names of no column
 * are ignored. A name is only ever compared, so `__proto__` is a name like others.
 *
 * Names are matched by their bytes: mostly a record has the same names in the same order as the one before, so the name
 * that came there last is tried first, then a table by hash, and only a name never seen before becomes a text.
 *
 * Reading and writing are one file, so that what one carrier means in JSON stands in one place.
 *
 * Writing: every column in order, NULL as `null`; logical types as their carrier's value; a decimal as a number with
 * all digits of its scale, bytes as base64; numbers and texts by `json-output.ts`.
 */

import {
  type ByteWriter,
  base64,
  equalBytes,
  hashBytes,
  parseBase64,
  unreachable,
  utf8Bytes,
} from '../../base/index.ts';
import { type Decimal, decimalForm, fits, javaDecimal, parseDecimal, rescaleExact } from '../types/decimal.ts';
import type { ScalarType } from '../types/kinds.ts';
import { parseBigint, parseDouble, parseInteger } from '../types/numbers.ts';
import { definitionOf } from '../types/scalars/index.ts';
import type { Column } from '../types/schema.ts';
import { isScalar, type MapType, type SqlType, structOf } from '../types/type.ts';
import { arrayValue, bigintToInteger, mapValue, type Row, type Value } from '../types/value.ts';
import { valueTest } from '../types/value-test.ts';
import { type FormatOptions, type RowReader, type RowWriter, readingSpans } from './format.ts';
import { recordText, writeJsonDouble, writeJsonInteger, writeJsonText } from './json-output.ts';
import { JsonInput } from './json-text.ts';

// ------------------------------------------------------------------------------------------------------- reading

/** Reads the value at the input's place, which is a first byte of a value, and stops behind it. */
export type ValueReader = (input: JsonInput) => Value;

const readBoolean: ValueReader = (input) => {
  switch (input.token()) {
    case 'true':
      input.word('true');
      return true;
    case 'false':
      input.word('false');
      return false;
    case 'null':
      input.word('null');
      return null;
    case 'number':
    case 'text':
    case 'array':
    case 'object':
      return wrongKind(input, 'BOOLEAN');
  }
};

/** A number, or a text that is one. */
const numberReader =
  (kind: string, ofNumber: (input: JsonInput) => Value, ofText: (text: string) => Value | undefined): ValueReader =>
  (input) => {
    switch (input.token()) {
      case 'number':
        return ofNumber(input);
      case 'null':
        input.word('null');
        return null;
      case 'text': {
        const at = input.at;
        return ofText(input.text()) ?? input.fail(`the text is not a valid ${kind}`, at);
      }
      case 'true':
      case 'false':
      case 'array':
      case 'object':
        return wrongKind(input, kind);
    }
  };

const readBigint = numberReader('BIGINT', (input) => input.bigint(), parseBigint);
const readInteger = numberReader('INTEGER', (input) => bigintToInteger(input.bigint()), parseInteger);
const readDouble = numberReader('DOUBLE', (input) => input.double(), parseDouble);

const readString: ValueReader = (input) => {
  switch (input.token()) {
    case 'text':
      return input.text();
    case 'null':
      input.word('null');
      return null;
    case 'number':
    case 'true':
    case 'false':
    case 'array':
    case 'object':
      return input.columnText();
  }
};

/** A number with all its digits, which have to fit the type as they are: nothing is rounded. */
const decimalReader = (type: ScalarType): ValueReader => {
  const { precision, scale } = decimalForm(type);
  return (input) => {
    const { at } = input;
    let number: Decimal | undefined;
    switch (input.token()) {
      case 'number':
        number = parseDecimal(input.numberText());
        break;
      case 'text':
        number = parseDecimal(input.text()) ?? input.fail('the text is not a valid DECIMAL', at);
        break;
      case 'null':
        input.word('null');
        return null;
      case 'true':
      case 'false':
      case 'array':
      case 'object':
        return wrongKind(input, 'DECIMAL');
    }
    const value = number === undefined ? undefined : rescaleExact(number.unscaled, number.scale, scale);
    return value !== undefined && fits(value, precision)
      ? value
      : input.fail(`the number does not fit DECIMAL(${precision}, ${scale}) without rounding`, at);
  };
};

const readBytes: ValueReader = (input) => {
  switch (input.token()) {
    case 'text': {
      const { at } = input;
      return parseBase64(input.text()) ?? input.fail('the text is not base64', at);
    }
    case 'null':
      input.word('null');
      return null;
    case 'number':
    case 'true':
    case 'false':
    case 'array':
    case 'object':
      return wrongKind(input, 'BYTES');
  }
};

const wrongKind = (input: JsonInput, type: string): never => {
  const token = input.token();
  const article = token === 'object' || token === 'array' ? 'an' : 'a';
  const found = token === 'true' || token === 'false' ? 'a boolean' : `${article} ${token}`;
  return input.fail(`${found} cannot be read as ${type}`);
};

const readArray =
  (element: ValueReader): ValueReader =>
  (input) => {
    if (input.takeNull()) return null;
    if (input.token() !== 'array') return wrongKind(input, 'ARRAY');
    input.at++;
    input.blanks();
    const values: Value[] = [];
    if (input.peek() === 93) {
      input.at++;
      return values;
    }
    for (;;) {
      values.push(element(input));
      input.blanks();
      if (input.peek() === 93) {
        input.at++;
        return values;
      }
      input.expect(44, '"," or "]"');
    }
  };

const readMap = ({ key, value }: MapType): ValueReader => {
  const member = valueReader(value);
  const entry = structOf([
    { name: 'key', type: key },
    { name: 'value', type: value },
  ]);
  const list = readArray(valueReader(entry));
  return (input) => {
    if (input.takeNull()) return null;
    if (input.token() === 'array') return mapOfEntries(list(input));
    if (input.token() !== 'object') return wrongKind(input, 'MAP');
    input.at++;
    input.blanks();
    const values = new Map<string, Value>();
    if (input.peek() === 125) {
      input.at++;
      return values;
    }
    for (;;) {
      if (input.peek() !== 34) input.fail('a name between quotes is expected');
      const name = input.text();
      input.blanks();
      input.expect(58, '":"');
      values.set(name, member(input));
      input.blanks();
      if (input.peek() === 125) {
        input.at++;
        return values;
      }
      input.expect(44, '"," or "}"');
    }
  };
};

/** The map of a list of entries; those without a key are left out. */
const mapOfEntries = (entries: Value): Value => {
  const values = new Map<string, Value>();
  for (const each of arrayValue(entries)) {
    const [key, value = null] = each === null ? [] : arrayValue(each);
    if (typeof key === 'string') values.set(key, value);
  }
  return values;
};

export const valueReader = (type: SqlType): ValueReader => {
  if (isScalar(type)) return scalarReader(type);
  switch (type.kind) {
    case 'ARRAY':
      return readArray(valueReader(type.element));
    case 'MAP':
      return readMap(type);
    case 'STRUCT': {
      const fields = new FieldsReader(type.fields);
      const { length } = type.fields;
      return (input) => {
        if (input.takeNull()) return null;
        if (input.token() !== 'object') return wrongKind(input, 'STRUCT');
        const values = new Array<Value>(length).fill(null);
        fields.read(input, values);
        return values;
      };
    }
    default:
      return unreachable(type);
  }
};

const scalarReader = (type: ScalarType): ValueReader => {
  const { carrier, logical } = definitionOf(type);
  switch (carrier) {
    case 'boolean':
      return checked(readBoolean, type);
    case 'int32':
      return logical ? logicalWholeReader(type) : readInteger;
    case 'int64':
      return logical ? logicalWholeReader(type) : readBigint;
    case 'double':
      return checked(readDouble, type);
    case 'text':
      return checked(readString, type);
    case 'decimal':
      return decimalReader(type);
    case 'bytes':
      return checked(readBytes, type);
    default:
      return unreachable(carrier);
  }
};

/** A logical type over a whole number: the fraction is cut off, but a number that is not a value of the type is a
 *  fault. */
const logicalWholeReader = (type: ScalarType): ValueReader => {
  const { kind } = type;
  const isValue = valueTest(type);
  return (input) => {
    const { at } = input;
    let value: Value | undefined;
    switch (input.token()) {
      case 'number':
        value = input.bigint();
        break;
      case 'text':
        value = parseBigint(input.text()) ?? input.fail(`the text is not a valid ${kind}`, at);
        break;
      case 'null':
        input.word('null');
        return null;
      case 'true':
      case 'false':
      case 'array':
      case 'object':
        return wrongKind(input, kind);
    }
    return isValue(value) ? value : input.fail(`the ${kind} is out of range`, at);
  };
};

/** A reader that fails for what is not a value of the type. */
const checked = (read: ValueReader, type: ScalarType): ValueReader => {
  const { kind, accepts } = definitionOf(type);
  if (accepts === undefined) return read;
  return (input) => {
    const { at } = input;
    const value = read(input);
    return value === null || accepts(value, type) ? value : input.fail(`the value is not a valid ${kind}`, at);
  };
};

/** What a name in the data stands for. Slots are -1 where it stands for none. */
interface KnownName {
  /** The bytes between and with the quotes. */
  readonly bytes: Uint8Array;
  readonly exact: number;
  /** By its upper-case form, where that differs from the name. */
  readonly loose: number;
}

/** How many names are remembered, and how many places of the order. What is beyond is looked up each time. */
const mostNames = 1024;
const mostPlaces = 256;

/** Told of each field where its value lies and which slot it fills: -1 none, -2 two. */
export type FieldWatcher = (valueAt: number, valueEnd: number, slot: number) => void;

/** Reads the fields of an object into slots. */
export class FieldsReader {
  readonly #readers: readonly (ValueReader | undefined)[];
  readonly #slots = new Map<string, number>();
  /** The name that came last at each place. */
  readonly #order: KnownName[] = [];
  readonly #byHash = new Map<number, KnownName>();
  /** In which object a slot was last filled by its exact name; objects are numbered. */
  readonly #exactIn: Float64Array;
  #object = 0;
  /** Where the value lies that may still have to fill a slot by its upper-case form; empty but for names that differ in
   *  case only. */
  readonly #deferred = new Map<number, number>();
  #watch: FieldWatcher | undefined;

  /** `wanted`: the slots to read; the others are skipped and stay as they are. */
  constructor(columns: readonly Column[], wanted?: readonly number[]) {
    this.#readers = columns.map(({ type }, slot) =>
      wanted === undefined || wanted.includes(slot) ? valueReader(type) : undefined,
    );
    columns.forEach((column, slot) => this.#slots.set(column.name, slot));
    this.#exactIn = new Float64Array(columns.length);
  }

  /** Reads one object as `read` does and reports its fields in order. */
  watch(input: JsonInput, into: Row, watcher: FieldWatcher): void {
    this.#watch = watcher;
    try {
      this.read(input, into);
    } finally {
      this.#watch = undefined;
    }
  }

  /** Reads the object that begins here. Slots whose fields are missing keep what is in `into`. */
  read(input: JsonInput, into: Row): void {
    this.#object++;
    if (this.#deferred.size > 0) this.#deferred.clear();
    input.at++;
    input.blanks();
    if (input.peek() === 125) {
      input.at++;
      return;
    }
    for (let place = 0; ; place++) {
      if (input.peek() !== 34) input.fail('a name between quotes is expected');
      const name = this.#name(input, place);
      input.blanks();
      input.expect(58, '":"');
      const valueAt = input.at;
      this.#value(input, name, into);
      if (this.#watch !== undefined) {
        const { exact, loose } = name;
        const slot = exact >= 0 && loose >= 0 ? -2 : exact >= 0 ? exact : loose;
        this.#watch(valueAt, input.at, slot);
      }
      input.blanks();
      if (input.peek() === 125) {
        input.at++;
        if (this.#deferred.size > 0) this.#readDeferred(input, into);
        return;
      }
      input.expect(44, '"," or "}"');
    }
  }

  #value(input: JsonInput, name: KnownName, into: Row): void {
    const { exact, loose } = name;
    if (exact >= 0) {
      this.#exactIn[exact] = this.#object;
      if (loose >= 0) this.#deferred.set(loose, input.at);
      const reader = this.#readers[exact];
      if (reader === undefined) input.skip();
      else into[exact] = reader(input);
    } else {
      const reader = loose >= 0 && this.#exactIn[loose] !== this.#object ? this.#readers[loose] : undefined;
      if (reader === undefined) input.skip();
      else {
        into[loose] = reader(input);
        if (this.#deferred.size > 0) this.#deferred.delete(loose);
      }
    }
  }

  /** Reads again the fields whose name is that of one column and, upper-cased, that of another which has had none of
   *  its own. */
  #readDeferred(input: JsonInput, into: Row): void {
    const { at } = input;
    for (const [slot, valueAt] of this.#deferred) {
      const reader = this.#readers[slot];
      if (reader === undefined || this.#exactIn[slot] === this.#object) continue;
      input.at = valueAt;
      into[slot] = reader(input);
    }
    input.at = at;
    this.#deferred.clear();
  }

  /** The name here; the input stops behind its closing quote. */
  #name(input: JsonInput, place: number): KnownName {
    const { bytes, at, end } = input;
    const guess = this.#order[place];
    if (guess !== undefined) {
      const known = guess.bytes;
      const { length } = known;
      if (at + length <= end) {
        let i = 1;
        while (i < length && known[i] === bytes[at + i]) i++;
        if (i === length) {
          input.at = at + length;
          return guess;
        }
      }
    }
    input.skipText();
    const nameEnd = input.at;
    const hash = hashBytes(bytes, at, nameEnd);
    let name = this.#byHash.get(hash);
    if (name === undefined || !equalBytes(name.bytes, 0, name.bytes.length, bytes, at, nameEnd)) {
      input.at = at;
      const text = input.text();
      const upper = text.toUpperCase();
      name = {
        bytes: bytes.slice(at, nameEnd),
        exact: this.#slots.get(text) ?? -1,
        loose: upper === text ? -1 : (this.#slots.get(upper) ?? -1),
      };
      if (this.#byHash.size < mostNames && name.bytes.length <= 256) this.#byHash.set(hash, name);
    }
    if (place < mostPlaces && name.bytes.length <= 256) this.#order[place] = name;
    return name;
  }
}

/** The plain reader of one side of a record. */
export const plainJsonReader = (
  columns: readonly Column[],
  options: FormatOptions,
  wanted?: readonly number[],
): RowReader => {
  const input = new JsonInput();
  if (!options.wrapped) {
    const [column] = columns;
    if (column === undefined) return { read: () => false };
    const reader = valueReader(column.type);
    return {
      read(bytes, start, end, into) {
        input.open(bytes, start, end);
        const value = reader(input);
        input.finish();
        into[0] = value;
        return value !== null;
      },
    };
  }
  const fields = new FieldsReader(columns, wanted);
  const count = columns.length;
  return {
    read(bytes, start, end, into) {
      for (let slot = 0; slot < count; slot++) into[slot] = null;
      input.open(bytes, start, end);
      if (input.takeNull()) {
        input.finish();
        return false;
      }
      if (input.token() !== 'object') wrongKind(input, 'a record with named columns');
      fields.read(input, into);
      input.finish();
      return true;
    },
  };
};

// ------------------------------------------------------------------------------------------------------- writing

/** Appends a value that is not NULL. */
export type ValueWriter = (value: Value, out: ByteWriter) => void;

const nullBytes = utf8Bytes('null');
const trueBytes = utf8Bytes('true');
const falseBytes = utf8Bytes('false');

const writeBoolean: ValueWriter = (value, out) => out.bytes(value === true ? trueBytes : falseBytes);
const writeWhole: ValueWriter = (value, out) => writeJsonInteger(out, value as number | bigint);
const writeDouble: ValueWriter = (value, out) => writeJsonDouble(out, value as number);
const writeText: ValueWriter = (value, out) => writeJsonText(out, value as string);
const writeNull = (out: ByteWriter): void => out.bytes(nullBytes);

const scalarWriter = (type: ScalarType): ValueWriter => {
  const { carrier } = definitionOf(type);
  switch (carrier) {
    case 'boolean':
      return writeBoolean;
    case 'int32':
    case 'int64':
      return writeWhole;
    case 'double':
      return writeDouble;
    case 'text':
      return writeText;
    case 'decimal': {
      const { scale } = decimalForm(type);
      return (value, out) => out.latin1(javaDecimal(value as bigint, scale));
    }
    case 'bytes':
      return (value, out) => writeJsonText(out, base64(value as Uint8Array));
    default:
      return unreachable(carrier);
  }
};

/** How maps are written: as objects, or as Kafka Connect has maps whose keys may be NULL, as lists of objects with
 *  `key` and `value`. */
export type MapForm = 'object' | 'entries';

/** `maps`: as objects when left out. */
export type JsonOptions = FormatOptions & { readonly maps?: MapForm };

export const valueWriter = (type: SqlType, maps: MapForm = 'object'): ValueWriter => {
  if (isScalar(type)) return scalarWriter(type);
  switch (type.kind) {
    case 'ARRAY': {
      const element = valueWriter(type.element, maps);
      return (value, out) => {
        out.i8(91);
        const elements = arrayValue(value);
        for (let i = 0; i < elements.length; i++) {
          if (i > 0) out.i8(44);
          const each = elements[i] as Value;
          if (each === null) writeNull(out);
          else element(each, out);
        }
        out.i8(93);
      };
    }
    case 'MAP': {
      const member = valueWriter(type.value, maps);
      if (maps === 'entries') return entriesWriter(member);
      return (value, out) => {
        out.i8(123);
        let first = true;
        for (const [key, each] of mapValue(value)) {
          if (!first) out.i8(44);
          first = false;
          writeJsonText(out, key);
          out.i8(58);
          if (each === null) writeNull(out);
          else member(each, out);
        }
        out.i8(125);
      };
    }
    case 'STRUCT': {
      const fields = fieldsWriter(type.fields, maps);
      return (value, out) => fields(arrayValue(value), out);
    }
    default:
      return unreachable(type);
  }
};

const entriesWriter =
  (member: ValueWriter): ValueWriter =>
  (value, out) => {
    out.i8(91);
    let first = true;
    for (const [key, each] of mapValue(value)) {
      out.latin1(first ? '{"key":' : ',{"key":');
      first = false;
      writeJsonText(out, key);
      out.latin1(',"value":');
      if (each === null) writeNull(out);
      else member(each, out);
      out.i8(125);
    }
    out.i8(93);
  };

/** What stands before each value: `{"A":`, then `,"B":` and so on. */
export const fieldPrefixes = (columns: readonly Column[]): Uint8Array[] =>
  columns.map(({ name }, i) => utf8Bytes(`${i === 0 ? '{' : ','}${recordText(name)}:`));

const fieldsWriter = (
  columns: readonly Column[],
  maps: MapForm | undefined,
): ((row: readonly Value[], out: ByteWriter) => void) => {
  const prefixes = fieldPrefixes(columns);
  const writers = columns.map(({ type }) => valueWriter(type, maps));
  const count = columns.length;
  if (count === 0) return (_row, out) => out.latin1('{}');
  return (row, out) => {
    for (let i = 0; i < count; i++) {
      out.bytes(prefixes[i] as Uint8Array);
      const value = row[i] as Value;
      if (value === null) writeNull(out);
      else (writers[i] as ValueWriter)(value, out);
    }
    out.i8(125);
  };
};

/** The plain writer of one side of a record. */
export const plainJsonWriter = (columns: readonly Column[], options: JsonOptions): RowWriter => {
  const writer = textsWriter(columns, options);
  return options.spans === true ? readingSpans(columns, writer) : writer;
};

/** A writer of rows without spans. */
const textsWriter = (columns: readonly Column[], options: JsonOptions): RowWriter => {
  if (!options.wrapped) {
    const [column] = columns;
    if (column === undefined) return { write: () => false };
    const writer = valueWriter(column.type, options.maps);
    return {
      write(row, out) {
        const value = row[0] as Value;
        if (value === null) return false;
        writer(value, out);
        return true;
      },
    };
  }
  const fields = fieldsWriter(columns, options.maps);
  return {
    write(row, out) {
      fields(row, out);
      return true;
    },
  };
};
