/**
 * What becomes of an exception in code of users: a mapper, a joiner, an aggregator, a processor.
 *
 * Each node is called within a frame that catches (`runtime/task-nodes.ts`), so the record is known that the node
 * failed on, and the node's siblings are not affected. The driver of the task decides: `fail`, which is the default as
 * in Kafka Streams, throws a `ProcessingError`, and the transaction is undone; `continue` drops the record at this node
 * (reason `processing`), what it has forwarded and stored before stays. Failures of our own (asserts, the log, the
 * state directory), and those by which an operator ends the query, are never passed for a record's.
 */

import { AssertionError, messageOf, UserError } from '../base/index.ts';
import { LogError, type RecordHeader } from '../storage/index.ts';
import { ProcessorMisuse } from './misuse.ts';
import { PreparationError, TopicNotKnown } from './operator.ts';
import { KvError } from './stores/ordered-kv.ts';

export interface ProcessingFailure {
  readonly taskId: string;
  readonly node: string;
  /** Of the source record; empty where there is none: in a punctuator, when a window closes, when a processor is
   *  made. */
  readonly topic: string;
  /** −1, and the offset too, where there is no source record. */
  readonly partition: number;
  readonly offset: number;
  /** Event time of the record that the node got, and its key. */
  readonly timestamp: number;
  /** The original key and value of the source record, null where there are none. */
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
  /** What was thrown. */
  readonly error: unknown;
}

export type ProcessingPolicy = (failure: ProcessingFailure) => 'continue' | 'fail';

/** Code of a user's failed on a record, and the policy is to fail. */
export class ProcessingError extends UserError {
  readonly failure: ProcessingFailure;

  constructor(failure: ProcessingFailure) {
    const { error } = failure;
    const hint = error instanceof UserError ? error.hint : undefined;
    super('PROCESSING_FAILED', describeFailure(failure), { cause: error, ...(hint === undefined ? {} : { hint }) });
    this.failure = failure;
  }
}

export const describeFailure = ({ node, taskId, topic, partition, offset, error }: ProcessingFailure): string => {
  const place = topic === '' ? '' : ` on the record ${topic}/${partition} offset ${offset}`;
  return `the node "${node}" failed${place} (task ${taskId}): ${messageOf(error)}`;
};

/** A failure of the engine itself or of what it stands on, one that an operator means to end the query by (a buffer
 *  that is full), or one that was placed already. */
export const isEngineFailure = (error: unknown): boolean =>
  error instanceof AssertionError ||
  (error instanceof UserError && !(error instanceof ProcessorMisuse)) ||
  error instanceof LogError ||
  error instanceof KvError ||
  error instanceof PreparationError ||
  error instanceof TopicNotKnown;
