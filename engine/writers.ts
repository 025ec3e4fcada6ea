/**
 * Writers: who wrote a batch of a repartition topic, and how far in time each of them is.
 *
 * Behind a repartition several tasks' records meet, each task at its own place in time. The largest timestamp seen in all of them says
 * nothing about one of them, so lateness is told per writer: the first record of each batch that a task writes to a repartition topic
 * carries the header `millrace.writer` = the task's id, always as the first header. The reader takes it off again: what goes on has the headers that the
 * record had before. For a plain source topic there is one writer: the partition.
 *
 * `OperatorTime` is one operator's stream time: per writer the largest timestamp that has reached *this operator* (what a filter kept
 * back does not count, as in Kafka Streams), and the stream time by which windows expire: the least over the writers that have just sent
 * something or may still do so. That one moves at commits only and never goes back. Both are kept with the operator's state.
 */

import { type ByteWriter, newCursor, readUtf8, readVarint } from '../base/index.ts';
import { encodeHeaders, forEachHeader } from '../storage/index.ts';
import type { StreamRecord } from './record.ts';

export const writerHeader = 'millrace.writer';

const encoder = new TextEncoder();
const nameBytes = encoder.encode(writerHeader);

/** The headers `{millrace.writer: taskId}`, to be appended with `headersAt` 1. */
export const writerHeaders = (taskId: string): Uint8Array =>
  encodeHeaders([{ key: writerHeader, value: encoder.encode(taskId) }]);

const cursor = newCursor();

/** The position of the first header's value length if that header is the writer's, else −1. */
const writerAt = (bytes: Uint8Array, headersAt: number): number => {
  if (headersAt === 0) return -1;
  cursor.at = headersAt;
  if (!(readVarint(bytes, bytes.length, cursor) > 0)) return -1;
  if (readVarint(bytes, bytes.length, cursor) !== nameBytes.length) return -1;
  const start = cursor.at;
  for (let i = 0; i < nameBytes.length; i++) if (bytes[start + i] !== nameBytes[i]) return -1;
  return start + nameBytes.length;
};

/** The writer that these headers name, or undefined. */
export const readWriter = (bytes: Uint8Array, headersAt: number): string | undefined => {
  const at = writerAt(bytes, headersAt);
  if (at < 0) return undefined;
  cursor.at = at;
  const length = readVarint(bytes, bytes.length, cursor);
  return length < 0 ? undefined : readUtf8(bytes, cursor.at, cursor.at + length);
};

/** Puts the headers at `headersAt` into the record, without the writer's. `out` holds them where others remain. */
export const takeHeaders = (
  record: StreamRecord<unknown>,
  bytes: Uint8Array,
  headersAt: number,
  out: ByteWriter,
): void => {
  record.headerBytes = bytes;
  record.headersAt = headersAt;
  const at = writerAt(bytes, headersAt);
  if (at < 0) return;
  cursor.at = headersAt;
  const count = readVarint(bytes, bytes.length, cursor);
  record.headersAt = 0;
  if (count === 1) return;
  cursor.at = at;
  const length = readVarint(bytes, bytes.length, cursor);
  const rest = cursor.at + Math.max(0, length);
  const end = forEachHeader(bytes, headersAt, bytes.length, undefined);
  out.reset();
  out.i8(0);
  out.varint(count - 1);
  out.bytes(bytes, rest, end);
  record.headerBytes = out.buffer;
  record.headersAt = 1;
};

/** The headers at `headersAt` behind the writer's own (`own` as `writerHeaders` made them): what the first record of a batch is written with. */
export const withWriter = (own: Uint8Array, bytes: Uint8Array, headersAt: number, out: ByteWriter): void => {
  cursor.at = headersAt;
  const count = readVarint(bytes, bytes.length, cursor);
  const rest = cursor.at;
  const end = forEachHeader(bytes, headersAt, bytes.length, undefined);
  out.reset();
  out.i8(0);
  out.varint(count + 1);
  // `own` is a byte of padding, a count of one, and the header.
  out.bytes(own, 2);
  out.bytes(bytes, rest, end);
};

/** Names of writers as small numbers, for one task: of each input the partition itself, or the tasks that write it. */
export class WriterIndex {
  readonly #numbers = new Map<string, number>();
  readonly #names: { readonly topic: string; readonly writer: string }[] = [];

  /** The number of a writer of a topic; `writer` is '' for a plain source partition. */
  of(topic: string, writer: string): number {
    const key = `${topic} ${writer}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#names.length;
    this.#numbers.set(key, number);
    this.#names.push({ topic, writer });
    return number;
  }

  get count(): number {
    return this.#names.length;
  }

  name(number: number): { readonly topic: string; readonly writer: string } {
    return this.#names[number] as { readonly topic: string; readonly writer: string };
  }
}

/** Times live among a store's own small numbers (`StoreMeta`): committed, changelogged and rolled back with it. */
interface Times {
  get(name: string): number | undefined;
  set(name: string, value: number): void;
}

export class OperatorTime {
  readonly #operator: string;
  readonly #index: WriterIndex;
  /** By writer number; NaN: not looked up yet; −Infinity: nothing of that writer came here. */
  #times = new Float64Array(4).fill(Number.NaN);
  /** By writer number; 1: it has sent something in the open transaction. */
  #active = new Uint8Array(4);
  #streamTime = Number.NaN;
  #kept: Times | undefined;

  constructor(operator: string, index: WriterIndex) {
    this.#operator = operator;
    this.#index = index;
  }

  /** Reads times from here on first use, and keeps them here at each commit. Without it they are lost with the task. */
  keepIn(times: Times): void {
    this.#kept ??= times;
  }

  /** The time by which windows expire; moves at commits only. −Infinity before anything was committed. */
  get streamTime(): number {
    if (Number.isNaN(this.#streamTime)) {
      this.#streamTime = this.#kept?.get(`${this.#operator} stream time`) ?? Number.NEGATIVE_INFINITY;
    }
    return this.#streamTime;
  }

  /** The largest timestamp seen of a writer. */
  of(writer: number): number {
    if (writer >= this.#times.length) this.#widen(writer);
    const known = this.#times[writer] as number;
    if (!Number.isNaN(known)) return known;
    return (this.#times[writer] = this.#kept?.get(this.#nameOf(writer)) ?? Number.NEGATIVE_INFINITY);
  }

  #widen(writer: number): void {
    const times = new Float64Array((writer + 1) * 2).fill(Number.NaN);
    times.set(this.#times);
    this.#times = times;
    const active = new Uint8Array(times.length);
    active.set(this.#active);
    this.#active = active;
  }

  /** Takes note of a record of that writer; answers the writer's largest timestamp, this record's included. */
  observe(writer: number, timestamp: number): number {
    if (writer >= this.#times.length) this.#widen(writer);
    this.#active[writer] = 1;
    const known = this.#times[writer] as number;
    if (timestamp <= known) return known;
    if (Number.isNaN(known) && timestamp <= this.of(writer)) return this.of(writer);
    return (this.#times[writer] = timestamp);
  }

  /**
   * At a commit: moves stream time on to the least of the writers that have sent something in this transaction, or that `holdsBack` says
   * may still do so, and puts everything where it is kept. A writer that holds back and never sent anything stops stream time.
   */
  advance(holdsBack: (writer: number) => boolean): void {
    let least = Number.POSITIVE_INFINITY;
    for (let writer = 0; writer < this.#index.count; writer++) {
      const time = this.of(writer);
      const sent = this.#active[writer] === 1;
      if (time < least && (sent || holdsBack(writer))) least = time;
      if (sent) this.#kept?.set(this.#nameOf(writer), time);
    }
    this.#active.fill(0);
    if (least === Number.POSITIVE_INFINITY || least <= this.streamTime) return;
    this.#streamTime = least;
    this.#kept?.set(`${this.#operator} stream time`, least);
  }

  /** Forgets what is not committed: everything is looked up again. */
  rollback(): void {
    this.#times.fill(Number.NaN);
    this.#active.fill(0);
    this.#streamTime = Number.NaN;
  }

  #nameOf(writer: number): string {
    const { topic, writer: name } = this.#index.name(writer);
    return `${this.#operator} time of ${topic} ${name}`;
  }
}
