/** Functions on BYTES: text of an encoding as bytes and back, numbers in bytes, parts of bytes. */

import { parseBase64 } from '../../base/index.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import { longestText } from '../types/text-length.ts';
import { normalizeBigint } from '../types/value.ts';
import { define } from './define.ts';
import { encodingNamed } from './encoding.ts';
import type { Family } from './registry.ts';
import { substringBounds } from './string.ts';

const joined = (parts: readonly Uint8Array[]): Uint8Array => {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

/** Stricter than ENCODE, which reads other spellings as well. */
const bytesOf = (text: string, encoding: string): Uint8Array => {
  const { toBytes } = encodingNamed(encoding);
  const name = encoding.toLowerCase();
  if (name === 'hex' && !/^(?:[\da-f]{2})*$/i.test(text)) throw new EvaluationError('the text is not hexadecimal');
  if (name === 'base64' && parseBase64(text) === undefined) throw new EvaluationError('the text is not base64');
  return toBytes(text);
};

/** As often as it takes to fill so many bytes; NULL when there is nothing to fill with, or a length below 0. */
const padding = (bytes: Uint8Array, length: number, fill: Uint8Array): Uint8Array | null => {
  if (length < 0 || fill.length === 0) return null;
  if (length > longestText) throw new EvaluationError(`BYTES are padded to at most ${longestText}`);
  return Uint8Array.from({ length: Math.max(0, length - bytes.length) }, (_, i) => fill[i % fill.length] as number);
};

const split = (bytes: Uint8Array, delimiter: Uint8Array): Uint8Array[] => {
  const { length } = delimiter;
  if (length === 0) return bytes.length === 0 ? [bytes] : Array.from(bytes, (byte) => Uint8Array.of(byte));
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let at = 0; at + length <= bytes.length; ) {
    if (delimiter.every((byte, i) => bytes[at + i] === byte)) {
      parts.push(bytes.slice(from, at));
      at += length;
      from = at;
    } else at++;
  }
  parts.push(bytes.slice(from));
  return parts;
};

const substring = (bytes: Uint8Array, position: number, length?: number): Uint8Array => {
  const [start, end] = substringBounds(bytes.length, position, length);
  return bytes.slice(start, end);
};

/** A view on bytes of a number, of which there are exactly as many as it takes; and whether the low byte is first. */
const numberIn = (bytes: Uint8Array, width: number, order: string): readonly [view: DataView, little: boolean] => {
  if (bytes.length !== width) throw new EvaluationError(`the number takes ${width} bytes, there are ${bytes.length}`);
  if (order !== 'BIG_ENDIAN' && order !== 'LITTLE_ENDIAN') {
    throw new EvaluationError(`there is no order of bytes called '${order}'; write 'BIG_ENDIAN' or 'LITTLE_ENDIAN'`);
  }
  return [new DataView(bytes.buffer, bytes.byteOffset, bytes.length), order === 'LITTLE_ENDIAN'];
};

const ordered = (name: string, result: string): string[] => [
  `${name}(BYTES) -> ${result}`,
  `${name}(BYTES, STRING) -> ${result}`,
];

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

export const bytes: Family = {
  category: 'STRING',
  functions: [
    define({
      signature: 'TO_BYTES(STRING, STRING) -> BYTES',
      doc: "The bytes of a text in an encoding: 'hex', 'utf8', 'ascii' or 'base64'.",
      nulls: 'propagate',
      examples: [
        ["TO_BYTES('Ü', 'utf8')", "CAST('w5w=' AS BYTES)"],
        ["TO_BYTES('c39c', 'hex')", "CAST('w5w=' AS BYTES)"],
      ],
      bind: ({ constants: [, encoding] }) => {
        if (typeof encoding === 'string') encodingNamed(encoding);
        return (text: string, name: string) => bytesOf(text, name);
      },
    }),
    define({
      signature: 'FROM_BYTES(BYTES, STRING) -> STRING',
      doc: "Bytes as text in an encoding: 'hex', 'utf8', 'ascii' or 'base64'.",
      nulls: 'propagate',
      examples: [
        ["FROM_BYTES(TO_BYTES('Ü', 'utf8'), 'hex')", "'C39C'"],
        ["FROM_BYTES(TO_BYTES('Ü', 'utf8'), 'base64')", "'w5w='"],
      ],
      bind: ({ constants: [, encoding] }) => {
        if (typeof encoding === 'string') encodingNamed(encoding);
        return (value: Uint8Array, name: string) => {
          const text = encodingNamed(name).toText(value);
          return name.toLowerCase() === 'hex' ? text.toUpperCase() : text;
        };
      },
    }),
    define({
      signature: 'CONCAT(BYTES...) -> BYTES',
      doc: 'The bytes joined, NULLs left out; none when there are none.',
      nulls: 'own',
      examples: [["FROM_BYTES(CONCAT(TO_BYTES('a', 'utf8'), TO_BYTES('b', 'utf8')), 'utf8')", "'ab'"]],
      body: (...parts: (Uint8Array | null)[]) => joined(parts.filter((part) => part !== null)),
    }),
    define({
      signature: 'CONCAT_WS(BYTES, BYTES, BYTES...) -> BYTES',
      doc:
        'The second and later bytes joined, with the first between them; NULLs left out. NULL when the first is ' +
        'NULL.',
      nulls: 'own',
      examples: [
        ["FROM_BYTES(CONCAT_WS(TO_BYTES('-', 'utf8'), TO_BYTES('a', 'utf8'), TO_BYTES('b', 'utf8')), 'utf8')", "'a-b'"],
      ],
      body: (separator: Uint8Array | null, ...parts: (Uint8Array | null)[]) => {
        if (separator === null) return null;
        const present = parts.filter((part) => part !== null);
        return joined(present.flatMap((part, i) => (i === 0 ? [part] : [separator, part])));
      },
    }),
    define({
      signature: 'LEN(BYTES) -> INT',
      doc: 'The number of bytes.',
      nulls: 'propagate',
      examples: [["LEN(TO_BYTES('Ü', 'utf8'))", '2']],
      body: (value: Uint8Array) => value.length,
    }),
    define({
      signature: 'LPAD(BYTES, INT, BYTES) -> BYTES',
      doc: 'Pads on the left up to a length; more bytes are cut. NULL for a negative length or an empty padding.',
      nulls: 'propagate',
      examples: [["FROM_BYTES(LPAD(TO_BYTES('01', 'hex'), 3, TO_BYTES('00', 'hex')), 'hex')", "'000001'"]],
      body: (value: Uint8Array, length: number, fill: Uint8Array) => {
        const pad = padding(value, length, fill);
        return pad === null ? null : joined([pad, value]).slice(0, length);
      },
    }),
    define({
      signature: 'RPAD(BYTES, INT, BYTES) -> BYTES',
      doc: 'Pads on the right up to a length; more bytes are cut. NULL for a negative length or an empty padding.',
      nulls: 'propagate',
      examples: [["FROM_BYTES(RPAD(TO_BYTES('01', 'hex'), 3, TO_BYTES('00', 'hex')), 'hex')", "'010000'"]],
      body: (value: Uint8Array, length: number, fill: Uint8Array) => {
        const pad = padding(value, length, fill);
        return pad === null ? null : joined([value, pad]).slice(0, length);
      },
    }),
    define({
      signature: 'SPLIT(BYTES, BYTES) -> ARRAY<BYTES>',
      doc:
        'The parts of bytes between the occurrences of a delimiter, empty ones kept; an empty delimiter splits into ' +
        'single bytes.',
      nulls: 'propagate',
      examples: [["FROM_BYTES(SPLIT(TO_BYTES('010002', 'hex'), TO_BYTES('00', 'hex'))[2], 'hex')", "'02'"]],
      body: split,
    }),
    define({
      signature: ['SUBSTRING(BYTES, INT) -> BYTES', 'SUBSTRING(BYTES, INT, INT) -> BYTES'],
      doc:
        'The bytes from a position on, or of a length from there. A negative position counts from the end; what lies ' +
        'outside is left out.',
      nulls: 'propagate',
      examples: [["FROM_BYTES(SUBSTRING(TO_BYTES('010203', 'hex'), 2, 1), 'hex')", "'02'"]],
      body: substring,
    }),
    define({
      signature: 'UUID(BYTES) -> STRING',
      doc: 'The UUID of 16 bytes; NULL for another number of bytes.',
      nulls: 'propagate',
      examples: [
        ["UUID(TO_BYTES('000102030405060708090a0b0c0d0e0f', 'hex'))", "'00010203-0405-0607-0809-0a0b0c0d0e0f'"],
        ["UUID(TO_BYTES('00', 'hex'))", 'NULL'],
      ],
      body: (value: Uint8Array) => {
        if (value.length !== 16) return null;
        const part = (start: number, end: number): string => hex(value.subarray(start, end));
        return `${part(0, 4)}-${part(4, 6)}-${part(6, 8)}-${part(8, 10)}-${part(10, 16)}`;
      },
    }),
  ],
};

export const conversions: Family = {
  category: 'CONVERSIONS',
  functions: [
    define({
      signature: ordered('INT_FROM_BYTES', 'INT'),
      doc: "The INTEGER in 4 bytes, the highest first, or as the order 'BIG_ENDIAN' or 'LITTLE_ENDIAN' says.",
      nulls: 'propagate',
      examples: [
        ["INT_FROM_BYTES(TO_BYTES('00000100', 'hex'))", '256'],
        ["INT_FROM_BYTES(TO_BYTES('00010000', 'hex'), 'LITTLE_ENDIAN')", '256'],
      ],
      body: (value: Uint8Array, order = 'BIG_ENDIAN') => {
        const [view, little] = numberIn(value, 4, order);
        return view.getInt32(0, little);
      },
    }),
    define({
      signature: ordered('BIGINT_FROM_BYTES', 'BIGINT'),
      doc: "The BIGINT in 8 bytes, the highest first, or as the order 'BIG_ENDIAN' or 'LITTLE_ENDIAN' says.",
      nulls: 'propagate',
      examples: [["BIGINT_FROM_BYTES(TO_BYTES('0000000000000100', 'hex'))", '256']],
      body: (value: Uint8Array, order = 'BIG_ENDIAN') => {
        const [view, little] = numberIn(value, 8, order);
        return normalizeBigint(view.getBigInt64(0, little));
      },
    }),
    define({
      signature: ordered('DOUBLE_FROM_BYTES', 'DOUBLE'),
      doc: "The DOUBLE in 8 bytes, the highest first, or as the order 'BIG_ENDIAN' or 'LITTLE_ENDIAN' says.",
      nulls: 'propagate',
      examples: [["DOUBLE_FROM_BYTES(TO_BYTES('3ff8000000000000', 'hex'))", '1.5E0']],
      body: (value: Uint8Array, order = 'BIG_ENDIAN') => {
        const [view, little] = numberIn(value, 8, order);
        return view.getFloat64(0, little);
      },
    }),
  ],
};
