/**
 * What becomes of a record that a query could not read, process or write.
 *
 *   deserialization   its key or value cannot be read, or its timestamp makes no sense
 *   processing        a function of the topology has thrown
 *   production        a result cannot be written: no serde takes it, or it is too large for its topic
 *
 * For each of these a policy: `continue` leaves the record out; it is counted, gets a row in the processing log, and
 * goes to the dead letters where there is a topic for them (`dead-letters.ts`), all within the query's transaction.
 * `fail` ends the run, and the transaction with it. A function decides record by record; it runs where the task runs,
 * must not wait, and may be asked again about the same record after a rollback. What it throws ends the run.
 *
 * Records that are left out for other reasons (late, without a key that is needed) are no errors.
 */

import { messageOf, UserError } from '../../base/index.ts';
import type { RecordHeader } from '../../storage/index.ts';
import type { DropReason } from '../operator.ts';
import type { ProcessingFailure } from '../processing-error.ts';
import type { Drop } from './drops.ts';

export type RecordErrorKind = 'deserialization' | 'processing' | 'production';

export interface RecordError {
  readonly kind: RecordErrorKind;
  /** `<sub-topology>_<partition>`. */
  readonly taskId: string;
  /** The node that met the error. */
  readonly node: string;
  /** Where the record was read that is to blame; '' where it is not known, for a result that no single record made. */
  readonly topic: string;
  /** −1, and the offset too, where not known. */
  readonly partition: number;
  readonly offset: number;
  /** Epoch milliseconds. */
  readonly timestamp: number;
  /** The record as it was read. */
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
  readonly message: string;
  /** What was thrown, where the error is one that was thrown. */
  readonly cause: unknown;
}

export type RecordErrorAnswer = 'continue' | 'fail';
export type RecordErrorPolicy = RecordErrorAnswer | ((error: RecordError) => RecordErrorAnswer);

export type RecordErrorPolicies = { readonly [K in RecordErrorKind]?: RecordErrorPolicy };

/** What bad data does stops no stream; what a program's own function throws is for the program to decide. */
const defaults: { readonly [K in RecordErrorKind]: RecordErrorAnswer } = {
  deserialization: 'continue',
  processing: 'fail',
  production: 'continue',
};

/** The kind of error that a drop is; undefined: it is none. */
const kindOf: { readonly [R in DropReason]: RecordErrorKind | undefined } = {
  deserialization: 'deserialization',
  'invalid-timestamp': 'deserialization',
  processing: 'processing',
  serialization: 'production',
  late: undefined,
  'null-key': undefined,
  'null-value': undefined,
  deleted: undefined,
};

/** A record could not be read or written, and the policy is to fail. */
export class RecordFailed extends UserError {
  constructor({ kind, node, topic, partition, offset, message }: RecordError) {
    const place = topic === '' ? '' : ` of the record ${topic}/${partition} offset ${offset}`;
    super('QUERY_RECORD_FAILED', `${kind}${place} failed in the node "${node}": ${message}`, {
      hint: `Correct the record's producer; or let the application continue without such records (onError: { ${kind}: 'continue' }), with a topic for dead letters if none may be lost.`,
    });
  }
}

const answerOf = (policy: RecordErrorPolicy, error: RecordError): RecordErrorAnswer => {
  if (typeof policy !== 'function') return policy;
  let answer: unknown;
  try {
    answer = policy(error);
  } catch (cause) {
    const why = `the policy for ${error.kind} errors has failed: ${messageOf(cause)}`;
    throw new UserError('RECORD_POLICY_INVALID', why, { cause });
  }
  if (answer === 'continue' || answer === 'fail') return answer;
  throw new UserError('RECORD_POLICY_INVALID', `the policy for ${error.kind} errors answered ${String(answer)}`, {
    hint: "Answer 'continue' or 'fail', without a promise.",
  });
};

/** Decides about the errors of one task, and passes on what is left out. */
export class RecordErrors {
  readonly #policies: RecordErrorPolicies;
  readonly #leaveOut: (drop: Drop, error: RecordError | undefined) => void;
  /** The exception that the next drop is about. */
  #thrown: unknown;

  /** `leaveOut` gets every drop, with the error that it is, if it is one. */
  constructor(policies: RecordErrorPolicies, leaveOut: (drop: Drop, error: RecordError | undefined) => void) {
    this.#policies = policies;
    this.#leaveOut = leaveOut;
  }

  /** A node has thrown. After `continue` the drop of its record follows. */
  thrown({ error: cause, ...place }: ProcessingFailure): RecordErrorAnswer {
    const error: RecordError = { ...place, kind: 'processing', message: messageOf(cause), cause };
    const answer = answerOf(this.#policies.processing ?? defaults.processing, error);
    if (answer === 'continue') this.#thrown = cause;
    return answer;
  }

  drop(drop: Drop): void {
    const { reason, detail: message, ...place } = drop;
    const kind = kindOf[reason];
    if (kind === undefined) {
      this.#leaveOut(drop, undefined);
      return;
    }
    const error: RecordError = { ...place, kind, message, cause: this.#thrown };
    this.#thrown = undefined;
    // What a node has thrown was decided before; what an expression could not compute has no policy.
    if (kind !== 'processing' && answerOf(this.#policies[kind] ?? defaults[kind], error) === 'fail')
      throw new RecordFailed(error);
    this.#leaveOut(drop, error);
  }
}
