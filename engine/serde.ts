/**
 * How values become bytes and come back. `write` throws `SerdeError` on a value that it cannot write, `read` on bytes
 * that it cannot read; neither throws anything else.
 *
 * A serde of a wider type is not one of a narrower type, nor the other way: `read` would give, or `write` would get,
 * what the other side does not expect. The functions are properties so that the compiler refuses both.
 */

import type { ByteWriter } from '../base/index.ts';

export interface Serde<T> {
  /** Names the form; part of a store's description. */
  readonly name: string;
  /** Bytes that each value takes; left out where values differ. */
  readonly length?: number;
  /** `read` fails on no bytes at all: nothing has to be read to see that they are sound. */
  readonly readsAll?: true;
  /** What is read cannot be changed, and its bytes may be written again in its place, though `write` might make others
   *  of it. */
  readonly keepsBytes?: true;
  /** What is read is lent until the next call of `read`: the one before was processed when a value is read. */
  readonly lends?: true;
  readonly write: (value: T, out: ByteWriter) => void;
  readonly read: (bytes: Uint8Array, start: number, end: number) => T;
  /** For values that cannot be read without something which lies elsewhere, such as the schema that they name. What
   *  reads records of a topic calls it first, with the starts (−1: none) and ends of several values: it begins to fetch
   *  what rows `[from, to)` need. Undefined: nothing is missing. The bytes are lent for the call only. */
  readonly prepare?: (
    bytes: Uint8Array,
    starts: Int32Array,
    ends: Int32Array,
    from: number,
    to: number,
  ) => Promise<void> | undefined;
}

/** Bytes that are not what the serde expects: bad data, an ordinary thing; goes to the processing log. */
export class SerdeError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'SerdeError';
  }
}
