/**
 * What generated writers of binary formats share: room for a whole row is made first, from the lengths of its texts, so
 * that nothing is checked while it is written. What is long, rare or made of parts goes the plain way in between.
 */

import { type ByteWriter, writeUtf8 } from '../../../base/index.ts';
import { type Code, Constants, code, joinCode, noCode, run } from '../../codegen/code.ts';
import type { Value } from '../../types/value.ts';
import type { RowWriter } from '../format.ts';
import { spanLength, spanText } from '../text-span.ts';

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

  /** Writes `v`, a span by the constant `put`, which answers where it ends or with -1, and a text by the code. */
  span(put: number, text: Code): Code {
    return code`
  if (typeof v === 'number') {
    e = k${put}(b, at, bytes, v);
    if (e < 0) v = k${this.constants.add(spanText)}(bytes, v);
    else at = e;
  }
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
    return run(body, this.constants) as RowWriter['write'];
  }
}

/** Writes the whole number `x`, which is not negative and may be larger than 32 bits, in groups of seven. */
export const storeVarint: Code = code`
    while (x > 2147483647) { b[at++] = (x % 128) | 128; x = Math.floor(x / 128); }
    while (x > 127) { b[at++] = (x & 127) | 128; x >>>= 7; }
    b[at++] = x;`;
