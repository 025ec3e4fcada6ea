/**
 * What generated writers of binary formats share: room for a whole row is made first, from the lengths of its texts, so
 * that nothing is checked while it is written. What is long, rare or made of parts goes the plain way in between.
 */

import {
  type ByteWriter,
  type Code,
  Constants,
  code,
  joinCode,
  noCode,
  runCode,
  writeUtf8,
} from '../../../base/index.ts';
import type { Value } from '../../types/value.ts';
import type { RowWriter } from '../format.ts';
import { spanLength, spanStart, spanText } from '../text-span.ts';

/** Puts the text of a span at `at`, where there is room for it. Answers where it ends, or -1: it has to be written as a
 *  text. */
export type SpanPutter = (buffer: Uint8Array, at: number, bytes: Uint8Array, span: number) => number;

/** Puts ASCII of up to so many bytes behind these bytes and one that tells its length. */
export const putterBehind = (
  before: Uint8Array,
  longest: number,
  lengthByte: (length: number) => number,
): SpanPutter => {
  const lengths = Uint8Array.from({ length: longest + 1 }, (_, length) => lengthByte(length));
  return (buffer, at, bytes, span) => {
    const length = spanLength(span);
    if (length > longest) return -1;
    let to = at;
    for (let i = 0; i < before.length; i++) buffer[to++] = before[i] as number;
    buffer[to++] = lengths[length] as number;
    const start = spanStart(span);
    let all = 0;
    for (let i = 0; i < length; i++) {
      const byte = bytes[start + i] as number;
      all |= byte;
      buffer[to++] = byte;
    }
    return all < 128 ? to : -1;
  };
};

export class RowWriterCode {
  readonly constants = new Constants();
  readonly utf8 = this.constants.add(writeUtf8);
  /** Texts up to this length are written in place. */
  readonly longestInPlace: number;
  readonly #room: number;
  readonly #texts: Code[] = [];
  readonly #spans: boolean;

  /** `room`: for a row without its texts. `spans`: they may be spans. */
  constructor(room: number, longestInPlace: number, spans: boolean) {
    this.#room = room;
    this.longestInPlace = longestInPlace;
    this.#spans = spans;
  }

  /** Writes `v` in the plain form. */
  plain(write: (value: Value, out: ByteWriter) => void): Code {
    return code`
  out.length = at;
  k${this.constants.add(write)}(v, out);
  out.reserve(${this.#room} + more);
  b = out.buffer; view = out.view(); at = out.length;`;
  }

  /** Makes room for the text in a column, where that is written in place. */
  text(slot: number): void {
    const ofText = code`if (v !== null && v.length <= ${this.longestInPlace}) more += v.length * 3;`;
    this.#texts.push(
      this.#spans
        ? code`v = row[${slot}]; if (typeof v === 'number') more += k${this.constants.add(spanLength)}(v) * 3; else ${ofText}`
        : code`v = row[${slot}]; ${ofText}`,
    );
  }

  /** Writes `v`: a text by the code, a span by `put` where that can. */
  span(put: SpanPutter | undefined, text: Code): Code {
    const read = code`v = k${this.constants.add(spanText)}(bytes, v);`;
    const putOrRead =
      put === undefined
        ? read
        : code`e = k${this.constants.add(put)}(b, at, bytes, v); if (e < 0) ${read} else at = e;`;
    return code`
  if (typeof v === 'number') { ${putOrRead} }
  if (typeof v === 'string') { ${text} }`;
  }

  /** The writer of a row whose fields are written by these pieces of code. */
  finish(pieces: readonly Code[]): RowWriter['write'] {
    const body = code`
return function (row, out, bytes) {
  let v = null, x = 0, e = 0, more = 0;
  ${this.#texts.length === 0 ? noCode : joinCode(this.#texts)}
  out.reserve(${this.#room} + more);
  let b = out.buffer, view = out.view(), at = out.length;
  ${joinCode(pieces)}
  out.length = at;
  return true;
};`;
    return runCode(body, this.constants) as RowWriter['write'];
  }
}

/** Writes the whole number `x`, which is not negative and may be larger than 32 bits, in groups of seven. */
export const storeVarint: Code = code`
    while (x > 2147483647) { b[at++] = (x % 128) | 128; x = Math.floor(x / 128); }
    while (x > 127) { b[at++] = (x & 127) | 128; x >>>= 7; }
    b[at++] = x;`;
