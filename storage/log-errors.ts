/** The errors of the log's contract, the same in every implementation. */

import { messageOf } from '../base/index.ts';
import { LogError, type TopicPartition } from './log.ts';
import type { BatchFault } from './record-batch.ts';

const show = (target: TopicPartition): string => `${target.topic}/${target.partition}`;

export const closedError = (): LogError => new LogError('unavailable', 'LOG_CLOSED', 'the log is closed');

export const unknownTopic = (target: TopicPartition | string): LogError => {
  const name = typeof target === 'string' ? target : target.topic;
  return new LogError('refused', 'LOG_UNKNOWN_TOPIC', `topic "${name}" does not exist`);
};

/** The topic of this name is not the one that a request names by its id. */
export const topicReplaced = (name: string): LogError =>
  new LogError(
    'refused',
    'LOG_TOPIC_REPLACED',
    `topic "${name}" is not the one that was read so far: it was deleted and created again`,
    { hint: 'Reset what has read the former topic, or delete it and create it again.' },
  );

export const unknownPartition = (target: TopicPartition, partitions: number): LogError =>
  new LogError(
    'refused',
    'LOG_UNKNOWN_PARTITION',
    `topic "${target.topic}" has no partition ${target.partition}; it has ${partitions}`,
  );

export const badBatch = (target: TopicPartition, fault: BatchFault): LogError =>
  new LogError('refused', 'LOG_BAD_BATCH', `the batch for ${show(target)} was refused: ${fault.reason}`);

export const tooLarge = (target: TopicPartition, size: number, limit: number, config: string): LogError =>
  new LogError(
    'refused',
    'LOG_RECORD_TOO_LARGE',
    `a batch of ${size} bytes is larger than topic "${target.topic}" allows (${limit} bytes)`,
    { hint: `Send smaller records, or raise ${config} of the topic.` },
  );

export const fencedError = (transactionalId: string | undefined): LogError =>
  new LogError(
    'fenced',
    'LOG_PRODUCER_FENCED',
    transactionalId === undefined
      ? 'a newer producer took over'
      : `a newer producer with the transactional id "${transactionalId}" took over`,
  );

export const outOfOrder = (target: TopicPartition, expected: number, got: number): LogError =>
  new LogError(
    'refused',
    'LOG_OUT_OF_ORDER_SEQUENCE',
    `a batch for ${show(target)} has sequence number ${got}, expected ${expected}`,
  );

export const offsetOutOfRange = (target: TopicPartition, offset: number, start: number, end: number): LogError =>
  new LogError(
    'refused',
    'LOG_OFFSET_OUT_OF_RANGE',
    `offset ${offset} of ${show(target)} is outside of [${start}, ${end}]`,
  );

export const noTransaction = (): LogError =>
  new LogError('refused', 'LOG_NO_TRANSACTION', 'this producer is transactional and has no open transaction');

export const transactionBroken = (cause: unknown): LogError =>
  new LogError('refused', 'LOG_TRANSACTION_BROKEN', 'a part of this transaction failed; it can only be aborted', {
    cause,
  });

export const metadataTooLarge = (target: TopicPartition): LogError =>
  new LogError(
    'refused',
    'LOG_METADATA_TOO_LARGE',
    `the metadata of the offset for ${show(target)} is longer than 4096 bytes`,
  );

export const badOffset = (target: TopicPartition, offset: number): LogError =>
  new LogError('refused', 'LOG_BAD_OFFSET', `${offset} is not an offset of ${show(target)}`);

export const readFailed = (request: TopicPartition & { readonly offset: number }, cause: unknown): LogError => {
  const why = messageOf(cause);
  const message = `${show(request)} cannot be read from offset ${request.offset} on: ${why}`;
  return new LogError('unavailable', 'LOG_READ_FAILED', message, { cause });
};
