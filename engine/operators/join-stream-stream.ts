/**
 * Join of two streams, by key and time: emits join(l, r) for each left record l and right record r of one key with
 * l.time − before <= r.time <= l.time + after, when the later of the two arrives; the result has the larger time and
 * the headers of the one that arrived. Where a side is outer, its records that meet none are emitted alone, with null
 * for the other side, once their window has closed.
 *
 * Its two parents are `sideOfJoin`s, which tell the sides apart; so one operator sees the time of both. T is the
 * largest time that came, the record in hand included (where origins are mixed: its origin time).
 *
 * Kept. After it was joined, each record is kept in the buffer of its side (`join-buffer.ts`), as long as a record that
 * is not late for it may come: while its time >= T − `keptMs`, which is before + after + grace but for windows with a
 * negative bound. One that is older when it comes is joined with what is kept, but not kept itself (`late`).
 *
 * Alone, with an `alone` store. A record's window is closed when the end of what it looks for, and the grace, lie
 * before T: time + after + grace < T for a left one, time + before + grace < T for a right one. A record of an outer
 * side that has met none waits for that in a third store, the earliest closing first; it is emitted by the record that
 * closes its window, before that one's own results, or at the commit, without headers. What was emitted alone meets
 * none any more; what comes alone after its window has closed is emitted at once. So no record is emitted both alone
 * and joined, however late the other one comes within the grace, and each record of an outer side is emitted at least
 * once. (Kafka Streams emits a record that is out of order alone before its grace has passed, KAFKA-19536, and joins
 * one that it has emitted alone as long as it is kept.)
 *
 * Without an `alone` store a record of an outer side that meets none when it arrives is emitted alone at once, and is
 * kept like others: it may be emitted joined later (Kafka Streams' joins without a grace period, before 3.1).
 *
 * A record without a value is dropped (`null-value`). One without a key is dropped (`null-key`), but emitted alone at
 * once by an outer side (KIP-962). All of them count for T, as in Kafka Streams.
 */

import { assert } from '../../base/index.ts';
import type { Forward, Operator, OperatorContext, OperatorSupplier } from '../operator.ts';
import { StreamRecord } from '../record.ts';
import { AloneRecords } from './join-alone.ts';
import { JoinBuffer, type JoinSide, joinStates } from './join-buffer.ts';
import { closesMs, type JoinTimes, keptMs, whyLate } from './join-times.ts';

export interface StreamStreamJoin<L, R, Out> {
  readonly left: JoinSide<L>;
  readonly right: JoinSide<R>;
  readonly times: JoinTimes;
  readonly outer: 'none' | 'left' | 'right' | 'both';
  /** An ordered store without a retention time, where a side is outer and its records wait for their window to
   *  close. */
  readonly alone?: string;
  /** One of the two is null where a record is emitted alone. `record` has key and time of the result. */
  readonly join: (left: L | null, right: R | null, record: StreamRecord<Out>, context: OperatorContext) => Out | null;
}

/** A record of one of the two streams. One object for each side and task: `value` is that of the record in hand. */
export class OfSide<V> {
  readonly isLeft: boolean;
  value: V | null = null;

  constructor(isLeft: boolean) {
    this.isLeft = isLeft;
  }
}

/** Marks the records of one stream, for the join behind it. State: none. */
export const sideOfJoin =
  <V>(side: 'left' | 'right'): OperatorSupplier<V, OfSide<V>> =>
  (_context, forward) => {
    const out = new StreamRecord<OfSide<V>>();
    const value = new OfSide<V>(side === 'left');
    out.value = value;
    return {
      process(record) {
        out.takeEnvelope(record);
        out.read = record.read;
        value.value = record.value;
        forward(out);
      },
    };
  };

/** A transaction that reads much more time than records are kept for forgets them meanwhile, in so many steps. */
const expiriesWhileKept = 8;

interface Side<V> {
  readonly isLeft: boolean;
  readonly buffer: JoinBuffer<V>;
  /** How far the other record may lie after and before one of this side. */
  readonly aheadMs: number;
  readonly behindMs: number;
  readonly keptMs: number;
  /** A window is closed when T is larger than a record's time and this. */
  readonly closesMs: number;
  readonly outer: boolean;
}

export const joinStreamStream =
  <L, R, Out>(options: StreamStreamJoin<L, R, Out>): OperatorSupplier<OfSide<L> | OfSide<R>, Out> =>
  (context, forward) =>
    new JoinOperator<L, R, Out>(options, context, forward);

class JoinOperator<L, R, Out> implements Operator<OfSide<L> | OfSide<R>> {
  readonly #context: OperatorContext;
  readonly #forward: Forward<Out>;
  readonly #join: StreamStreamJoin<L, R, Out>['join'];
  readonly #left: Side<unknown>;
  readonly #right: Side<unknown>;
  readonly #alone: AloneRecords | undefined;
  readonly #out = new StreamRecord<Out>();
  readonly #expiresEveryMs: number;
  /** When records are forgotten next, in the middle of a transaction. */
  #expiresAt = Number.NEGATIVE_INFINITY;

  constructor(options: StreamStreamJoin<L, R, Out>, context: OperatorContext, forward: Forward<Out>) {
    const { left, right, times, outer, alone, join } = options;
    const { beforeMs, afterMs } = times;
    const kept = keptMs(times);
    const closes = closesMs(times);
    this.#context = context;
    this.#forward = forward;
    this.#join = join;
    // A side's buffer is given the values of that side only.
    this.#left = {
      isLeft: true,
      buffer: new JoinBuffer(context, left as JoinSide<unknown>),
      aheadMs: afterMs,
      behindMs: beforeMs,
      keptMs: kept.left,
      closesMs: closes.left,
      outer: outer === 'left' || outer === 'both',
    };
    this.#right = {
      isLeft: false,
      buffer: new JoinBuffer(context, right as JoinSide<unknown>),
      aheadMs: beforeMs,
      behindMs: afterMs,
      keptMs: kept.right,
      closesMs: closes.right,
      outer: outer === 'right' || outer === 'both',
    };
    this.#alone = alone === undefined ? undefined : new AloneRecords(context, alone);
    this.#expiresEveryMs = Math.max(1, Math.min(kept.left, kept.right) / expiriesWhileKept);
  }

  process(record: StreamRecord<OfSide<L> | OfSide<R>>): void {
    const context = this.#context;
    const { isLeft, value } = record.value as OfSide<unknown>;
    const { timestamp } = record;
    const originTime = context.originTime(timestamp);
    const own = isLeft ? this.#left : this.#right;
    const other = isLeft ? this.#right : this.#left;
    if (value === null) return context.drop('null-value', record, 'a record without a value is not joined');
    if (record.keyStart < 0) {
      if (!own.outer) return context.drop('null-key', record, 'a record without a key is not joined');
      return this.#emit(record, timestamp, own, value, null);
    }
    if (this.#alone !== undefined) this.#emitClosed(context.reachedTime());
    const streamTime = context.streamTime();
    const time = originTime > streamTime ? originTime : streamTime;
    if (time >= this.#expiresAt) this.#expire(time);
    const met = this.#meet(record, value, own, other, time);
    const isAlone = own.outer && !met;
    const waits = isAlone && this.#alone !== undefined;
    const closed = timestamp + own.closesMs < time;
    const isLate = timestamp < time - own.keptMs;
    if (isLate) context.drop('late', record, whyLate(timestamp, own.keptMs, time));
    if (isAlone && (closed || !waits)) this.#emit(record, timestamp, own, value, null);
    if (!isLate && !(waits && closed)) this.#keep(record, value, own, waits);
  }

  /** Joins a record with those of the other side; false: there are none. */
  #meet(
    record: StreamRecord<unknown>,
    value: unknown,
    own: Side<unknown>,
    other: Side<unknown>,
    time: number,
  ): boolean {
    const { buffer, outer, keptMs, closesMs } = other;
    const { timestamp } = record;
    const begin = timestamp - own.behindMs;
    const kept = time - keptMs;
    buffer.fetch(record, begin > kept ? begin : kept, timestamp + own.aheadMs);
    let met = false;
    while (buffer.next()) {
      if (outer && buffer.state === joinStates.alone) {
        // It has closed: it is emitted alone.
        if (buffer.time + closesMs < time) continue;
        this.#alone?.remove(record, other.isLeft, buffer.time + closesMs, buffer.sequence);
        buffer.setMet(record);
      }
      met = true;
      const latest = buffer.time > timestamp ? buffer.time : timestamp;
      this.#emit(record, latest, own, value, buffer.value());
    }
    return met;
  }

  #keep(record: StreamRecord<unknown>, value: unknown, own: Side<unknown>, waits: boolean): void {
    const state = waits ? joinStates.alone : joinStates.met;
    const sequence = own.buffer.keep(record, value, state, this.#context);
    if (waits && sequence >= 0) this.#alone?.add(record, own.isLeft, record.timestamp + own.closesMs, sequence);
  }

  #emit(record: StreamRecord<unknown>, time: number, own: Side<unknown>, value: unknown, other: unknown): void {
    const out = this.#out;
    out.takeEnvelope(record);
    out.timestamp = time;
    // `own` is the side of `value`.
    const left = (own.isLeft ? value : other) as L | null;
    const right = (own.isLeft ? other : value) as R | null;
    out.value = this.#join(left, right, out, this.#context);
    this.#forward(out);
  }

  /** Emits the records of which the window has closed, and takes them out of their buffers. */
  #emitClosed(time: number): void {
    const alone = this.#alone;
    if (alone === undefined || alone.earliest >= time) return;
    const out = this.#out;
    alone.fetch();
    while (alone.next() && alone.closes < time) {
      const { keyBytes, keyStart, keyEnd, closes, sequence } = alone;
      const side = alone.isLeft ? this.#left : this.#right;
      const timestamp = closes - side.closesMs;
      const value = side.buffer.take(keyBytes, keyStart, keyEnd, timestamp, sequence);
      assert(value !== undefined, () => `a record of the store ${side.buffer.name} expired before its window closed`);
      out.keyBytes = keyBytes;
      out.keyStart = keyStart;
      out.keyEnd = keyEnd;
      out.timestamp = timestamp;
      out.headersAt = 0;
      out.partition = out.offset = -1;
      try {
        const left = (side.isLeft ? value : null) as L | null;
        const right = (side.isLeft ? null : value) as R | null;
        out.value = this.#join(left, right, out, this.#context);
        this.#forward(out);
      } catch (error) {
        this.#context.failed(out, error);
      }
      alone.removeCurrent();
    }
  }

  /** Forgets records before the transaction ends. Where records wait alone, their windows have to close first. */
  #expire(time: number): void {
    this.#expiresAt = time + this.#expiresEveryMs;
    if (this.#alone !== undefined) return;
    const reached = this.#context.reachedTime();
    this.#left.buffer.expireBelow(reached - this.#left.keptMs);
    this.#right.buffer.expireBelow(reached - this.#right.keptMs);
  }

  flush(): void {
    const time = this.#context.streamTime();
    this.#emitClosed(time);
    this.#left.buffer.expireBelow(time - this.#left.keptMs);
    this.#right.buffer.expireBelow(time - this.#right.keptMs);
  }

  due(): number {
    return this.#alone === undefined ? Number.POSITIVE_INFINITY : this.#alone.earliest + 1;
  }

  rollback(): void {
    this.#expiresAt = Number.NEGATIVE_INFINITY;
    this.#alone?.rollback();
    this.#left.buffer.rollback();
    this.#right.buffer.rollback();
  }
}
