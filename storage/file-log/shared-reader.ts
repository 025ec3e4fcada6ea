/**
 * Reading a file log from another thread: the segment files directly, by the shared view of the thread that owns the
 * log (`shared-view.ts`).
 *
 * The same rules as there: nothing below the start, nothing at or behind the limit of the isolation, aborted ranges
 * known before data below the stable offset is returned, checksums verified.
 *
 * Compaction replaces segments under open files. A number in the shared view (`layout`) changes with each replacement:
 * what was read while it changed is not used, and everything that is known of the files is looked up again.
 *
 * When the log is closed, or its thread ends, fetches and questions fail with LOG_CLOSED, those that wait included.
 */

import { assert, BufferPool, FileError, type FileSystem, joinPath } from '../../base/index.ts';
import { failureOf, foundNothing } from '../fetched.ts';
import type {
  Chunk,
  Fetched,
  FetchFailure,
  FetchOptions,
  FetchRequest,
  Isolation,
  PartitionOffsets,
  Reader,
  TopicPartition,
} from '../log.ts';
import {
  closedError,
  offsetOutOfRange,
  readFailed,
  topicReplaced,
  unknownPartition,
  unknownTopic,
} from '../log-errors.ts';
import type { AbortedRange } from '../partition-state.ts';
import { OpenFiles } from './open-files.ts';
import { OwnerPort } from './owner-port.ts';
import { SharedPartition } from './shared-partition.ts';
import {
  changeCounter,
  deletedStart,
  type SharedAnnouncement,
  type SharedLogView,
  type SharedTopic,
  SharedWords,
  type SlotOfTopic,
  waitingCounter,
  word,
} from './shared-view.ts';

/** One per thread; any number of readers share its files and its list of aborted transactions. */
export interface SharedReaders {
  reader(): Reader;
  /** See `Log.offsets`; the log's own thread is not asked. */
  offsets(target: TopicPartition): Promise<PartitionOffsets>;
  /** See `Log.deletionsKeptFrom`. */
  deletionsKeptFrom(target: TopicPartition): Promise<number>;
  close(): void;
}

export const openSharedReaders = (view: SharedLogView, files: FileSystem): SharedReaders => new SharedLog(view, files);

/** A single reader of its own; `close` closes everything it holds. */
export const openSharedReader = (view: SharedLogView, files: FileSystem): Reader => {
  const shared = new SharedLog(view, files);
  const reader = shared.reader();
  return {
    fetch: (requests, options) => reader.fetch(requests, options),
    wakeup: () => reader.wakeup(),
    close() {
      reader.close();
      shared.close();
    },
  };
};

/** What the shared view holds of a partition, as of one moment. */
interface Watermarks extends PartitionOffsets {
  readonly abortedVersion: number;
  readonly openProducer: number;
  readonly stableWithout: number;
}

class SharedLog implements SharedReaders {
  readonly #directory: string;
  readonly #files: FileSystem;
  readonly #words: SharedWords;
  readonly #owner: OwnerPort;
  readonly #pool = new BufferPool();
  readonly #openFiles: OpenFiles;
  readonly #topics = new Map<string, SharedTopic>();
  /** By slot. */
  readonly #partitions = new Map<number, SharedPartition>();
  readonly #readers = new Set<Reader>();
  #closed = false;

  constructor(view: SharedLogView, files: FileSystem) {
    this.#directory = view.directory;
    this.#files = files;
    this.#openFiles = new OpenFiles(view.openFiles);
    this.#words = new SharedWords(view.shared);
    for (const topic of view.topics) this.#topics.set(topic.name, topic);
    this.#owner = new OwnerPort(view.port, {
      announced: (message) => this.#announced(message),
      closed: () => this.#end(),
    });
  }

  #announced(message: SharedAnnouncement): void {
    if (message.kind === 'created') this.#topics.set(message.topic.name, message.topic);
    else this.#drop(message.name);
  }

  #drop(name: string): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) return;
    this.#topics.delete(name);
    for (let slot = topic.firstSlot; slot < topic.firstSlot + topic.partitions; slot++) {
      this.#partitions.get(slot)?.close();
      this.#partitions.delete(slot);
    }
  }

  /** The partition; asks the owner about a topic that is not known here. */
  async #partition(target: TopicPartition & Pick<FetchRequest, 'topicId'>): Promise<SharedPartition> {
    let topic = this.#topics.get(target.topic);
    if (topic === undefined || !this.#exists(topic)) {
      topic = (await this.#owner.ask('topic', target.topic))?.topic;
      if (topic === undefined) throw unknownTopic(target);
      this.#topics.set(topic.name, topic);
    }
    const { id, partitions, firstSlot, number: topicNumber } = topic;
    if (target.topicId !== undefined && target.topicId !== id) throw topicReplaced(target.topic);
    if (!(target.partition >= 0 && target.partition < partitions)) throw unknownPartition(target, partitions);
    const slot = firstSlot + target.partition;
    let partition = this.#partitions.get(slot);
    if (partition?.slot.topicNumber !== topicNumber) {
      partition?.close();
      const directory = joinPath(this.#directory, 'topics', id, String(target.partition));
      partition = new SharedPartition(this.#files, this.#openFiles, directory, { slot, topicNumber });
      this.#partitions.set(slot, partition);
    }
    return partition;
  }

  /** Whether the topic still has its slots. */
  #exists({ firstSlot, number }: SharedTopic): boolean {
    const words = this.#words;
    return words.get(firstSlot, word.start) !== deletedStart && words.get(firstSlot, word.topic) === number;
  }

  /** All words of a partition as of one moment; a slot that belongs to another topic now reads as deleted. */
  #watermarks({ slot, topicNumber }: SlotOfTopic): Watermarks {
    const words = this.#words;
    for (;;) {
      const version = words.get(slot, word.version);
      const marks: Watermarks = {
        start: words.get(slot, word.topic) === topicNumber ? words.get(slot, word.start) : deletedStart,
        stable: words.get(slot, word.stable),
        end: words.get(slot, word.end),
        abortedVersion: words.get(slot, word.abortedVersion),
        openProducer: words.get(slot, word.openProducer),
        stableWithout: words.get(slot, word.stableWithout),
      };
      if (version % 2 === 0 && version === words.get(slot, word.version)) return marks;
    }
  }

  async offsets(target: TopicPartition): Promise<PartitionOffsets> {
    const { slot } = await this.#partition(target);
    const { start, stable, end } = this.#watermarks(slot);
    if (start === deletedStart) throw unknownTopic(target);
    return { start, stable, end };
  }

  async deletionsKeptFrom(target: TopicPartition): Promise<number> {
    const { slot } = await this.#partition(target);
    const answer = await this.#owner.ask('deletions', slot);
    if (answer === undefined) throw unknownTopic(target);
    return answer.keptFrom;
  }

  reader(): Reader {
    let woken = false;
    let wake: (() => void) | undefined;
    let closed = false;
    const { counters } = this.#words;
    const reader: Reader = {
      fetch: async (requests, options) => {
        const until = options.maxWaitMs;
        let waited = until <= 0;
        let expiry: Promise<unknown> | undefined;
        for (;;) {
          if (this.#closed || closed) throw closedError();
          const seen = Atomics.load(counters, changeCounter);
          const fetched = await this.#read(requests, options);
          if (!foundNothing(fetched) || waited || woken) {
            woken = false;
            return fetched;
          }
          Atomics.add(counters, waitingCounter, 1);
          try {
            // The limit of time is for a wait that something else has ended: only a change would remove it otherwise.
            const change = Atomics.waitAsync(counters, changeCounter, seen, until);
            if (!change.async) continue;
            expiry ??= expiryOf(until);
            const woke = new Promise<void>((resolve) => {
              wake = resolve;
            });
            const expired = await this.#owner.keepAwake(Promise.race([change.value, woke, expiry]));
            if (expired === 'timed-out') waited = true;
          } finally {
            wake = undefined;
            Atomics.sub(counters, waitingCounter, 1);
          }
        }
      },
      wakeup: () => {
        woken = true;
        wake?.();
      },
      close: () => {
        closed = true;
        this.#readers.delete(reader);
        reader.wakeup();
      },
    };
    this.#readers.add(reader);
    return reader;
  }

  async #read(requests: readonly FetchRequest[], options: FetchOptions): Promise<Fetched> {
    const chunks: Chunk[] = [];
    const failures: FetchFailure[] = [];
    for (const request of requests) {
      try {
        const partition = await this.#partition(request);
        const chunk = await this.#readPartition(partition, request, options.maxBytesPerPartition);
        if (chunk !== undefined) chunks.push(chunk);
      } catch (cause) {
        failures.push(failureOf(request, cause, chunks));
      }
    }
    return { chunks, failures };
  }

  async #readPartition(
    partition: SharedPartition,
    request: FetchRequest,
    maxBytes: number,
  ): Promise<Chunk | undefined> {
    const { slot } = partition;
    const { offset } = request;
    const marks = await this.#marksWithAborted(partition, request);
    const { start, stable, end } = marks;
    if (start === deletedStart) throw unknownTopic(request);
    if (!(offset >= start && offset <= end)) throw offsetOutOfRange(request, offset, start, end);
    const limit = limitOf(marks, request.isolation);
    if (offset >= limit) return undefined;
    const layout = this.#words.get(slot.slot, word.layout);
    const changed = (): boolean => layout % 2 !== 0 || this.#words.get(slot.slot, word.layout) !== layout;
    if (changed()) {
      // Segments are being replaced: a matter of milliseconds.
      await this.#owner.keepAwake(expiryOf(1));
      return this.#readPartition(partition, request, maxBytes);
    }
    try {
      const read = { request, limit, maxBytes, offsets: { start, stable, end } };
      const chunk = partition.read(read, layout, this.#pool);
      if (!changed()) return chunk;
      chunk?.release();
      return await this.#readPartition(partition, request, maxBytes);
    } catch (cause) {
      if (changed()) return this.#readPartition(partition, request, maxBytes);
      if (!(cause instanceof FileError)) throw cause;
      // The file may have been deleted meanwhile, with its topic or its records.
      const now = this.#watermarks(slot);
      if (now.start === deletedStart) throw unknownTopic(request);
      if (offset < now.start) throw offsetOutOfRange(request, offset, now.start, now.end);
      throw readFailed(request, cause);
    }
  }

  /** The watermarks of a partition, whose aborted ranges below the stable offset are known then. */
  async #marksWithAborted(partition: SharedPartition, request: FetchRequest): Promise<Watermarks> {
    for (;;) {
      const marks = this.#watermarks(partition.slot);
      if (marks.abortedVersion === partition.knownAborted || marks.start === deletedStart) return marks;
      const answer = await this.#owner.ask('aborted', partition.slot);
      if (answer === undefined) throw unknownTopic(request);
      partition.visibility.replaceAborted(rangesOf(answer.ranges));
      partition.knownAborted = answer.version;
    }
  }

  /** The log is closed, or its thread has ended. */
  #end(): void {
    this.#closed = true;
    for (const partition of this.#partitions.values()) partition.close();
    for (const reader of this.#readers) reader.wakeup();
  }

  close(): void {
    this.#owner.close();
  }
}

const rangesOf = (sent: Float64Array): AbortedRange[] => {
  assert(sent.length % 3 === 0, () => `${sent.length} numbers are not whole aborted ranges`);
  return Array.from({ length: sent.length / 3 }, (_, i) => {
    const [producerId = -1, first = -1, last = -1] = sent.subarray(i * 3, i * 3 + 3);
    assert(
      producerId >= 0 && first >= 0 && first <= last,
      () => `not an aborted range: ${producerId} ${first} ${last}`,
    );
    return { producerId, first, last };
  });
};

const limitOf = (marks: Watermarks, isolation: Isolation): number => {
  switch (isolation.kind) {
    case 'uncommitted':
      return marks.end;
    case 'committed':
      return marks.stable;
    case 'own':
      return isolation.producerId === marks.openProducer ? marks.stableWithout : marks.stable;
  }
};

/** Answers `timed-out` after a while, by waiting for a word that never changes: no timer of the host is needed. */
const expiryOf = (ms: number): Promise<'not-equal' | 'ok' | 'timed-out'> => {
  const wait = Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  return wait.async ? wait.value : Promise.resolve(wait.value);
};
