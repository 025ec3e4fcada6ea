/** Markers of transactions that found no space on the disk: they are written again and again until there is space. */

import type { Timers } from '../../base/index.ts';
import { LogError } from '../log.ts';
import type { FilePartition } from './partition.ts';

const retryMs = 200;

export interface MarkerRetryHost {
  readonly timers: Timers;
  readonly fenced: LogError | undefined;
  fence(cause: unknown): void;
  allPartitions(): Iterable<FilePartition>;
}

export class MarkerRetry {
  readonly #log: MarkerRetryHost;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(log: MarkerRetryHost) {
    this.#log = log;
  }

  /** Begins to write the markers that wait, if there are any. */
  start(): void {
    if (this.#cancel !== undefined || this.#stopped) return;
    const waiting = [...this.#log.allPartitions()].filter((partition) => partition.hasPendingMarkers);
    if (waiting.length === 0) return;
    this.#cancel = this.#log.timers.after(retryMs, () => {
      this.#cancel = undefined;
      if (this.#stopped || this.#log.fenced !== undefined) return;
      for (const partition of waiting) this.#write(partition);
      this.start();
    });
  }

  #write(partition: FilePartition): void {
    try {
      if (!partition.deleted) partition.checkWritable();
    } catch (cause) {
      if (!(cause instanceof LogError)) this.#log.fence(cause);
    }
  }

  /** Writes the markers that wait in partitions where this producer's last transaction is still open, or throws why
   *  not. */
  finish(producerId: number): void {
    for (const partition of this.#log.allPartitions()) {
      if (partition.hasPendingMarkers && partition.state.openFrom(producerId) >= 0) partition.checkWritable();
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }
}
