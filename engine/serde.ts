/** How values become bytes and come back. `read` throws `SerdeError` on bytes it cannot read; it never throws anything
 *  else. */

import type { ByteWriter } from '../base/index.ts';

export interface Serde<T> {
  /** Names the form; part of a store's description. */
  readonly name: string;
  write(value: T, out: ByteWriter): void;
  read(bytes: Uint8Array, start: number, end: number): T;
}

/** Bytes that are not what the serde expects: bad data, an ordinary thing; goes to the processing log. */
export class SerdeError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'SerdeError';
  }
}
