/**
 * What the two sides of a foreign-key join send each other: subscriptions under the foreign key, answers under the
 * primary key. Both are lent where they are read: valid until the next one.
 *
 *   subscription   kind i8 · left i64 · partition i32 [· joined i64, of the kind `ifOther`] · primary key
 *   answer         3 (with a row) or 2, i8 · left i64 · fingerprint i64 · time i64 · length of the foreign key (unsigned
 *                  varint) · foreign key · row
 *   formerly       1 (with a row) or 0, i8 · left i64 · row
 *
 * `left` is the fingerprint of the left row that has subscribed; the partition is that of the task that has it.
 */

import { newCursor, readI32, readI64, readUnsignedVarint } from '../../base/index.ts';
import type { StreamRecord } from '../record.ts';
import { type Serde, SerdeError } from '../serde.ts';

/** What a subscription asks for. */
export const asks = {
  /** Nothing more: the row is no longer there, or has another foreign key. */
  end: 0,
  /** An answer now, if there is a row, and with each of its changes. Only former builds have sent it. */
  ifThere: 1,
  /** An answer now, whether there is a row or not, and with each of its changes. */
  always: 2,
  /** An answer now, if there is another row than `joined`, or none, and with each of its changes. */
  ifOther: 3,
} as const;
export type Asks = (typeof asks)[keyof typeof asks];

export class Subscription {
  asks: Asks = asks.end;
  /** The fingerprint of the left row. */
  left = 0;
  /** The fingerprint of the right row that the left one was joined with, of the kind `ifOther`. */
  joined = 0;
  partition = 0;
  /** The primary key is `keyBytes[keyStart, keyEnd)`. */
  keyBytes: Uint8Array = new Uint8Array(0);
  keyStart = 0;
  keyEnd = 0;
}

const kindBytes = 1;
const fingerprintBytes = 8;
const timeBytes = 8;
const partitionBytes = 4;
const subscriptionHeadBytes = kindBytes + fingerprintBytes + partitionBytes;

const isAsked = (kind: number | undefined): kind is Asks =>
  kind === asks.end || kind === asks.ifThere || kind === asks.always || kind === asks.ifOther;

export const subscriptionSerde = (): Serde<Subscription> => {
  const read = new Subscription();
  return {
    name: 'subscription to a foreign key',
    lends: true,
    write(subscription, out) {
      out.i8(subscription.asks);
      out.i64(subscription.left);
      out.i32(subscription.partition);
      if (subscription.asks === asks.ifOther) out.i64(subscription.joined);
      out.bytes(subscription.keyBytes, subscription.keyStart, subscription.keyEnd);
    },
    read(bytes, start, end) {
      const kind = bytes[start];
      const headBytes = subscriptionHeadBytes + (kind === asks.ifOther ? fingerprintBytes : 0);
      if (end - start < headBytes || !isAsked(kind)) throw new SerdeError('not a subscription to a foreign key');
      read.asks = kind;
      read.left = readI64(bytes, start + kindBytes);
      read.joined = kind === asks.ifOther ? readI64(bytes, start + subscriptionHeadBytes) : 0;
      read.partition = readI32(bytes, start + kindBytes + fingerprintBytes);
      read.keyBytes = bytes;
      read.keyStart = start + headBytes;
      read.keyEnd = end;
      return read;
    },
  };
};

const noBytes = new Uint8Array(0);

/** Foreign key and row as bytes, so that a row which is sent to many is written once. */
export class Answer {
  /** The fingerprint of the left row that has subscribed. */
  left = 0;
  /** Tells the right row from others of its key; 0 where there is none. */
  fingerprint = 0;
  /** Event time of the right row; 0 where there is none. */
  timestamp = 0;
  /** Where it goes; not sent. */
  partition = 0;
  /** The foreign key is `foreignKeyBytes[foreignKeyStart, foreignKeyEnd)`. `foreignKeyStart` −1: a former build has
   *  written the answer. */
  foreignKeyBytes: Uint8Array = noBytes;
  foreignKeyStart = -1;
  foreignKeyEnd = -1;
  /** The row is `rowBytes[rowStart, rowEnd)`; `rowStart` −1: there is none. */
  rowBytes: Uint8Array = noBytes;
  rowStart = -1;
  rowEnd = -1;

  /** Takes the foreign key from a record that has it as its key. */
  about({ keyBytes, keyStart, keyEnd }: StreamRecord<unknown>, fingerprint: number, timestamp: number): void {
    this.foreignKeyBytes = keyBytes;
    this.foreignKeyStart = keyStart;
    this.foreignKeyEnd = keyEnd;
    this.fingerprint = fingerprint;
    this.timestamp = timestamp;
  }
}

const formerHeadBytes = kindBytes + fingerprintBytes;
const answerHeadBytes = formerHeadBytes + fingerprintBytes + timeBytes;

export const answerSerde = (): Serde<Answer> => {
  const read = new Answer();
  const cursor = newCursor();
  return {
    name: 'answer to a subscription',
    lends: true,
    write(answer, out) {
      const { foreignKeyBytes, foreignKeyStart, foreignKeyEnd } = answer;
      out.i8(answer.rowStart < 0 ? 2 : 3);
      out.i64(answer.left);
      out.i64(answer.fingerprint);
      out.i64(answer.timestamp);
      out.unsignedVarint(foreignKeyEnd - foreignKeyStart);
      out.bytes(foreignKeyBytes, foreignKeyStart, foreignKeyEnd);
      if (answer.rowStart >= 0) out.bytes(answer.rowBytes, answer.rowStart, answer.rowEnd);
    },
    read(bytes, start, end) {
      const kind = bytes[start];
      const isFormer = kind === 0 || kind === 1;
      if (end - start < (isFormer ? formerHeadBytes : answerHeadBytes + 1) || !(isFormer || kind === 2 || kind === 3))
        throw new SerdeError('not an answer to a subscription');
      read.left = readI64(bytes, start + kindBytes);
      let rowAt = start + formerHeadBytes;
      if (isFormer) read.foreignKeyStart = -1;
      else {
        read.fingerprint = readI64(bytes, start + formerHeadBytes);
        read.timestamp = readI64(bytes, start + formerHeadBytes + fingerprintBytes);
        cursor.at = start + answerHeadBytes;
        const length = readUnsignedVarint(bytes, end, cursor);
        if (!(length <= end - cursor.at))
          throw new SerdeError('an answer to a subscription ends within its foreign key');
        read.foreignKeyBytes = bytes;
        read.foreignKeyStart = cursor.at;
        rowAt = read.foreignKeyEnd = cursor.at + length;
      }
      read.rowBytes = bytes;
      read.rowStart = kind === 1 || kind === 3 ? rowAt : -1;
      read.rowEnd = end;
      return read;
    },
  };
};
