/**
 * The processing log: one row for each record, or part of one, that a query left out.
 *
 * Rows are appended within the query's own transaction. When it is rolled back they go with it and come again with the
 * retry, so a row stands there once for each record dropped. A row is a JSON object:
 *
 *   {"time": epoch ms, "query": id, "task": "0_1", "node": name, "reason": "late", "detail": sentence,
 *    "topic": …, "partition": …, "offset": …, "timestamp": …, "key": base64 or null, "value": base64 or null}
 *
 * `topic` to `value` describe the record that was read; they are null (−1 for `partition` and `offset`) where that is
 * not known.
 */

import { ByteWriter, base64 } from '../../base/index.ts';
import { BatchBuilder } from '../../storage/index.ts';
import type { Drop } from './drops.ts';
import { batchTargetBytes } from './partitioned-writer.ts';

/** Rows are cut so that one never exceeds what a topic takes: original bytes beyond this are left out. */
const longestOriginal = 256 * 1024;

const original = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : base64(bytes.length > longestOriginal ? bytes.subarray(0, longestOriginal) : bytes);

/** Collects the rows of one query on one host. */
export class ProcessingLogWriter {
  readonly #queryId: string;
  readonly #now: () => number;
  readonly #hand: (bytes: Uint8Array) => void;
  readonly #builder = new BatchBuilder({ capacity: 1024 });
  readonly #row = new ByteWriter(512);

  constructor(queryId: string, now: () => number, hand: (bytes: Uint8Array) => void) {
    this.#queryId = queryId;
    this.#now = now;
    this.#hand = hand;
  }

  drop(drop: Drop): void {
    const time = this.#now();
    const known = drop.offset >= 0;
    const row = {
      time,
      query: this.#queryId,
      task: drop.taskId,
      node: drop.node,
      reason: drop.reason,
      detail: drop.detail.slice(0, 4096),
      topic: drop.topic === '' ? null : drop.topic,
      partition: drop.partition,
      offset: drop.offset,
      timestamp: known || drop.timestamp !== 0 ? drop.timestamp : null,
      key: original(drop.key),
      value: original(drop.value),
    };
    const out = this.#row;
    out.reset();
    out.utf8(JSON.stringify(row));
    if (this.#builder.count > 0 && this.#builder.sizeWith(0, out.length) > batchTargetBytes) this.flush();
    this.#builder.append(out.buffer, -1, -1, out.buffer, 0, out.length, time);
  }

  /** Hands over what was collected. */
  flush(): void {
    if (this.#builder.count > 0) this.#hand(this.#builder.finish());
  }

  discard(): void {
    this.#builder.reset();
  }
}
