/**
 * The right rows that a left task of a foreign-key join was told of, by foreign key, so that its rows are joined with
 * them without asking again.
 *
 * A store that is not logged and may forget: what is missing is asked for.
 *
 *   fingerprint i64 · time i64 · bytes of the right row i32, −1: there is none · right row · primary key
 *
 * The primary key is that of the left row which the answer was for. While that row is subscribed each change of the
 * right row arrives here.
 */

import type { ByteWriter } from '../../base/index.ts';
import { equalBytes, readI32, readI64 } from '../../base/index.ts';
import type { OperatorContext } from '../operator.ts';
import type { StreamRecord } from '../record.ts';
import type { KeyValueStore, StoreSpec } from '../stores/store.ts';
import type { Answer } from './foreign-key-messages.ts';

const headBytes = 20;

export const partnersSpec = (name: string): StoreSpec => ({ name, kind: 'key-value', logged: false, forgets: true });

export class Partners {
  /** Of the row that `find` came to last; see `Answer`. */
  fingerprint = 0;
  timestamp = 0;
  rowBytes: Uint8Array = new Uint8Array(0);
  rowStart = -1;
  rowEnd = -1;
  readonly #store: KeyValueStore;
  readonly #entry: ByteWriter;

  constructor(context: OperatorContext, store: string) {
    this.#store = context.store(store, 'key-value');
    this.#entry = context.scratch();
  }

  /** Whether it is known what the right side has under this key; `rowStart` −1: nothing. The row is valid until the
   *  next call. */
  find({ buffer, length }: ByteWriter): boolean {
    return this.#find(buffer, 0, length);
  }

  #find(key: Uint8Array, start: number, end: number): boolean {
    const store = this.#store;
    if (!store.get(key, start, end)) return false;
    const { valueBytes, valueStart } = store;
    this.fingerprint = readI64(valueBytes, valueStart);
    this.timestamp = readI64(valueBytes, valueStart + 8);
    const bytes = readI32(valueBytes, valueStart + 16);
    this.rowBytes = valueBytes;
    this.rowStart = bytes < 0 ? -1 : valueStart + headBytes;
    this.rowEnd = this.rowStart + bytes;
    return true;
  }

  /** Takes what an answer tells, which came for the left row with the record's key. */
  keep(answer: Answer, { keyBytes, keyStart, keyEnd }: StreamRecord<unknown>): void {
    const { foreignKeyBytes, foreignKeyStart, foreignKeyEnd, rowBytes, rowStart, rowEnd } = answer;
    const known = this.#find(foreignKeyBytes, foreignKeyStart, foreignKeyEnd);
    if (known && this.fingerprint === answer.fingerprint && this.rowStart < 0 === rowStart < 0) return;
    const entry = this.#entry;
    entry.reset();
    entry.i64(answer.fingerprint);
    entry.i64(answer.timestamp);
    entry.i32(rowStart < 0 ? -1 : rowEnd - rowStart);
    if (rowStart >= 0) entry.bytes(rowBytes, rowStart, rowEnd);
    entry.bytes(keyBytes, keyStart, keyEnd);
    // Nothing is kept of what is too large for the store.
    if (!this.#store.put(foreignKeyBytes, foreignKeyStart, foreignKeyEnd, entry.buffer, 0, entry.length))
      this.#store.delete(foreignKeyBytes, foreignKeyStart, foreignKeyEnd);
  }

  /** The left row with the record's key is not subscribed to this foreign key any more. */
  end({ buffer, length }: ByteWriter, { keyBytes, keyStart, keyEnd }: StreamRecord<unknown>): void {
    if (!this.#find(buffer, 0, length)) return;
    const store = this.#store;
    const primary = this.rowStart < 0 ? store.valueStart + headBytes : this.rowEnd;
    if (equalBytes(store.valueBytes, primary, store.valueEnd, keyBytes, keyStart, keyEnd))
      store.delete(buffer, 0, length);
  }
}
