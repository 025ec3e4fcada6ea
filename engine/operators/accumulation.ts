/**
 * What an aggregate keeps for each group, and how a record changes it: in one of two forms.
 *
 * *By value*: the accumulator is any value; for each record it is read from the store, added to, and written whole
 * (over the one before, where the serde's values all have one length; a number right where it lies).
 *
 * *In place*: every accumulator takes the same number of bytes, and a record changes them where they lie in the store:
 * nothing is decoded, copied or written again. A group is never deleted.
 *
 * Both are kept behind the time of the result, the largest of the group's records (`timestamped.ts`). Both hand on a
 * result that is made of the accumulator; it is lent: valid until the next but one is made, since the results before
 * and after a record are alive together.
 */

import { AssertionError, Copier, copyBytes, readViewI64, writeViewI64 } from '../../base/index.ts';
import type { OperatorContext } from '../operator.ts';
import { type StreamRecord, unknown } from '../record.ts';
import type { Serde } from '../serde.ts';
import type { UpdateCursor } from '../stores/store.ts';
import { type InView, inViewOf } from './numbers-in-view.ts';
import { timestampBytes, timestampOf, writeTimestamped } from './timestamped.ts';

export interface ByValue<V, A, R> {
  readonly form: 'by value';
  readonly accumulator: Serde<A>;
  initialize(): A;
  /** May change the accumulator it is given and return it. Null: the group is deleted. */
  add(accumulator: A, record: StreamRecord<V>, context: OperatorContext): A | null;
  result(accumulator: A, record: StreamRecord<V>, context: OperatorContext): R;
  /** Joins the accumulators of two groups that have become one, the earlier one first; may change the first and return
   *  it. Needed by sessions only. `record` is the one that joins them; undefined: it does not, and was dropped. */
  merge?(accumulator: A, other: A, record: StreamRecord<V>, context: OperatorContext): A | undefined;
}

export interface InPlace<V, R> {
  readonly form: 'in place';
  /** Bytes that each accumulator takes. */
  readonly width: number;
  /** Writes the accumulator of a group without records to the bytes [at, at + width) of the view. */
  initialize(view: DataView, at: number): void;
  /** Changes the accumulator in the bytes [at, at + width) of the view, and no other byte. */
  add(view: DataView, at: number, record: StreamRecord<V>, context: OperatorContext): void;
  result(view: DataView, at: number, record: StreamRecord<V>, context: OperatorContext): R;
  /** Joins the accumulator at `otherAt` of another view to the one in the bytes [at, at + width). False: the record
   *  does not join them, and was dropped. */
  merge?(
    view: DataView,
    at: number,
    other: DataView,
    otherAt: number,
    record: StreamRecord<V>,
    context: OperatorContext,
  ): boolean;
}

export type Accumulation<V, A, R> = ByValue<V, A, R> | InPlace<V, R>;

/** One whose groups can be joined. */
export type MergingAccumulation<V, A, R> =
  | (ByValue<V, A, R> & Required<Pick<ByValue<V, A, R>, 'merge'>>)
  | (InPlace<V, R> & Required<Pick<InPlace<V, R>, 'merge'>>);

/** An accumulation by value, the result of which is the accumulator itself. */
export const byValue = <V, A>(
  accumulator: Serde<A>,
  initialize: () => A,
  add: ByValue<V, A, A>['add'],
): ByValue<V, A, A> => ({ form: 'by value', accumulator, initialize, add, result: (accumulated) => accumulated });

/** What is left to do with a group's entry. */
export const pending = { nothing: 0, put: 1, delete: 2 } as const;
export type Pending = (typeof pending)[keyof typeof pending];

/** Adds records to groups where they lie in their store, for one task. */
export interface Accumulator<V, R> {
  /** Whether an entry has to be found for update. */
  readonly inPlace: boolean;
  /** The entry to put, where `add` answered `put`: `entry[0, entryLength)`. */
  readonly entry: Uint8Array;
  readonly entryLength: number;
  /**
   * Adds the record to the group whose entry is under the cursor (undefined: a new group), and sets value, time and,
   * where it is sent, `before` of `out`: that of a new group is null. Without `out` no results are made.
   */
  add(found: UpdateCursor | undefined, record: StreamRecord<V>, out: StreamRecord<R> | undefined): Pending;
  /** The result of the entry `bytes[start, end)`; lent, as those of `add`. */
  result(bytes: Uint8Array, start: number, end: number, record: StreamRecord<V>): R;
}

export const accumulatorOf = <V, A, R>(
  accumulation: Accumulation<V, A, R>,
  context: OperatorContext,
): Accumulator<V, R> =>
  accumulation.form === 'in place'
    ? inPlaceAccumulator(accumulation, context)
    : byValueAccumulator(accumulation, context);

const inPlaceAccumulator = <V, R>(accumulation: InPlace<V, R>, context: OperatorContext): Accumulator<V, R> => {
  const { width } = accumulation;
  const { sendsBefore } = context;
  const length = timestampBytes + width;
  const entry = new Uint8Array(length);
  const entryView = new DataView(entry.buffer);
  const shown = new Uint8Array(length);
  const shownView = new DataView(shown.buffer);
  const copier = new Copier();
  return {
    inPlace: true,
    entry,
    entryLength: length,
    add(found, record, out) {
      const { timestamp } = record;
      if (found === undefined) {
        writeViewI64(entryView, 0, timestamp);
        accumulation.initialize(entryView, timestampBytes);
        accumulation.add(entryView, timestampBytes, record, context);
        if (out === undefined) return pending.put;
        out.timestamp = timestamp;
        out.before = sendsBefore ? null : unknown;
        out.value = accumulation.result(entryView, timestampBytes, record, context);
        return pending.put;
      }
      const { valueView, valueStart, valueEnd } = found;
      // Not by `assert`: its message would be a closure, made for each record.
      if (valueEnd - valueStart !== length) throw otherLength(valueEnd - valueStart, length);
      const at = valueStart + timestampBytes;
      const latest = readViewI64(valueView, valueStart);
      if (timestamp > latest) writeViewI64(valueView, valueStart, timestamp);
      if (out === undefined) {
        accumulation.add(valueView, at, record, context);
        return pending.nothing;
      }
      out.timestamp = timestamp > latest ? timestamp : latest;
      out.before = sendsBefore ? accumulation.result(valueView, at, record, context) : unknown;
      accumulation.add(valueView, at, record, context);
      out.value = accumulation.result(valueView, at, record, context);
      return pending.nothing;
    },
    result(bytes, start, end, record) {
      if (end - start !== length) throw otherLength(end - start, length);
      copier.copy(bytes, start, end, shown, shownView, 0);
      return accumulation.result(shownView, timestampBytes, record, context);
    },
  };
};

const otherLength = (found: number, length: number): AssertionError =>
  new AssertionError(`an entry takes ${found} bytes, not ${length}`);

const byValueAccumulator = <V, A, R>(accumulation: ByValue<V, A, R>, context: OperatorContext): Accumulator<V, R> => {
  const { accumulator: serde } = accumulation;
  const { sendsBefore } = context;
  const kept = context.scratch();
  const inPlace = serde.length !== undefined;
  const inView = inViewOf(serde);
  const length = timestampBytes + (serde.length ?? 0);

  /** As `add`, of a number that was found. */
  const addInView = (
    numbers: InView<A>,
    { valueView, valueStart }: UpdateCursor,
    record: StreamRecord<V>,
    out: StreamRecord<R> | undefined,
  ): Pending => {
    const at = valueStart + timestampBytes;
    const accumulator = numbers.read(valueView, at);
    const latest = readViewI64(valueView, valueStart);
    const timestamp = latest > record.timestamp ? latest : record.timestamp;
    if (out !== undefined) {
      out.timestamp = timestamp;
      out.before = sendsBefore ? accumulation.result(accumulator, record, context) : unknown;
    }
    const added = accumulation.add(accumulator, record, context);
    if (added === null) {
      if (out !== undefined) out.value = null;
      return pending.delete;
    }
    numbers.write(valueView, at, added);
    if (timestamp !== latest) writeViewI64(valueView, valueStart, timestamp);
    if (out !== undefined) out.value = accumulation.result(added, record, context);
    return pending.nothing;
  };

  return {
    inPlace,
    get entry() {
      return kept.buffer;
    },
    get entryLength() {
      return kept.length;
    },
    add(found, record, out) {
      if (inView !== undefined && found !== undefined && found.valueEnd - found.valueStart === length)
        return addInView(inView, found, record, out);
      let accumulator: A;
      let { timestamp } = record;
      if (out !== undefined) out.before = sendsBefore ? null : unknown;
      if (found === undefined) accumulator = accumulation.initialize();
      else {
        const { valueBytes, valueStart, valueEnd } = found;
        const latest = timestampOf(valueBytes, valueStart);
        if (latest > timestamp) timestamp = latest;
        if (sendsBefore && out !== undefined) {
          // Read for itself: `add` may change what it is given, and the result may be the accumulator itself.
          const before = serde.read(valueBytes, valueStart + timestampBytes, valueEnd);
          out.before = accumulation.result(before, record, context);
        }
        accumulator = serde.read(valueBytes, valueStart + timestampBytes, valueEnd);
      }
      const added = accumulation.add(accumulator, record, context);
      if (out !== undefined) out.timestamp = timestamp;
      if (added === null) {
        if (out !== undefined) out.value = null;
        return pending.delete;
      }
      writeTimestamped(kept, timestamp, added, serde);
      if (out !== undefined) out.value = accumulation.result(added, record, context);
      if (!inPlace || found === undefined || kept.length !== found.valueEnd - found.valueStart) return pending.put;
      copyBytes(kept.buffer, 0, kept.length, found.valueBytes, found.valueStart);
      return pending.nothing;
    },
    result: (bytes, start, end, record) =>
      accumulation.result(serde.read(bytes, start + timestampBytes, end), record, context),
  };
};
