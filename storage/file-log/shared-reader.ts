/**
 * Reading a file log from another thread: the segment files directly, by the shared view of the thread that owns the
 * log.
 *
 * The same rules as there: nothing below the start, nothing at or behind the limit of the isolation, aborted ranges
 * known before data below the stable offset is served, checksums verified. A partition's segments are found by listing
 * its directory; where a reader stopped is remembered, so that reading on costs one `read` and no look-up.
 *
 * Compaction replaces segments under open files. A number in the shared view (`layout`) changes with each replacement:
 * what was read while it changed is not used, and everything that is known of the files is then looked up anew.
 */

import { BufferPool, FileError, type FileSystem, joinPath, type OpenFile } from '../../base/index.ts';
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
import { closedError, offsetOutOfRange, readFailed, unknownPartition, unknownTopic } from '../log-errors.ts';
import { PartitionState } from '../partition-state.ts';
import { OffsetIndex } from './offset-index.ts';
import { type FileUser, OpenFiles } from './open-files.ts';
import { corruption, readSegment } from './read-segment.ts';
import { offsetInName, readSideFile, segmentName } from './segment.ts';
import {
  changeCounter,
  firstSlotWord,
  type SharedAnswer,
  type SharedLogView,
  type SharedQuestion,
  type SharedTopic,
  slotWords,
  waitingCounter,
  word,
} from './shared-view.ts';

/** One per thread; any number of readers share its files and what it knows of aborted transactions. */
export interface SharedReaders {
  reader(): Reader;
  /** What the contract's `offsets` answers, without asking the log's own thread. */
  offsets(target: TopicPartition): Promise<PartitionOffsets>;
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

interface Watermarks extends PartitionOffsets {
  readonly abortedVersion: number;
  readonly openProducer: number;
  readonly stableWithout: number;
}

/** The start of a topic that is gone. */
const deleted = -1;

const mostResumePoints = 64;

class SharedSegment implements FileUser {
  readonly baseOffset: number;
  readonly openFile: () => OpenFile;

  constructor(files: FileSystem, directory: string, baseOffset: number) {
    this.baseOffset = baseOffset;
    this.openFile = () => files.open(joinPath(directory, segmentName(baseOffset, 'log')), 'read');
  }
}

/** In the segment `base` a batch that begins at this offset lies at this position. */
interface ReadPoint {
  readonly base: number;
  readonly position: number;
  readonly offset: number;
}

class SharedPartition {
  readonly slot: number;
  readonly topicNumber: number;
  readonly directory: string;
  /** Knows the aborted ranges, and nothing else. */
  readonly visibility = new PartitionState();
  knownAborted = 0;
  /** The layout that the open files and the places where readers stopped belong to. */
  layout = 0;
  readonly #files: FileSystem;
  readonly #open: OpenFiles;
  #bases: number[] = [];
  /** Those that were read, by base offset. */
  readonly #segments = new Map<number, SharedSegment>();
  readonly #resume = new Map<number, ReadPoint>();

  constructor(files: FileSystem, open: OpenFiles, directory: string, slot: number, topicNumber: number) {
    this.topicNumber = topicNumber;
    this.#files = files;
    this.#open = open;
    this.directory = directory;
    this.slot = slot;
  }

  #list(): void {
    this.#bases = this.#files
      .readdir(this.directory)
      .map((name) => offsetInName(name, 'log'))
      .filter((base) => base !== undefined)
      .sort((a, b) => a - b);
    // A deleted file takes space until it is closed.
    for (const [base, segment] of this.#segments) if (!this.#bases.includes(base)) this.#drop(base, segment);
  }

  #drop(base: number, segment: SharedSegment): void {
    this.#open.close(segment);
    this.#segments.delete(base);
  }

  /** The segment with the offset, as far as the last listing knows. */
  #floor(offset: number): number | undefined {
    let found: number | undefined;
    for (const base of this.#bases) if (base <= offset) found = base;
    return found;
  }

  #file(base: number): OpenFile {
    let segment = this.#segments.get(base);
    if (segment === undefined) {
      segment = new SharedSegment(this.#files, this.directory, base);
      this.#segments.set(base, segment);
    }
    return this.#open.of(segment);
  }

  /** A batch at or below the offset, in the segment that holds it. */
  #find(offset: number): ReadPoint | undefined {
    this.#list();
    const base = this.#floor(offset);
    if (base === undefined) return undefined;
    const bytes = readSideFile(this.#files, joinPath(this.directory, segmentName(base, 'index')));
    const size = this.#file(base).size();
    const index = bytes === undefined ? undefined : OffsetIndex.decode(bytes, base, size);
    return { base, ...(index?.floor(offset) ?? { offset: base, position: 0 }) };
  }

  read(
    request: FetchRequest,
    limit: number,
    offsets: PartitionOffsets,
    maxBytes: number,
    pool: BufferPool,
  ): Chunk | undefined {
    const { topic, partition, offset, isolation } = request;
    let at: ReadPoint | undefined = this.#resume.get(offset) ?? this.#find(offset);
    let nextOffset = offset;
    while (at !== undefined && nextOffset < limit) {
      const { base, position, offset: positionOffset }: ReadPoint = at;
      const file = this.#file(base);
      const read = readSegment(
        {
          topic,
          partition,
          file,
          size: file.size(),
          position,
          positionOffset,
          offset: nextOffset,
          limit,
          maxBytes,
          visibility: isolation.kind === 'uncommitted' ? undefined : this.visibility,
          offsets,
        },
        pool,
      );
      nextOffset = read.nextOffset;
      this.#remember(nextOffset, { base, position: read.nextPosition, offset: read.nextPositionOffset });
      if (read.chunk !== undefined) return read.chunk;
      if (nextOffset >= limit) break;
      // The segment is at its end and there is more: a later one has it.
      this.#list();
      const next: number | undefined = this.#bases.find((candidate) => candidate > base);
      if (next === undefined)
        throw corruption({ topic, partition, file }, nextOffset, read.nextPosition, 'the file was shortened');
      at = { base: next, position: 0, offset: next };
      nextOffset = Math.max(nextOffset, next);
    }
    if (nextOffset === offset) return undefined;
    return { topic, partition, bytes: new Uint8Array(0), batches: [], nextOffset, offsets, release: () => {} };
  }

  #remember(offset: number, point: ReadPoint): void {
    this.#resume.delete(offset);
    if (this.#resume.size >= mostResumePoints) {
      const oldest = this.#resume.keys().next();
      if (oldest.done !== true) this.#resume.delete(oldest.value);
    }
    this.#resume.set(offset, point);
  }

  /** Looks everything up anew: segments have been replaced. */
  forgetFiles(layout: number): void {
    this.close();
    this.#resume.clear();
    this.layout = layout;
  }

  close(): void {
    for (const [base, segment] of this.#segments) this.#drop(base, segment);
  }
}

class SharedLog implements SharedReaders {
  readonly #view: SharedLogView;
  readonly #files: FileSystem;
  readonly #counters: Int32Array<SharedArrayBuffer>;
  readonly #words: BigInt64Array<SharedArrayBuffer>;
  readonly #pool = new BufferPool();
  readonly #openFiles: OpenFiles;
  readonly #topics = new Map<string, SharedTopic>();
  readonly #partitions = new Map<number, SharedPartition>();
  readonly #questions = new Map<number, (answer: SharedAnswer) => void>();
  #nextQuestion = 1;
  #awaited = 0;
  #closed = false;

  constructor(view: SharedLogView, files: FileSystem) {
    this.#view = view;
    this.#files = files;
    this.#openFiles = new OpenFiles(view.openFiles);
    this.#counters = new Int32Array(view.shared, 0, 16);
    this.#words = new BigInt64Array(view.shared);
    for (const topic of view.topics) this.#topics.set(topic.name, topic);
    view.port.addEventListener('message', (event: MessageEvent) => this.#hear(event.data as SharedAnswer));
    view.port.start();
    view.port.unref();
  }

  #hear(message: SharedAnswer): void {
    if (message.kind === 'created') this.#topics.set(message.topic.name, message.topic);
    else if (message.kind === 'deleted') this.#drop(message.name);
    else {
      this.#questions.get(message.request)?.(message);
      this.#questions.delete(message.request);
    }
  }

  #drop(name: string): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) return;
    this.#topics.delete(name);
    for (let i = 0; i < topic.partitions; i++) {
      this.#partitions.get(topic.firstSlot + i)?.close();
      this.#partitions.delete(topic.firstSlot + i);
    }
  }

  #ask(question: (request: number) => SharedQuestion): Promise<SharedAnswer> {
    const request = this.#nextQuestion++;
    return this.#awake(
      new Promise((resolve) => {
        this.#questions.set(request, resolve);
        this.#view.port.postMessage(question(request));
      }),
    );
  }

  /** Keeps the thread alive while something is awaited: neither a waiting word nor an idle port does. */
  async #awake<T>(awaited: Promise<T>): Promise<T> {
    if (this.#awaited++ === 0) this.#view.port.ref();
    try {
      return await awaited;
    } finally {
      if (--this.#awaited === 0) this.#view.port.unref();
    }
  }

  /** The partition; asks the owner about a topic not heard of yet. */
  async #partition(target: TopicPartition): Promise<SharedPartition> {
    let topic = this.#topics.get(target.topic);
    if (topic === undefined || !this.#isThere(topic)) {
      const answer = await this.#ask((request) => ({ kind: 'topic', request, name: target.topic }));
      if (answer.kind !== 'topic' || answer.topic === undefined) throw unknownTopic(target);
      topic = answer.topic;
      this.#topics.set(topic.name, topic);
    }
    const { id, partitions, firstSlot } = topic;
    if (!(target.partition >= 0 && target.partition < partitions)) throw unknownPartition(target, partitions);
    const slot = firstSlot + target.partition;
    let partition = this.#partitions.get(slot);
    if (partition?.topicNumber !== topic.number) {
      partition?.close();
      const directory = joinPath(this.#view.directory, 'topics', id, String(target.partition));
      partition = new SharedPartition(this.#files, this.#openFiles, directory, slot, topic.number);
      this.#partitions.set(slot, partition);
    }
    return partition;
  }

  /** Whether the topic still has its slots. */
  #isThere({ firstSlot, number }: SharedTopic): boolean {
    return this.#word(firstSlot, word.start) >= 0 && this.#word(firstSlot, word.topic) === number;
  }

  #word(slot: number, which: number): number {
    return Number(Atomics.load(this.#words, firstSlotWord + slot * slotWords + which));
  }

  /** All words of a partition as of one moment; a slot that has gone to another topic reads as deleted. */
  #watermarks({ slot, topicNumber }: SharedPartition): Watermarks {
    for (;;) {
      const version = this.#word(slot, word.version);
      const marks: Watermarks = {
        start: this.#word(slot, word.topic) === topicNumber ? this.#word(slot, word.start) : deleted,
        stable: this.#word(slot, word.stable),
        end: this.#word(slot, word.end),
        abortedVersion: this.#word(slot, word.abortedVersion),
        openProducer: this.#word(slot, word.openProducer),
        stableWithout: this.#word(slot, word.stableWithout),
      };
      if (version % 2 === 0 && version === this.#word(slot, word.version)) return marks;
    }
  }

  async offsets(target: TopicPartition): Promise<PartitionOffsets> {
    const { start, stable, end } = this.#watermarks(await this.#partition(target));
    if (start === deleted) throw unknownTopic(target);
    return { start, stable, end };
  }

  async deletionsKeptFrom(target: TopicPartition): Promise<number> {
    const { slot } = await this.#partition(target);
    const answer = await this.#ask((request) => ({ kind: 'deletions', request, slot }));
    if (answer.kind !== 'deletions') throw closedError();
    return answer.keptFrom;
  }

  reader(): Reader {
    let woken = false;
    let wake: (() => void) | undefined;
    let closed = false;
    return {
      fetch: async (requests, options) => {
        const counters = this.#counters;
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
            const change = Atomics.waitAsync(counters, changeCounter, seen);
            if (!change.async) continue;
            expiry ??= expiryOf(until);
            const woke = new Promise<void>((resolve) => {
              wake = resolve;
            });
            const expired = await this.#awake(Promise.race([change.value, woke, expiry]));
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
        woken = true;
        wake?.();
      },
    };
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
    let marks = this.#watermarks(partition);
    while (marks.abortedVersion !== partition.knownAborted) {
      const answer = await this.#ask((asked) => ({ kind: 'aborted', request: asked, slot: partition.slot }));
      if (answer.kind !== 'aborted') throw closedError();
      const { ranges } = answer;
      partition.visibility.replaceAborted(
        Array.from({ length: ranges.length / 3 }, (_, i) => ({
          producerId: ranges[i * 3] as number,
          first: ranges[i * 3 + 1] as number,
          last: ranges[i * 3 + 2] as number,
        })),
      );
      partition.knownAborted = answer.version;
      marks = this.#watermarks(partition);
    }
    const { offset } = request;
    if (marks.start < 0) throw unknownTopic(request);
    if (!(offset >= marks.start && offset <= marks.end)) {
      throw offsetOutOfRange(request, offset, marks.start, marks.end);
    }
    const limit = limitOf(marks, request.isolation);
    if (offset >= limit) return undefined;
    const { start, stable, end } = marks;
    const layout = this.#word(partition.slot, word.layout);
    const changed = (): boolean => layout % 2 !== 0 || this.#word(partition.slot, word.layout) !== layout;
    if (changed()) {
      // Segments are being replaced: a matter of milliseconds.
      await this.#awake(expiryOf(1));
      return this.#readPartition(partition, request, maxBytes);
    }
    if (layout !== partition.layout) partition.forgetFiles(layout);
    try {
      const chunk = partition.read(request, limit, { start, stable, end }, maxBytes, this.#pool);
      if (!changed()) return chunk;
      chunk?.release();
      return await this.#readPartition(partition, request, maxBytes);
    } catch (cause) {
      if (changed()) return this.#readPartition(partition, request, maxBytes);
      if (!(cause instanceof FileError)) throw cause;
      // The file may have been deleted since we looked, with its topic or its records.
      const now = this.#watermarks(partition);
      if (now.start < 0) throw unknownTopic(request);
      if (offset < now.start) throw offsetOutOfRange(request, offset, now.start, now.end);
      throw readFailed(request, cause);
    }
  }

  close(): void {
    this.#closed = true;
    for (const partition of this.#partitions.values()) partition.close();
    this.#view.port.close();
  }
}

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

/** Answers `timed-out` after a while, by a word that nobody ever changes: no timer of the host is needed. */
const expiryOf = (ms: number): Promise<'not-equal' | 'ok' | 'timed-out'> => {
  const wait = Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  return wait.async ? wait.value : Promise.resolve(wait.value);
};
