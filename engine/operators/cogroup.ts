/**
 * Cogroup: several streams aggregated into one accumulator per key, each by a function of its own. In each stream
 * `sideOfCogroup` sends the function along with the record, so one aggregate behind all of them (plain or windowed) has
 * the records and the time of all.
 *
 * State: none. A record without a value is dropped (`null-value`).
 */

import type { OperatorContext, OperatorSupplier } from '../operator.ts';
import { StreamRecord } from '../record.ts';
import type { ByValue } from './accumulation.ts';

/** A record of one of the streams, and how it is added. Lent, as the record itself. */
export interface Addition<A> {
  addTo(accumulator: A, context: OperatorContext): A | null;
}

export const sideOfCogroup =
  <V, A>(add: ByValue<V, A, unknown>['add']): OperatorSupplier<V, Addition<A>> =>
  (context, forward) => {
    let inHand = new StreamRecord<V>();
    const out = new StreamRecord<Addition<A>>();
    const addition: Addition<A> = { addTo: (accumulator, of) => add(accumulator, inHand, of) };
    return {
      process(record) {
        if (record.value === null)
          return context.drop('null-value', record, 'a record without a value is not aggregated');
        inHand = record;
        out.takeEnvelope(record);
        out.value = addition;
        forward(out);
      },
    };
  };

/** What the aggregate behind the sides does. */
export const addAddition = <A>(
  accumulator: A,
  { value }: StreamRecord<Addition<A>>,
  context: OperatorContext,
): A | null => (value === null ? accumulator : value.addTo(accumulator, context));
