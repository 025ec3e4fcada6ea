/**
 * Join of two tables by a foreign key: (k, left) ⋈ (f, right) → (k, join(left, right)) where f = foreignKey(left). The
 * rows to be joined lie in different partitions, so the left side subscribes to the rows of the right one:
 *
 *   left change ──subscribe──▶ subscription, under f ──▶ right task: keeps it, answers with the row that there is
 *                                                                    │          right change: answers to all of f
 *   left task: compares, joins, emits ◀── answer, under k ◀──────────┘
 *
 * A subscription carries a fingerprint of the left row, and each answer repeats it. An answer is used only if the left
 * row is still that one; else it is stale: a later subscription of the same key is answered later. So rows of two times
 * are never joined, and intermediate results may be left out (as in Kafka Streams). Two left rows of a key with the
 * same content and the same time count as the same row.
 *
 * A left row without a foreign key, and one that was deleted, have no partner: the left task emits at once what becomes
 * of the result (`emitAlone`), and ends the subscription. Inner: nothing goes out for a row that comes without a
 * foreign key; the record is dropped (`null-key`). What finds no row goes out as a deletion only where there was a left
 * row with a foreign key before. Left: it is joined with null.
 *
 * State: in the right task an ordered store: foreign key → primary key → fingerprint, partition. The rows themselves
 * are looked up where both tables have them. The result's time is the later one of both rows. Outdated changes of a
 * versioned table are passed over.
 */

import type { ByteWriter } from '../../base/index.ts';
import { assert, equalBytes, readI32, readI64 } from '../../base/index.ts';
import type { OperatorContext, OperatorSupplier } from '../operator.ts';
import { StreamRecord, unknown } from '../record.ts';
import type { Serde } from '../serde.ts';
import { Answer, asks, Subscription } from './foreign-key-messages.ts';
import type { ViewedTable } from './table-view.ts';

/** Writes the foreign key of a left row; false: it has none. */
export type ForeignKey<L> = (row: L, record: StreamRecord<L>, out: ByteWriter, context: OperatorContext) => boolean;

/** Makes the joined row; `right` is null in left joins only. */
export type JoinForeign<L, R, Out> = (
  left: L,
  right: R | null,
  record: StreamRecord<unknown>,
  context: OperatorContext,
) => Out | null;

export interface ForeignKeyJoin<L, R, Out> {
  readonly left: ViewedTable<L>;
  readonly right: ViewedTable<R>;
  /** Rows of the right side, on their way through the answers. */
  readonly row: Serde<R>;
  readonly foreignKey: ForeignKey<L>;
  readonly join: JoinForeign<L, R, Out>;
  readonly leftJoin: boolean;
  /** The ordered store of the subscriptions. */
  readonly store: string;
}

/** From left changes to subscriptions under the foreign key. */
export const subscribe =
  <L>({
    left,
    foreignKey,
    leftJoin,
  }: Pick<ForeignKeyJoin<L, never, never>, 'left' | 'foreignKey' | 'leftJoin'>): OperatorSupplier<L, Subscription> =>
  (context, forward) => {
    context.usesBefore('needed');
    const fingerprintOf = left.fingerprints(context);
    const oldKey = context.scratch();
    const newKey = context.scratch();
    const subscription = new Subscription();
    subscription.partition = context.partition;
    const out = new StreamRecord<Subscription>();
    const send = (record: StreamRecord<L>, key: ByteWriter, asked: Subscription['asks']): void => {
      out.takeEnvelope(record);
      out.keyBytes = key.buffer;
      out.keyStart = 0;
      out.keyEnd = key.length;
      subscription.asks = asked;
      subscription.keyBytes = record.keyBytes;
      subscription.keyStart = record.keyStart;
      subscription.keyEnd = record.keyEnd;
      out.value = subscription;
      forward(out);
    };
    return {
      process(record) {
        const { before, value } = record;
        if (record.outdated) return;
        if (record.keyStart < 0) return context.drop('null-key', record, 'a row of a table needs a key');
        assert(before !== unknown, 'a table that is joined by a foreign key has the row before');
        oldKey.reset();
        newKey.reset();
        const had = before !== null && foreignKey(before, record, oldKey, context);
        const has = value !== null && foreignKey(value, record, newKey, context);
        if (had && !(has && equalBytes(oldKey.buffer, 0, oldKey.length, newKey.buffer, 0, newKey.length)))
          send(record, oldKey, asks.end);
        if (!has) return;
        subscription.fingerprint = fingerprintOf(record);
        send(record, newKey, leftJoin || had ? asks.always : asks.ifThere);
      },
    };
  };

/** From left changes to results, where the row has no foreign key or is no longer there. */
export const emitAlone =
  <L, Out>({
    foreignKey,
    join,
    leftJoin,
  }: Pick<ForeignKeyJoin<L, never, Out>, 'foreignKey' | 'join' | 'leftJoin'>): OperatorSupplier<L, Out> =>
  (context, forward) => {
    context.usesBefore('needed');
    const key = context.scratch();
    const out = new StreamRecord<Out>();
    const hasKey = (row: L, record: StreamRecord<L>): boolean => {
      key.reset();
      return foreignKey(row, record, key, context);
    };
    return {
      process(record) {
        const { before, value } = record;
        if (record.outdated || record.keyStart < 0 || (value !== null && hasKey(value, record))) return;
        const had = before !== null && before !== unknown && (leftJoin || hasKey(before, record));
        if (value !== null && !leftJoin) context.drop('null-key', record, 'a row without a foreign key is not joined');
        if (!had && (value === null || !leftJoin)) return;
        out.takeEnvelope(record);
        out.value = value === null || !leftJoin ? null : join(value, null, record, context);
        forward(out);
      },
    };
  };

/** What is kept of a subscription: fingerprint i64 · partition i32. */
const keptBytes = 12;

/** From subscriptions to answers; keeps the subscriptions. */
export const answerSubscriptions =
  <R>({
    right,
    row: serde,
    store: name,
  }: Pick<ForeignKeyJoin<never, R, never>, 'right' | 'row' | 'store'>): OperatorSupplier<Subscription, Answer> =>
  (context, forward) => {
    const view = right.open(context);
    const store = context.store(name, 'ordered');
    const kept = context.scratch();
    const bytes = context.scratch();
    const answer = new Answer();
    const out = new StreamRecord<Answer>();
    return {
      process(record) {
        const { keyBytes, keyStart, keyEnd, value: subscription } = record;
        if (keyStart < 0 || subscription === null)
          return context.drop('null-key', record, 'a subscription needs a foreign key');
        const { keyBytes: primary, keyStart: from, keyEnd: to } = subscription;
        if (subscription.asks === asks.end) return store.delete(keyBytes, keyStart, keyEnd, primary, from, to);
        kept.reset();
        kept.i64(subscription.fingerprint);
        kept.i32(subscription.partition);
        if (!store.put(keyBytes, keyStart, keyEnd, primary, from, to, kept.buffer, 0, keptBytes))
          return context.drop('serialization', record, `the keys are too large for the store ${name}`);
        const row = view.find(record);
        if (row === null && subscription.asks === asks.ifThere) return;
        out.takeEnvelope(record);
        out.keyBytes = primary;
        out.keyStart = from;
        out.keyEnd = to;
        if (row !== null && view.timestamp > out.timestamp) out.timestamp = view.timestamp;
        writeRow(answer, row, serde, bytes);
        answer.fingerprint = subscription.fingerprint;
        answer.partition = subscription.partition;
        out.value = answer;
        forward(out);
      },
    };
  };

/** From right changes to answers, one for each subscription to the row. */
export const answerChanges =
  <R>({
    row: serde,
    store: name,
  }: Pick<ForeignKeyJoin<never, R, never>, 'row' | 'store'>): OperatorSupplier<R, Answer> =>
  (context, forward) => {
    const cursor = context.store(name, 'ordered').cursor();
    const bytes = context.scratch();
    const answer = new Answer();
    const out = new StreamRecord<Answer>();
    return {
      process(record) {
        const { keyBytes, keyStart, keyEnd } = record;
        if (record.outdated) return;
        if (keyStart < 0) return context.drop('null-key', record, 'a row of a table needs a key');
        cursor.fetch(keyBytes, keyStart, keyEnd);
        let written = false;
        while (cursor.next()) {
          if (!written) writeRow(answer, record.value, serde, bytes);
          written = true;
          const { valueBytes, orderStart, orderEnd, valueStart } = cursor;
          out.takeEnvelope(record);
          out.keyBytes = valueBytes;
          out.keyStart = orderStart;
          out.keyEnd = orderEnd;
          answer.fingerprint = readI64(valueBytes, valueStart);
          answer.partition = readI32(valueBytes, valueStart + 8);
          out.value = answer;
          forward(out);
        }
      },
    };
  };

const writeRow = <R>(answer: Answer, row: R | null, serde: Serde<R>, out: ByteWriter): void => {
  answer.rowStart = -1;
  if (row === null) return;
  out.reset();
  serde.write(row, out);
  answer.rowBytes = out.buffer;
  answer.rowStart = 0;
  answer.rowEnd = out.length;
};

/** From answers to results. */
export const resolveAnswers =
  <L, R, Out>({
    left,
    row: serde,
    join,
    leftJoin,
  }: Pick<ForeignKeyJoin<L, R, Out>, 'left' | 'row' | 'join' | 'leftJoin'>): OperatorSupplier<Answer, Out> =>
  (context, forward) => {
    const view = left.open(context);
    const fingerprintOf = left.fingerprints(context);
    const out = new StreamRecord<Out>();
    return {
      process(record) {
        const { value: answer } = record;
        if (record.keyStart < 0 || answer === null) return context.drop('null-key', record, 'an answer needs a key');
        if (fingerprintOf(record) !== answer.fingerprint) return;
        const row = view.find(record);
        if (row === null) return;
        out.takeEnvelope(record);
        if (view.timestamp > out.timestamp) out.timestamp = view.timestamp;
        const { rowBytes, rowStart, rowEnd } = answer;
        const partner = rowStart < 0 ? null : serde.read(rowBytes, rowStart, rowEnd);
        out.value = partner === null && !leftJoin ? null : join(row, partner, record, context);
        forward(out);
      },
    };
  };
