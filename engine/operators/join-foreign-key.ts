/**
 * Join of two tables by a foreign key: (k, left) ⋈ (f, right) → (k, join(left, right)) where f = foreignKey(left). The
 * rows to be joined lie in different partitions, so the left side subscribes to the rows of the right one:
 *
 *   left change ──subscribe──▶ subscription, under f ──▶ right task: keeps it, answers with the row that there is
 *        │                                                           │          right change: answers to all of f
 *        ▼                                                           │
 *   left task: joins, emits ◀──resolve── answer, under k ◀───────────┘
 *
 * An answer names the foreign key that it is for, and is used only if that is the left row's foreign key still; else it
 * is stale: a later subscription of the same key is answered later. So a row is never joined with that of another key,
 * and intermediate results may be left out (as in Kafka Streams).
 *
 * The left task keeps what it was answered, by foreign key (`foreign-key-partners.ts`). A left row whose partner is
 * known there is joined at once. If its foreign key is the one of before, nothing is sent: it is subscribed already. If
 * not, its subscription names the right row that was joined, and is answered only where the right task has another one;
 * where there was none it is always answered, since a row may have come and gone meanwhile. What is kept stays up to
 * date as long as the row that it came for is subscribed; so it is dropped when that subscription ends. Where it is
 * older than the right row all the same, since a change of that is on its way, the newer row follows: a right change is
 * answered to every subscription, and a subscription that comes behind it names another row.
 *
 * An answer that finds another left row than the one that has subscribed may be for an earlier subscription of the same
 * foreign key, ended since. It is passed over where the row's own answer is on its way, or where it brings what the row
 * is joined with already (`foreign-key-asked.ts`). Else it is used, and the row subscribes again with what it was
 * joined with: right changes between the two subscriptions were not answered to it.
 *
 * A left row without a foreign key, and one that was deleted, have no partner: the left task emits at once what becomes
 * of the result, and ends the subscription. Inner: nothing goes out for a row that comes without a foreign key; the
 * record is dropped (`null-key`). What finds no row goes out as a deletion only where there was a left row before.
 * Left: it is joined with null.
 *
 * State: in the right task an ordered store: foreign key → primary key → fingerprint of the left row, partition. The
 * rows themselves are looked up where both tables have them. The result's time is the later one of both rows. Outdated
 * changes of a versioned table are passed over.
 */

import type { ByteWriter } from '../../base/index.ts';
import { assert, equalBytes, readI32, readI64 } from '../../base/index.ts';
import type { OperatorContext, OperatorSupplier } from '../operator.ts';
import { isEngineFailure } from '../processing-error.ts';
import { StreamRecord, unknown } from '../record.ts';
import type { Serde } from '../serde.ts';
import type { ChangeVisitor } from '../stores/store.ts';
import { Asked, joinedWith } from './foreign-key-asked.ts';
import { Answer, type Asks, asks, Subscription } from './foreign-key-messages.ts';
import { Partners } from './foreign-key-partners.ts';
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
  /** The ordered store of the subscriptions, in the right task. */
  readonly store: string;
  /** The store of the right rows that the left task was told of (`partnersSpec`). */
  readonly partners: string;
  /** Another such store: of left rows that subscribe again at the end of the transaction, the right row that they were
   *  joined with, i64, and the foreign key. */
  readonly again: string;
  /** Another such store: the left rows whose subscription is not answered yet (`foreign-key-asked.ts`). */
  readonly asked: string;
}

/** The children that left changes lead to, by the names of their nodes. */
export interface SubscribeChildren {
  readonly subscriptions: string;
  readonly results: string;
}

type LeftSide<L, R, Out> = Omit<ForeignKeyJoin<L, R, Out>, 'right' | 'store'>;

/** Sends a subscription of the left row with the record's key; answers the fingerprint of that row. */
const subscriptionsOf = <L>(
  left: ViewedTable<L>,
  context: OperatorContext,
  { subscriptions }: SubscribeChildren,
): ((record: StreamRecord<unknown>, key: ByteWriter, asked: Asks, joined: number) => number) => {
  const forward = context.child<Subscription>(subscriptions);
  const fingerprintOf = left.fingerprints(context);
  const subscription = new Subscription();
  subscription.partition = context.partition;
  const out = new StreamRecord<Subscription>();
  return (record, key, asked, joined) => {
    out.takeEnvelope(record);
    out.keyBytes = key.buffer;
    out.keyStart = 0;
    out.keyEnd = key.length;
    subscription.asks = asked;
    subscription.left = asked === asks.end ? 0 : fingerprintOf(record);
    subscription.joined = joined;
    subscription.keyBytes = record.keyBytes;
    subscription.keyStart = record.keyStart;
    subscription.keyEnd = record.keyEnd;
    out.value = subscription;
    forward(out);
    return subscription.left;
  };
};

/** From left changes to subscriptions under the foreign key, and to the results that are known at once: where the row
 *  has no foreign key, is no longer there, or has a partner that is known here. */
export const subscribe =
  <L, R, Out>(
    {
      left,
      foreignKey,
      leftJoin,
      join,
      row: serde,
      partners: store,
      again: againStore,
      asked: askedStore,
    }: LeftSide<L, R, Out>,
    children: SubscribeChildren,
  ): OperatorSupplier<L, Subscription | Out> =>
  (context) => {
    context.usesBefore('needed');
    const partners = new Partners(context, store);
    const send = subscriptionsOf(left, context, children);
    const view = left.open(context);
    const forwardResult = context.child<Out>(children.results);
    const again = context.store(againStore, 'key-value');
    const asked = new Asked(context, askedStore);
    const oldKey = context.scratch();
    const newKey = context.scratch();
    const result = new StreamRecord<Out>();
    const emit = (record: StreamRecord<L>, timestamp: number, value: Out | null): void => {
      result.takeEnvelope(record);
      result.timestamp = timestamp;
      result.value = value;
      forwardResult(result);
    };
    /** Subscribes a row that is joined with the right row of this fingerprint; 0: with none. */
    const sendJoined = (record: StreamRecord<unknown>, key: ByteWriter, joined: number): void => {
      if (joined !== 0) send(record, key, asks.ifOther, joined);
      // A row may come and go before the subscription arrives, which `ifOther` would not tell.
      else asked.ask(record, send(record, key, asks.always, 0), joinedWith.noRow);
    };
    const subscriber = new StreamRecord<unknown>();
    const askAgain: ChangeVisitor = (keyBytes, keyStart, keyEnd, _before, _from, _to, named, start, end): void => {
      if (start < 0) return;
      subscriber.keyBytes = keyBytes;
      subscriber.keyStart = keyStart;
      subscriber.keyEnd = keyEnd;
      newKey.reset();
      newKey.bytes(named, start + 8, end);
      oldKey.reset();
      if (view.find(subscriber) === null) return;
      subscriber.timestamp = view.timestamp;
      sendJoined(subscriber, newKey, readI64(named, start));
    };
    /** A row that has failed when it came was passed over, and is not subscribed. */
    const hadKey = (before: L, record: StreamRecord<L>): boolean => {
      try {
        return foreignKey(before, record, oldKey, context);
      } catch (error) {
        if (isEngineFailure(error)) throw error;
        return false;
      }
    };
    return {
      process(record) {
        const { before, value, timestamp } = record;
        if (record.outdated) return;
        if (record.keyStart < 0) return context.drop('null-key', record, 'a row of a table needs a key');
        assert(before !== unknown, 'a table that is joined by a foreign key has the row before');
        oldKey.reset();
        newKey.reset();
        const had = before !== null && hadKey(before, record);
        const has = value !== null && foreignKey(value, record, newKey, context);
        const stays = had && has && equalBytes(oldKey.buffer, 0, oldKey.length, newKey.buffer, 0, newKey.length);
        if (had && !stays) {
          send(record, oldKey, asks.end, 0);
          partners.end(oldKey, record);
        }
        if (!has) {
          if (value !== null && !leftJoin)
            context.drop('null-key', record, 'a row without a foreign key is not joined');
          if (value !== null && leftJoin) emit(record, timestamp, join(value, null, record, context));
          else if (had || (leftJoin && before !== null)) emit(record, timestamp, null);
        } else if (!partners.find(newKey)) {
          const left = send(record, newKey, asks.always, 0);
          asked.ask(record, left, before === null && !leftJoin ? joinedWith.nothing : joinedWith.unknown);
        } else {
          const { rowBytes, rowStart, rowEnd } = partners;
          if (!stays) sendJoined(record, newKey, partners.fingerprint);
          asked.join(record, partners.fingerprint, rowStart >= 0);
          if (rowStart >= 0) {
            const partner = serde.read(rowBytes, rowStart, rowEnd);
            emit(record, Math.max(timestamp, partners.timestamp), join(value, partner, record, context));
          } else if (leftJoin) emit(record, timestamp, join(value, null, record, context));
          else if (before !== null) emit(record, timestamp, null);
        }
        if (had && !stays) again.delete(record.keyBytes, record.keyStart, record.keyEnd);
      },
      flush: () => again.visitChanges(askAgain),
    };
  };

/** What is kept of a subscription: left i64 · partition i32. */
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
    const fingerprintOf = right.fingerprints(context);
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
        kept.i64(subscription.left);
        kept.i32(subscription.partition);
        if (!store.put(keyBytes, keyStart, keyEnd, primary, from, to, kept.buffer, 0, keptBytes))
          return context.drop('serialization', record, `the keys are too large for the store ${name}`);
        const ofKept = fingerprintOf(record);
        // The row is made of what is kept: what the left row was joined with is what there is.
        if (subscription.asks === asks.ifOther && subscription.joined === ofKept) return;
        const row = view.find(record);
        const fingerprint = row === null ? 0 : ofKept;
        if (row === null && subscription.asks === asks.ifThere) return;
        out.takeEnvelope(record);
        out.keyBytes = primary;
        out.keyStart = from;
        out.keyEnd = to;
        // The time of a row is not known where a newer one is held back (`suppress.ts`).
        answer.about(record, fingerprint, row === null ? 0 : Math.max(0, view.timestamp));
        if (row !== null && view.timestamp > out.timestamp) out.timestamp = view.timestamp;
        writeRow(answer, row, serde, bytes);
        answer.left = subscription.left;
        answer.partition = subscription.partition;
        out.value = answer;
        forward(out);
      },
    };
  };

/** From right changes to answers, one for each subscription to the row. */
export const answerChanges =
  <R>({
    right,
    row: serde,
    store: name,
  }: Pick<ForeignKeyJoin<never, R, never>, 'right' | 'row' | 'store'>): OperatorSupplier<R, Answer> =>
  (context, forward) => {
    const cursor = context.store(name, 'ordered').cursor();
    const fingerprintOf = right.fingerprints(context);
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
          if (!written) {
            answer.about(record, record.value === null ? 0 : fingerprintOf(record), record.timestamp);
            writeRow(answer, record.value, serde, bytes);
          }
          written = true;
          const { valueBytes, orderStart, orderEnd, valueStart } = cursor;
          out.takeEnvelope(record);
          out.keyBytes = valueBytes;
          out.keyStart = orderStart;
          out.keyEnd = orderEnd;
          answer.left = readI64(valueBytes, valueStart);
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
    foreignKey,
    join,
    leftJoin,
    partners: store,
    again: againStore,
    asked: askedStore,
  }: LeftSide<L, R, Out>): OperatorSupplier<Answer, Out> =>
  (context, forward) => {
    const again = context.store(againStore, 'key-value');
    const asked = new Asked(context, askedStore);
    const named = context.scratch();
    const view = left.open(context);
    const fingerprintOf = left.fingerprints(context);
    const partners = new Partners(context, store);
    const key = context.scratch();
    const probe = new StreamRecord<L>();
    const out = new StreamRecord<Out>();
    const askAgain = (answer: Answer, { keyBytes, keyStart, keyEnd }: StreamRecord<Answer>): void => {
      named.reset();
      named.i64(answer.fingerprint);
      named.bytes(key.buffer, 0, key.length);
      again.put(keyBytes, keyStart, keyEnd, named.buffer, 0, named.length);
    };
    const isFor = (answer: Answer, row: L, record: StreamRecord<Answer>): boolean => {
      // As former builds wrote it: with the fingerprint of the left row.
      if (answer.foreignKeyStart < 0) return fingerprintOf(record) === answer.left;
      probe.takeEnvelope(record);
      probe.value = row;
      key.reset();
      if (!foreignKey(row, probe, key, context)) return false;
      const { foreignKeyBytes, foreignKeyStart, foreignKeyEnd } = answer;
      return equalBytes(key.buffer, 0, key.length, foreignKeyBytes, foreignKeyStart, foreignKeyEnd);
    };
    return {
      process(record) {
        const { value: answer } = record;
        if (record.keyStart < 0 || answer === null) return context.drop('null-key', record, 'an answer needs a key');
        const passedOver = asked.passesOver(answer, record);
        const row = view.find(record);
        if (row === null) return;
        const { timestamp } = view;
        if (!isFor(answer, row, record)) return;
        if (answer.foreignKeyStart >= 0) {
          partners.keep(answer, record);
          // It may have been away meanwhile: right changes of that time were not sent to it.
          const left = fingerprintOf(record);
          if (left !== answer.left && left !== asked.left) askAgain(answer, record);
        }
        if (passedOver) return;
        asked.join(record, answer.fingerprint, answer.rowStart >= 0);
        out.takeEnvelope(record);
        if (timestamp > out.timestamp) out.timestamp = timestamp;
        const { rowBytes, rowStart, rowEnd } = answer;
        const partner = rowStart < 0 ? null : serde.read(rowBytes, rowStart, rowEnd);
        out.value = partner === null && !leftJoin ? null : join(row, partner, record, context);
        forward(out);
      },
    };
  };
