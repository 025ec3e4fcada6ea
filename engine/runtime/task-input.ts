/**
 * One source partition of a task: the blocks that wait, the position, and how far it is in time.
 *
 * The driver of the task sees it as a `TaskInput`; the task itself moves it on.
 */

import { assert } from '../../base/index.ts';
import type { Block } from '../block.ts';
import { PreparationError, type SourceOperator } from '../operator.ts';
import type { SourceKind } from '../topology-nodes.ts';

/** Blocks that an input may have waiting before it takes no more. */
const blocksAhead = 2;

/** One source partition of a task, as the driver sees it. */
export interface TaskInput {
  /** Its index in `task.inputs`. */
  readonly index: number;
  readonly topic: string;
  readonly partition: number;
  readonly kind: SourceKind;
  readonly repartition: boolean;
  /** The next offset to process; −1 before `start`. */
  readonly position: number;
  /** The offset to read next: behind all that was offered. */
  readonly fetchOffset: number;
  /** Another block may be offered. */
  readonly wanting: boolean;
  /** Nothing is buffered and the readable end is reached. */
  readonly drained: boolean;
  /** Processed so far, again after a rollback. */
  readonly records: number;
  /** Processed since the last commit. */
  readonly pending: number;
  /** Of the record that was processed last; −Infinity before the first. */
  readonly time: number;
  /** Blocks that wait. */
  readonly buffered: number;
}

/** Told when a block that a source had to prepare (`SourceOperator.prepare`) can be stepped, or why it cannot. */
export interface Preparation {
  ready(): void;
  failed(error: unknown): void;
}

const unknownEnd = -1;

export class BufferedInput implements TaskInput {
  readonly index: number;
  readonly topic: string;
  readonly partition: number;
  readonly kind: SourceKind;
  readonly repartition: boolean;
  readonly sources: SourceOperator[] = [];
  readonly #queue: Block[] = [];
  /** Blocks of the queue that a source still prepares. */
  readonly #preparing = new Map<Block, Promise<unknown>>();
  readonly #preparation: Preparation | undefined;
  /** It is read before inputs that are not, to where its partition ended when it was first looked at; −1: not known
   *  yet. */
  bootstrap = false;
  bootstrapEnd = -1;
  /** Row of the first block that is next. */
  row = 0;
  /** The stores of the task know of the first block. */
  announced = false;
  /** Event time of the next record, where it was asked for; else NaN. */
  #headTime = Number.NaN;
  /** Batch of the first block that `row` lies in. */
  batch = 0;
  position = -1;
  fetchOffset = -1;
  /** Processed so far, again after a rollback. */
  records = 0;
  #readableEnd = unknownEnd;
  /** See `InputTime`. */
  time = Number.NEGATIVE_INFINITY;
  carried = false;
  #settledRecords = 0;
  #committedTime = Number.NEGATIVE_INFINITY;
  #committedCarried = false;

  constructor(
    index: number,
    { topic, kind, repartition }: Pick<TaskInput, 'topic' | 'kind' | 'repartition'>,
    partition: number,
    preparation: Preparation | undefined,
  ) {
    this.index = index;
    this.topic = topic;
    this.partition = partition;
    this.kind = kind;
    this.repartition = repartition;
    this.#preparation = preparation;
  }

  /** The first block can be stepped; there is one. */
  get prepared(): boolean {
    return this.#preparing.size === 0 || !this.#preparing.has(this.head());
  }

  get atEnd(): boolean {
    return this.#readableEnd !== unknownEnd && this.fetchOffset >= this.#readableEnd;
  }

  get wanting(): boolean {
    return this.#queue.length < blocksAhead;
  }

  get buffered(): number {
    return this.#queue.length;
  }

  get empty(): boolean {
    return this.#queue.length === 0;
  }

  get drained(): boolean {
    return this.empty && this.atEnd;
  }

  /** Nothing else has to wait for it. */
  get bootstrapped(): boolean {
    return !this.bootstrap || (this.bootstrapEnd >= 0 && this.position >= this.bootstrapEnd);
  }

  /** Begins at this offset, with nothing buffered. */
  start(offset: number): void {
    this.#settledRecords = this.records;
    this.clear();
    this.position = offset;
    this.fetchOffset = offset;
  }

  /** Takes a block that `fetchOffset` lies in; records before that are skipped. */
  offer(block: Block, readableEnd: number): void {
    assert(this.fetchOffset >= 0, `the input ${this.topic}-${this.partition} was not started`);
    assert(block.nextOffset >= this.fetchOffset, () => `a block of ${this.topic} ends before the offset to read next`);
    const row = rowFrom(block, this.fetchOffset);
    this.#setEnd(readableEnd);
    this.fetchOffset = block.nextOffset;
    if (row < block.columns.count) {
      if (this.empty) this.row = row;
      this.#queue.push(block);
      this.#prepare(block, row);
    } else {
      block.release();
      if (this.empty) this.position = this.fetchOffset;
    }
  }

  #setEnd(readableEnd: number): void {
    this.#readableEnd = readableEnd;
    if (this.bootstrapEnd < 0) this.bootstrapEnd = readableEnd;
  }

  /** Lets the sources fetch what they need for a block that has just come. */
  #prepare(block: Block, from: number): void {
    const begun: Promise<void>[] = [];
    for (const source of this.sources) {
      const one = source.prepare?.(block, from);
      if (one !== undefined) begun.push(one);
    }
    if (begun.length === 0) return;
    const { topic } = this;
    const preparation = this.#preparation;
    assert(
      preparation !== undefined,
      `a source of ${topic} prepares a block, and the task's driver cannot wait for it`,
    );
    const all = Promise.all(begun);
    this.#preparing.set(block, all);
    // After a rollback the block's memory may be in use for another one.
    const isCurrent = (): boolean => this.#preparing.get(block) === all;
    all.then(
      () => {
        if (!isCurrent()) return;
        this.#preparing.delete(block);
        preparation.ready();
      },
      (error: unknown) => {
        if (isCurrent()) preparation.failed(new PreparationError(topic, error));
      },
    );
  }

  /** There is nothing to read between `fetchOffset` and `nextOffset`; `readableEnd` is −1 where it is not known. */
  sawEnd(nextOffset: number, readableEnd: number): void {
    this.#setEnd(readableEnd);
    if (nextOffset > this.fetchOffset) this.fetchOffset = nextOffset;
    if (this.empty) this.position = this.fetchOffset;
  }

  /** The block with the next record; there is one. */
  head(): Block {
    return this.#queue[0] as Block;
  }

  /** Event time of the next record; there is one. */
  headTime(): number {
    let time = this.#headTime;
    if (Number.isNaN(time)) this.#headTime = time = this.timeAt(this.head(), this.row);
    return time;
  }

  timeAt(block: Block, row: number): number {
    const source = this.sources[0] as SourceOperator;
    return source.timestampAt === undefined ? (block.columns.timestamp[row] as number) : source.timestampAt(block, row);
  }

  /** The first of the rows [from, to) whose time lies after `bound`, else `to`. */
  firstAfter(block: Block, from: number, to: number, bound: number): number {
    let row = from;
    if ((this.sources[0] as SourceOperator).timestampAt !== undefined) {
      while (row < to && this.timeAt(block, row) <= bound) row++;
      return row;
    }
    const { timestamp } = block.columns;
    while (row < to && (timestamp[row] as number) <= bound) row++;
    return row;
  }

  /** The rows of the first block up to `to` were processed. */
  advance(to: number): void {
    const block = this.head();
    this.records += to - this.row;
    this.#noteTime(block, to);
    this.row = to;
    this.#headTime = Number.NaN;
    const { count } = block.columns;
    if (to < count) {
      this.position = block.columns.offset[to] as number;
      return;
    }
    this.position = block.nextOffset;
    this.#queue.shift();
    const next = this.#queue[0];
    this.row = next === undefined ? 0 : rowFrom(next, this.position);
    this.batch = 0;
    this.announced = false;
    block.release();
    if (next === undefined) this.position = this.fetchOffset;
  }

  #noteTime(block: Block, to: number): void {
    this.carried = false;
    if (block.carriesTimes) {
      while (block.batchRow(this.batch + 1) < to) this.batch++;
      const low = block.batchLow(this.batch);
      this.carried = !Number.isNaN(low);
      if (this.carried) this.time = low;
    }
    if (!this.carried) this.time = this.timeAt(block, to - 1);
  }

  get pending(): number {
    return this.records - this.#settledRecords;
  }

  commit(): void {
    this.#settledRecords = this.records;
    this.#committedTime = this.time;
    this.#committedCarried = this.carried;
  }

  /** Releases all blocks; the readable end is not known any more, and the time is that of the last commit. */
  clear(): void {
    for (const block of this.#queue) block.release();
    this.#queue.length = 0;
    this.#preparing.clear();
    this.row = 0;
    this.batch = 0;
    this.announced = false;
    this.#headTime = Number.NaN;
    this.#readableEnd = unknownEnd;
    this.time = this.#committedTime;
    this.carried = this.#committedCarried;
  }
}

/** The first row that does not lie before this offset; the number of rows when all do. */
const rowFrom = ({ columns: { offset, count } }: Block, from: number): number => {
  if (count === 0 || (offset[0] as number) >= from) return 0;
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((offset[middle] as number) < from) low = middle + 1;
    else high = middle;
  }
  return low;
};
