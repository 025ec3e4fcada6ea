/**
 * What the two sides of a foreign-key join send each other: subscriptions under the foreign key, answers under the
 * primary key. Both are lent where they are read: valid until the next one.
 *
 *   subscription   kind i8 · fingerprint i64 · partition i32 · primary key
 *   answer         1 (with a row) or 0, i8 · fingerprint i64 · row
 *
 * The fingerprint is that of the left row which the subscription is for; the partition is that of the task that has it.
 */

import { readI32, readI64 } from '../../base/index.ts';
import { type Serde, SerdeError } from '../serde.ts';

/** What a subscription asks for. */
export const asks = {
  /** Nothing more: the row is no longer there, or has another foreign key. */
  end: 0,
  /** An answer now, if there is a row, and with each of its changes. */
  ifThere: 1,
  /** An answer now, whether there is a row or not, and with each of its changes. */
  always: 2,
} as const;
export type Asks = (typeof asks)[keyof typeof asks];

export class Subscription {
  asks: Asks = asks.end;
  fingerprint = 0;
  partition = 0;
  /** The primary key is `keyBytes[keyStart, keyEnd)`. */
  keyBytes: Uint8Array = new Uint8Array(0);
  keyStart = 0;
  keyEnd = 0;
}

const kindBytes = 1;
const fingerprintBytes = 8;
const partitionBytes = 4;
const subscriptionHeadBytes = kindBytes + fingerprintBytes + partitionBytes;

export const subscriptionSerde = (): Serde<Subscription> => {
  const read = new Subscription();
  return {
    name: 'subscription to a foreign key',
    write(subscription, out) {
      out.i8(subscription.asks);
      out.i64(subscription.fingerprint);
      out.i32(subscription.partition);
      out.bytes(subscription.keyBytes, subscription.keyStart, subscription.keyEnd);
    },
    read(bytes, start, end) {
      const kind = bytes[start];
      if (end - start < subscriptionHeadBytes || !(kind === asks.end || kind === asks.ifThere || kind === asks.always))
        throw new SerdeError('not a subscription to a foreign key');
      read.asks = kind;
      read.fingerprint = readI64(bytes, start + kindBytes);
      read.partition = readI32(bytes, start + kindBytes + fingerprintBytes);
      read.keyBytes = bytes;
      read.keyStart = start + subscriptionHeadBytes;
      read.keyEnd = end;
      return read;
    },
  };
};

/** The row as bytes, so that a row which is sent to many is written once. */
export class Answer {
  fingerprint = 0;
  /** Where it goes; not sent. */
  partition = 0;
  /** The row is `rowBytes[rowStart, rowEnd)`; `rowStart` −1: there is none. */
  rowBytes: Uint8Array = new Uint8Array(0);
  rowStart = -1;
  rowEnd = -1;
}

const answerHeadBytes = kindBytes + fingerprintBytes;

export const answerSerde = (): Serde<Answer> => {
  const read = new Answer();
  return {
    name: 'answer to a subscription',
    write(answer, out) {
      out.i8(answer.rowStart < 0 ? 0 : 1);
      out.i64(answer.fingerprint);
      if (answer.rowStart >= 0) out.bytes(answer.rowBytes, answer.rowStart, answer.rowEnd);
    },
    read(bytes, start, end) {
      const has = bytes[start];
      if (end - start < answerHeadBytes || !(has === 0 || has === 1))
        throw new SerdeError('not an answer to a subscription');
      read.fingerprint = readI64(bytes, start + kindBytes);
      read.rowBytes = bytes;
      read.rowStart = has === 1 ? start + answerHeadBytes : -1;
      read.rowEnd = end;
      return read;
    },
  };
};
