/**
 * Guessing the format of the records of a topic, for PRINT: which of the formats could have written all that was seen.
 *
 * Each side of a topic begins with every format, and loses those that cannot read a record. The first of what is left
 * reads a record for people. Bytes of a registry's formats begin with a zero byte and the id of a schema, which tells
 * the format for certain, and how to read them. Where none is left, bytes are shown as they are.
 */

import { readI32, readI64 } from '../../base/index.ts';
import type { FramedText } from './framed-text.ts';
import { framingBytes, schemaIdAt } from './writer-schemas.ts';

/** How records that name the schema of an id are shown; undefined: there is none. */
export type FramedTexts = (id: number) => FramedText | undefined;

/** A format that records may have: reads one for people, or answers undefined for what it cannot have written. */
interface Guess {
  readonly name: string;
  read(bytes: Uint8Array): string | undefined;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
};

const isControl = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

const json: Guess = {
  name: 'JSON',
  read(bytes) {
    const text = textOf(bytes);
    try {
      const value: unknown = text === undefined ? undefined : JSON.parse(text);
      // A bare number is more likely a text, or the number of another format.
      return typeof value === 'object' && value !== null ? text : undefined;
    } catch {
      return undefined;
    }
  },
};

const kafkaString: Guess = {
  name: 'KAFKA_STRING',
  read(bytes) {
    const text = textOf(bytes);
    return text === undefined || isControl.test(text) ? undefined : text;
  },
};

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

const kafkaInt: Guess = {
  name: 'KAFKA_INT',
  read: (bytes) => (bytes.length === 4 ? String(readI32(bytes, 0)) : undefined),
};

const kafkaBigint: Guess = {
  name: 'KAFKA_BIGINT',
  read: (bytes) => (bytes.length === 8 ? String(viewOf(bytes).getBigInt64(0)) : undefined),
};

const kafkaDouble: Guess = {
  name: 'KAFKA_DOUBLE',
  read: (bytes) => (bytes.length === 8 ? String(viewOf(bytes).getFloat64(0)) : undefined),
};

const plain: readonly Guess[] = [json, kafkaString, kafkaInt, kafkaBigint, kafkaDouble];

/** The year 2200: what is beyond is no bound of a window. */
const lastTime = 7_258_118_400_000;

const timeAt = (bytes: Uint8Array, at: number): number | undefined => {
  const time = Number(readI64(bytes, at));
  return time >= 0 && time <= lastTime ? time : undefined;
};

const shownTime = (ms: number): string => new Date(ms).toISOString();

/** A key with the bounds of its window behind it: one, or both for sessions. */
const windowed = (guess: Guess, session: boolean): Guess => ({
  name: `${session ? 'SESSION' : 'TUMBLING'}(${guess.name})`,
  read(bytes) {
    const width = session ? 16 : 8;
    const end = bytes.length - width;
    if (end <= 0) return undefined;
    const key = guess.read(bytes.subarray(0, end));
    const first = timeAt(bytes, end);
    if (key === undefined || first === undefined) return undefined;
    if (!session) return `[${key}@${shownTime(first)}/-]`;
    // A session's end stands before its start.
    const start = timeAt(bytes, end + 8);
    return start === undefined || start > first ? undefined : `[${key}@${shownTime(start)}/${shownTime(first)}]`;
  },
});

const keys: readonly Guess[] = [
  json,
  kafkaString,
  ...[json, kafkaString].flatMap((guess) => [windowed(guess, true), windowed(guess, false)]),
  kafkaInt,
  kafkaBigint,
  kafkaDouble,
  ...[kafkaInt, kafkaBigint].flatMap((guess) => [windowed(guess, true), windowed(guess, false)]),
];

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** One side of a topic. */
export class SniffedFormat {
  #left: readonly Guess[];
  #framed: string | undefined;
  readonly #framedTexts: FramedTexts;

  constructor(side: 'key' | 'value', framedTexts: FramedTexts) {
    this.#left = side === 'key' ? keys : plain;
    this.#framedTexts = framedTexts;
  }

  /** The formats that could have written all that was read. */
  get name(): string {
    if (this.#framed !== undefined) return this.#framed;
    return this.#left.length === 0 ? 'UNRECOGNIZED_BYTES' : this.#left.map(({ name }) => name).join(' or ');
  }

  /** The record for people. NULL leaves all formats as they were. */
  read(bytes: Uint8Array | null): string {
    if (bytes === null) return '<null>';
    const id = schemaIdAt(bytes, 0, bytes.length);
    const framed = id < 0 ? undefined : this.#framedTexts(id);
    if (framed !== undefined) {
      this.#framed = framed.format;
      return framed.read(bytes) ?? `<schema ${id}> ${hex(bytes.subarray(framingBytes))}`;
    }
    const left = this.#left.filter((guess) => guess.read(bytes) !== undefined);
    if (left.length > 0) this.#left = left;
    const [first] = left;
    return first?.read(bytes) ?? hex(bytes);
  }
}
