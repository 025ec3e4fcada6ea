/**
 * New keys for records: of other columns (`rekey`: PARTITION BY, GROUP BY, a join on another column), or the same
 * columns in another format (`recodeKeys`), so that equal keys are equal bytes where they meet.
 */

import { type OperatorContext, type OperatorSupplier, SerdeError, StreamRecord } from '../../engine/index.ts';
import type { NamedExpression } from '../analyze/logical.ts';
import { columnsOf } from '../analyze/typed.ts';
import type { ColumnScope } from '../evaluate/closure.ts';
import type { FormatChoice } from '../formats/choices.ts';
import type { Schema } from '../types/schema.ts';
import type { Row, Value } from '../types/value.ts';
import type { CompileEnvironment } from './environment.ts';
import { keyRecoder, keyWriter } from './keys.ts';
import { causeOf, compileAll, noteParts, type RowOf, rowMaker } from './select.ts';

interface Rekeying {
  readonly keys: readonly NamedExpression[];
  readonly items: readonly NamedExpression[];
  readonly schema: Schema;
  readonly keyFormat: FormatChoice;
  readonly scope: () => ColumnScope;
  readonly environment: CompileEnvironment;
  /** What happens to a record whose new key has a part that is NULL or failed. */
  readonly nulls: 'keep' | 'drop';
}

/** Gives records another key and keeps the columns that are needed behind it. */
export const rekey =
  ({ keys, items, schema, keyFormat, scope: makeScope, environment, nulls }: Rekeying): OperatorSupplier<Row, Row> =>
  (context, forward) => {
    const scope = makeScope();
    const evaluators = compileAll(
      keys.map((key) => key.expression),
      scope,
      environment,
    );
    // A NULL record still has a key: what is made of that alone is evaluated, the rest is NULL.
    const ofKeyOnly = keys.map((key) => columnsOf(key.expression).every((column) => column.from === 'key'));
    const writer = keyWriter(schema.key, keyFormat);
    const row: RowOf = rowMaker(items, scope, environment);
    const values: Row = new Array<Value>(keys.length).fill(null);
    const key = context.scratch();
    const out = new StreamRecord<Row>();
    /** False: the key is NULL. */
    const evaluate = (record: StreamRecord<Row>, within: OperatorContext): boolean => {
      let complete = true;
      for (let i = 0; i < evaluators.length; i++) {
        values[i] = null;
        if (record.value === null && !(ofKeyOnly[i] as boolean)) {
          complete = false;
          continue;
        }
        try {
          values[i] = (evaluators[i] as (typeof evaluators)[number])(record);
        } catch (error) {
          within.drop(
            'processing',
            record,
            `the key column "${(keys[i] as NamedExpression).name}" is NULL: ${causeOf(error)}`,
          );
        }
        if (values[i] === null) complete = false;
      }
      noteParts(record, within);
      if (nulls === 'drop' && !complete) {
        within.drop('null-key', record, 'a grouping expression is NULL');
        return false;
      }
      key.reset();
      return writer.write(values, key);
    };
    return {
      process(record) {
        const present = evaluate(record, context);
        if (!present && nulls === 'drop') return;
        out.takeEnvelope(record);
        out.keyBytes = key.buffer;
        out.keyStart = present ? 0 : -1;
        out.keyEnd = present ? key.length : -1;
        out.value = record.value === null ? null : row(record, context);
        forward(out);
      },
    };
  };

interface Recoding {
  /** The schema with its key as the bytes have it. */
  readonly schema: Schema;
  readonly from: FormatChoice;
  readonly to: FormatChoice;
}

/** Writes the keys of a table's records in another format; deletions keep their key too. A record without a key goes on
 *  without one. */
export const recodeKeys =
  ({ schema, from, to }: Recoding): OperatorSupplier<Row, Row> =>
  (context, forward) => {
    const recode = keyRecoder(schema, from, to);
    const key = context.scratch();
    const out = new StreamRecord<Row>();
    return {
      process(record) {
        key.reset();
        let present: boolean;
        try {
          present = recode(record, key);
        } catch (error) {
          if (!(error instanceof SerdeError)) throw error;
          return context.drop('serialization', record, `the key cannot be written as ${to.name}: ${error.message}`);
        }
        out.takeEnvelope(record);
        out.keyBytes = key.buffer;
        out.keyStart = present ? 0 : -1;
        out.keyEnd = present ? key.length : -1;
        out.value = record.value;
        forward(out);
      },
    };
  };
