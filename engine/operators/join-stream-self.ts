/**
 * Join of a stream with itself, by key and time: emits join(a, b) for each two records a and b of one key, a record and
 * itself included, with a.time − before <= b.time <= a.time + after: what an inner join of the stream with itself
 * emits (`join-stream-stream.ts`), from one buffer.
 *
 * A record is joined as a with all that are kept, then as b; both in the order of time, with itself before later ones.
 * State, time, late records, and what is dropped: as there.
 */

import type { OperatorContext, OperatorSupplier } from '../operator.ts';
import { StreamRecord } from '../record.ts';
import { JoinBuffer, type JoinSide, joinStates } from './join-buffer.ts';
import { type JoinTimes, keptMs, whyLate } from './join-times.ts';

export interface StreamSelfJoin<V, Out> {
  /** Its store has the larger of the two retention times (`joinRetention`). */
  readonly side: JoinSide<V>;
  readonly times: JoinTimes;
  readonly join: (a: V, b: V, record: StreamRecord<Out>, context: OperatorContext) => Out | null;
}

export const joinStreamSelf =
  <V, Out>({ side, times, join }: StreamSelfJoin<V, Out>): OperatorSupplier<V, Out> =>
  (context, forward) => {
    const { beforeMs, afterMs } = times;
    const kept = keptMs(times);
    const longestMs = Math.max(kept.left, kept.right);
    const meetsItself = beforeMs >= 0 && afterMs >= 0;
    const buffer = new JoinBuffer<V>(context, side);
    const out = new StreamRecord<Out>();

    const emit = (record: StreamRecord<V>, time: number, a: V, b: V): void => {
      out.takeEnvelope(record);
      out.timestamp = time > record.timestamp ? time : record.timestamp;
      out.value = join(a, b, out, context);
      forward(out);
    };

    return {
      process(record) {
        const { timestamp, value } = record;
        const originTime = context.originTime(timestamp);
        if (value === null) return context.drop('null-value', record, 'a record without a value is not joined');
        if (record.keyStart < 0) return context.drop('null-key', record, 'a record without a key is not joined');
        const time = Math.max(originTime, context.streamTime());
        buffer.fetch(record, Math.max(timestamp - beforeMs, time - kept.right), timestamp + afterMs);
        while (buffer.next()) emit(record, buffer.time, value, buffer.value());
        let isMissing = meetsItself && timestamp >= time - kept.left;
        buffer.fetch(record, Math.max(timestamp - afterMs, time - kept.left), timestamp + beforeMs);
        while (buffer.next()) {
          if (isMissing && buffer.time > timestamp) {
            emit(record, timestamp, value, value);
            isMissing = false;
          }
          emit(record, buffer.time, buffer.value(), value);
        }
        if (isMissing) emit(record, timestamp, value, value);
        if (timestamp < time - longestMs) context.drop('late', record, whyLate(timestamp, longestMs, time));
        else buffer.keep(record, value, joinStates.met, context);
      },
      flush() {
        buffer.expireBelow(context.streamTime() - longestMs);
      },
      rollback() {
        buffer.rollback();
      },
    };
  };
