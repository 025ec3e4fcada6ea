/**
 * Event times that a source works out of its records, instead of those that the records carry.
 *
 * A task with several inputs asks for the time of a record before it takes it, so records are read ahead: each row of a
 * block once, in order, and its value is kept until it is run. What a row is given does not depend on how far was
 * looked ahead. Partition time is the largest valid time of the records before; it is kept with the committed
 * positions.
 */

import { messageOf } from '../../base/index.ts';
import { isEventTime } from '../../storage/index.ts';
import { type Block, LastBlock } from '../block.ts';
import type { OperatorContext } from '../operator.ts';
import { StreamRecord } from '../record.ts';

/** Works out the time of a record, epoch milliseconds. A negative number, and whatever is not a whole one, is not
 *  valid. `partitionTime`: −1 before the first valid time. */
export type SourceTime<V> = (record: StreamRecord<V>, partitionTime: number, context: OperatorContext) => number;

/** What becomes of a record whose time is not valid: it is dropped (`invalid-timestamp`), it fails (`context.failed`),
 *  or it gets the partition time; where there is none yet it is dropped. */
export type InvalidTime = 'skip' | 'fail' | 'partition time';

/** What was found out of a row. */
export interface ReadRow<V> {
  readonly value: V | null;
  readonly time: number;
  /** Why the record is not forwarded. */
  readonly fault: RowFault | undefined;
  /** Behind the row. */
  readonly partitionTime: number;
}

export type RowFault =
  | { readonly kind: 'unreadable'; readonly why: string }
  | { readonly kind: 'invalid time'; readonly why: string }
  | { readonly kind: 'failed'; readonly error: unknown };

/** Fills key, value and the record's own time from a row; answers why it cannot be read. */
export type RowReader<V> = (record: StreamRecord<V>, block: Block, row: number) => string | undefined;

export class SourceTimes<V> {
  readonly #time: SourceTime<V>;
  readonly #invalid: InvalidTime;
  readonly #read: RowReader<V>;
  readonly #context: OperatorContext;
  readonly #record = new StreamRecord<V>();
  readonly #last = new LastBlock();
  /** Row of the block that the first of the rows read is. */
  #from = 0;
  #rows: ReadRow<V>[] = [];
  /** Behind the last row read, and behind the last one that was run. */
  #partitionTime = -1;
  #taken = -1;

  constructor(time: SourceTime<V>, invalid: InvalidTime, read: RowReader<V>, context: OperatorContext) {
    this.#time = time;
    this.#invalid = invalid;
    this.#read = read;
    this.#context = context;
  }

  /** As of the last row that was run. */
  get partitionTime(): number {
    return this.#taken;
  }

  /** Goes on behind what was committed. */
  start(partitionTime: number): void {
    this.#taken = partitionTime;
    this.#last.forget();
    this.#rows = [];
  }

  /** The row is run now. */
  take(block: Block, row: number): ReadRow<V> {
    const read = this.at(block, row);
    this.#taken = read.partitionTime;
    return read;
  }

  at(block: Block, row: number): ReadRow<V> {
    if (this.#last.isOther(block)) {
      this.#from = row;
      this.#rows = [];
      this.#partitionTime = this.#taken;
    }
    while (this.#from + this.#rows.length <= row)
      this.#rows.push(this.#readNext(block, this.#from + this.#rows.length));
    return this.#rows[row - this.#from] as ReadRow<V>;
  }

  #readNext(block: Block, row: number): ReadRow<V> {
    const record = this.#record;
    const unreadable = this.#read(record, block, row);
    const { value } = record;
    // What is dropped is taken from the input where it stands, and holds nothing back.
    const fallback = this.#partitionTime >= 0 ? this.#partitionTime : Math.max(0, record.timestamp);
    const fault = (what: RowFault): ReadRow<V> => ({
      value,
      time: fallback,
      fault: what,
      partitionTime: this.#partitionTime,
    });
    if (unreadable !== undefined) return fault({ kind: 'unreadable', why: unreadable });
    let time: number;
    try {
      time = this.#time(record, this.#partitionTime, this.#context);
    } catch (error) {
      return fault({ kind: 'failed', error });
    }
    if (!isEventTime(time)) {
      if (this.#invalid !== 'partition time' || this.#partitionTime < 0)
        return fault({ kind: 'invalid time', why: `the timestamp ${shown(time)} is not valid` });
      time = this.#partitionTime;
    }
    if (time > this.#partitionTime) this.#partitionTime = time;
    return { value, time, fault: undefined, partitionTime: this.#partitionTime };
  }
}

const shown = (time: unknown): string => {
  try {
    return String(time);
  } catch (error) {
    return messageOf(error);
  }
};
