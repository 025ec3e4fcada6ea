/**
 * Headers of a record as users see them: a small immutable list. A key may occur several times; the last one counts
 * where one is asked for, as in Kafka.
 *
 * They are decoded when something is first read of them. Headers that are only passed on are never decoded: they go out
 * as the bytes that came in.
 */

import { encodeHeaders, type RecordHeader, readHeaders } from '../../storage/index.ts';

const noBytes = new Uint8Array(0);

export class RecordHeaders implements Iterable<RecordHeader> {
  /** No headers at all. */
  static readonly empty: RecordHeaders = new RecordHeaders([], noBytes);

  #list: readonly RecordHeader[] | undefined;
  #encoded: Uint8Array | undefined;

  private constructor(list: readonly RecordHeader[] | undefined, encoded: Uint8Array | undefined) {
    this.#list = list;
    this.#encoded = encoded;
  }

  /** Headers of this list, which is copied. */
  static of(headers: Iterable<RecordHeader>): RecordHeaders {
    const list = [...headers];
    return list.length === 0 ? RecordHeaders.empty : new RecordHeaders(list, undefined);
  }

  /** Headers as they lie in a batch, behind one byte of padding; the bytes are kept. */
  static ofEncoded(encoded: Uint8Array): RecordHeaders {
    return new RecordHeaders(undefined, encoded);
  }

  #decoded(): readonly RecordHeader[] {
    return (this.#list ??= readHeaders(this.#encoded ?? noBytes, 1));
  }

  /** The bytes of a batch, behind one byte of padding; empty where there are none. */
  encoded(): Uint8Array {
    return (this.#encoded ??= encodeHeaders(this.#list ?? []));
  }

  get size(): number {
    return this.#decoded().length;
  }

  [Symbol.iterator](): Iterator<RecordHeader> {
    return this.#decoded()[Symbol.iterator]();
  }

  /** The last header of this key. */
  last(key: string): RecordHeader | undefined {
    return this.#decoded().findLast((header) => header.key === key);
  }

  /** All headers of this key, in their order. */
  all(key: string): readonly RecordHeader[] {
    return this.#decoded().filter((header) => header.key === key);
  }

  /** These headers and one more behind them. */
  with(key: string, value: Uint8Array | null): RecordHeaders {
    return RecordHeaders.of([...this.#decoded(), { key, value }]);
  }

  /** These headers without those of this key. */
  without(key: string): RecordHeaders {
    return RecordHeaders.of(this.#decoded().filter((header) => header.key !== key));
  }
}
