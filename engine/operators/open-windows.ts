/**
 * The windows of an aggregate that sends one result for each, when it closes: those that have a result and are still
 * open, by the time when they close.
 *
 * A window is sent when stream time has reached that time: right after the record that moves it there, or at a commit
 * (`OperatorContext.reachedTime`), in the order of closing, then of the key's bytes. It is removed from here then.
 * State: an ordered store (`../stores/keys-by-time.ts`), one entry for each key with its window, as it goes on.
 */

import type { ByteWriter } from '../../base/index.ts';
import type { OperatorContext } from '../operator.ts';
import { KeysByTime } from '../stores/keys-by-time.ts';

export class OpenWindows {
  readonly #keys: KeysByTime;

  constructor(context: OperatorContext, store: string) {
    this.#keys = new KeysByTime(context.store(store, 'ordered'), () => context.scratch());
  }

  /** The key has its first result in this window. */
  add(closesAt: number, key: ByteWriter): void {
    this.#keys.add(closesAt, key.buffer, 0, key.length);
  }

  /** It has none any more. */
  remove(closesAt: number, key: ByteWriter): void {
    this.#keys.remove(closesAt, key.buffer, 0, key.length);
  }

  /** Calls `close` for each window that closes at this time or before. */
  closeUntil(time: number, close: (key: Uint8Array, keyStart: number, keyEnd: number) => void): void {
    const keys = this.#keys;
    while (keys.take(time)) close(keys.keyBytes, keys.keyStart, keys.keyEnd);
  }

  /** At the end of a transaction. */
  flush(time: number, close: (key: Uint8Array, keyStart: number, keyEnd: number) => void): void {
    this.closeUntil(time, close);
    this.#keys.settle();
  }

  /** When the first of them closes; Infinity: there is none. */
  get earliest(): number {
    return this.#keys.earliest;
  }

  rollback(): void {
    this.#keys.rollback();
  }
}
