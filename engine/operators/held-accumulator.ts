/**
 * An accumulator that an operator holds while it works on it: begun new or read from an entry, joined with others,
 * added to, and written to another entry. For windows that are put together from others (sessions, sliding windows), of
 * which nothing stays where it lies; `accumulatorOf` is for groups that do.
 *
 * A result is lent, as in `accumulation.ts`: valid until the next but one is made.
 */

import { AssertionError, assert, type ByteWriter, copyBytes } from '../../base/index.ts';
import type { OperatorContext } from '../operator.ts';
import type { StreamRecord } from '../record.ts';
import type { Accumulation, ByValue, InPlace } from './accumulation.ts';

/** One for a task. The record is the one in process, for functions that look at it. */
export interface HeldAccumulator<V, R> {
  /** Holds that of a group without records. */
  initialize(): void;
  /** Holds the one that was written to `bytes[start, end)`. */
  read(bytes: Uint8Array, start: number, end: number): void;
  /** Joins another one to it; only where the accumulation can. False: the record was dropped, and nothing is to be
   *  done. */
  merge(bytes: Uint8Array, start: number, end: number, record: StreamRecord<V>): boolean;
  /** False: the group is deleted, and there is nothing to write. */
  add(record: StreamRecord<V>): boolean;
  result(record: StreamRecord<V>): R;
  write(out: ByteWriter): void;
}

export const heldAccumulatorOf = <V, A, R>(
  accumulation: Accumulation<V, A, R>,
  context: OperatorContext,
): HeldAccumulator<V, R> =>
  accumulation.form === 'in place' ? heldBytes(accumulation, context) : heldValue(accumulation, context);

const cannotMerge = 'the accumulation cannot join groups';

const heldBytes = <V, R>(accumulation: InPlace<V, R>, context: OperatorContext): HeldAccumulator<V, R> => {
  const { width } = accumulation;
  const held = new Uint8Array(width);
  const view = new DataView(held.buffer);
  const other = new Uint8Array(width);
  const otherView = new DataView(other.buffer);
  const take = (bytes: Uint8Array, start: number, end: number, into: Uint8Array): void => {
    // Not by `assert`: its message would be a closure, made for each record.
    if (end - start !== width) throw new AssertionError(`an accumulator takes ${end - start} bytes, not ${width}`);
    copyBytes(bytes, start, end, into, 0);
  };
  return {
    initialize() {
      accumulation.initialize(view, 0);
    },
    read(bytes, start, end) {
      take(bytes, start, end, held);
    },
    merge(bytes, start, end, record) {
      assert(accumulation.merge !== undefined, cannotMerge);
      take(bytes, start, end, other);
      return accumulation.merge(view, 0, otherView, 0, record, context);
    },
    add(record) {
      accumulation.add(view, 0, record, context);
      return true;
    },
    result: (record) => accumulation.result(view, 0, record, context),
    write(out) {
      out.bytes(held);
    },
  };
};

const heldValue = <V, A, R>(accumulation: ByValue<V, A, R>, context: OperatorContext): HeldAccumulator<V, R> => {
  const { accumulator: serde } = accumulation;
  let held = accumulation.initialize();
  return {
    initialize() {
      held = accumulation.initialize();
    },
    read(bytes, start, end) {
      held = serde.read(bytes, start, end);
    },
    merge(bytes, start, end, record) {
      assert(accumulation.merge !== undefined, cannotMerge);
      const merged = accumulation.merge(held, serde.read(bytes, start, end), record, context);
      if (merged === undefined) return false;
      held = merged;
      return true;
    },
    add(record) {
      const added = accumulation.add(held, record, context);
      if (added === null) return false;
      held = added;
      return true;
    },
    result: (record) => accumulation.result(held, record, context),
    write(out) {
      serde.write(held, out);
    },
  };
};
