/**
 * The left rows of a foreign-key join whose subscription has not been answered yet, so that no result goes out twice:
 * an answer to an earlier row of the key is passed over while the row's own answer is on its way, and so is one that
 * brings the right row that the left row was joined with meanwhile.
 *
 * A store that is not logged and may forget: what is missing is joined, and the same result may come again.
 *
 *   fingerprint of the left row that asked last i64 · what it is joined with i8 · fingerprint of the right row i64
 */

import { type ByteWriter, readI64 } from '../../base/index.ts';
import type { OperatorContext } from '../operator.ts';
import type { StreamRecord } from '../record.ts';
import type { KeyValueStore } from '../stores/store.ts';
import type { Answer } from './foreign-key-messages.ts';

/** What the row is joined with until it is answered. */
export const joinedWith = {
  /** Not joined yet. */
  unknown: 0,
  row: 1,
  noRow: 2,
  /** Not joined yet, and its key has no result. */
  nothing: 3,
} as const;

export class Asked {
  /** Of the row of the last `passesOver`: the fingerprint under which it has asked and is not answered; NaN: none. */
  left = Number.NaN;
  readonly #store: KeyValueStore;
  readonly #entry: ByteWriter;

  constructor(context: OperatorContext, store: string) {
    this.#store = context.store(store, 'key-value');
    this.#entry = context.scratch();
  }

  /** The row has asked, under this fingerprint: an answer to it will come. */
  ask(record: StreamRecord<unknown>, left: number, joined: number): void {
    this.#put(record, left, joined, 0);
  }

  /** The row was joined with a right row, or with none. */
  join({ keyBytes, keyStart, keyEnd }: StreamRecord<unknown>, right: number, hasRow: boolean): void {
    const store = this.#store;
    if (!store.get(keyBytes, keyStart, keyEnd)) return;
    const left = readI64(store.valueBytes, store.valueStart);
    const record = { keyBytes, keyStart, keyEnd };
    this.#put(record, left, hasRow ? joinedWith.row : joinedWith.noRow, right);
  }

  /** Takes note of an answer for the row with the record's key. True: it brings no result that is not there, or comes
   *  by itself. */
  passesOver(answer: Answer, { keyBytes, keyStart, keyEnd }: StreamRecord<unknown>): boolean {
    const store = this.#store;
    this.left = Number.NaN;
    if (!store.get(keyBytes, keyStart, keyEnd)) return false;
    const { valueBytes, valueStart } = store;
    const left = readI64(valueBytes, valueStart);
    const isLast = left === answer.left;
    const joined = valueBytes[valueStart + 8];
    const right = readI64(valueBytes, valueStart + 9);
    if (isLast) store.delete(keyBytes, keyStart, keyEnd);
    else this.left = left;
    if (joined === joinedWith.unknown || joined === joinedWith.nothing)
      return !isLast || (joined === joinedWith.nothing && answer.rowStart < 0);
    return right === answer.fingerprint && (joined === joinedWith.row) === answer.rowStart >= 0;
  }

  #put(
    { keyBytes, keyStart, keyEnd }: Pick<StreamRecord<unknown>, 'keyBytes' | 'keyStart' | 'keyEnd'>,
    left: number,
    joined: number,
    right: number,
  ): void {
    const entry = this.#entry;
    entry.reset();
    entry.i64(left);
    entry.i8(joined);
    entry.i64(right);
    // Without it the same result may come again.
    if (!this.#store.put(keyBytes, keyStart, keyEnd, entry.buffer, 0, entry.length))
      this.#store.delete(keyBytes, keyStart, keyEnd);
  }
}
