/**
 * The shapes of functions that operators are given. All of them see the record in hand (lent: it is another one after
 * the call) and the node's context, so that a function can report what it could not work out (`context.drop`) without
 * an operator of its own.
 */

import type { ByteWriter } from '../../base/index.ts';
import type { OperatorContext } from '../operator.ts';
import type { StreamRecord } from '../record.ts';

export type Predicate<V> = (record: StreamRecord<V>, context: OperatorContext) => boolean;

/** `null`: the record is forwarded without a value. */
export type ValueMapper<In, Out> = (record: StreamRecord<In>, context: OperatorContext) => Out | null;

/** The values that a record is replaced by, in order. Each may be lent until the next is asked for. */
export type ValuesMapper<In, Out> = (record: StreamRecord<In>, context: OperatorContext) => Iterable<Out | null>;

/** Writes the bytes of a new key; false: the key is null. */
export type KeyWriter<V> = (record: StreamRecord<V>, out: ByteWriter, context: OperatorContext) => boolean;

/** A function of a table's row, before or after a change: `row` is never null, `record` has its key and time. */
export type RowPredicate<V> = (row: V, record: StreamRecord<V>, context: OperatorContext) => boolean;
export type RowMapper<In, Out> = (row: In, record: StreamRecord<In>, context: OperatorContext) => Out | null;
