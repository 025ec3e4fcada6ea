/**
 * FlatMap over a stream: (k, v) → (k1, v1), (k2, v2), …: none, one or several records, each with a key of its own and
 * the same time. State: none. The function is called for null keys and values, too. What follows by key needs a
 * repartition.
 *
 * The function sends each record by `emit`, which takes the key as what `writeKey` writes (null: no key).
 */

import type { ByteWriter } from '../../base/index.ts';
import type { OperatorContext, OperatorSupplier } from '../operator.ts';
import { StreamRecord } from '../record.ts';

export interface FlatMapping<In, K, Out> {
  readonly writeKey: (key: K, out: ByteWriter) => void;
  readonly to: (
    record: StreamRecord<In>,
    emit: (key: K | null, value: Out | null) => void,
    context: OperatorContext,
  ) => void;
}

export const flatMap =
  <In, K, Out>({ writeKey, to }: FlatMapping<In, K, Out>): OperatorSupplier<In, Out> =>
  (context, forward) => {
    const out = new StreamRecord<Out>();
    const keyWriter = context.scratch();
    let from: StreamRecord<In> | undefined;
    const emit = (key: K | null, value: Out | null): void => {
      if (from === undefined) return;
      out.takeEnvelope(from);
      out.keyStart = -1;
      out.keyEnd = -1;
      if (key !== null) {
        keyWriter.reset();
        writeKey(key, keyWriter);
        out.keyBytes = keyWriter.buffer;
        out.keyStart = 0;
        out.keyEnd = keyWriter.length;
      }
      out.value = value;
      forward(out);
    };
    return {
      process(record) {
        from = record;
        to(record, emit, context);
        from = undefined;
      },
    };
  };
